import Foundation
import JSON
import Testing

@testable import Backends
@testable import Enforcement

@Suite struct RecordIndexTests {
    /// A log of one's own in memory, where there is such a place.
    final class Log: Sendable {
        let root = NSTemporaryDirectory() + "index-" + UUID().uuidString
        var directory: String { root + "/record" }
        let recorder: Recorder

        init(segmentBytes: Int = 64 << 20) throws {
            try FileManager.default.createDirectory(
                atPath: root, withIntermediateDirectories: true)
            recorder = try Recorder.open(
                directory: root + "/record", keys: root + "/keys",
                limits: RecorderLimits(segmentBytes: segmentBytes))
        }

        deinit { try? FileManager.default.removeItem(atPath: root) }

        func append(_ bodies: String...) async throws {
            _ = try await recorder.append(bodies.map { Array($0.utf8) })
        }
    }

    static func intent(
        _ call: Int, _ tool: String = "orders", by: String = "ada", more: String = ""
    ) -> String {
        #""event":"intent","call":"c\#(call)","v":1,"caller":{"issuer":"i","subject":"\#(by)","kind":"human","groups":[]},"tool":"\#(tool)","decision":"allow","via":"http","backend":"shop"\#(more)"#
    }

    static func outcome(_ call: Int, by: String = "ada", _ code: String = "ok") -> String {
        #""event":"outcome","call":"c\#(call)","v":1,"caller":{"issuer":"i","subject":"\#(by)","kind":"human","groups":[]},"tool":"orders","code":"\#(code)","microseconds":5"#
    }

    static func query(_ change: (inout RecordQuery) -> Void = { _ in }) -> RecordQuery {
        var query = RecordQuery()
        change(&query)
        return query
    }

    private func calls(_ index: RecordIndex, _ query: RecordQuery) throws -> [[Int]] {
        try index.find(query).map { $0.lines.map(\.sequence) }
    }

    @Test func theLinesOfOneCallAreOneEntryHoweverTheyWereRead() async throws {
        let log = try Log(segmentBytes: 600)
        let index = try RecordIndex(file: nil)
        try await log.append(Self.intent(1), Self.intent(2, by: "eve"))
        try index.update(log: "record", directory: log.directory)
        try await log.append(Self.outcome(2, by: "eve", "backend.failed"), Self.outcome(1))
        try index.update(log: "record", directory: log.directory)
        let ada = try calls(index, Self.query { $0.fields = [(.caller, "ada")] })
        #expect(ada.count == 1 && ada[0].count == 2)
        let failed = try calls(index, Self.query { $0.fields = [(.code, "backend.*")] })
        #expect(failed.count == 1)
        let both = Self.query { $0.fields = [(.code, "ok"), (.caller, "eve")] }
        #expect(try calls(index, both).isEmpty)
    }

    @Test func aReadingAfterAnotherFindsNothingTwice() async throws {
        let log = try Log()
        let index = try RecordIndex(file: log.root + "/index.db")
        try await log.append(Self.intent(1), Self.outcome(1))
        #expect(try index.update(log: "record", directory: log.directory) > 0)
        #expect(try index.update(log: "record", directory: log.directory) == 0)
        #expect(try calls(index, Self.query()).count == 1)
    }

