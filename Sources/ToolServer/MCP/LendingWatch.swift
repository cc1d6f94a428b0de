import Backends
import Enforcement
import EventLoop
import JSON
import Synchronization

/// Tells callers that their list of tools is another one: something was granted to them for a
/// while, by whichever process, or has ended.
final class LendingWatch: Sendable {
    private let book: AccessBook
    private let state: StateDatabase
    private let subscriptions: Subscriptions
    private let work = Mutex<Task<Void, Never>?>(nil)

    /// Without any change, and where nothing ends before.
    private static let longestWait = 60

    init(_ book: AccessBook, _ state: StateDatabase, _ subscriptions: Subscriptions) {
        self.book = book
        self.state = state
        self.subscriptions = subscriptions
    }

    func start(on loop: EventLoop) {
        let watching = Task(executorPreference: loop) { await self.watch() }
        work.withLock { $0 = watching }
    }

    func stop() { work.withLock { $0 }?.cancel() }

    private func watch() async {
        var known: [Digest32: Set<Name>] = [:]
        while !Task.isCancelled {
            await book.refresh()
            let now = WallClock.seconds()
            // What cannot be read is told when it can be.
            if let live = book.live(at: now), live != known {
                let changed = Set(live.keys).union(known.keys).filter { live[$0] != known[$0] }
                known = live
                subscriptions.changed(toolsOf: changed)
            }
            let ends = book.nextEnd(after: now).map { $0 - now } ?? Self.longestWait
            await state.anyChange(within: .seconds(max(1, min(ends, Self.longestWait))))
        }
    }
}
