import EventLoop
import Foundation
import JSON
import TestSupport
import Testing

@testable import Backends
@testable import Enforcement
@testable import ToolServer

@Suite struct BodyManifestTests {
    private static func load(_ text: String, _ more: String = "") throws -> BodyKeeping? {
        try ManifestFixture(["server.json": #"{"server": "shop", "bodies": \#(text)\#(more)}"#])
            .load().server.bodies
    }

    @Test func bodiesAreReadAsTheyAreWritten() throws {
        let read = try Self.load(
            #"{"days": 30, "bytes": 9000, "keep": [{"tag": "money", "days": 7}, {"effect": "write", "bytes": 50}]}"#
        )
        let rules = try #require(read?.rules)
        #expect(rules.map(\.term.days) == [7, 30])
        #expect(rules.map(\.term.bytes) == [9_000, 50])
        let all = try #require(try Self.load(#"{"days": 3}"#))
        #expect(all.rules.count == 1)
        #expect(all.rules[0].term == BodyTerm(days: 3, bytes: 256 << 10))
        #expect(try ManifestFixture().load().server.bodies == nil)
    }

    @Test(arguments: [
        (#"{}"#, "", "missing key `days`"), (#"{"days": 0}"#, "", "from 1"),
        (#"{"days": 9, "bytes": 0}"#, "", "from 1"),
        (#"{"days": 9, "keep": []}"#, "", "leave it out"),
        (#"{"days": 9, "keep": [{"days": 3}]}"#, "", "must name one of"),
        (#"{"days": 9, "keep": [{"effect": "odd"}]}"#, "", "odd"),
        (#"{"days": 9, "kept": []}"#, "", "unknown key"),
        (#"{"days": 9}"#, #", "retention": {"days": 8}"#, "must not outlive"),
        (
            #"{"days": 9}"#,
            #", "retention": {"days": 90, "classes": [{"tag": "x", "days": 5}]}"#,
            "at most 5 days"
        ),
        (
            #"{"days": 9}"#, #", "record": {"recorder": "/r", "directory": "/d", "user": "u"}"#,
            "takes lines and no answers"
        ),
    ])
    func whatMakesNoSenseIsAProblem(_ text: String, _ more: String, _ problem: String) throws {
        let problems = try ManifestFixture([
            "server.json": #"{"server": "shop", "bodies": \#(text)\#(more)}"#
        ]).problems()
        #expect(problems.count == 1, "\(problems)")
        #expect(problems.first?.contains(problem) == true, "\(problems)")
    }
}

/// Keys of days that are over, destroyed as a server does it once a day.
@Suite final class BodyRetentionTests {
    private let folder: RecordFolder
    private var state: String { folder.path }
    private var recorder: Recorder { folder.recorder }
    private let workers = WorkerPool(threads: 1, queueLimit: 8, name: "test")
    private var log: String { state + "/record" }
    private var keys: String { state + "/keys/record" }

    init() throws { folder = try RecordFolder("bodies", keepsBodies: true) }

    deinit { workers.stop() }

    private static let holding = RetentionSettings(
        days: 36_500, holds: [.init(name: "case", selection: .init(names: [(.caller, "ada")]))])
    private static var later: Int { WallClock.seconds() + 32 * 86_400 }

    private func desk(
        _ settings: RetentionSettings? = nil, streams: [Name] = [],
        keeping: BodyKeeping? = BodyKeeping([.init(term: BodyTerm(days: 30, bytes: 1_000))])
    ) -> RetentionDesk {
        RetentionDesk(
            settings, state: state, log: "record", streams: streams, recorder: recorder,
            workers: workers, bodies: keeping)
    }

    private func call(_ id: String, by subject: String = "ada", days: Int = 30) async throws {
        let outcome = try await GateFixture(backend: { _ in .texts(["told \(subject)"]) }).call()
        let answer = await AnswerBody(
            outcome, of: id, under: BodyTerm(days: days, bytes: 1_000), aside: nil)
        let line =
            #""event":"outcome","call":"\#(id)","v":1,"caller":{"issuer":"i","subject":"\#(subject)","kind":"human","groups":[]},"tool":"orders","code":"ok","microseconds":1"#
        _ = try await recorder.append([Array(line.utf8)], keeping: answer)
    }

    private func verify(_ depth: BodyDepth = .files) throws -> AuditVerifier.Report {
        try AuditVerifier.verify(
            directory: log,
            publicKey: String(contentsOfFile: log + "/record.pub", encoding: .utf8), bodies: depth)
    }

    /// By call; nil for what cannot be read.
    private func answers() throws -> [String: String?] {
        let reader = BodyReader(log: log, keys: keys)
        var answers: [String: String?] = [:]
        try AuditReader(directory: log).forEach { line in
            guard let line = RecordedLine(line), let call = line.call,
                let note = BodyNote(line["body"])
            else { return true }
            let bytes = try? reader.answer(note, of: call).get()
            answers[call] = .some(bytes.map { String(decoding: $0, as: UTF8.self) })
            return true
        }
        return answers
    }

    private func readable() throws -> Set<String> {
        Set(try answers().compactMap { $0.value == nil ? nil : $0.key })
    }

    private func files(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { name in
            name.hasPrefix("body-") || name.hasPrefix("2")
        }
    }

    @Test func aKeyIsDestroyedWhenItsTimeIsOverAndTheRecordSaysSo() async throws {
        try await call("a")
        try await call("b", by: "bob")
        await desk().look(at: WallClock.seconds() + 29 * 86_400)
        #expect(try readable() == ["a", "b"])
        await desk().look(at: Self.later)
        #expect(try readable().isEmpty)
        #expect(try files(keys).isEmpty)
        #expect(try files(log + "/bodies").isEmpty)
        let report = try verify()
        #expect(report.bodies == 0)
        #expect(report.destroyedBodies == 2)
        // Nothing more is said at the next look.
        await desk().look(at: Self.later + 86_400)
        #expect(try verify().lines == report.lines)
    }

    @Test func eachLivesAsLongAsWasSaidOrShorterIfThatIsSaidNow() async throws {
        try await call("a", days: 30)
        try await call("b", days: 400)
        await desk(keeping: nil).look(at: Self.later)
        #expect(try readable() == ["b"])
        await desk().look(at: Self.later)
        #expect(try readable().isEmpty)
        #expect(try verify().destroyedBodies == 2)
    }

    @Test func whatIsHeldStaysReadableAndNothingElse() async throws {
        for (id, subject) in [("a", "ada"), ("b", "bob"), ("c", "ada")] {
            try await call(id, by: subject)
        }
        await desk(Self.holding).look(at: Self.later)
        #expect(try readable() == ["a", "c"])
        #expect(try files(keys).map { ($0 as NSString).pathExtension } == ["held"])
        let report = try verify(.keys(keys))
        #expect(report.bodies == 2)
        #expect(report.destroyedBodies == 1)
        await desk(Self.holding).look(at: Self.later + 86_400)
        #expect(try verify().lines == report.lines)
        // Released, it goes at the next look.
        await desk().look(at: Self.later + 2 * 86_400)
        #expect(try readable().isEmpty)
        #expect(try files(keys).isEmpty && files(log + "/bodies").isEmpty)
        #expect(try verify().destroyedBodies == 3)
    }

    /// A hold that begins too late brings nothing back.
    @Test func whatIsDestroyedStaysDestroyed() async throws {
        try await call("a")
        await desk().look(at: Self.later)
        await desk(Self.holding).look(at: Self.later)
        #expect(try readable().isEmpty)
        #expect(try verify().destroyedBodies == 1)
    }

    @Test func whatIsHeldMayNotBeMissing() async throws {
        try await call("a")
        try await call("b", by: "bob")
        await desk(Self.holding).look(at: Self.later)
        for file in try files(log + "/bodies") {
            try FileManager.default.removeItem(atPath: "\(log)/bodies/\(file)")
        }
        #expect(throws: RecordError.self) { try verify() }
    }

    @Test func nothingIsDestroyedThatAStreamHasNotSent() async throws {
        try await call("a")
        let desk = desk(streams: ["siem"])
        await desk.look(at: Self.later)
        #expect(try readable() == ["a"])
        let origin = try AuditReader(directory: log).identity()
        for (sent, isReadable) in [(0, true), (1_000, false)] {
            let cursor = StreamCursor(
                origin: origin, place: .init(segment: 1, offset: 0, sequence: 0), sent: sent)
            try Data(cursor.bytes).write(
                to: URL(fileURLWithPath: StreamCursor.file(state + "/streams", "siem", "record")))
            await desk.look(at: Self.later)
            #expect(try readable().isEmpty != isReadable)
        }
        #expect(try verify().destroyedBodies == 1)
    }

    @Test func aKeyThatIsGoneByItselfIsNotExplainedAway() async throws {
        try await call("a")
        for file in try files(keys) {
            try FileManager.default.removeItem(atPath: "\(keys)/\(file)")
        }
        let lines = try verify().lines
        await desk().look(at: Self.later)
        #expect(try verify().lines == lines)
        #expect(throws: RecordError.self) { try verify(.keys(keys)) }
        #expect(try !files(log + "/bodies").isEmpty)
    }

    enum Crash: CaseIterable {
        case prepared, told, heldErased, keyKept, keyZeroed, filesLeft
    }

    /// Killed between any two steps, the record is whole and the next look goes on.
    @Test(arguments: Crash.allCases, [true, false])
    func aCrashBetweenAnyTwoStepsIsMadeGood(_ crash: Crash, _ isHeld: Bool) async throws {
        try await call("a")
        try await call("b", by: "bob")
        let settings = isHeld ? Self.holding : nil
        let pass = try BodyPass(
            settings, nil, log: log, keys: keys, before: .max, at: Self.later)
        var destruction = try #require(pass.due.first)
        let line = try #require(try destruction.prepare())
        let end = BodyKey.path(destruction.key, .end, in: keys)
        let held = BodyKey.path(destruction.key, .held, in: keys)
        if crash != .prepared { _ = try await recorder.append([line]) }
        let manager = FileManager.default
        let kept = try Data(contentsOf: URL(fileURLWithPath: end))
        switch crash {
        case .prepared, .told: break
        case .heldErased: try? manager.removeItem(atPath: held)
        case .keyKept:
            if isHeld { try manager.moveItem(atPath: held + ".new", toPath: held) }
        case .keyZeroed:
            if isHeld { try manager.moveItem(atPath: held + ".new", toPath: held) }
            try Data(count: kept.count).write(to: URL(fileURLWithPath: end))
        case .filesLeft:
            if isHeld { try manager.moveItem(atPath: held + ".new", toPath: held) }
            try manager.removeItem(atPath: end)
        }
        _ = try verify()
        await desk(settings).look(at: Self.later)
        #expect(try readable() == (isHeld ? ["a"] : []))
        let report = try verify(.keys(keys))
        #expect(report.bodies == (isHeld ? 1 : 0))
        #expect(report.destroyedBodies == (isHeld ? 1 : 2))
        #expect(try files(keys).count == (isHeld ? 1 : 0))
        var tombstones = 0
        try AuditReader(directory: log).forEach { line in
            if BodyTombstone(line: line.bytes) != nil { tombstones += 1 }
            return true
        }
        #expect(tombstones == 1)
    }

    /// Of a hold that is released for some.
    @Test func aCrashWhileLessIsHeldIsMadeGood() async throws {
        try await call("a")
        try await call("b", by: "bob")
        var both = Self.holding
        both.holds.append(.init(name: "b", selection: .init(names: [(.caller, "bob")])))
        await desk(both).look(at: Self.later)
        #expect(try readable() == ["a", "b"])
        let pass = try BodyPass(
            Self.holding, nil, log: log, keys: keys, before: .max, at: Self.later)
        var destruction = try #require(pass.due.first)
        let line = try #require(try destruction.prepare())
        _ = try await recorder.append([line])
        let held = BodyKey.path(destruction.key, .held, in: keys)
        try FileManager.default.removeItem(atPath: held)
        await desk(Self.holding).look(at: Self.later)
        #expect(try readable() == ["a"])
        #expect(try verify(.keys(keys)).destroyedBodies == 1)
    }

    @Test func whatIsHeldAndCannotBeKeptKeepsItsKey() async throws {
        try await call("a")
        for file in try files(log + "/bodies") {
            try Data().write(to: URL(fileURLWithPath: "\(log)/bodies/\(file)"))
        }
        await desk(Self.holding).look(at: Self.later)
        #expect(try files(keys).map { ($0 as NSString).pathExtension } == ["end"])
    }
}
