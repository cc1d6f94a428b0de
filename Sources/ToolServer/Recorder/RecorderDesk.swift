import Enforcement
import EventLoop
import JSON
import Synchronization

/// Serves the processes that write through the recorder, each on a thread of its own, which takes
/// nothing from them but lines.
final class RecorderDesk: Sendable {
    private let recorder: Recorder
    /// nil: the record is kept for good.
    private let retention: RecorderRetention?
    private let reader: AuditReader
    private let guests: RecorderGuests
    /// Every line before it is durable.
    private let end: Atomic<Int>
    private let lines = Mutex<[ObjectIdentifier: RecorderLine]>([:])

    static let linesMax = 64
    private static let patience = Duration.seconds(10)

    init(_ recorder: Recorder, directory: String, retention: RecorderRetention? = nil) {
        self.recorder = recorder
        self.retention = retention
        reader = AuditReader(directory: directory)
        guests = RecorderGuests(orphans: recorder.underway)
        end = Atomic(recorder.size)
    }

    /// On a thread of its own, until the other side leaves. Who may not write learns how the
    /// recorder does, no more.
    func welcome(_ socket: consuming LocalSocket, mayWrite: Bool = true) {
        let line = RecorderLine(socket)
        let hasRoom = lines.withLock { lines in
            guard lines.count < Self.linesMax else { return false }
            lines[ObjectIdentifier(line)] = line
            return true
        }
        guard hasRoom else {
            let refusal = RecordError.unavailable("too many processes write through the recorder")
            try? line.socket.send(RecorderFrame.refused(refusal), within: .zero)
            return
        }
        do throws(SystemError) {
            _ = try SystemThread.spawn(name: "guest") {
                try? self.serve(line, mayWrite: mayWrite)
                self.lines.withLock { $0[ObjectIdentifier(line)] = nil }
            }
        } catch {
            lines.withLock { $0[ObjectIdentifier(line)] = nil }
        }
    }

    private func serve(_ line: RecorderLine, mayWrite: Bool) throws(SystemError) {
        let frame = FrameReader(try line.frame(first: Self.patience, rest: Self.patience))
        if let shipped = frame.flatMap({ ShippedFiles($0) }) {
            if mayWrite { retention?.hear(shipped) }
            return try line.socket.send(report.bytes, within: Self.patience)
        }
        guard mayWrite else {
            return try refuse(
                .unavailable("this user may not write through the recorder"), on: line)
        }
        guard let hello = frame.flatMap({ RecorderFrame.Hello($0) }) else { return }
        guard recorder.isWritable else {
            return try refuse(.unavailable("the recorder's disk takes nothing"), on: line)
        }
        guard guests.enter(hello.run) else {
            return try refuse(.unavailable("the recorder has this process already"), on: line)
        }
        var saidGoodbye = false
        defer { guests.left(hello.run, saidGoodbye: saidGoodbye) }
        let hasFrame: Bool
        do throws(RecordError) {
            let mark = ForeignLines.mark(run: hello.run, frame: hello.frame)
            hasFrame = hello.frame > 0 ? try reader.holds(frame: mark, from: hello.from) : false
        } catch { return try refuse(error, on: line) }
        let welcome = RecorderFrame.welcome(
            end: end.load(ordering: .relaxed), hasFrame: hasFrame)
        try line.socket.send(welcome, within: Self.patience)
        while let frame = FrameReader(try line.frame(first: nil, rest: Self.patience)) {
            guard frame.kind == .lines else {
                saidGoodbye = frame.kind == .goodbye
                return
            }
            try line.socket.send(answer(frame, of: hello.run), within: Self.patience)
        }
    }

    private func refuse(_ error: RecordError, on line: RecorderLine) throws(SystemError) {
        try line.socket.send(RecorderFrame.refused(error), within: Self.patience)
    }

    private func answer(_ frame: FrameReader, of run: String) -> [UInt8] {
        var frame = frame
        guard let number = frame.number(), var groups = RecorderFrame.groups(&frame) else {
            return RecorderFrame.refused(.malformed("not a frame of lines"))
        }
        do throws(RecordError) {
            for body in groups.joined() { try ForeignLines.check(body) }
        } catch { return RecorderFrame.refused(error) }
        for index in groups.indices { groups[index] = groups[index].map(guests.settled) }
        groups[0][0] += ForeignLines.mark(run: run, frame: number)
        switch recorder.append(together: groups) {
        case .success(let receipts):
            guests.took(groups, of: run)
            note(receipts)
            return RecorderFrame.durable(receipts)
        case .failure(let error): return RecorderFrame.refused(error)
        }
    }

    private func note(_ receipts: [RecordReceipt]) {
        guard let last = receipts.last?.lastSequence else { return }
        _ = end.max(last + 1, ordering: .relaxed)
    }

    private var report: RecorderReport {
        var report = RecorderReport()
        report.figures = recorder.figures
        report.lines = end.load(ordering: .relaxed)
        (report.processes, report.openCalls) = guests.count
        report.rewrittenFiles = retention?.rewrittenFiles ?? 0
        report.unheardStreams = retention?.unheard.map(\.text) ?? []
        return report
    }

    /// Ends what processes have left open that are gone.
    func tidy() {
        retention?.lookIfDue()
        let calls = guests.giveUp()
        guard !calls.isEmpty else { return }
        switch recorder.append(together: calls.map { [ForeignLines.unknownOutcome($0)] }) {
        case .success(let receipts): note(receipts)
        case .failure: guests.takeBack(calls)
        }
    }

    /// Nobody is served any more.
    func close() {
        let open = lines.withLock { Array($0.values) }
        for line in open { line.socket.end() }
        recorder.close()
    }
}
