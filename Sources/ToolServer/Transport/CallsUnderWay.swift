import EventLoop
import JSON
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

    private let cancels = Mutex<[Key: @Sendable () -> Void]>([:])

    /// False when a call of that id is under way already: its answer and its cancellation could not
    /// be told apart from this one's.
    func enter(_ key: Key, cancel: @escaping @Sendable () -> Void) -> Bool {
        cancels.withLock { cancels in
            guard cancels[key] == nil else { return false }
            cancels[key] = cancel
            return true
        }
    }

    func leave(_ key: Key) { _ = cancels.withLock { $0.removeValue(forKey: key) } }

    /// A call with a task of its own; nil where `enter` would say false.
    func start(
        _ key: Key, on loop: EventLoop, _ work: @escaping @Sendable () async -> Void
    ) -> Task<Void, Never>? {
        cancels.withLock { cancels in
            guard cancels[key] == nil else { return nil }
            let task = Task(executorPreference: loop) {
                await work()
                self.leave(key)
            }
            cancels[key] = { task.cancel() }
            return task
        }
    }

    /// Unknown and finished calls are ignored: cancellation races with answers by nature.
    func cancel(_ key: Key) { cancels.withLock { $0[key] }?() }

    func cancelAll(of session: String) {
        let theirs = cancels.withLock { cancels in
            cancels.filter { $0.key.session.isByteEqual(to: session) }
        }
        for cancel in theirs.values { cancel() }
    }

    func cancelAll() { for cancel in cancels.withLock({ Array($0.values) }) { cancel() } }
}
