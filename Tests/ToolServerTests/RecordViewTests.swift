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
        #expect(event["resources"]?.array?.first?["name"] == "main.orders")
        #expect(event["status_id"] == 1)
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

    @Test func everyEndingOfACallHasItsWords() throws {
        let query = try RecordFilter.query(
            Arguments(["--since=2026-11-21T13"], options: RecordFilter.options), most: 1)
        #expect(query.since == "2026-11-21T13")
        #expect(!EntryMatch(query).holds(try Self.call()))
    }
}
