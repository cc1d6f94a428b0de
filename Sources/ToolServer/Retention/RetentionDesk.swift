// How long is the record kept?
//
// Lines of calls that are older than their class says are taken out of files that are written no
// more. What stays is the hash of each, so that the tree, every signature and every proof about
// other lines hold as before, and a line of the record that tells of it. Nothing is removed that a
// stream has not sent, or that is held.

import Backends
import Enforcement
import EventLoop
import JSON

/// Looks once a day, from the server's start on.
final class RetentionDesk: Sendable {
    private let settings: RetentionSettings?
    private let bodies: BodyKeeping?
    private let state: String
    private let log: String
    private let streams: [Name]
    private let recorder: Recorder
    private let workers: WorkerPool
    private let rounds = Rounds()

    /// Files are no longer than that, so that what grows old can go.
    static let segmentSeconds = Calendar.day
    static let betweenLooks = Duration.seconds(Calendar.day)

    init(
        _ settings: RetentionSettings?, state: String, log: String, streams: [Name],
        recorder: Recorder, workers: WorkerPool, bodies: BodyKeeping? = nil
    ) {
        self.settings = settings
        self.bodies = bodies
        self.state = state
        self.log = log
        self.streams = streams
        self.recorder = recorder
        self.workers = workers
    }

    func start(on loop: EventLoop) {
        guard settings != nil || bodies != nil || BodyDestruction.hasAny(keys: keys) else {
            return
        }
        rounds.start(on: loop) {
            await self.look(at: WallClock.seconds())
            return Self.betweenLooks
        }
    }

    func stop() async { await rounds.stop() }

    /// Removes what is over. A failure is said; the next look goes on.
    func look(at now: Int) async {
        do {
            let result: Result<Void, RecordError> = try await workers.run { _ in
                do throws(RecordError) { return .success(try self.sweep(at: now)) } catch {
                    return .failure(error)
                }
            }
            try result.get()
        } catch {
            StandardStream.error.line("retention: \(error)")
        }
    }

    /// Of this log.
    private var keys: String { Installation(directory: state).keyDirectory + "/" + log }

    private func sweep(at now: Int) throws(RecordError) {
        let directory = "\(state)/\(log)"
        let unsent = try StreamCursor.firstUnsentLine(
            streams, state: state, log: log, directory: directory)
        BodySweep(
            retention: settings, keeping: bodies, recorder: recorder, directory: directory,
            keys: keys
        ).run(before: unsent, at: now)
        guard let settings else { return }
        let sweep = RetentionSweep(settings: settings, recorder: recorder, directory: directory)
        let shipped = try StreamCursor.firstUnsent(
            streams, state: state, log: log, directory: directory)
        if try sweep.run(before: shipped.min() ?? .max, at: now) > 0 {
            RecordPlace.forgetIndex(in: state)
        }
    }
}
