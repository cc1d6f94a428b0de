import Backends
import Enforcement
import EventLoop
import JSON

/// Takes every log of the installation to one place: in order, each line at least once, from where
/// it was before. It never holds up a call: the record on disk is what it has not sent.
///
/// Runs on a loop; files are read on workers.
final class StreamShipper: Sendable {
    struct Means: Sendable {
        /// The state directory.
        let state: String
        /// The folder of the logs.
        let records: String
        /// The log that this process writes.
        let ownLog: String
        let workers: WorkerPool
        let backlog: StreamBacklog
        /// Where it is said what was left out.
        let sink: any RecordSink
    }

    private static let pause = Duration.milliseconds(200)
    private static let betweenLooks = Duration.seconds(5)

    private let settings: StreamSettings
    private let index: Int
    private let target: any StreamTarget
    private let means: Means

    init(_ settings: StreamSettings, index: Int, target: any StreamTarget, means: Means) {
        self.settings = settings
        self.index = index
        self.target = target
        self.means = means
    }

    /// One batch that was sent and does not count as arrived yet.
    private struct Settling {
        let feed: StreamFeed
        let cursor: StreamCursor
        let since: MonotonicTime
    }

    private struct Course {
        var feeds: [String: StreamFeed] = [:]
        var settling: [Settling] = []
        var patience = StreamPatience()
        /// When other logs are looked for.
        var look = MonotonicTime(nanoseconds: 0)
    }

    /// Until its task is cancelled.
    func run(on loop: EventLoop) async {
        var course = Course()
        while !Task.isCancelled {
            var wait: Duration?
            do throws(DeliveryFailure) {
                let isMoving = try await round(&course, loop)
                if !isMoving { wait = Self.pause }
            } catch {
                wait = await recover(from: error, &course)
            }
            guard let wait else { continue }
            do throws(CancellationError) { try await loop.sleep(for: wait) } catch { break }
        }
        target.close()
    }

    /// A batch of each log. False where there was nothing to do.
    private func round(
        _ course: inout Course, _ loop: EventLoop
    ) async throws(DeliveryFailure) -> Bool {
        try await settle(&course, loop)
        if loop.now >= course.look {
            try await findLogs(&course)
            course.look = loop.now.advanced(by: Self.betweenLooks)
        }
        var isMoving = false
        for (log, feed) in course.feeds {
            guard let batch = try await next(feed, course.patience.bytesMax) else { continue }
            if course.patience.backoff != nil, let rest = try await leaveOut(feed, batch, log) {
                isMoving = rest
                continue
            }
            if !batch.items.isEmpty { try await target.deliver(batch) }
            if course.patience.backoff != nil { tell(nil, &course) }
            course.patience.arrived()
            course.settling.append(
                Settling(feed: feed, cursor: batch.cursor, since: loop.now))
            isMoving = true
        }
        try await settle(&course, loop)
        return isMoving
    }

    /// What was sent long enough ago, on a way that still stands, has arrived.
    private func settle(_ course: inout Course, _ loop: EventLoop) async throws(DeliveryFailure) {
        guard !course.settling.isEmpty else { return }
        guard target.isStanding() else {
            throw DeliveryFailure(reason: "the other side ended the connection")
        }
        var latest: [String: Settling] = [:]
        while let first = course.settling.first,
            first.since.advanced(by: target.settling) <= loop.now
        {
            latest[first.feed.log] = first
            course.settling.removeFirst()
        }
        for (log, settled) in latest {
            let isKept = await onWorker { settled.feed.arrived(settled.cursor) }
            if log.isByteEqual(to: means.ownLog) {
                means.backlog.arrived(index, to: settled.cursor.sent)
            }
            if isKept != true { throw DeliveryFailure(reason: "its cursor cannot be written") }
        }
    }

    private func next(
        _ feed: StreamFeed, _ bytesMax: Int
    ) async throws(DeliveryFailure) -> StreamBatch? {
        let read: Result<StreamBatch?, RecordError>? = await onWorker {
            do throws(RecordError) { return .success(try feed.next(bytesMax: bytesMax)) } catch {
                return .failure(error)
            }
        }
        switch read {
        case .success(let batch): return batch
        case .failure(let error): throw DeliveryFailure(reason: "\(error)")
        case nil: throw DeliveryFailure(reason: "no thread to read the record")
        }
    }

