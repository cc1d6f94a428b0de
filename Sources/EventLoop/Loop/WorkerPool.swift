import Glibc

// Threads for C calls that block: SQLite, name lookup. It answers: where may something wait
// without holding up a loop? It never grows, and never queues more than it was told to: a caller
// beyond the limit is refused at once and can say so to its own caller.

/// The queue is full, or the pool is stopping.
package struct WorkerPoolFull: Error, Equatable {
    package init() {}
}

package final class WorkerPool: Sendable {
    /// Whoever waits for an answer is woken after so many, however much more there is to do.
    private static let piecesPerTurn = 8

    /// One more than the highest index that `run` hands to its body.
    package let threadCount: Int
    private let queue: WorkQueue
    private let threads: [SystemThread]

    /// Starts the threads. When the system gives fewer, the pool is that much smaller; with none
    /// every call is refused.
    package init(threads count: Int, queueLimit: Int, name: String) {
        let queue = WorkQueue(limit: max(1, queueLimit), takers: max(1, count))
        self.queue = queue
        threadCount = max(1, count)
        threads = (0..<max(1, count)).compactMap { worker in
            try? SystemThread.spawn(name: "\(name)-\(worker)") {
                queue.join()
                let owed = OwedWakes()
                owed.adopt()
                var piece = 0
                while let work = queue.take(worker, beforeSleep: owed.pay) {
                    work(worker)
                    piece &+= 1
                    if piece % Self.piecesPerTurn == 0 { owed.pay() }
                }
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

    /// The same for who needs no answer; false where it was not taken.
    package func post(_ body: @escaping @Sendable (_ worker: Int) -> Void) -> Bool {
        queue.add(body)
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
/// that its piece is long. Who fell asleep last is woken first, since what it keeps (a connection,
/// prepared statements) is still warm. Under load adding costs one lock, taking one lock, and no
/// system call.
@safe
private final class WorkQueue: Wakeable, @unchecked Sendable {
    typealias Work = @Sendable (_ worker: Int) -> Void

    /// Waiting pieces for each taker that is awake, beyond which another one is woken.
    private static let backlog = 8

    private let limit: Int
    private let takers: Int
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    /// One for each taker.
    private let conditions: UnsafeMutablePointer<pthread_cond_t>
    private var ring: [Work?]
    private var head = 0
    private var count = 0
    /// Takers that sleep and have not been woken, in the order in which they fell asleep.
    private var asleep: [Int] = []
    private var awake = 0
    private var isClosed = false

    init(limit: Int, takers: Int) {
        self.limit = limit
        self.takers = takers
        ring = Array(repeating: nil, count: min(limit, 64))
        unsafe conditions = .allocate(capacity: takers)
        unsafe pthread_mutex_init(mutex, nil)
        for taker in 0..<takers { unsafe pthread_cond_init(conditions + taker, nil) }
    }

    deinit {
        for taker in 0..<takers { unsafe pthread_cond_destroy(conditions + taker) }
        unsafe pthread_mutex_destroy(mutex)
        unsafe conditions.deallocate()
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
        unsafe pthread_mutex_unlock(mutex)
        OwedWakes.wake(self)
        return true
    }

    func wake() { wakeOne(ifMoreWaitThan: Self.backlog) }

    /// What the long piece's thread still owes must not wait for its end either.
    func relieve() {
        OwedWakes.payNow()
        wakeOne(ifMoreWaitThan: 0)
    }

    /// Without the lock where it signals: who wakes needs the lock first of all.
    private func wakeOne(ifMoreWaitThan backlog: Int) {
        unsafe pthread_mutex_lock(mutex)
        let taker = count > awake * backlog ? asleep.popLast() : nil
        // Counts as awake from here on, so that nobody else is woken for the same work.
        if taker != nil { awake += 1 }
        unsafe pthread_mutex_unlock(mutex)
        if let taker { unsafe pthread_cond_signal(conditions + taker) }
    }

    /// A thread says that it is there.
    func join() {
        unsafe pthread_mutex_lock(mutex)
        awake += 1
        unsafe pthread_mutex_unlock(mutex)
    }

    /// Sleeps until there is work; nil when the queue is closed and empty.
    func take(_ taker: Int, beforeSleep: () -> Void) -> Work? {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        if count == 0 {
            unsafe pthread_mutex_unlock(mutex)
            beforeSleep()
            unsafe pthread_mutex_lock(mutex)
        }
        while count == 0 {
            if isClosed { return nil }
            asleep.append(taker)
            awake -= 1
            // A spurious wake finds its name still on the list and sleeps on.
            while asleep.contains(taker) { unsafe pthread_cond_wait(conditions + taker, mutex) }
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
        while let taker = asleep.popLast() {
            awake += 1
            unsafe pthread_cond_signal(conditions + taker)
        }
        unsafe pthread_mutex_unlock(mutex)
    }

    private func grow() {
        var larger: [Work?] = (0..<count).map { ring[(head + $0) % ring.count] }
        larger.append(contentsOf: repeatElement(nil, count: min(limit, count * 2) - count))
        ring = larger
        head = 0
    }
}
