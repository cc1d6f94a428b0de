import EventLoop
import Foundation
import JSON
import Synchronization
import TestSupport
import Testing

@testable import Enforcement
@testable import ToolServer

@Suite struct RecorderFrameTests {
    private static func read(_ bytes: [UInt8]) -> FrameReader? {
        FrameReader(Array(bytes.dropFirst(4)))
    }

    @Test func aFrameComesAsItWentOut() throws {
        let hello = RecorderFrame.Hello(run: "a1", frame: 7, from: 99)
        #expect(RecorderFrame.Hello(try #require(Self.read(hello.bytes))) == hello)

        let groups = [[Array("one".utf8), Array("two".utf8)], [Array("three".utf8)]]
        var lines = try #require(Self.read(RecorderFrame.lines(3, groups)))
        #expect(lines.number() == 3)
        #expect(RecorderFrame.groups(&lines) == groups)

        let evidence = RecordEvidence(sequence: 5, leaf: "leaf", checkpoint: "note")
        let receipts = [RecordReceipt(lines: 4...5, evidence: evidence)]
        var durable = try #require(Self.read(RecorderFrame.durable(receipts)))
        let got = try #require(RecorderFrame.receipts(&durable, count: 1, givesEvidence: true))
        #expect(got[0].firstSequence == 4 && got[0].lastSequence == 5)
        #expect(got[0].evidence?.leaf == "leaf" && got[0].evidence?.checkpoint == "note")
    }

    @Test func whatIsCutOrTooLongIsNoFrame() throws {
        let whole = Array(RecorderFrame.lines(1, [[Array("body".utf8)]]).dropFirst(4))
        for count in 0..<whole.count {
            var reader = FrameReader(Array(whole.prefix(count)))
            _ = reader?.number()
            #expect(
                reader.map {
                    var rest = $0; return RecorderFrame.groups(&rest) == nil
                } ?? true)
        }
        var longer = try #require(FrameReader(whole + [0]))
        _ = longer.number()
        #expect(RecorderFrame.groups(&longer) == nil)
        #expect(FrameReader([9]) == nil)
        let loud = RecorderFrame.Hello(run: "A#1", frame: 0, from: 0).bytes
        #expect(RecorderFrame.Hello(try #require(Self.read(loud))) == nil)
    }
}

