import Glibc

// Threads for C calls that block: SQLite, name lookup. It answers: where may something wait
// without holding up a loop? It never grows, and never queues more than it was told to: a caller
// beyond the limit is refused at once and can say so to its own caller.

/// The queue is full, or the pool is stopping.
package struct WorkerPoolFull: Error, Equatable {
    package init() {}
}

package final class WorkerPool: Sendable {
    /// One more than the highest index that `run` hands to its body.
    package let threadCount: Int
    private let queue: WorkQueue
    private let threads: [SystemThread]

    /// Starts the threads. When the system gives fewer, the pool is that much smaller; with none
    /// every call is refused.
    package init(threads count: Int, queueLimit: Int, name: String) {
        let queue = WorkQueue(limit: max(1, queueLimit))
        self.queue = queue
        threadCount = max(1, count)
        threads = (0..<max(1, count)).compactMap { worker in
            try? SystemThread.spawn(name: "\(name)-\(worker)") {
                queue.addTaker()
                while let work = queue.take() { work(worker) }
            }
        }
        if threads.isEmpty { queue.close() }
    }

    /// Runs `body` on a worker. `worker` is the thread's index, the same for every call on that
    /// thread: callers keep one connection per worker and need no lock around it.
    package func run<T: Sendable>(
        _ body: @escaping @Sendable (_ worker: Int) -> T
    ) async throws(WorkerPoolFull) -> T {
        let result: Result<T, WorkerPoolFull> = unsafe await withUnsafeContinuation {
            continuation in
            let isQueued = queue.add { worker in
                unsafe continuation.resume(returning: .success(body(worker)))
            }
            if !isQueued { unsafe continuation.resume(returning: .failure(WorkerPoolFull())) }
        }
        return try result.get()
    }

    /// For a body that turns out to be long: what waits behind it goes to another thread.
    package func relieve() { queue.relieve() }

    /// Finishes what is queued, refuses what comes later, and waits for the threads.
    package func stop() {
        queue.close()
        for thread in threads { thread.join() }
    }
}

/// A bounded queue with sleeping takers. Everything in it is guarded by `mutex`.
///
/// As few takers are awake as keep up. Most work takes microseconds, less than waking a thread: a
/// second taker is woken only when several pieces wait for each that is awake, or when a taker says
/// that its piece is long. Under load adding costs one lock, taking one lock, and no system call.
@safe
private final class WorkQueue: @unchecked Sendable {
    typealias Work = @Sendable (_ worker: Int) -> Void

    /// Waiting pieces for each taker that is awake, beyond which another one is woken.
    private static let backlog = 8

    private let limit: Int
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let notEmpty = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var ring: [Work?]
    private var head = 0
    private var count = 0
    private var takers = 0
    private var sleepers = 0
    private var signalled = 0
    private var isClosed = false

    init(limit: Int) {
        self.limit = limit
        ring = Array(repeating: nil, count: min(limit, 64))
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(notEmpty, nil)
    }

    deinit {
        unsafe pthread_cond_destroy(notEmpty)
        unsafe pthread_mutex_destroy(mutex)
        unsafe notEmpty.deallocate()
        unsafe mutex.deallocate()
    }

    func add(_ work: @escaping Work) -> Bool {
        unsafe pthread_mutex_lock(mutex)
        guard !isClosed, count < limit else {
            unsafe pthread_mutex_unlock(mutex)
            return false
        }
        if count == ring.count { grow() }
        ring[(head + count) % ring.count] = work
        count += 1
        let awake = takers - sleepers + signalled
        let mustSignal = sleepers > signalled && count > awake * Self.backlog
        if mustSignal { signalled += 1 }
        unsafe pthread_mutex_unlock(mutex)
        if mustSignal { unsafe pthread_cond_signal(notEmpty) }
        return true
    }

    /// A thread says that it is there; before that it counts neither as awake nor as asleep, and
    /// looks for work by itself.
    func addTaker() {
        unsafe pthread_mutex_lock(mutex)
        takers += 1
        unsafe pthread_mutex_unlock(mutex)
    }

    func relieve() {
        unsafe pthread_mutex_lock(mutex)
        let mustSignal = count > 0 && sleepers > signalled
        if mustSignal { signalled += 1 }
        unsafe pthread_mutex_unlock(mutex)
        if mustSignal { unsafe pthread_cond_signal(notEmpty) }
    }

    /// Sleeps until there is work; nil when the queue is closed and empty.
    func take() -> Work? {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while count == 0 {
            if isClosed { return nil }
            sleepers += 1
            unsafe pthread_cond_wait(notEmpty, mutex)
            sleepers -= 1
            // A spurious wake takes a signal that is still under way; that one then finds an
            // awake taker, so nobody is missed.
            if signalled > 0 { signalled -= 1 }
        }
        let work = ring[head]
        ring[head] = nil
        head = (head + 1) % ring.count
        count -= 1
        return work
    }

    func close() {
        unsafe pthread_mutex_lock(mutex)
        isClosed = true
        signalled = sleepers
        unsafe pthread_mutex_unlock(mutex)
        unsafe pthread_cond_broadcast(notEmpty)
    }

    private func grow() {
        var larger: [Work?] = (0..<count).map { ring[(head + $0) % ring.count] }
        larger.append(contentsOf: repeatElement(nil, count: min(limit, count * 2) - count))
        ring = larger
        head = 0
    }
}
