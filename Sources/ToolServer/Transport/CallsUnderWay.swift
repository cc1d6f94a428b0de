import EventLoop
import Synchronization

/// Handshake-era calls that `notifications/cancelled` can stop, by who made them.
///
/// The key holds the session, because request ids mean nothing outside it: two clients of one
/// person both count from 1, and neither may stop the other's call.
final class CallsUnderWay: Sendable {
    struct Key: Hashable, Sendable {
        let session: String
        let request: RequestID
    }

    private let tasks = Mutex<[Key: Task<Void, Never>]>([:])

    /// nil when a call of that id is under way already: its answer and its cancellation could not
    /// be told apart from this one's.
    func start(
        _ key: Key, on loop: EventLoop, _ work: @escaping @Sendable () async -> Void
    ) -> Task<Void, Never>? {
        tasks.withLock { tasks in
            guard tasks[key] == nil else { return nil }
            let task = Task(executorPreference: loop) {
                await work()
                self.remove(key)
            }
            tasks[key] = task
            return task
        }
    }

    private func remove(_ key: Key) { _ = tasks.withLock { $0.removeValue(forKey: key) } }

    /// Unknown and finished calls are ignored: cancellation races with answers by nature.
    func cancel(_ key: Key) { tasks.withLock { $0[key] }?.cancel() }

    func cancelAll() { for task in tasks.withLock({ Array($0.values) }) { task.cancel() } }
}
