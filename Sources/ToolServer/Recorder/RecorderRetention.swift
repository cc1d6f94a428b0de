import Enforcement
import EventLoop
import JSON
import Synchronization

/// Carries out `retention` where a recorder of its own keeps the record.
///
/// How far streams are only the servers know, who may be in somebody else's hands. A lie of theirs
/// takes nothing away that is not over by the recorder's clock and by a server.json that they
/// cannot write, nothing that is held, and nothing unseen: the record says what is gone.
final class RecorderRetention: Sendable {
    private struct State {
        /// Of the declared streams, as the last server said that told of it.
        var shipped: [Name: Int] = [:]
        var nextLook: ContinuousClock.Instant
        var isLooking = false
        var rewrittenFiles = 0
    }

    private let sweep: RetentionSweep
    private let streams: [Name]
    private let state: Mutex<State>

    init(
        _ settings: RetentionSettings, streams: [Name], recorder: Recorder, directory: String,
        now: ContinuousClock.Instant = .now
    ) {
        sweep = RetentionSweep(settings: settings, recorder: recorder, directory: directory)
        self.streams = streams
        state = Mutex(State(nextLook: now))
    }

    func hear(_ shipped: ShippedFiles) {
        state.withLock { state in
            for stream in streams {
                if let segment = shipped.segments[stream] { state.shipped[stream] = segment }
            }
        }
    }

    var rewrittenFiles: Int { state.withLock { $0.rewrittenFiles } }

    /// Nothing is removed before a server has told of them.
    var unheard: [Name] { state.withLock { state in streams.filter { state.shipped[$0] == nil } } }

    /// Once a day, on a thread of its own.
    func lookIfDue(now: ContinuousClock.Instant = .now) {
        guard let segment = begin(now) else { return }
        do throws(SystemError) {
            _ = try SystemThread.spawn(name: "retention") {
                self.look(before: segment, at: WallClock.seconds())
            }
        } catch { state.withLock { $0.isLooking = false } }
    }

    /// The file before which it may remove; nil while there is nothing to do.
    func begin(_ now: ContinuousClock.Instant = .now) -> Int? {
        state.withLock { state in
            guard !state.isLooking, now >= state.nextLook,
                streams.allSatisfy({ state.shipped[$0] != nil })
            else { return nil }
            state.isLooking = true
            state.nextLook = now + RetentionDesk.betweenLooks
            return state.shipped.values.min() ?? .max
        }
    }

    func look(before segment: Int, at now: Int) {
        var count = 0
        do throws(RecordError) { count = try sweep.run(before: segment, at: now) } catch {
            StandardStream.error.line("retention: \(error)")
        }
        state.withLock { state in
            state.isLooking = false
            state.rewrittenFiles += count
        }
    }
}