    private func recover(
        from failure: DeliveryFailure, _ course: inout Course
    ) async -> Duration {
        target.close()
        course.settling.removeAll()
        for feed in course.feeds.values { _ = await onWorker { feed.rewind() } }
        tell(failure.reason, &course)
        return course.patience.failed(failure)
    }

    private func tell(_ reason: String?, _ course: inout Course) {
        guard course.patience.isNews(reason) else { return }
        let name = settings.name.text
        StandardStream.error.line("stream \(name): \(reason ?? "lines arrive again")")
    }

    /// Logs that nobody else ships. Where another process ships our own, its cursor says how far.
    private func findLogs(_ course: inout Course) async throws(DeliveryFailure) {
        let known = Set(course.feeds.keys)
        let found: Result<[StreamFeed], RecordError>? = await onWorker { [settings, means] in
            do throws(RecordError) {
                return .success(try Self.feeds(settings, means, beside: known))
            } catch { return .failure(error) }
        }
        if !known.contains(means.ownLog) {
            let sent = await onWorker { [settings, means] in Self.elsewhere(settings, means) }
            if let sent = sent ?? nil { means.backlog.arrived(index, to: sent) }
        }
        switch found {
        case .success(let feeds):
            for feed in feeds {
                course.feeds[feed.log] = feed
                if feed.log.isByteEqual(to: means.ownLog) { begin(feed) }
            }
        case .failure(let error): throw DeliveryFailure(reason: "\(error)")
        case nil: throw DeliveryFailure(reason: "no thread to read the record")
        }
    }

    /// A stream that is new is not behind with what was recorded before it.
    private func begin(_ feed: StreamFeed) {
        let arrived = feed.arrived
        means.backlog.arrived(index, to: arrived == 0 ? means.backlog.recordedLast : arrived)
    }

    private static func elsewhere(_ settings: StreamSettings, _ means: Means) -> Int? {
        let reader = AuditReader(directory: "\(means.records)/\(means.ownLog)")
        guard let origin = try? reader.identity() else { return nil }
        let file = StreamCursor.file("\(means.state)/streams", settings.name, means.ownLog)
        return StreamCursor.read(file, origin: origin)?.sent
    }

    private static func feeds(
        _ settings: StreamSettings, _ means: Means, beside known: Set<String>
    ) throws(RecordError) -> [StreamFeed] {
        var feeds: [StreamFeed] = []
        for log in RecordPlace.logs(in: means.records) where !known.contains(log) {
            let feed = try StreamFeed(
                settings, log: log, record: "\(means.records)/\(log)",
                cursors: "\(means.state)/streams")
            if let feed { feeds.append(feed) }
        }
        return feeds
    }

    /// Beyond a bound that may be dropped, on record first. Nil where nothing is left out.
    private func leaveOut(
        _ feed: StreamFeed, _ batch: StreamBatch, _ log: String
    ) async throws(DeliveryFailure) -> Bool? {
        guard let bound = settings.bound, bound.then == .drop, log.isByteEqual(to: means.ownLog),
            means.backlog.recordedLast - batch.cursor.sent > bound.lines
        else { return nil }
        var writer = JSONWriter()
        writer.member("event", "stream")
        writer.member("v", RecordForm.version)
        writer.member("stream", settings.name.text)
        writer.member("from", feed.arrived)
        writer.member("to", batch.cursor.sent - 1)
        do throws(RecordError) { _ = try await means.sink.append([writer.finish()]) } catch {
            throw DeliveryFailure(reason: "\(error)")
        }
        let isKept = await onWorker { feed.arrived(batch.cursor) }
        means.backlog.arrived(index, to: batch.cursor.sent)
        return isKept ?? false
    }

    /// nil where no thread is free.
    private func onWorker<Value: Sendable>(
        _ body: @escaping @Sendable () -> Value
    ) async -> Value? {
        do throws(WorkerPoolFull) { return try await means.workers.run { _ in body() } } catch {
            return nil
        }
    }
}
