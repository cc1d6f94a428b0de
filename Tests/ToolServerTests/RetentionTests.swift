import EventLoop
import Foundation
import JSON
import TestSupport
import Testing

@testable import Backends
@testable import Enforcement
@testable import ToolServer

@Suite struct RetentionSettingsTests {
    /// At noon of 21 November 2026, by `bot` for `ada`.
    private static func call(effect: String = "read", _ more: String = "") throws -> RecordedEntry {
        try RecordViewTests.entry(
            #""event":"outcome","call":"c","v":1,\#(RecordViewTests.caller),"tool":"orders","backend":"shop","effect":"\#(effect)","code":"ok"\#(more)"#
        )
    }

    private static let noon = 1_795_262_400
    private static let days90 = noon + 90 * 86_400 + 1

    @Test func linesGoWhenTheyAreAsOldAsTheirClassSays() throws {
        var settings = RetentionSettings(days: 400)
        #expect(!settings.isOver(try Self.call(), at: Self.days90))
        settings.classes = [
            .init(selection: .init(effect: .read), days: 90),
            .init(selection: .init(tag: "money"), days: 30),
        ]
        #expect(settings.isOver(try Self.call(), at: Self.days90))
        #expect(!settings.isOver(try Self.call(), at: Self.days90 - 2))
        #expect(!settings.isOver(try Self.call(effect: "write"), at: Self.days90))
        #expect(
            settings.isOver(
                try Self.call(effect: "write", #","tags":["money"]"#), at: Self.days90))
        // The first that fits decides.
        #expect(!settings.isOver(try Self.call(#","tags":["money"]"#), at: Self.days90 - 2))
    }

    @Test func whatIsHeldStays() throws {
        var settings = RetentionSettings(days: 1)
        settings.holds = [
            .init(name: "case", selection: .init(names: [(.person, "a*"), (.tool, "orders")]))
        ]
        #expect(!settings.isOver(try Self.call(), at: Self.days90))
        settings.holds[0].selection.names[0].pattern = "eve"
        #expect(settings.isOver(try Self.call(), at: Self.days90))
    }

    @Test(arguments: ["start", "reload", "revoke", "removed", "stream"])
    func whatTheInstallationDidIsKept(_ event: String) throws {
        let entry = try RecordViewTests.entry(#""event":"\#(event)","v":1"#)
        #expect(!RetentionSettings(days: 1).isOver(entry, at: Self.days90))
    }

    @Test func aCallWithoutAnEndIsKept() throws {
        let entry = try RecordViewTests.entry(#""event":"intent","call":"c","v":1"#)
        #expect(!RetentionSettings(days: 1).isOver(entry, at: Self.days90))
    }

    @Test func retentionIsReadAsItIsWritten() throws {
        let server = """
            {"server": "shop", "retention": {"days": 400,
              "classes": [{"effect": "read", "days": 90}, {"tag": "money", "days": 3650}],
              "holds": [{"hold": "case-12", "caller": "ada"}]}}
            """
        let read = try ManifestFixture(["server.json": server]).load().server.retention
        let settings = try #require(read)
        #expect(settings.classes.map(\.days) == [90, 3650])
        #expect(settings.holds.map(\.name) == ["case-12"])
        #expect(try ManifestFixture().load().server.retention == nil)
    }

    @Test(arguments: [
        (#"{}"#, "missing key `days`"), (#"{"days": 0}"#, "from 1"),
        (#"{"days": 9, "classes": [{"days": 3}]}"#, "must name one of"),
        (#"{"days": 9, "holds": [{"hold": "x"}]}"#, "must name one of"),
        (#"{"days": 9, "classes": [{"effect": "odd", "days": 3}]}"#, "odd"),
        (#"{"days": 9, "hold": true}"#, "unknown key"),
    ])
    func whatMakesNoSenseIsAProblem(_ text: String, _ problem: String) throws {
        let problems = try ManifestFixture([
            "server.json": #"{"server": "shop", "retention": \#(text)}"#
        ]).problems()
        #expect(problems.count == 1, "\(problems)")
        #expect(problems.first?.contains(problem) == true, "\(problems)")
    }
}

/// A log in many files, looked through as a server does once a day.
@Suite final class RetentionDeskTests {
    private let folder: RecordFolder
    private var recorder: Recorder { folder.recorder }
    private var state: String { folder.path }
    private let workers = WorkerPool(threads: 1, queueLimit: 8, name: "test")
    private var log: String { state + "/record" }

    init() throws {
        folder = try RecordFolder("retention", limits: RecorderLimits(segmentBytes: 1))
    }

    deinit { workers.stop() }

    private func desk(
        _ streams: [Name] = [], _ settings: RetentionSettings = RetentionSettings(days: 30)
    ) -> RetentionDesk {
        RetentionDesk(
            settings, state: state, log: "record", streams: streams,
            recorder: recorder, workers: workers)
    }

    private func call(_ id: String, by subject: String = "ada", _ more: String = "") async throws {
        let body =
            #""call":"\#(id)","v":1,"caller":{"issuer":"i","subject":"\#(subject)","kind":"human","groups":[]},"tool":"orders"\#(more)"#
        _ = try await recorder.append([Array((#""event":"intent","# + body).utf8)])
        _ = try await recorder.append([Array((#""event":"outcome","code":"ok","# + body).utf8)])
    }

    private func verify() throws -> AuditVerifier.Report {
        try AuditVerifier.verify(
            directory: log,
            publicKey: String(contentsOfFile: log + "/record.pub", encoding: .utf8))
    }

    private func cursor(segment: Int) throws {
        let origin = try AuditReader(directory: log).identity()
        let cursor = StreamCursor(
            origin: origin, place: .init(segment: segment, offset: 0, sequence: 0), sent: 0)
        try Data(cursor.bytes).write(
            to: URL(fileURLWithPath: StreamCursor.file(state + "/streams", "siem", "record")))
    }

    private static var later: Int { WallClock.seconds() + 31 * 86_400 }

    @Test func oldCallsGoAndTheRecordStaysWhole() async throws {
        for number in 0..<5 { try await call("c\(number)") }
        try Data().write(to: URL(fileURLWithPath: state + "/record-index.db"))
        await desk().look(at: WallClock.seconds())
        #expect(try verify().removedLines == 0)
        await desk().look(at: Self.later)
        let report = try verify()
        // The last file is still written: the call that ends there stays whole.
        #expect(report.removedLines == 8)
        #expect(report.calls == 1)
        #expect(!FileManager.default.fileExists(atPath: state + "/record-index.db"))
        let index = try RecordIndex(file: nil)
        try index.update(log: "record", directory: log)
        #expect(try calls(index).count == 1)
    }

    private func calls(_ index: RecordIndex) throws -> [RecordHit] {
        var query = RecordQuery(most: 10)
        query.fields = [(.event, "call")]
        return try index.find(query)
    }

    /// Where a recorder of its own removes lines, nobody can remove the index for it.
    @Test func anIndexThatReadsOfRemovedLinesForgetsThem() async throws {
        for number in 0..<5 { try await call("c\(number)") }
        let index = try RecordIndex(file: nil)
        try index.update(log: "record", directory: log)
        #expect(try calls(index).count == 5)
        await desk().look(at: Self.later)
        try index.update(log: "record", directory: log)
        #expect(try calls(index).count == 1)
    }

    /// Who holds a call holds what people decided about it, whoever they are.
    @Test func aDecisionStaysAsLongAsItsCall() async throws {
        for (approval, subject) in [("apr_1", "ada"), ("apr_2", "bob"), ("apr_3", "")] {
            let decision =
                #""event":"decision","v":1,"approval":"\#(approval)","caller":{"issuer":"i","subject":"fin","kind":"human","groups":[]},"tool":"orders","decision":"approve""#
            _ = try await recorder.append([Array(decision.utf8)])
            if !subject.isEmpty {
                try await call("of-\(approval)", by: subject, #","approval":"\#(approval)""#)
            }
        }
        for number in 0..<2 { try await call("c\(number)", by: "bob") }
        var settings = RetentionSettings(days: 30)
        settings.holds = [.init(name: "case", selection: .init(names: [(.caller, "ada")]))]
        let first = try RetentionPass(
            settings, log: log, before: .max, at: Self.later)
        await desk([], settings).look(at: Self.later)
        let report = try verify()
        #expect(report.removedLines == first.lines.count)
        var decided: [String] = []
        var tail = RecordTail(directory: log)
        try tail.read { batch in
            for line in batch.compactMap({ RecordedLine($0.line) })
            where line.event.isByteEqual(to: "decision") {
                decided.append(line.text("approval") ?? "")
            }
            return true
        }
        #expect(decided == ["apr_1"])
    }

    @Test func nothingGoesThatAStreamHasNotSent() async throws {
        for number in 0..<5 { try await call("c\(number)") }
        await desk(["siem"]).look(at: Self.later)
        #expect(try verify().removedLines == 0)
        try cursor(segment: 4)
        await desk(["siem"]).look(at: Self.later)
        let some = try verify().removedLines
        #expect(some > 0 && some < 8)
        try cursor(segment: 100)
        await desk(["siem"]).look(at: Self.later)
        #expect(try verify().removedLines > some)
    }
}
