import Foundation
import JSON
import Testing

@testable import Backends
@testable import Enforcement
@testable import ToolServer

@Suite struct RecordViewTests {
    static func entry(_ lines: String...) throws -> RecordedEntry {
        RecordedEntry(
            lines: try lines.enumerated().map { number, text in
                let bytes = Array(
                    #"{"seq":\#(number),"at":"2026-11-21T12:00:00.500000Z",\#(text)}"#.utf8)
                return try #require(
                    RecordedLine(AuditReader.Line(sequence: number, bytes: bytes)))
            })
    }

    static let caller =
        #""caller":{"issuer":"i","subject":"bot","kind":"agent","for":"ada","groups":["g"]}"#

    static func call() throws -> RecordedEntry {
        try entry(
            #""event":"intent","call":"c1","v":1,\#(caller),"tool":"orders","decision":"allow","via":"http","backend":"shop","effect":"write","statement":"update orders","sql":{"writes":["main.orders"]},"arguments":{"note":"=1+1, \"x\""}"#,
            #""event":"outcome","call":"c1","v":1,\#(caller),"tool":"orders","code":"ok","rows":2,"microseconds":2500"#
        )
    }

    @Test func theLinesOfACallAreTiedTogether() throws {
        let lines = try Self.call().lines
        var joiner = EntryJoiner()
        #expect(joiner.take(lines[0]).isEmpty)
        let entries = joiner.take(lines[1])
        #expect(entries.count == 1 && entries[0].lines.count == 2)
        _ = joiner.take(lines[0])
        #expect(joiner.rest().map(\.lines.count) == [1])
        #expect(joiner.rest().isEmpty)
    }

    @Test func aSpreadsheetTakesNoCellForAFormula() throws {
        let row = String(
            decoding: CSVLine.bytes(
                of: try Self.entry(#""event":"stranger","reason":"=cmd()","address":"a,\"b\"""#),
                log: "record"), as: UTF8.self)
        #expect(row.contains(",'=cmd(),"))
        #expect(row.contains(#","a,""b""","#))
        #expect(row.hasSuffix("\r\n"))
        let columns = String(decoding: CSVLine.header, as: UTF8.self).split(separator: ",").count
        #expect(columns == 24)
    }

    @Test func anExportedEventSaysWhoDidWhatToWhat() throws {
        let bytes = OCSFEvent.bytes(of: try Self.call(), log: "record", origin: "key")
        let event = try JSONParser.parse(bytes)
        #expect(event["class_uid"] == 6005)
        #expect(event["type_uid"] == 600502)
        #expect(event["time"] == .number(JSONNumber(1_795_262_400_500)))
        #expect(event["metadata"]?["uid"] == "key#1")
        #expect(event["actor"]?["user"]?["name"] == "ada")
        #expect(event["actor"]?["user"]?["uid"] == "bot")
        #expect(event["table"]?["name"] == "main.orders")
        #expect(event["query_info"]?["uid"] == "c1" && event["query_info"]?["name"] == "orders")
        #expect(event["status_id"] == 1)
    }

    /// By the published schema of version 1.3.0: what each class requires, and what stands in it.
    @Test(arguments: [
        (6005, #""event":"outcome","call":"c","v":1,\#(caller),"tool":"t","statement":"s""#),
        (6003, #""event":"outcome","call":"c","v":1,\#(caller),"tool":"t","via":"stdio""#),
        (3002, #""event":"stranger","v":1,"address":"192.0.2.1""#),
        (6002, #""event":"start","v":1,"transport":"http""#),
        (6002, #""event":"decision","v":1,\#(caller),"address":"192.0.2.1""#),
    ])
    func anExportedEventHasWhatItsClassRequiresAndNothingElse(
        _ kind: Int, _ line: String
    ) throws {
        let event = try JSONParser.parse(
            OCSFEvent.bytes(of: try Self.entry(line), log: "record", origin: "key"))
        let ofAll: Set<String> = [
            "category_uid", "category_name", "class_uid", "class_name", "activity_id",
            "activity_name", "type_uid", "time", "severity_id", "severity", "status_id", "status",
            "metadata",
        ]
        let may: Set<String> = ["unmapped", "status_code", "status_detail", "duration"]
        let own: [Int: (needs: Set<String>, may: Set<String>)] = [
            6005: (["actor", "src_endpoint", "query_info"], ["database", "table"]),
            6003: (["actor", "src_endpoint", "api"], []),
            3002: (["user", "service"], ["actor", "src_endpoint"]),
            6002: (["app"], ["actor"]),
        ]
        let (needs, mayToo) = try #require(own[kind])
        let names = Set(try #require(event.object?.members.map(\.name)))
        #expect(event["class_uid"]?.int == kind)
        #expect(names.isSuperset(of: ofAll.union(needs)))
        #expect(names.subtracting(ofAll).subtracting(may).subtracting(needs).isSubset(of: mayToo))
        if kind == 6002 {
            #expect((event["actor"] != nil) == (event["metadata"]?["profiles"] != nil))
        }
    }

    @Test(arguments: [
        ("caller", "bot", true), ("caller", "b*", true), ("caller", "ada", false),
        ("person", "ada", true), ("tool", "order", false), ("code", "ok", true),
        ("event", "call", true), ("decision", "deny", false),
    ])
    func filtersWithoutTheIndexAgreeWithIt(_ field: String, _ value: String, _ holds: Bool) throws {
        var query = RecordQuery()
        query.fields = [(try #require(RecordQuery.Field(rawValue: field)), value)]
        let entry = try Self.call()
        #expect(EntryMatch(query).holds(entry) == holds)
        let index = try RecordIndex(file: nil)
        try index.session.begin()
        let log = try index.session.log("record", "key")
        var intake = IndexIntake(session: index.session, log: log.id, name: "record")
        for line in entry.lines {
            let placed = AuditReader.Line(sequence: line.sequence, bytes: line.bytes)
            try intake.take(RecordTail.Placed(line: placed, segment: 1, offset: 0))
        }
        try index.session.commit()
        #expect(try index.find(query).isEmpty != holds)
    }

    @Test(arguments: ["yesterday", "2026-1-1", "24x", ""])
    func aTimeThatMakesNoSenseIsRefused(_ text: String) throws {
        let arguments = try Arguments(["--since=\(text)"], options: RecordFilter.options)
        #expect(throws: UsageError.self) { try RecordFilter.query(arguments, most: 1) }
    }

    @Test(arguments: [
        "2026-11-21T12:00:00.500000Z", "2026-11-21T12:00:00.500000", "2026-11-21T12:00Z",
        "2026-11-21 12:00:00", "2026-11-21 12:00", "2026-11-21",
    ])
    func aTimeIsTakenAsTheRecordHasItAndAsTheListShowsIt(_ text: String) throws {
        let query = try RecordFilter.query(
            Arguments(["--since=\(text)"], options: RecordFilter.options), most: 1)
        #expect(EntryMatch(query).holds(try Self.call()))
    }

    @Test func everyEndingOfACallHasItsWords() throws {
        let query = try RecordFilter.query(
            Arguments(["--since=2026-11-21T13"], options: RecordFilter.options), most: 1)
        #expect(query.since == "2026-11-21T13")
        #expect(!EntryMatch(query).holds(try Self.call()))
    }
}
