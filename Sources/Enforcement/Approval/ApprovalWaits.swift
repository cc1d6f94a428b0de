import Synchronization

/// The calls of this process that wait for a decision: how many may, and whether they still shall.
///
/// One for the life of the process, whatever happens to the manifests.
package final class ApprovalWaits: Sendable {
    private struct State {
        var pipe = 0
        var all = 0
    }

    /// On a pipe some places must stay free for calls that end by themselves, and for the message
    /// that cancels one that waits.
    private static let onPipeMax = 50

    private let state = Mutex(State())
    private let isOver = Atomic<Bool>(false)
    private let most: Int

    package init(most: Int = 10_000) { self.most = most }

    package var count: Int { state.withLock { $0.all } }

    /// The process is about to end: who waits is given the handle instead.
    package var isEnding: Bool { isOver.load(ordering: .relaxed) }

    package func end() { isOver.store(true, ordering: .relaxed) }

    func enter(_ via: Transport.Kind) -> Bool {
        state.withLock { state in
            guard state.all < most, via != .stdio || state.pipe < Self.onPipeMax else {
                return false
            }
            state.all += 1
            if via == .stdio { state.pipe += 1 }
            return true
        }
    }

    func leave(_ via: Transport.Kind) {
        state.withLock { state in
            state.all -= 1
            if via == .stdio { state.pipe -= 1 }
        }
    }
}
