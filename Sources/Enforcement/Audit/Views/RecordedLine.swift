package import JSON

/// One line as views read it. Nothing of it is proved; that is the verifier's work.
package struct RecordedLine: Sendable {
    package let sequence: Int
    /// Without the line feed.
    package let bytes: [UInt8]
    package let object: JSONObject

    /// Nil for what is not a JSON object.
    package init?(_ line: AuditReader.Line) {
        guard case .object(let object)? = try? JSONParser.parse(line.bytes) else { return nil }
        sequence = line.sequence
        bytes = line.bytes
        self.object = object
    }

    package subscript(_ name: String) -> JSONValue? { object[name] }

    package func text(_ name: String) -> String? { object[name]?.string }

    package var event: String { text("event") ?? "" }
    package var at: String { text("at") ?? "" }
    package var call: String? { text("call") }
    package var subject: String? { object["caller"]?["subject"]?.string }
    package var person: String? { object["caller"]?["for"]?.string }
    package var client: String? { object["caller"]?["client"]?.string ?? text("clientName") }

    package func names(_ name: String) -> [String] {
        (object[name]?.array ?? []).compactMap(\.string)
    }

    /// What the statement touches.
    package var relations: [String] {
        let sql = object["sql"]
        return ["reads", "writes"].flatMap { (sql?[$0]?.array ?? []).compactMap(\.string) }
    }

    /// The record's own upkeep, which a reader seldom wants to see.
    package var isUpkeep: Bool { Self.upkeep.contains { $0.isByteEqual(to: event) } }

    private static let upkeep = [
        "checkpoint", "epoch", "segment", "clock", "resume", "underway",
    ]
}

/// Times as the record writes them: `2026-11-21T12:00:00.123456Z`.
package enum RecordTime {
    /// Microseconds since 1970; nil for another form.
    package static func microseconds(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        guard bytes.count == SegmentLine.timeLength else { return nil }
        func number(_ range: Range<Int>) -> Int {
            bytes[range].reduce(0) { $0 &* 10 &+ Int($1 &- UInt8(ascii: "0")) }
        }
        let days = daysFromCivil(number(0..<4), number(5..<7), number(8..<10))
        let seconds =
            days * 86_400 + number(11..<13) * 3_600 + number(14..<16) * 60
            + number(17..<19)
        return seconds &* 1_000_000 &+ number(20..<26)
    }

    /// After Howard Hinnant.
    private static func daysFromCivil(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
