import JSON

/// What one call takes from the limits that apply to it, all of them or none.
struct UsageDraw: Sendable {
    struct Part: Sendable {
        let rule: Rule
        let quota: Quota
        let key: Digest32
    }

    /// A limit that this call would pass.
    struct Excess: Sendable {
        let rule: Rule
        /// When there is room again.
        let relief: Int
    }

    let parts: [Part]
    let now: Int

    /// Every limit that has no room, those that only observe too. Where one that is enforced has
    /// none, nothing is taken from any.
    func take(on ledger: any UsageLedger) throws(StateError) -> [Excess] {
        var excesses: [Excess] = []
        for part in parts {
            guard let span = part.quota.span else { continue }
            let buckets = try ledger.buckets(of: part.key, from: span.first(at: now))
            let total = buckets.reduce(0) { $0 + $1.amount }
            guard total >= part.quota.most else { continue }
            let excess = total - part.quota.most + 1
            excesses.append(
                Excess(rule: part.rule, relief: span.relief(of: excess, in: buckets, at: now)))
        }
        guard excesses.allSatisfy({ $0.rule.mode == .observe }) else { return excesses }
        for part in parts where part.quota.measure == .calls {
            try add(1, to: part, on: ledger)
        }
        return excesses
    }

    /// What `take` took, from where it took it.
    func giveBack(on ledger: any UsageLedger) throws(StateError) {
        for part in parts where part.quota.measure == .calls {
            guard let place = part.quota.span?.bucket(at: now) else { continue }
            try ledger.add(-1, to: part.key, bucket: place.start, until: place.expires)
        }
    }

    func add(_ amount: Int, to part: Part, on ledger: any UsageLedger) throws(StateError) {
        guard amount > 0, let place = part.quota.span?.bucket(at: now) else { return }
        try ledger.add(amount, to: part.key, bucket: place.start, until: place.expires)
    }
}

extension Refusal {
    init(_ excesses: [UsageDraw.Excess], now: Int) {
        // The one that lasts longest is the one to wait for.
        let ranked = excesses.sorted { $0.relief > $1.relief }
        let (rule, wait) = (ranked[0].rule, max(1, ranked[0].relief - now))
        self.init(
            .limitRule,
            Self.told(rule, others: ranked.dropFirst().map(\.rule.id.text))
                + " Try again in \(UsageSpan.spelled(wait)).",
            rules: ranked.map(\.rule.id), retryAfterSeconds: wait)
    }

    /// Too many at the same moment.
    init(crowdedBy rule: Rule) {
        self.init(
            .limitRule, Self.told(rule, others: []) + " Wait for one to end, then try again.",
            rules: [rule.id], retryAfterSeconds: 1)
    }

    private static func told(_ rule: Rule, others: [String]) -> String {
        var told = "Refused by rule `\(rule.id)`: \(rule.reason)."
        if let quota = rule.quota { told += " \(quota.words)." }
        if !others.isEmpty {
            told += " Also by \(others.map { "`\($0)`" }.joined(separator: ", "))."
        }
        return told + (rule.instead.map { " Instead: \($0)." } ?? "")
    }
}

extension Quota {
    /// `At most 100 calls within 1 hour for each caller`.
    var words: String {
        let what =
            switch measure {
            case .concurrent: "\(most) such calls at a time"
            case .denials: "\(most) refused calls \(span?.words ?? "")"
            default: "\(most) \(measure.rawValue) \(span?.words ?? "")"
            }
        let whose = shares.map(\.rawValue).joined(separator: " and ")
        return "At most \(what) for \(shares.isEmpty ? "all callers together" : "each \(whose)")"
    }
}