@Suite struct RecorderGuestTests {
    private static let start = ContinuousClock.now
    private static let later = start + RecorderGuests.grace
    private static let intent = Array(#""event":"intent","call":"a-1""#.utf8)
    private static let outcome = Array(#""event":"outcome","call":"a-1","code":"ok""#.utf8)

    @Test func whoIsGoneLeavesOpenCallsThatAreGivenUpAfterTheGrace() {
        let guests = RecorderGuests(orphans: [], now: Self.start)
        #expect(guests.enter("a") && !guests.enter("a"))
        guests.took([[Self.intent]], of: "a")
        #expect(guests.giveUp(now: Self.later).isEmpty, "it is here")
        guests.left("a", saidGoodbye: false, now: Self.start)
        #expect(guests.giveUp(now: Self.start).isEmpty, "it may come back")
        #expect(guests.giveUp(now: Self.later) == [Array("a-1".utf8)])
        #expect(guests.giveUp(now: Self.later).isEmpty, "once")
        #expect(
            guests.settled(Self.outcome).starts(with: Array(#""event":"late","call":"a-1""#.utf8)))
    }

    @Test func whoComesBackEndsItsCallsItself() {
        let guests = RecorderGuests(
            orphans: [Array("a-1".utf8), Array("b-1".utf8)], now: Self.start)
        #expect(guests.enter("a"))
        #expect(
            guests.giveUp(now: Self.later) == [Array("b-1".utf8)], "of a process never heard of")
        #expect(guests.settled(Self.outcome) == Self.outcome)
        guests.took([[Self.outcome]], of: "a")
        guests.left("a", saidGoodbye: true, now: Self.later)
        #expect(guests.giveUp(now: Self.later).isEmpty)
    }

    @Test func whatCouldNotBeRecordedAsGivenUpIsGivenUpAgain() {
        let guests = RecorderGuests(orphans: [Array("a-1".utf8)], now: Self.start)
        let calls = guests.giveUp(now: Self.later)
        guests.takeBack(calls)
        #expect(guests.giveUp(now: Self.later) == calls)
    }
}

/// A recorder and a link to it in one process, by one user; what the command refuses.
final class RecorderFixture: Sendable {
    let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("recorder-\(UUID().uuidString.prefix(8))").path
    private let serving = Mutex<(desk: RecorderDesk, stop: Atomically)?>(nil)
    private let open = Mutex<Recorder?>(nil)

    init() throws {
        try FileManager.default.createDirectory(
            atPath: folder + "/keys", withIntermediateDirectories: true)
    }

    deinit {
        stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    var settings: RecorderSettings {
        RecorderSettings(socket: folder + "/s.sock", directory: folder, user: "somebody")
    }

    var recorder: Recorder? { open.withLock { $0 } }

    /// The same until it is stopped.
    func opened(_ limits: RecorderLimits = RecorderLimits()) throws -> Recorder {
        if let recorder { return recorder }
        let recorder = try Recorder.open(
            directory: settings.log, keys: settings.keys + "/record", limits: limits,
            givesEvidence: true, isolation: .recorder)
        open.withLock { $0 = recorder }
        return recorder
    }

    func start(
        _ limits: RecorderLimits = RecorderLimits(), retention: RecorderRetention? = nil,
        mayWrite: Bool = true
    ) throws {
        let desk = RecorderDesk(
            try opened(limits), directory: settings.log, retention: retention)
        let stop = Atomically()
        let listener = try LocalListener(at: settings.socket)
        let held = Held(listener)
        _ = try SystemThread.spawn(name: "door") {
            while !stop.isSet {
                if let socket = try? held.listener.accept(within: .milliseconds(20)) {
                    desk.welcome(socket, mayWrite: mayWrite)
                }
            }
        }
        serving.withLock { $0 = (desk, stop) }
    }

    func stop() {
        serving.withLock { serving in
            serving?.stop.set()
            serving?.desk.close()
            serving = nil
            open.withLock { $0 = nil }
        }
    }

    func link(_ socket: String? = nil, run: String = "run") throws -> Recorder {
        var settings = settings
        if let socket { settings.socket = socket }
        let link = RecorderLink(settings, run: run, givesEvidence: true)
        try link.restart().get()
        var limits = RecorderLimits()
        limits.retry = .milliseconds(20)
        let recorder = try Recorder.through(link, limits: limits)
        link.loss.tell { [weak recorder] in recorder?.look() }
        return recorder
    }

    func texts() throws -> [String] {
        var texts: [String] = []
        try AuditReader(directory: settings.log).forEach { line in
            texts.append(String(decoding: line.bytes, as: UTF8.self))
            return true
        }
        return texts
    }

    func verify() throws -> AuditVerifier.Report {
        let key = try String(contentsOfFile: settings.log + "/record.pub", encoding: .utf8)
        return try AuditVerifier.verify(directory: settings.log, publicKey: key)
    }
}

private final class Held: Sendable {
    let listener: LocalListener
    init(_ listener: consuming LocalListener) { self.listener = listener }
}

private final class Atomically: Sendable {
    private let flag = Atomic<Bool>(false)
    func set() { flag.store(true, ordering: .relaxed) }
    var isSet: Bool { flag.load(ordering: .relaxed) }
}

/// Stands between, and loses the receipts that it is told to lose.
private final class LossyProxy: Sendable {
    let socket: String
    private let losses: Mutex<Int>

    init(to target: String, losing count: Int) throws {
        socket = target + ".p"
        losses = Mutex(count)
        let held = Held(try LocalListener(at: socket))
        _ = try SystemThread.spawn(name: "proxy") {
            while let socket = try? held.listener.accept(within: .seconds(5)) {
                self.pass(RecorderLine(socket), target)
            }
        }
    }

    private func pass(_ near: RecorderLine, _ target: String) {
        guard let socket = try? LocalSocket.connect(to: target) else { return near.socket.end() }
        let far = RecorderLine(socket)
        defer {
            near.socket.end()
            far.socket.end()
        }
        while let asked = try? near.frame(first: .seconds(5), rest: .seconds(1)) {
            guard (try? far.socket.send(Self.framed(asked), within: nil)) != nil,
                let answer = try? far.frame(first: .seconds(5), rest: .seconds(1))
            else { return }
            let isLost = losses.withLock { left in
                guard asked.first == 2, left > 0 else { return false }
                left -= 1
                return true
            }
            if isLost { return }
            try? near.socket.send(Self.framed(answer), within: nil)
        }
    }

    private static func framed(_ bytes: [UInt8]) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: bytes.count >> (24 - 8 * $0)) } + bytes
    }
}

@Suite struct RecorderLinkTests {
    private static func line(_ number: Int) -> [UInt8] {
        Array(#""event":"start","v":1,"version":"\#(number)""#.utf8)
    }

    @Test func linesBecomeDurableThroughTheRecorderWithTheirProof() async throws {
        let fixture = try RecorderFixture()
        try fixture.start()
        let recorder = try fixture.link()
        let receipt = try await recorder.append([Self.line(1), Self.line(2)])
        #expect(receipt.lastSequence == receipt.firstSequence + 1)
        let evidence = try #require(receipt.evidence)
        let texts = try fixture.texts()
        let leaf = SHA256Hasher()
        let last = Array(texts[receipt.lastSequence].utf8)
        #expect(
            evidence.leaf
                == Base64.encode(unsafe last.withUnsafeBytes { unsafe leaf.leaf($0).bytes }))
        #expect(evidence.checkpoint.contains("\n— "))
        recorder.close()
        fixture.stop()
        #expect(try fixture.verify().tailBytes == 0)
        #expect(texts.contains { $0.hasSuffix(#""isolation":"recorder"}"#) })
        #expect(!texts.contains { $0.contains("inproc") })
    }

