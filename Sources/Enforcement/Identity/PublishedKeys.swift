import JSON
import Synchronization

/// The keys that an issuer publishes at a URL, as they were when somebody last asked.
///
/// They are asked for again every few minutes, and at once for a token whose key is not among them;
/// the newest answer holds whole, so that a key which was taken back is good for nobody. While the
/// issuer does not answer, the last ones serve for a bounded time. It must never let strangers
/// decide how often the issuer is asked.
package final class PublishedKeys: KeySource {
    package struct Timing: Sendable {
        /// Seconds after which they are asked for again.
        package var refresh = 300
        /// For how long the last ones serve when the issuer does not answer.
        package var stale = 3_600
        /// Between attempts while it does not.
        package var retry = 5
        /// Between two questions for the same unknown key.
        package var unknown = 60
        /// Questions for unknown keys, whichever, in that time.
        package var unknownMax = 5

        package init() {}
    }

    /// What the operator should find in the record.
    package enum Event: Sendable, Equatable {
        /// Nobody answers; `until` is when the last keys end, nil where there are none.
        case away(until: Int?)
        case back
        case changed(added: Int, removed: Int)
    }

    private struct State {
        var keys: IssuerKeys?
        var fetched = 0
        var tried: Int?
        var isAway = false
        var asking: Task<Void, Never>?
        /// The unknown ids that were asked for lately, and when.
        var unknown: [Name: Int] = [:]
    }

    private enum Step {
        case use(IssuerKeys)
        case wait(Task<Void, Never>)
        case give(Refusal)
    }

    private let timing: Timing
    private let now: @Sendable () -> Int
    private let fetch: @Sendable () async -> IssuerKeys?
    private let notice: @Sendable (Event) async -> Void
    private let state = Mutex(State())
    private let removals = Atomic<Int>(0)
    /// When a use of the keys asks for them again.
    private let due = Atomic<Int>(.max)

    /// `fetch` gives nil when the issuer does not answer, and has a limit of time of its own.
    package init(
        timing: Timing = Timing(), now: @escaping @Sendable () -> Int = WallClock.seconds,
        fetch: @escaping @Sendable () async -> IssuerKeys?,
        notice: @escaping @Sendable (Event) async -> Void = { _ in }
    ) {
        self.timing = timing
        self.now = now
        self.fetch = fetch
        self.notice = notice
    }

    package var generation: Int { removals.load(ordering: .acquiring) }

    package func touch() {
        let now = now()
        guard now >= due.load(ordering: .relaxed) else { return }
        state.withLock { state in
            if mayRetry(state, now) { ask(&state, now) }
        }
    }

    package func keys(for id: String) async throws(Refusal) -> IssuerKeys {
        var mayAsk = true
        while true {
            switch state.withLock({ step(&$0, id, mayAsk: mayAsk) }) {
            case .use(let keys): return keys
            case .give(let refusal): throw refusal
            case .wait(let asking):
                await asking.value
                mayAsk = false
            }
        }
    }

    private func step(_ state: inout State, _ id: String, mayAsk: Bool) -> Step {
        let now = now()
        guard let keys = state.keys, now - state.fetched < timing.stale else {
            if mayAsk, let asking = state.asking { return .wait(asking) }
            guard mayAsk, mayRetry(state, now) else { return .give(.issuerAway) }
            return .wait(ask(&state, now))
        }
        if keys.knows(id) {
            if now - state.fetched >= timing.refresh, mayRetry(state, now) { ask(&state, now) }
            return .use(keys)
        }
        guard mayAsk else { return .use(keys) }
        if let asking = state.asking { return .wait(asking) }
        guard noteUnknown(Name(id), &state, now) else { return .use(keys) }
        return .wait(ask(&state, now))
    }

    private func mayRetry(_ state: State, _ now: Int) -> Bool {
        state.asking == nil && (state.tried.map { now - $0 >= timing.retry } ?? true)
    }

    /// Whether this id may be asked for now.
    private func noteUnknown(_ id: Name, _ state: inout State, _ now: Int) -> Bool {
        state.unknown = state.unknown.filter { now - $0.value < timing.unknown }
        guard state.unknown[id] == nil, state.unknown.count < timing.unknownMax else {
            return false
        }
        state.unknown[id] = now
        return true
    }

    @discardableResult
    private func ask(_ state: inout State, _ now: Int) -> Task<Void, Never> {
        state.tried = now
        let asking = Task { await self.refresh() }
        state.asking = asking
        return asking
    }

    private func refresh() async {
        let found = await fetch()
        let event = state.withLock { state in
            state.asking = nil
            return found.map { take($0, &state) } ?? miss(&state)
        }
        if let event { await notice(event) }
    }

    private func take(_ keys: IssuerKeys, _ state: inout State) -> Event? {
        let now = now()
        let old = state.keys?.thumbprints ?? []
        let removed = old.subtracting(keys.thumbprints).count
        let added = keys.thumbprints.subtracting(old).count
        let wasAway = state.isAway
        let isFirst = state.keys == nil
        state.keys = keys
        state.fetched = now
        state.isAway = false
        due.store(now + timing.refresh, ordering: .relaxed)
        if removed > 0 { removals.add(1, ordering: .releasing) }
        if !isFirst, removed + added > 0 { return .changed(added: added, removed: removed) }
        return wasAway ? .back : nil
    }

    private func miss(_ state: inout State) -> Event? {
        due.store(now() + timing.retry, ordering: .relaxed)
        guard !state.isAway else { return nil }
        state.isAway = true
        return .away(until: state.keys.map { _ in state.fetched + timing.stale })
    }
}

extension Refusal {
    static var issuerAway: Refusal {
        Refusal(
            .identityUnavailable,
            "The issuer of the access token cannot be asked at the moment, so the token cannot be checked. Try again in 5 seconds; if that goes on, tell the operator.",
            retryAfterSeconds: 5)
    }
}
