import Enforcement
import EventLoop
import Synchronization

/// Asks, while the server runs, what became of approved runs whose process is gone: at once, and
/// again as long as a backend cannot say.
final class LostRunsDesk: Sendable {
    private static let soon = Duration.seconds(5)
    private static let later = Duration.seconds(60)

    private let current: CurrentServing
    private let task = Mutex<Task<Void, Never>?>(nil)

    init(_ current: CurrentServing) { self.current = current }

    func start(on loop: EventLoop) {
        let asking = Task(executorPreference: loop) { [current] in
            while !Task.isCancelled {
                let left = await current.value.gate.settleLostRuns()
                let pause = left > 0 ? Self.soon : Self.later
                do throws(CancellationError) { try await loop.sleep(for: pause) } catch { return }
            }
        }
        task.withLock { $0 = asking }
    }

    func stop() async {
        let asking = task.withLock { task in
            defer { task = nil }
            return task
        }
        asking?.cancel()
        await asking?.value
    }
}
