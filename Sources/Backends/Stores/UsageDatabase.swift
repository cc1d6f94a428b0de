// Where are counts kept that must outlive a process?
//
// A file of its own beside the state: counts are many and each is worth little, so they must
// neither fill the store of approvals nor wait for its disk. A change is in the file before its
// caller goes on, and so survives the process; a failing machine may lose the last of them. Every
// process of the installation has the file open, and a transaction holds all others off.

package import Enforcement
internal import EventLoop
import Synchronization

package final class UsageDatabase: UsageStore {
    /// Posts that could not be made: done first in the next transaction. Beyond so many nothing
    /// is counted any more, and so nothing that is counted is allowed.
    private static let owedMax = 10_000

    private let pool: WorkerPool
    private let session: UsageSession
    private let owed = Mutex<[UsageWork<Void>]>([])

    /// The file is opened when something is counted.
    package init(_ options: StateOptions) {
        session = UsageSession(options)
        pool = WorkerPool(threads: 1, queueLimit: 4_096, name: "usage")
    }

    /// Before the first use, on the calling thread: a start fails where the reason can be told.
    package func check() throws(StateError) {
        try session.perform { (_) throws(StateError) in }.get()
    }

    /// After the last use.
    package func close() {
        pool.stop()
        session.close()
    }

    package func perform<Value: Sendable>(
        _ body: @escaping UsageWork<Value>
    ) async throws(StateError) -> Value {
        let outcome: Result<Value, StateError>
        do throws(WorkerPoolFull) {
            outcome = try await pool.run { [self] _ in settle(then: body) }
        } catch {
            throw StateError(.busy, detail: "the queue for counts is full")
        }
        return try outcome.get()
    }

    package func post(_ body: @escaping UsageWork<Void>) {
        owed.withLock { $0.append(body) }
        _ = pool.post { [self] _ in _ = settle { (_) throws(StateError) in } }
    }

    /// What is owed and what is asked, in one transaction.
    private func settle<Value>(then body: UsageWork<Value>) -> Result<Value, StateError> {
        let debts = owed.withLock { owed in
            defer { owed = [] }
            return owed
        }
        let outcome = session.perform { (ledger) throws(StateError) in
            for debt in debts { try debt(ledger) }
            return try body(ledger)
        }
        guard case .failure = outcome, !debts.isEmpty else { return outcome }
        let isLost = owed.withLock { owed in
            owed = debts + owed
            return owed.count > Self.owedMax
        }
        return isLost ? .failure(StateError(.full, detail: "too much is not counted yet")) : outcome
    }
}
