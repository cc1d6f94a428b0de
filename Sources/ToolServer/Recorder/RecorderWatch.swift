import Backends
import Enforcement
import EventLoop
import JSON
import Synchronization

/// Looks every quarter of a minute how the recorder does, and tells it how far the streams are.
final class RecorderWatch: Sendable {
    private let settings: RecorderSettings
    /// Where cursors and the index are.
    private let state: String
    private let streams: [Name]
    private let workers: WorkerPool
    private let rounds = Rounds()
    private let last = Mutex<RecorderReport?>(nil)
    private let rewritten = Atomic<Int>(0)

    private static let betweenLooks = Duration.seconds(15)

    init(_ settings: RecorderSettings, state: String, streams: [Name], workers: WorkerPool) {
        self.settings = settings
        self.state = state
        self.streams = streams
        self.workers = workers
    }

    func start(on loop: EventLoop) {
        rounds.start(on: loop) {
            await self.look()
            return Self.betweenLooks
        }
    }

    func stop() async { await rounds.stop() }

    /// Of the last look; nil where the recorder was away.
    var report: RecorderReport? { last.withLock { $0 } }

    func look() async {
        let seen = try? await workers.run { _ in self.see() }
        last.withLock { $0 = seen ?? nil }
    }

    private func see() -> RecorderReport? {
        let shipped = try? StreamCursor.firstUnsent(
            streams, state: state, log: Installation.firstLog, directory: settings.log)
        let said = zip(streams, shipped ?? []).map { ($0, $1) }
        guard
            let report = try? RecorderReport.ask(
                settings, saying: ShippedFiles(Dictionary(uniqueKeysWithValues: said)))
        else { return nil }
        // The index is this user's, and the recorder cannot reach it.
        // A recorder that was started again counts anew.
        if report.rewrittenFiles != rewritten.exchange(report.rewrittenFiles, ordering: .relaxed) {
            RecordPlace.forgetIndex(in: state)
        }
        return report
    }
}
