// What did this call use, and was there room for it?
//
// One tab a call, from its arrival to its outcome, and none where no rule counts anything. What is
// counted before a call is decided (calls, where they come from) is on disk before the rules look;
// what only its end tells (rows, bytes, refusals) is counted then, in order, without waiting. A
// count that cannot be made refuses the call.

import JSON

package struct UsageDesk: Sendable {
    private let plan: UsagePlan
    private let store: (any UsageStore)?
    private let places = Places()
    private let now: @Sendable () -> Int

    init(
        policy: Policy, store: (any UsageStore)?, now: @escaping @Sendable () -> Int
    ) {
        plan = UsagePlan(policy)
        self.store = store
        self.now = now
    }

    func tab(for arrived: ArrivedCall) -> UsageTab {
        UsageTab(
            plan: plan, store: store, places: places, keys: UsageKeys(arrived: arrived), clock: now)
    }
}

struct UsageTab: ~Copyable {
    private let plan: UsagePlan
    private let store: (any UsageStore)?
    private let places: Places
    private let keys: UsageKeys
    private let clock: @Sendable () -> Int
    private var now: Int
    private var isCounted = false
    /// Nothing is taken from any limit before it may run.
    private(set) var isComingBack = false
    private var parts: [UsageDraw.Part] = []
    /// What it took from the limits.
    private var drawn: UsageDraw?
    private var held: [Digest32] = []

    init(
        plan: UsagePlan, store: (any UsageStore)?, places: Places, keys: UsageKeys,
        clock: @escaping @Sendable () -> Int
    ) {
        self.plan = plan
        self.store = store
        self.places = places
        self.keys = keys
        self.clock = clock
        now = clock()
    }

    /// A call that was held comes for its answer: it was counted when it was made.
    mutating func comeBack() {
        isCounted = true
        isComingBack = true
    }

    /// For a call that waited and is judged again: what it took is given back, so that it counts
    /// when it runs, and once.
    mutating func beginAnew() async throws(Refusal) {
        for key in held { places.leave(key) }
        held = []
        parts = []
        isComingBack = false
        now = clock()
        guard let drawn else { return }
        self.drawn = nil
        guard let store else { throw .uncounted }
        do throws(StateError) {
            try await store.perform { (ledger) throws(StateError) in
                try drawn.giveBack(on: ledger)
            }
        } catch { throw Refusal(error) }
    }

    /// What rules may ask about this moment, the call itself counted.
    mutating func moment(for tool: Tool) async throws(Refusal) -> Moment {
        if plan.asked.isEmpty { return Moment(usage: [:]) }
        guard let store else { throw .uncounted }
        let reading = UsageReading(
            asked: plan.asked, keys: keys, tool: tool, now: now, counts: !isCounted)
        isCounted = true
        do throws(StateError) {
            let usage = try await store.perform { (ledger) throws(StateError) in
                try reading.facts(on: ledger)
            }
            return Moment(usage: usage)
        } catch { throw Refusal(error) }
    }

    /// These limits apply to the call, whatever becomes of it.
    mutating func apply(_ rules: [Rule], to tool: Tool) {
        parts = rules.compactMap { rule in
            rule.quota.map {
                UsageDraw.Part(rule: rule, quota: $0, key: keys.quota(rule, $0, tool))
            }
        }
    }

    /// Takes what the call needs from every limit that applies, and answers which of those that
    /// only observe had no room.
    mutating func draw() async throws(Refusal) -> [Rule] {
        guard !parts.isEmpty, !isComingBack else { return [] }
        let draw = UsageDraw(parts: parts, now: now)
        var crowded: [Rule] = []
        for part in parts where part.quota.measure == .concurrent {
            if places.enter(part.key, most: part.quota.most) {
                held.append(part.key)
            } else if part.rule.mode == .enforce {
                throw Refusal(crowdedBy: part.rule)
            } else {
                crowded.append(part.rule)
            }
        }
        guard parts.contains(where: { $0.quota.span != nil }) else { return crowded }
        guard let store else { throw .uncounted }
        let excesses: [UsageDraw.Excess]
        do throws(StateError) {
            excesses = try await store.perform { (ledger) throws(StateError) in
                try draw.take(on: ledger)
            }
        } catch { throw Refusal(error) }
        let refusing = excesses.filter { $0.rule.mode == .enforce }
        if !refusing.isEmpty { throw Refusal(refusing, now: now) }
        drawn = draw
        return crowded + excesses.map(\.rule)
    }

