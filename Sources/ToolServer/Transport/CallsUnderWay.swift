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

    func add(_ key: Key, _ task: Task<Void, Never>) { tasks.withLock { $0[key] = task } }

    func remove(_ key: Key) { _ = tasks.withLock { $0.removeValue(forKey: key) } }

    /// Unknown and finished calls are ignored: cancellation races with answers by nature.
    func cancel(_ key: Key) { tasks.withLock { $0[key] }?.cancel() }

    func cancelAll() { for task in tasks.withLock({ Array($0.values) }) { task.cancel() } }
}
