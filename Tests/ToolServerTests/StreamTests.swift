import Foundation
import JSON
import TestSupport
import Testing

@testable import Backends
@testable import Enforcement
@testable import ToolServer

/// A log and the cursors of one stream on it.
@Suite final class StreamFeedTests {
    private let folder: RecordFolder
    private var recorder: Recorder { folder.recorder }
    private var state: String { folder.path }
    private var log: String { state + "/record" }

    init() throws {
        folder = try RecordFolder("stream", limits: RecorderLimits(segmentBytes: 4_096))
    }

    private func feed(_ format: StreamSettings.Format = .native) throws -> StreamFeed {
        let settings = StreamSettings(
            name: "siem", target: .file("unused"), format: format, networks: [])
        return try #require(
            try StreamFeed(settings, log: "record", record: log, cursors: state + "/streams"))
    }

    private func call(_ id: String, _ event: String) async throws {
        let body = #""event":"\#(event)","call":"\#(id)","v":1,"tool":"orders","code":"ok""#
        _ = try await recorder.append([Array(body.utf8)])
    }

    private func all(_ feed: StreamFeed, bytesMax: Int = 700) throws -> [StreamBatch] {
        var batches: [StreamBatch] = []
        while let batch = try feed.next(bytesMax: bytesMax) { batches.append(batch) }
        return batches
    }

    private func ids(_ batches: [StreamBatch]) throws -> [String] {
        try batches.flatMap(\.items).map { item in
            let value = try JSONParser.parse(item.bytes)
            return try #require((value["id"] ?? value["metadata"]?["uid"])?.string)
        }
    }

    @Test func everyLineComesOnceInOrderOverSegments() async throws {
        for number in 0..<40 { try await call("c\(number)", "outcome") }
        let feed = try feed()
        let batches = try all(feed)
        let lines = try batches.flatMap(\.items).map { try JSONParser.parse($0.bytes)["line"] }
        let numbers = lines.compactMap { $0?["seq"]?.int }
        #expect(numbers == Array(0..<numbers.count))
        #expect(lines.filter { $0?["event"] == "outcome" }.count == 40)
        #expect(batches.count > 10)
        #expect(try FileManager.default.contentsOfDirectory(atPath: log).count > 3)
    }

    @Test func whatHasNotArrivedComesAgainWithTheSameIds() async throws {
        for number in 0..<10 { try await call("c\(number)", "outcome") }
        var feed: StreamFeed? = try feed()
        let first = try #require(try feed?.next(bytesMax: 700))
        #expect(feed?.arrived(first.cursor) == true)
        let lost = try ids(try all(try #require(feed)))
        feed?.rewind()
        #expect(try ids(try all(try #require(feed))) == lost)
        // A new process goes on from the file.
        feed = nil
        #expect(try ids(try all(try self.feed())) == lost)
    }

    @Test func aCallIsToldAsAWholeAfterARestartWithinIt() async throws {
        try await call("long", "intent")
        for number in 0..<5 { try await call("c\(number)", "outcome") }
        var feed: StreamFeed? = try feed(.ocsf)
        let before = try all(try #require(feed))
        let last = try #require(before.last)
        #expect(feed?.arrived(last.cursor) == true)
        #expect(last.cursor.place.sequence < last.cursor.sent)
        feed = nil
        try await call("long", "outcome")
        let after = try all(try self.feed(.ocsf)).flatMap(\.items)
        #expect(after.count == 1)
        let event = try JSONParser.parse(try #require(after.first).bytes)
        #expect(event["api"]?["operation"] == "orders")
        #expect(event["status"] == "Success")
        #expect(Set(try ids(before)).isDisjoint(with: try ids(try all(try self.feed(.ocsf)))))
    }

    @Test func oneProcessShipsALogAtATime() async throws {
        var first: StreamFeed? = try feed()
        let settings = StreamSettings(
            name: "siem", target: .file("unused"), format: .native, networks: [])
        #expect(
            try StreamFeed(settings, log: "record", record: log, cursors: state + "/streams")
                == nil)
        #expect(first?.arrived == 0)
        first = nil
        _ = try feed()
    }

    @Test func aCursorOfAnotherLogOrNoneBeginsAtTheFirstLine() async throws {
        let cursor = StreamCursor(
            origin: "other", place: .init(segment: 2, offset: 9, sequence: 7), sent: 8)
        let file = StreamCursor.file(state + "/streams", "siem", "record")
        for bytes in [cursor.bytes, Array("{".utf8), []] {
            try Data(bytes).write(to: URL(fileURLWithPath: file))
            #expect(try feed().arrived == 0)
        }
        try Data(cursor.bytes).write(to: URL(fileURLWithPath: file))
        #expect(StreamCursor.read(file, origin: "other") == cursor)
    }
}

@Suite struct StreamTargetTests {
    private static let item = StreamBatch.Item(
        bytes: Array(#"{"a":1}"#.utf8), at: "2026-11-27T12:00:00.000001Z", event: "outcome",
        isRefused: true)

    @Test func aMessageIsOneOfRFC5424() {
        let text = String(
            decoding: SyslogTarget.message(Self.item, log: "record-2", host: "h"), as: UTF8.self)
        #expect(
            text
                == #"<108>1 2026-11-27T12:00:00.000001Z h toolserver record-2 outcome - {"a":1}"#)
    }

    @Test func aSignatureCoversTheTimeAndTheBody() {
        let signature = WebhookDelivery.signature(
            Array("{}\n".utf8), at: 1_795_000_000, key: Array("key".utf8))
        // printf '1795000000.{}\n' | openssl dgst -sha256 -hmac key
        #expect(signature == "v1=586fcb0bcdd97b8a803db39c1e809848f3ff0d14ce3e284726acfe5559ebb3c7")
    }

    @Test func aTornLineIsCutAndTheNextStandsInItsPlace() throws {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("copy-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("one\ntwo\ntor".utf8).write(to: file)
        #expect(FileTarget.append(Array("three\n".utf8), to: file.path) == 0)
        #expect(try String(contentsOf: file, encoding: .utf8) == "one\ntwo\nthree\n")
        #expect(FileTarget.append([0x0A], to: file.deletingLastPathComponent().path) != 0)
    }
}

@Suite struct StreamBacklogTests {
    private static func stream(_ lines: Int, _ then: StreamSettings.Bound.Then) -> StreamSettings {
        StreamSettings(
            name: "s", target: .file("f"), format: .native,
            bound: .init(lines: lines, then: then), networks: [])
    }

    @Test func callsWaitForTheOneThatMustLoseNothing() {
        let backlog = StreamBacklog([Self.stream(10, .refuse), Self.stream(1, .drop)])
        backlog.recorded(1_000)
        #expect(!backlog.isOver, "nobody knows yet how far the streams are")
        backlog.arrived(0, to: 1_000)
        backlog.recorded(1_009)
        #expect(!backlog.isOver)
        backlog.recorded(1_010)
        backlog.recorded(1_005)
        #expect(backlog.isOver)
        backlog.arrived(1, to: 1_010)
        #expect(backlog.isOver, "another stream's progress changes nothing")
        backlog.arrived(0, to: 1_005)
        #expect(!backlog.isOver)
    }

    @Test func whatHasBegunIsRecordedToItsEnd() async throws {
        let folder = try RecordFolder("backlog")
        let backlog = StreamBacklog([Self.stream(1, .refuse)])
        backlog.arrived(0, to: 0)
        backlog.recorded(5)
        let record = StreamedRecord(recorder: folder.recorder, backlog: backlog)
        await #expect(throws: RecordError.self) {
            _ = try await record.append([Array(#""event":"intent","call":"c""#.utf8)])
        }
        _ = try await record.append([Array(#""event":"outcome","call":"c""#.utf8)])
    }

    @Test func theLineAboutWhatWasLeftOutHasTheRecordsForm() throws {
        let body = #""event":"stream","v":1,"stream":"siem","from":3,"to":9"#
        #expect(try RecordSchema.faults(ofBody: Array(body.utf8)) == [])
    }
}

@Test func streamsAreReadAsTheyAreWritten() throws {
    let server = """
        {"server": "shop", "streams": [
          {"stream": "a", "file": "a.jsonl", "format": "ocsf"},
          {"stream": "b", "syslog": "tls://siem.example.com:6514", "behind": {"lines": 5000}},
          {"stream": "c", "webhook": "https://siem.example.com/x?y=1", "secret": {"env": "K"},
           "behind": {"lines": 1000, "then": "drop"}, "networks": ["10.0.0.0/8"]}
        ]}
        """
    let streams = try ManifestFixture(["server.json": server]).load().server.streams
    #expect(streams.map(\.format) == [.ocsf, .native, .native])
    #expect(streams.map { $0.bound?.then } == [nil, .refuse, .drop])
    guard case .syslog(let url) = streams[1].target else { return #expect(Bool(false)) }
    #expect(url.isSecure && url.port == 6514)
}

@Test func aStreamThatMakesNoSenseIsAProblem() throws {
    for (text, problem) in [
        (#"{"stream": "a"}"#, "must have exactly one of `file`, `syslog`, `webhook`"),
        (
            #"{"stream": "a", "file": "x", "syslog": "tls://h:1"}"#,
            "must have exactly one of `file`, `syslog`, `webhook`"
        ),
        (#"{"stream": "a", "file": "x", "secret": {"env": "K"}}"#, "only a webhook is signed"),
        (#"{"stream": "a", "webhook": "https://h/"}"#, "missing key `secret`"),
        (
            #"{"stream": "a", "webhook": "http://h/", "secret": {"env": "K"}}"#,
            "must be an https:// URL, or on this machine"
        ),
        (#"{"stream": "a", "syslog": "udp://h:514"}"#, "must be tls://HOST:PORT"),
        (#"{"stream": "a", "syslog": "tls://h:514/x"}"#, "must end behind the port"),
        (#"{"stream": "a", "file": "x", "format": "cef"}"#, "unknown `cef`"),
        (#"{"stream": "a", "file": "x", "behind": {"lines": 5}}"#, "must be an integer from 1000"),
        (#"{"stream": "a", "file": "x", "behind": {}}"#, "missing key `lines`"),
        (
            #"{"stream": "a", "file": "x"}, {"stream": "a", "file": "y"}"#,
            "names `a` a second time"
        ),
        (
            #"{"stream": "a", "file": "x"}, {"stream": "b", "file": "x"}"#,
            "writes a file that another stream writes"
        ),
    ] {
        let server = #"{"server": "shop", "streams": [\#(text)]}"#
        let problems = try ManifestFixture(["server.json": server]).problems()
        #expect(problems.count == 1, "\(text) \(problems)")
        #expect(problems.first?.contains(problem) == true, "\(text) \(problems)")
    }
}
