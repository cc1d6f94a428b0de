import EventLoop
import Foundation
import JSON
import Synchronization
import TestSupport
import Testing

@testable import Enforcement
@testable import ToolServer

/// Retention and the word of servers, who may be in somebody else's hands.
@Suite struct RecorderRetentionTests {
    private static let later = WallClock.seconds() + 31 * 86_400

    /// Four calls of two callers, each in a file of its own.
    private static func written(
        _ fixture: RecorderFixture, streams: [Name] = [], holds: [RetentionSettings.Hold] = []
    ) throws -> RecorderRetention {
        try fixture.start(RecorderLimits(segmentBytes: 1))
        let recorder = try #require(fixture.recorder)
        for (number, subject) in ["ada", "bob", "ada", "bob"].enumerated() {
            let start =
                #""call":"c\#(number)","v":1,"caller":{"issuer":"i","subject":"\#(subject)""#
            let body = start + #","kind":"human","groups":[]},"tool":"t""#
            let groups = [#""event":"intent","#, #""event":"outcome","code":"ok","#].map {
                [Array(($0 + body).utf8)]
            }
            _ = try recorder.append(together: groups).get()
        }
        var settings = RetentionSettings(days: 30)
        settings.holds = holds
        return RecorderRetention(
            settings, streams: streams, recorder: recorder, directory: fixture.settings.log)
    }

    @Test func theRecorderRemovesWhatIsOverAndTheRecordProvesItself() throws {
        let fixture = try RecorderFixture()
        let retention = try Self.written(fixture)
        retention.look(before: .max, at: Self.later)
        fixture.stop()
        #expect(try fixture.verify().removedLines == 6)
        #expect(retention.rewrittenFiles > 0)
    }

    @Test func aServerThatLiesTakesNothingThatIsYoungOrHeld() throws {
        let fixture = try RecorderFixture()
        let hold = RetentionSettings.Hold(name: "case", selection: .init(names: [(.caller, "ada")]))
        let retention = try Self.written(fixture, streams: ["soc"], holds: [hold])
        let lie = ShippedFiles(["soc": .max, "other": 1])
        let heard = try #require(Self.received(lie.bytes))
        retention.hear(try #require(ShippedFiles(heard)))
        retention.look(before: .max, at: WallClock.seconds())
        #expect(retention.rewrittenFiles == 0, "young")
        retention.look(before: .max, at: Self.later)
        fixture.stop()
        let texts = try fixture.texts()
        #expect(texts.filter { $0.contains(#""subject":"ada""#) }.count == 4)
        #expect(try fixture.verify().removedLines == 2)
    }

    @Test func nothingIsLookedForBeforeAServerTellsOfEveryStream() throws {
        let fixture = try RecorderFixture()
        let retention = try Self.written(fixture, streams: ["soc", "copy"])
        let link = fixture.settings
        #expect(retention.unheard == ["soc", "copy"])
        retention.hear(ShippedFiles(["soc": 3]))
        #expect(retention.unheard == ["copy"] && retention.begin() == nil)
        retention.hear(ShippedFiles(["copy": 2]))
        #expect(retention.begin() == 2)
        #expect(retention.begin() == nil, "once a day")
        #expect(try RecorderReport.ask(link).unheardStreams.isEmpty)
    }

    @Test func theRecorderSaysHowItDoes() async throws {
        let fixture = try RecorderFixture()
        try fixture.start()
        let before = try RecorderReport.ask(fixture.settings)
        #expect(before.processes == 0 && before.figures.standing == .good)
        let recorder = try fixture.link()
        _ = try await recorder.append([Array(#""event":"intent","call":"run-1""#.utf8)])
        let report = try RecorderReport.ask(fixture.settings)
        #expect(report.processes == 1 && report.openCalls == 1)
        #expect(report.lines > before.lines)
        #expect(report.figures.commits.count == 1 && report.figures.lines.sum == 1)
        let received = try #require(Self.received(report.bytes))
        #expect(RecorderReport(received) == report)
        #expect(RecorderStatus.text(report).contains("1 server here, 1 open call"))
        recorder.close()
        fixture.stop()
        // Who was at the door when it closed may still be answered.
        while (try? RecorderReport.ask(fixture.settings)) != nil { await Task.yield() }
    }

    @Test func whoMayNotWriteLearnsHowItDoesAndNoMore() throws {
        let fixture = try RecorderFixture()
        let retention = RecorderRetention(
            RetentionSettings(days: 1), streams: ["soc"], recorder: try fixture.opened(),
            directory: fixture.settings.log)
        try fixture.start(retention: retention, mayWrite: false)
        _ = try RecorderReport.ask(fixture.settings, saying: ShippedFiles(["soc": 9]))
        #expect(retention.unheard == ["soc"])
        #expect(throws: RecordError.self) { _ = try fixture.link() }
    }

    private static func received(_ bytes: [UInt8]) -> FrameReader? {
        FrameReader(Array(bytes.dropFirst(4)))
    }
}
