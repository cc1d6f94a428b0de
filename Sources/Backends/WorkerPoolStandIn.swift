// To be deleted: stands in until EventLoop has its WorkerPool.
internal import Glibc
internal import Synchronization

package struct WorkerPoolFull: Error {}

@safe package final class WorkerPool: Sendable {
    private struct State {
        var jobs: [@Sendable (Int) -> Void] = []
        var isStopped = false
        var started = 0
    }
    package let threadCount: Int
    private let queueLimit: Int
    private let state = Mutex(State())
    // A semaphore may be used from any thread.
    nonisolated(unsafe) private let wake: UnsafeMutablePointer<sem_t>

    package init(threads: Int, queueLimit: Int, name: String) {
        threadCount = threads
        self.queueLimit = queueLimit
        unsafe wake = .allocate(capacity: 1)
        unsafe sem_init(wake, 0, 0)
        for _ in 0..<threads {
            var thread = pthread_t()
            let context = unsafe Unmanaged.passRetained(self).toOpaque()
            unsafe pthread_create(
                &thread, nil,
                { context in
                    guard let context = unsafe context else { return nil }
                    unsafe Unmanaged<WorkerPool>.fromOpaque(context).takeRetainedValue().work()
                    return nil
                }, context)
        }
    }

    private func work() {
        let index = state.withLock { state in
            defer { state.started += 1 }
            return state.started
        }
        while true {
            unsafe sem_wait(wake)
            let job = state.withLock { $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }
            guard let job else { return }
            job(index)
        }
    }

    package func run<T: Sendable>(
        _ body: @escaping @Sendable (_ worker: Int) -> T
    ) async throws(WorkerPoolFull) -> T {
        let result: T? = await withCheckedContinuation { continuation in
            let isTaken = state.withLock { state in
                guard state.jobs.count < queueLimit else { return false }
                state.jobs.append { continuation.resume(returning: body($0)) }
                return true
            }
            if isTaken { unsafe sem_post(wake) } else { continuation.resume(returning: nil) }
        }
        guard let result else { throw WorkerPoolFull() }
        return result
    }

    package func stop() { for _ in 0..<threadCount { unsafe sem_post(wake) } }
}
