import Enforcement
import EventLoop

/// Asks, while the server runs, what became of approved runs whose process is gone: at once, and
/// again as long as a backend cannot say.
final class LostRunsDesk: Sendable {
    private static let soon = Duration.seconds(5)
    private static let later = Duration.seconds(60)

    private let current: CurrentServing
    private let rounds = Rounds()

    init(_ current: CurrentServing) { self.current = current }

    func start(on loop: EventLoop) {
        rounds.start(on: loop) { [current] in
            let left = await current.value.gate.settleLostRuns()
            return left > 0 ? Self.soon : Self.later
        }
    }

    func stop() async { await rounds.stop() }
}
