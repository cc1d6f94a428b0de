package import Enforcement
import Synchronization

/// Counts that are forgotten with the test, and fail when it is told to.
package final class MemoryUsage: UsageStore {
    private let ledger = Mutex(MemoryLedger())
    private let failure = Mutex<StateError?>(nil)

    package init() {}

    package func fail(_ error: StateError?) { failure.withLock { $0 = error } }

    /// How many counts, sets and sequences there are.
    package var keyCount: Int { ledger.withLock { $0.keyCount } }

    package func perform<Value: Sendable>(
        _ body: @escaping UsageWork<Value>
    ) async throws(StateError) -> Value {
        if let error = failure.withLock({ $0 }) { throw error }
        return try ledger.withLock { (ledger) throws(StateError) in try body(ledger) }
    }

    package func post(_ body: @escaping UsageWork<Void>) {
        try? ledger.withLock { (ledger) throws(StateError) in try body(ledger) }
    }
}

/// Only reached under the lock of its store.
private final class MemoryLedger: UsageLedger {
    private var counts: [Digest32: [Int: Int]] = [:]
    private var sets: [Digest32: [Digest32: Int]] = [:]
    private var sequences: [Digest32: UsageSequence] = [:]

    var keyCount: Int { counts.count + sets.count + sequences.count }

    func buckets(of key: Digest32, from first: Int) -> [UsageBucket] {
        (counts[key] ?? [:]).filter { $0.key >= first }
            .map { UsageBucket(start: $0.key, amount: $0.value) }
    }

    func add(_ amount: Int, to key: Digest32, bucket start: Int, until expires: Int) {
        counts[key, default: [:]][start, default: 0] += amount
    }

    func see(_ member: Digest32, in key: Digest32, at now: Int, until expires: Int) {
        sets[key, default: [:]][member] = now
    }

    func seenCount(in key: Digest32, since: Int) -> Int {
        (sets[key] ?? [:]).values.filter { $0 >= since }.count
    }

    func sequence(of key: Digest32) -> UsageSequence? { sequences[key] }

    func keep(_ sequence: UsageSequence, for key: Digest32, until expires: Int) {
        sequences[key] = sequence
    }
}