    @Test func aLineWhoseReceiptWasLostStandsInTheRecordOnce() async throws {
        let fixture = try RecorderFixture()
        try fixture.start()
        let proxy = try LossyProxy(to: fixture.settings.socket, losing: 2)
        let recorder = try fixture.link(proxy.socket)
        for number in 0..<20 {
            // Whoever was refused does not know; what they had to say is recorded nonetheless.
            while (try? await recorder.append([Self.line(number)])) == nil {
                guard
                    try fixture.texts().contains(where: { $0.contains(#""version":"\#(number)""#) })
                else { continue }
                break
            }
        }
        recorder.close()
        fixture.stop()
        let texts = try fixture.texts()
        for number in 0..<20 {
            #expect(texts.filter { $0.contains(#""version":"\#(number)""#) }.count == 1)
        }
        _ = try fixture.verify()
    }

    @Test func withoutTheRecorderCallsAreRefusedAndGoOnWhenItIsBack() async throws {
        let fixture = try RecorderFixture()
        try fixture.start()
        let recorder = try fixture.link()
        _ = try await recorder.append([Self.line(1)])
        fixture.stop()
        await #expect(throws: RecordError.self) { _ = try await recorder.append([Self.line(2)]) }
        #expect(!recorder.isWritable)
        try fixture.start()
        while !recorder.isWritable { await Task.yield() }
        _ = try await recorder.append([Self.line(3)])
        recorder.close()
        fixture.stop()
        let texts = try fixture.texts()
        #expect(texts.filter { $0.contains(#""version":"3""#) }.count == 1)
        #expect(try fixture.verify().epochs.count == 2)
    }

    @Test func aRecorderThatStartsAnewLeavesOpenCallsToTheirProcess() async throws {
        let fixture = try RecorderFixture()
        try fixture.start()
        let recorder = try fixture.link()
        _ = try await recorder.append([Array(#""event":"intent","call":"run-1""#.utf8)])
        fixture.stop()
        try fixture.start()
        let outcome = Array(#""event":"outcome","call":"run-1","code":"ok""#.utf8)
        while (try? await recorder.append([outcome])) == nil {
            while !recorder.isWritable { await Task.yield() }
            // What was refused on its way is recorded when the recorder is there again.
            if try fixture.texts().contains(where: { $0.contains(#""event":"outcome""#) }) { break }
        }
        recorder.close()
        fixture.stop()
        #expect(try fixture.texts().filter { $0.contains(#""event":"outcome""#) }.count == 1)
        #expect(!(try fixture.texts().contains { $0.contains(#""unknown""#) }))
    }

    @Test(arguments: [
        #""event":"start","at":"2020-01-01T00:00:00.000000Z""#, #""event":"start","seq":1"#,
        #""event":"start","\u0061t":1"#, #""event":"start","frame":"run#1""#,
        #""event":"start"},{"seq":1"#, #""event":"removed","v":1"#, #""event":"late","v":1"#,
        #""event":"start","a":1,"a":2"#, #""event":"start","a":"#,
        #""event":"outcome","body":{"file":"body-1"}"#, #""event":"outcome","unkept":"long""#,
    ])
    func whatOnlyTheRecorderMaySayIsNotTaken(_ body: String) throws {
        #expect(throws: RecordError.self) { try ForeignLines.check(Array(body.utf8)) }
    }
}

@Suite struct RecorderManifestTests {
    private static func problems(_ more: String) throws -> String {
        try ManifestFixture(["server.json": #"{"server": "s", \#(more)}"#]).problems()
            .joined(separator: "\n")
    }

    @Test func aRecorderIsReadAsItIsWritten() throws {
        #expect(
            try Self.problems(
                #""record": {"recorder": "/run/r.sock", "directory": "/r", "user": "u"}"#
            )
            .isEmpty)
        let long = String(repeating: "x", count: 120)
        #expect(
            try Self.problems(
                #""record": {"recorder": "/\#(long)", "directory": "/r", "user": "u"}"#
            )
            .contains("at most 107 bytes"))
        #expect(
            try Self.problems(
                #""retention": {"days": 1}, "record": {"recorder": "/s", "directory": "/r", "user": "u"}"#
            ).isEmpty)
        #expect(
            try Self.problems(#""record": {"recorder": "/s", "directory": "/r"}"#)
                .contains("missing key `user`"))
    }
}
