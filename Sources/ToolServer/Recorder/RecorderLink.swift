import Enforcement
import EventLoop
import Glibc
import Synchronization

/// The record as a server has it whose recorder is another process: one frame a batch goes there,
/// and its receipt comes back when it is durable. This process has no key and writes no file.
///
/// A frame whose receipt was lost is asked after when the recorder is there again, and is sent
/// again only if it is not in the record.
final class RecorderLink: BatchWriter {
    let place = "the recorder"
    private let settings: RecorderSettings
    private let run: String
    private let givesEvidence: Bool
    private var line: RecorderLine?
    /// The number of the next frame, or of the one that is pending.
    private var frame = 1
    /// No frame of ours without a receipt stands before this line.
    private var end = 0
    /// It was sent, and nobody knows whether it is in the record.
    private var pending: (bytes: [UInt8], groups: Int)?

    private static let greeting = Duration.seconds(5)

    init(_ settings: RecorderSettings, run: String, givesEvidence: Bool) {
        self.settings = settings
        self.run = run
        self.givesEvidence = givesEvidence
    }

    deinit { line?.socket.end() }

    static func open(
        _ settings: RecorderSettings, givesEvidence: Bool
    ) throws(CommandFailure) -> Recorder {
        // Who can write there has nothing that is kept from them.
        guard unsafe access(settings.log, W_OK) != 0 else {
            throw CommandFailure(
                "this user can write in \(settings.log), from whom the recorder is to keep it. Start the server as `\(settings.user)`, and the recorder as another user, who owns it."
            )
        }
        let link = RecorderLink(settings, run: CallID.run, givesEvidence: givesEvidence)
        if case .failure(let error) = link.restart() {
            throw CommandFailure(
                "\(error). Start `toolserver recorder`, and see that `\(settings.user)` may open its socket."
            )
        }
        let loss = link.loss
        do throws(RecordError) {
            let recorder = try Recorder.through(
                link, wakeLater: { OwedWakes.wake($0) },
                notice: { StandardStream.error.line("record: \($0)") })
            loss.tell { [weak recorder] in recorder?.look() }
            return recorder
        } catch { throw CommandFailure("the record cannot be opened: \(error)") }
    }

    /// Told on another thread that a connection ended.
    let loss = RecorderLoss()

    func commit(_ batch: [WaitingLines]) -> Result<[RecordReceipt], RecordError> {
        pending = (RecorderFrame.lines(frame, batch.map(\.bodies)), batch.count)
        do throws(RecordError) { return .success(try deliver()) } catch {
            if case .malformed = error { return .failure(error) }
        }
        // A recorder that was started anew takes it at once.
        return resume().flatMap { receipts in
            receipts.map { .success($0) } ?? .failure(.unavailable("its receipt was lost"))
        }
    }

    func restart() -> Result<Void, RecordError> {
        if pending == nil, let line, line.socket.isStanding { return .success(()) }
        return resume().map { _ in }
    }

    func close() throws(RecordError) {
        try? line?.socket.send(FrameWriter(.goodbye).finish(), within: Self.greeting)
        drop()
    }

    private func drop() {
        line?.socket.end()
        line = nil
    }

    private func keep(_ line: RecorderLine) throws(RecordError) {
        self.line = line
        let loss = loss
        do throws(SystemError) {
            _ = try SystemThread.spawn(name: "recorder") {
                line.socket.waitForEnd()
                loss.tell()
            }
        } catch {
            throw .unavailable("no thread for the recorder")
        }
    }

    /// Connects, and sends again what is not in the record. The receipts are nil where it is.
    private func resume() -> Result<[RecordReceipt]?, RecordError> {
        do throws(RecordError) {
            drop()
            let line = try RecorderLine.connect(to: settings)
            let hello = RecorderFrame.Hello(
                run: run, frame: pending == nil ? 0 : frame, from: end)
            var welcome = try exchange(hello.bytes, on: line, within: Self.greeting)
            guard welcome.kind == .welcome, let size = welcome.number(),
                let hasFrame = welcome.short()
            else { throw Self.fault(&welcome) }
            try keep(line)
            if pending == nil || hasFrame == 1 {
                if pending != nil { frame += 1 }
                pending = nil
                end = size
                return .success(nil)
            }
            return .success(try deliver())
        } catch { return .failure(error) }
    }

