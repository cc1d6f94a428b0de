import JSON
import TestSupport
import Testing

@testable import Enforcement

/// What is passed over because it is known: texts that stood there before, and moments.
@Suite struct RepeatedValueTests {
    private func shown(_ texts: [String]) throws -> [JSONValue] {
        let call = try examinedCall(
            of: try Tool.sample(columns: [Column("note")], limits: ToolLimits(bytes: 1 << 20)),
            policy: Policy())
        var rows = Rows(columnCount: 1)
        for text in texts { rows.append(.text, Array(text.utf8)) }
        let result = try MaskStage().apply(RawResult(rows: rows), to: call)
        let document = try JSONParser.parse(result.json, limits: JSONLimits())
        return try #require(document["rows"]?.array).compactMap { $0["note"] }
    }

    /// Texts of all lengths, most of them many times, and among them values to mask that differ
    /// from another text in one place.
    @Test func ofManyRowsEachIsMaskedAsItWouldBeAlone() throws {
        var random = SplitMix(seed: 20_26_11_27)
        var kinds = (0..<300).map { number -> String in
            String(repeating: "ab c", count: number % 20) + "\(number)"
        }
        kinds += [
            "mail ada@example.com now", "mail ada at example.com", "card 4111 1111 1111 1111",
            "card 4111 1111 1111 1112", "", "a", "é", "Mateo García", "2026-11-21T07:45:33Z",
        ]
        let texts = (0..<3_000).map { _ in kinds[Int(random.next() % UInt64(kinds.count))] }
        var alone: [String: JSONValue] = [:]
        for kind in kinds {
            let only = try shown([kind])
            try #require(only.count == 1)
            alone[kind] = only[0]
        }
        #expect(alone["mail ada@example.com now"] == "mail [email] now")
        #expect(try shown(texts) == texts.compactMap { alone[$0] })
    }

    /// A detector of one's own has every text read.
    @Test func aMomentIsPassedOverWhereNothingWouldBeFoundInIt() throws {
        let never = OwnDetector(name: "never", pattern: try Pattern("no moment"))
        var random = SplitMix(seed: 7)
        func two(_ range: ClosedRange<Int>) -> String {
            let value = Int.random(in: range, using: &random)
            return value < 10 ? "0\(value)" : "\(value)"
        }
        var scanner = ValueScanner(wanted: .everything, detectors: OwnDetectors(all: [never]))
        for round in 0..<20_000 {
            let fraction = (0..<(round % 7)).map { _ in
                String(Int.random(in: 0...9, using: &random))
            }
            let text =
                two(19...20) + two(0...99) + "-" + two(1...12) + "-" + two(1...31)
                + (round % 2 == 0 ? "T" : " ") + two(0...99) + ":" + two(0...99) + ":"
                + two(0...99) + (fraction.isEmpty ? "" : ".") + fraction.joined()
                + (round % 3 == 0 ? "Z" : "")
            let isMoment = Dates.isMoment(text.utf8.span)
            #expect(isMoment)
            scanner.begin()
            scanner.scan(text.utf8.span)
            #expect(scanner.findings.isEmpty, "\(text)")
        }
    }

    @Test(arguments: [
        "2026-11-21", "2026-11-21T07:45", "1850-11-21T07:45:33Z", "2026-13-21T07:45:33Z",
        "2026-11-00T07:45:33Z", "2026-11-21T07:45:33.Z", "2026-11-21T07:45:33.1234567Z",
        "2026-11-21T07:45:33ZZ", "2026-11-21T07:45:33 4111", "2O26-11-21T07:45:33Z",
        "2026-11-21X07:45:33Z", "2026:11-21T07:45:33Z", "2026-11-21T07-45:33Z",
        "2026-11-21T07:4a:33Z", "\u{B2}026-11-21T07:45:33Z",
    ])
    func whatIsNoMomentIsReadAsAnyText(_ text: String) {
        let isMoment = Dates.isMoment(text.utf8.span)
        #expect(!isMoment)
    }

    /// In a column whose name speaks of birth, a moment is a date of birth.
    @Test func aMomentOfBirthIsFound() {
        var scanner = ValueScanner(wanted: .everything)
        scanner.begin()
        let born = "born 2026-11-21T07:45:33Z".utf8.span
        scanner.scan(born)
        #expect(!scanner.findings.isEmpty)
    }
}