    @Test func relationsRulesWordsAndTimesAreFound() async throws {
        let log = try Log()
        let index = try RecordIndex(file: nil)
        try await log.append(
            Self.intent(
                1, more: #","sql":{"reads":["main.orders"]},"arguments":{"city":"Ulm am See"}"#),
            Self.intent(2, more: #","sql":{"writes":["main.reorders"]},"held":["big"]"#))
        try index.update(log: "record", directory: log.directory)
        #expect(try calls(index, Self.query { $0.relation = "orders" }).count == 1)
        #expect(try calls(index, Self.query { $0.relation = "main.orders" }).count == 1)
        #expect(try calls(index, Self.query { $0.relation = "order" }).isEmpty)
        #expect(try calls(index, Self.query { $0.rule = "big" }).count == 1)
        #expect(try calls(index, Self.query { $0.text = "ulm see" }).count == 1)
        #expect(try calls(index, Self.query { $0.text = "ulm berlin" }).isEmpty)
        #expect(try calls(index, Self.query { $0.since = "2999" }).isEmpty)
        #expect(try calls(index, Self.query { $0.until = "2999" }).count == 2)
    }

    /// The first look is at the latest matches alone; what is found must be the same.
    @Test func rareMatchesAmongManyAreFoundAndTheLatestOfMany() async throws {
        let log = try Log()
        let index = try RecordIndex(file: nil)
        let lines = (1...5_000).map { number in
            Self.intent(
                number, by: number == 7 ? "eve" : "ada",
                more: #","sql":{"reads":["main.orders"]},"held":["big"]"#)
        }
        for start in stride(from: 0, to: lines.count, by: 1_000) {
            let bodies = lines[start..<start + 1_000].map { Array($0.utf8) }
            _ = try await log.recorder.append(bodies)
        }
        try index.update(log: "record", directory: log.directory)
        var query = RecordQuery(most: 2)
        query.relation = "orders"
        query.rule = "big"
        #expect(try index.find(query).map { $0.lines[0].sequence }.sorted().count == 2)
        let last = try #require(try index.find(query).last?.lines.first)
        #expect(try index.find(RecordQuery(most: 1)).last?.lines.first?.sequence == last.sequence)
        query.fields = [(.caller, "eve"), (.event, "call")]
        #expect(try index.find(query).count == 1)
    }

    @Test func anotherLogUnderTheNameBeginsAnew() async throws {
        let index = try RecordIndex(file: nil)
        let one = try Log()
        try await one.append(Self.intent(1))
        try index.update(log: "record", directory: one.directory)
        let other = try Log()
        try await other.append(Self.intent(7, by: "eve"))
        try index.update(log: "record", directory: other.directory)
        #expect(try calls(index, Self.query { $0.fields = [(.caller, "ada")] }).isEmpty)
        #expect(try calls(index, Self.query { $0.fields = [(.caller, "eve")] }).count == 1)
    }

    @Test func aFileOfAnotherFormIsMadeAnew() async throws {
        let log = try Log()
        let file = log.root + "/index.db"
        try await log.append(Self.intent(1))
        do {
            let index = try RecordIndex(file: file)
            try index.update(log: "record", directory: log.directory)
            try index.session.run("PRAGMA user_version = 99")
        }
        let index = try RecordIndex(file: file)
        #expect(try calls(index, Self.query()).isEmpty)
        try index.update(log: "record", directory: log.directory)
        #expect(try calls(index, Self.query()).count == 1)
    }

    /// The times are those of the lines, so they are made here.
    @Test func aQuietGapEndsASession() throws {
        let index = try RecordIndex(file: nil)
        try index.session.begin()
        let log = try index.session.log("record", "key")
        var intake = IndexIntake(session: index.session, log: log.id, name: "record")
        let minutes = ["00", "10", "39", "59"]
        for (number, minute) in minutes.enumerated() {
            let hour = number == 3 ? "13" : "12"
            let text =
                #"{"seq":\#(number),"at":"2026-11-21T\#(hour):\#(minute):00.000000Z","#
                + Self.intent(number) + "}"
            let line = AuditReader.Line(sequence: number, bytes: Array(text.utf8))
            try intake.take(RecordTail.Placed(line: line, segment: 1, offset: 0))
        }
        try index.session.commit()
        let sessions = try index.sessions(most: 9)
        #expect(sessions.map(\.calls) == [3, 1])
        #expect(sessions.map(\.id) == ["record:0", "record:3"])
    }

    @Test func timesAreReadAsTheyAreWritten() {
        for seconds in [0, 951_782_399, 951_868_800, 1_795_764_329, 4_102_444_799] {
            let text = WallClock.text(seconds)
            #expect(RecordTime.microseconds(text) == seconds * 1_000_000)
        }
        #expect(RecordTime.microseconds("2026") == nil)
    }
}