    /// Throws with the connection closed, unless it was the lines that cannot be taken.
    private func deliver() throws(RecordError) -> [RecordReceipt] {
        guard let pending, let line else {
            throw .unavailable("the recorder is not connected")
        }
        do throws(RecordError) {
            // As a disk may, it takes as long as it takes: whoever waits is told at the deadline.
            var answer = try exchange(pending.bytes, on: line, within: nil)
            guard answer.kind == .durable,
                let receipts = RecorderFrame.receipts(
                    &answer, count: pending.groups, givesEvidence: givesEvidence)
            else { throw Self.fault(&answer) }
            self.pending = nil
            frame += 1
            end = (receipts.last?.lastSequence ?? end) + 1
            return receipts
        } catch {
            // Lines that have no form never were: nothing is to be sent again.
            if case .malformed = error { self.pending = nil }
            drop()
            throw error
        }
    }

    private static func fault(_ answer: inout FrameReader) -> RecordError {
        guard answer.kind == .refused, let error = RecorderFrame.error(&answer) else {
            return .unavailable("the recorder gave no answer that can be read")
        }
        return error
    }

    private func exchange(
        _ bytes: [UInt8], on line: RecorderLine, within limit: Duration?
    ) throws(RecordError) -> FrameReader {
        try line.exchange(bytes, first: limit, rest: Self.greeting, with: settings)
    }
}

/// Who is told when the recorder is lost.
final class RecorderLoss: Sendable {
    private let body = Mutex<@Sendable () -> Void>({})

    func tell(_ body: @escaping @Sendable () -> Void) { self.body.withLock { $0 = body } }

    func tell() { body.withLock { $0 }() }
}

/// One connection, which ends with it.
final class RecorderLine: Sendable {
    let socket: LocalSocket

    init(_ socket: consuming LocalSocket) { self.socket = socket }

    /// Only to whoever owns the record.
    static func connect(to settings: RecorderSettings) throws(RecordError) -> RecorderLine {
        do throws(SystemError) {
            let line = RecorderLine(try LocalSocket.connect(to: settings.socket))
            guard let user = line.socket.peerUser, user == FileOwner.of(settings.directory) else {
                throw SystemError(call: "connect", code: EACCES)
            }
            return line
        } catch {
            throw .unavailable("the recorder at \(settings.socket) does not answer (\(error))")
        }
    }

    /// Sends a frame and takes the answer.
    func exchange(
        _ bytes: [UInt8], first: Duration?, rest: Duration, with settings: RecorderSettings
    ) throws(RecordError) -> FrameReader {
        do throws(SystemError) {
            try socket.send(bytes, within: first)
            if let answer = FrameReader(try frame(first: first, rest: rest)) { return answer }
        } catch {
            throw .unavailable("the recorder at \(settings.socket) is gone (\(error))")
        }
        throw .unavailable("the recorder at \(settings.socket) gave no answer that can be read")
    }

    /// The next frame, without its length. `first` is how long it may be until it begins.
    func frame(first: Duration?, rest: Duration) throws(SystemError) -> [UInt8] {
        var head: [UInt8] = []
        try socket.receive(4, into: &head, within: first)
        let count = head.reduce(0) { $0 << 8 | Int($1) }
        guard (1...RecorderFrame.bytesMax).contains(count) else {
            throw SystemError(call: "recv", code: EMSGSIZE)
        }
        var bytes: [UInt8] = []
        try socket.receive(count, into: &bytes, within: rest)
        return bytes
    }
}

enum FileOwner {
    /// nil where there is no such file.
    static func of(_ path: String) -> uid_t? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? status.st_uid : nil
    }
}