    /// At the end of every call.
    consuming func settle(_ outcome: Outcome) -> Outcome {
        for key in held { places.leave(key) }
        guard !plan.isEmpty, let store else { return outcome }
        let spent = UsageSpent(outcome)
        let draw = UsageDraw(parts: parts.isEmpty ? strangersParts(spent) : parts, now: now)
        let (keys, now, isCounted) = (self.keys, self.now, self.isCounted)
        let returned = spent.isHeld ? drawn : nil
        let asked = plan.asked.filter { spent.amount(of: $0, isCounted: isCounted) > 0 }
        guard
            !asked.isEmpty || returned != nil
                || draw.parts.contains(where: { spent.amount(of: $0.quota) > 0 })
        else { return outcome }
        store.post { (ledger) throws(StateError) in
            try returned?.giveBack(on: ledger)
            for part in draw.parts {
                try draw.add(spent.amount(of: part.quota), to: part, on: ledger)
            }
            for fact in asked {
                guard case .amount(_, let window) = fact else { continue }
                let place = UsageSpan.sliding(window.seconds).bucket(at: now)
                try ledger.add(
                    spent.amount(of: fact, isCounted: isCounted), to: keys.caller(fact.spelling),
                    bucket: place.start, until: place.expires)
            }
        }
        return outcome
    }

    /// A call that was refused before its tool was known counts for the limits on refusals that
    /// hold whatever the tool.
    private func strangersParts(_ spent: UsageSpent) -> [UsageDraw.Part] {
        guard spent.isDenied else { return [] }
        return plan.unconditional.compactMap { rule in
            rule.quota.map { UsageDraw.Part(rule: rule, quota: $0, key: keys.quota(rule, $0, nil)) }
        }
    }
}

/// What only the end of a call tells.
struct UsageSpent: Sendable {
    let isDenied: Bool
    /// It waits for a person still, and counts when it runs.
    let isHeld: Bool
    private let rows: Int
    private let bytes: Int

    init(_ outcome: Outcome) {
        switch outcome {
        case .answered(let result):
            isDenied = false
            isHeld = false
            rows = result.rows.rowCount
            bytes = result.content.byteCount
        case .refused(let refusal):
            isDenied = refusal.isDenial
            isHeld = refusal.code.isOfWaiting
            rows = 0
            bytes = 0
        }
    }

    func amount(of quota: Quota) -> Int {
        switch quota.measure {
        case .rows: rows
        case .bytes: bytes
        case .denials: isDenied ? 1 : 0
        case .calls, .concurrent: 0
        }
    }

    func amount(of fact: UsageFact, isCounted: Bool) -> Int {
        switch fact {
        case .amount(.rows, _): rows
        case .amount(.bytes, _): bytes
        case .amount(.denials, _): isDenied ? 1 : 0
        case .amount(.calls, _): isCounted ? 0 : 1
        default: 0
        }
    }
}

extension ResultContent {
    /// About what is sent; the exact form is the protocol's business.
    var byteCount: Int {
        switch self {
        case .rows(let rows): rows.byteCount
        case .document(let document): document.canonicalBytes.count
        case .text(let text): text.utf8.count
        case .binary(let bytes, _): bytes.count
        }
    }
}

extension Refusal {
    static let uncounted = Refusal(
        .stateUnavailable,
        "The call was refused because a rule counts such calls and nothing can be counted here. Tell the operator."
    )

    /// The rules say no to what was asked: not a mistake in it, and not that it was too much.
    var isDenial: Bool {
        switch code {
        case .unknownTool, .statementRefused, .maskDeciding: true
        case .denied: !isOfUsage
        default: false
        }
    }
}
