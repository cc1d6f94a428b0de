import EventLoop
import Synchronization

/// Work that comes again while the server runs.
final class Rounds: Sendable {
    private let running = Mutex<Task<Void, Never>?>(nil)

    /// The first round at once; each says how long it is until the next.
    func start(on loop: EventLoop, _ round: @escaping @Sendable () async -> Duration) {
        let task = Task(executorPreference: loop) {
            while !Task.isCancelled {
                let pause = await round()
                do throws(CancellationError) { try await loop.sleep(for: pause) } catch { break }
            }
        }
        running.withLock { $0 = task }
    }

    /// Returns when the round under way has ended.
    func stop() async {
        let task = running.withLock { $0 }
        task?.cancel()
        await task?.value
    }
}
