internal import CSQLite
internal import Enforcement
internal import Synchronization

/// Set once, from any thread, by the task that waits for the answer.
final class SQLiteCancellation: Sendable {
    private let flag = Atomic<Bool>(false)

    var isCancelled: Bool { flag.load(ordering: .relaxed) }

    func cancel() { flag.store(true, ordering: .relaxed) }
}

/// Stops a statement that runs past its deadline or whose caller has gone.
///
/// SQLite asks it every thousand operations of its virtual machine, some tens of microseconds.
/// Belongs to one connection and is used by the thread that uses the connection.
final class SQLiteWatch {
    static let operationsBetweenChecks: Int32 = 1_000

    private var deadline: ContinuousClock.Instant?
    private var cancellation: SQLiteCancellation?
    /// Why the last statement was interrupted.
    private(set) var stopReason: BackendError.Reason?
    /// For a thread that must not be held up: a statement ends at its third check. The first comes
    /// before it begins and the second at any time, since SQLite counts on from the run before.
    var isBrief = false
    private var checks = 0
    /// Called when a statement runs for longer than most do, or waits for another's lock.
    var whenLong: (() -> Void)?
    /// For tests that act in the middle of a statement.
    var onCheck: (() -> Void)?

    func start(deadline: ContinuousClock.Instant, cancellation: SQLiteCancellation) {
        self.deadline = deadline
        self.cancellation = cancellation
        stopReason = nil
        checks = 0
    }

    /// Nothing is interrupted from here on: commits and rollbacks go through.
    func stop() {
        deadline = nil
        cancellation = nil
    }

    /// A rollback is not interrupted; the limits hold again afterwards.
    func suspend() -> (ContinuousClock.Instant?, SQLiteCancellation?) {
        defer { stop() }
        return (deadline, cancellation)
    }

    func resume(_ outer: (ContinuousClock.Instant?, SQLiteCancellation?)) {
        (deadline, cancellation) = outer
    }

    var remaining: Duration {
        guard let deadline else { return .seconds(2) }
        return deadline - ContinuousClock.now
    }

    /// Throws when the work should end now.
    func check() throws(BackendError) {
        if shouldStop(), let stopReason {
            throw BackendError(stopReason, detail: "before the statement ran")
        }
    }

    func shouldStop() -> Bool {
        onCheck?()
        checks += 1
        if isBrief, checks > 2 {
            stopReason = .busy
            return true
        }
        if let cancellation, cancellation.isCancelled {
            stopReason = .cancelled
            return true
        }
        if let deadline, ContinuousClock.now >= deadline {
            stopReason = .timedOut
            return true
        }
        return false
    }

    /// The connection keeps the watch alive for as long as it is installed.
    func install(on connection: OpaquePointer) {
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe sqlite3_progress_handler(
            connection, Self.operationsBetweenChecks,
            { context in
                guard let context = unsafe context else { return 1 }
                let watch = unsafe Unmanaged<SQLiteWatch>.fromOpaque(context).takeUnretainedValue()
                watch.whenLong?()
                return watch.shouldStop() ? 1 : 0
            }, context)
    }
}
