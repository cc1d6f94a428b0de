// How long is the record kept?
//
// Lines of calls that are older than their class says are taken out of files that are written no
// more. What stays is the hash of each, so that the tree, every signature and every proof about
// other lines hold as before, and a line of the record that tells of it. Nothing is removed that a
// stream has not sent, or that is held.

import Backends
import Enforcement
import EventLoop
import Glibc
import JSON
import Synchronization

/// Looks once a day, from the server's start on.
final class RetentionDesk: Sendable {
    private let settings: RetentionSettings?
    private let state: String
    private let log: String
    private let streams: [Name]
    private let sink: any RecordSink
    private let workers: WorkerPool
    private let running = Mutex<Task<Void, Never>?>(nil)

    /// Files are no longer than that, so that what grows old can go.
    static let segmentSeconds = Calendar.day
    private static let betweenLooks = Duration.seconds(Calendar.day)

    init(
        _ settings: RetentionSettings?, state: String, log: String, streams: [Name],
        sink: any RecordSink, workers: WorkerPool
    ) {
        self.settings = settings
        self.state = state
        self.log = log
        self.streams = streams
        self.sink = sink
        self.workers = workers
    }

    func start(on loop: EventLoop) {
        guard settings != nil else { return }
        let task = Task(executorPreference: loop) {
            while !Task.isCancelled {
                await self.look(at: WallClock.seconds())
                do throws(CancellationError) {
                    try await loop.sleep(for: Self.betweenLooks)
                } catch { break }
            }
        }
        running.withLock { $0 = task }
    }

    func stop() async {
        let task = running.withLock { $0 }
        task?.cancel()
        await task?.value
    }

    /// Removes what is over. A failure is said and leaves a whole record; the next look goes on.
    func look(at now: Int) async {
        do {
            while true {
                let pass = try await onWorker { () throws(RecordError) -> RetentionPass? in
                    try self.pass(at: now)
                }
                guard let pass, !pass.segments.isEmpty else { return }
                for segment in pass.segments { try await remove(pass.lines, from: segment) }
                guard pass.isPart else { return }
            }
        } catch {
            StandardStream.error.line("retention: \(error)")
        }
    }

    private func pass(at now: Int) throws(RecordError) -> RetentionPass? {
        guard let settings else { return nil }
        return try Self.pass(settings, state: state, log: log, streams: streams, at: now)
    }

    static func pass(
        _ settings: RetentionSettings, state: String, log: String, streams: [Name], at now: Int
    ) throws(RecordError) -> RetentionPass {
        let directory = "\(state)/\(log)"
        let origin = try AuditReader(directory: directory).identity()
        let cursors = streams.map { stream in
            StreamCursor.read(
                StreamCursor.file("\(state)/streams", stream, log), origin: origin)
        }
        return try RetentionPass(settings, log: directory, cursors: cursors, at: now)
    }

    private func remove(_ lines: Set<Int>, from segment: Int) async throws {
        let directory = "\(state)/\(log)"
        let rewrite = try await onWorker { () throws(RecordError) -> SegmentRewrite? in
            try SegmentRewrite(
                directory: directory, segment: segment, removing: { lines.contains($0) })
        }
        guard let rewrite else { return }
        do throws(RecordError) { _ = try await sink.append([rewrite.note.body]) } catch {
            rewrite.abandon()
            throw error
        }
        try await onWorker { [state] () throws(RecordError) -> Void in
            try rewrite.finish()
            // It may hold what is gone; whoever asks next makes it anew.
            for ending in ["", "-wal", "-shm"] {
                unsafe unlink("\(state)/record-index.db\(ending)")
            }
        }
    }

    private func onWorker<Value: Sendable>(
        _ body: @escaping @Sendable () throws(RecordError) -> Value
    ) async throws -> Value {
        let result: Result<Value, RecordError> = try await workers.run { _ in
            do throws(RecordError) { return .success(try body()) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
