import EventLoop
import JSON

/// The way back to the client of one POST: plain JSON, unless something must be said before the
/// answer or the answer takes a while. Then it is an event stream.
///
/// Where the client may come back for what a broken connection lost, all is said to a log, and a
/// task of its own reads that out; elsewhere it is said to the connection.
///
/// Sendable although it has plain variables: they are touched by the tasks of one request only,
/// and all of those run on the loop of its connection.
final class CallStream: ClientChannel, @unchecked Sendable {
    /// What a broken connection may be resumed with.
    struct Resumption {
        let streams: ResumableStreams
        let owner: StreamLog.Owner
        /// An event without data, at once, so that the client has an id to come back with; clients
        /// of revisions before 2025-11-25 take it for a broken message.
        let isPrimed: Bool
    }

    static let headers = [(name: "X-Accel-Buffering", value: "no")]

    private let exchange: HTTPExchange
    private let isAccepted: Bool
    private let resumption: Resumption?
    private var stream: EventStream?
    private var log: StreamLog?
    private var isFinished = false

    /// `isAccepted`: the client takes event streams.
    init(_ exchange: HTTPExchange, isAccepted: Bool, resumption: Resumption? = nil) {
        self.exchange = exchange
        self.isAccepted = isAccepted
        self.resumption = resumption
    }

    var loop: EventLoop { exchange.loop }
    var isOpen: Bool { stream != nil }

    /// From here on the status is 200, and the first byte has left.
    func open() {
        guard let stream = begin(), log == nil else { return }
        stream.comment("under way")
    }

    /// The stream, if it was not there before.
    private func begin() -> EventStream? {
        guard isAccepted, !isFinished, stream == nil else { return nil }
        let stream = exchange.openEventStream(headers: Self.headers)
        self.stream = stream
        guard let resumption, let log = resumption.streams.begin(for: resumption.owner),
            let reader = log.read(after: 0)
        else { return stream }
        self.log = log
        Task(executorPreference: loop) {
            await Self.read(log, reader, into: stream, isPrimed: resumption.isPrimed)
        }
        return stream
    }

    func send(_ message: [UInt8]) async -> Bool { await say(message, isReport: false) }

    func report(_ message: [UInt8]) async -> Bool { await say(message, isReport: true) }

    private func say(_ message: [UInt8], isReport: Bool) async -> Bool {
        _ = begin()
        guard !isFinished, let stream else { return false }
        if let log { return log.append(message, isReport: isReport) }
        do { try await stream.send(event: message) } catch { return false }
        return true
    }

    func finish(
        _ status: Int, _ message: [[UInt8]], headers: [(name: String, value: String)]
    ) async {
        isFinished = true
        guard let stream else {
            exchange.respond(.json(status, message, headers: headers))
            return
        }
        let message = message.inOnePiece
        if let log {
            _ = log.append(message, isLast: true)
            resumption?.streams.ended(log, on: loop)
        } else {
            _ = try? await stream.send(event: message)
            stream.end()
        }
    }

    /// For a call that its client has cancelled: it gets no answer (2025-11-25 cancellation), but
    /// its POST has to end.
    func finishWithoutAnswer() {
        _ = begin()
        isFinished = true
        if let log {
            resumption?.streams.forget(log.name)
            log.abandon()
        } else if let stream {
            stream.end()
        } else {
            exchange.respond(HTTPResponse(status: 202))
        }
    }

    /// Tells a connection what the log has and gets, until all is said or nobody listens.
    static func read(
        _ log: StreamLog, _ reader: StreamLog.Reader, into stream: EventStream,
        isPrimed: Bool = false
    ) async {
        do throws(StreamClosed) {
            if isPrimed {
                try await stream.send(event: [], id: log.id(of: 0), retry: ResumableStreams.retry)
            } else {
                stream.comment("under way")
            }
            while let event = await log.next(for: reader) {
                try await stream.send(event: event.message, id: log.id(of: event.number))
            }
        } catch {}
        stream.end()
    }
}
