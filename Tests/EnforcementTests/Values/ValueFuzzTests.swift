import Foundation
import JSON
import TestSupport
import Testing

@testable import Enforcement

/// They give way to others between two texts: some tests beside them measure time.
///
/// Seeded: a failure names its seed and comes back. `TOOLSERVER_EFFORT=20` tries twenty times as many.
@Suite struct ValueFuzzTests {
    private let masks = ValueMasks(pseudonym: Pseudonym(master: [7], tenant: "fuzz"))

    private static let effort =
        ProcessInfo.processInfo.environment["TOOLSERVER_EFFORT"].flatMap { Int($0) } ?? 1

    private func seeds(_ count: Int) -> Range<Int> { 0..<(count * Self.effort) }

    /// Pieces of values, whole ones, and what stands between them.
    private static let pieces: [String] =
        ValueSample.marked.map { ValueSample.parsed($0).text } + ValueSample.harmless
        + [
            " ", "\n", ",", "\"", "{", "}", ":", "=", "@", "%40", "\\", "&", "<", ">", "-", "4111",
            "password", "ssn ", "born ", "eyJ", "sk-", "\u{200B}", "é", "名", "😀", "[email]",
            "<email:abcdefghijklmnopqr>", "0", "::", "//", "Bearer ", "key: ",
            "id,password\n", "|---|---|\n", "| ssn | b |\n", "mysql -p", "name: token\nvalue: ",
            "<br>", "=41=6E", "\\101", "61 6e 61 ", "bWFpbCBh ", "part ", " is ",
        ]

    private func text(_ random: inout SplitMix, pieces count: Int = 12) -> String {
        (0..<Int.random(in: 0...count, using: &random)).map { _ in
            Self.pieces[Int.random(in: 0..<Self.pieces.count, using: &random)]
        }.joined()
    }

    @Test func whatIsMaskedStaysAsItIs() async {
        for seed in seeds(80) {
            await Task.yield()
            var random = SplitMix(seed: UInt64(seed))
            let raw = text(&random)
            var lab = ValueLab(masks)
            let once = lab.mask(raw).text
            let twice = lab.mask(once).text
            #expect(once == twice, "seed \(seed): \(raw)")
        }
    }

    /// A hit has three bytes at least, and no token is longer than 40.
    @Test func aMaskedTextIsNeverLongerThanItsBound() async {
        for seed in seeds(40) {
            await Task.yield()
            var random = SplitMix(seed: UInt64(seed))
            let raw = text(&random)
            var lab = ValueLab(masks)
            #expect(lab.mask(raw).text.utf8.count <= 14 * raw.utf8.count + 64, "seed \(seed)")
        }
    }

    /// Every beginning and every end of every sample, and bytes that mean nothing.
    @Test func noTextLeadsOutOfItsBounds() async {
        var mask = TextMask(masks, wanted: .everything)
        let samples = ValueSample.marked.map { ValueSample.parsed($0).text } + ValueSample.harmless
        for sample in samples {
            await Task.yield()
            let bytes = Array(sample.utf8)
            for cut in stride(from: 0, through: bytes.count, by: Self.effort > 1 ? 1 : 5) {
                _ = mask.find(Array(bytes[cut...]).span)
                _ = mask.find(Array(bytes[..<cut]).span)
            }
        }
        var random = SplitMix(seed: 5)
        let signs = Array("@:=+-<%\\&.0aA9z /_'\"[({\u{E9}".utf8)
        for _ in seeds(1_000) {
            let bytes = (0..<Int.random(in: 0...24, using: &random)).map { _ in
                Bool.random(using: &random)
                    ? signs[Int.random(in: 0..<signs.count, using: &random)]
                    : UInt8.random(in: 0...255, using: &random)
            }
            _ = mask.find(bytes.span)
        }
    }

    @Test func everyTextStaysWellFormed() async {
        for seed in seeds(40) {
            await Task.yield()
            var random = SplitMix(seed: UInt64(seed))
            var bytes = Array(text(&random).utf8)
            if !bytes.isEmpty { bytes.removeFirst(Int.random(in: 0..<bytes.count, using: &random)) }
            let raw = String(decoding: bytes, as: UTF8.self)
            var mask = TextMask(masks, wanted: .everything)
            guard let masked = mask.masked(raw.utf8.span) else { continue }
            #expect(String(validating: masked, as: UTF8.self) != nil, "seed \(seed)")
        }
    }

    private func document(_ random: inout SplitMix, depth: Int = 3) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &random) {
        case 0: return .null
        case 1: return .bool(true)
        case 2:
            return .number(JSONNumber(Int.random(in: 0...9_999_999_999_999_999, using: &random)))
        case 3, 4: return .string(text(&random, pieces: 4))
        case 5:
            return .array(
                (0..<Int.random(in: 0...3, using: &random)).map { _ in
                    document(&random, depth: depth - 1)
                })
        default:
            var object = JSONObject()
            let names = ["ssn", "password", "id", "note", "card_number", "ana@example.com", "dob"]
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                object[names[Int.random(in: 0..<names.count, using: &random)]] =
                    document(&random, depth: depth - 1)
            }
            return .object(object)
        }
    }

    private func hasOneShape(_ one: JSONValue, _ other: JSONValue) -> Bool {
        switch (one, other) {
        case (.null, .null), (.bool, .bool), (.number, .number), (.string, .string),
            (.number, .string):
            true
        case (.array(let left), .array(let right)):
            left.count == right.count && zip(left, right).allSatisfy { hasOneShape($0, $1) }
        case (.object(let left), .object(let right)):
            left.count == right.count
                && zip(left.members, right.members).allSatisfy { hasOneShape($0.value, $1.value) }
        default: false
        }
    }

    @Test func aDocumentKeepsItsShapeAndStaysMasked() async throws {
        for seed in seeds(40) {
            await Task.yield()
            var random = SplitMix(seed: UInt64(seed))
            let raw = document(&random)
            var mask = DocumentMask(masks, Policy(), for: nil)
            let once = mask.masked(raw)
            #expect(hasOneShape(raw, once), "seed \(seed)")
            #expect(try JSONParser.parse(once.bytes) == once, "seed \(seed)")
            var again = DocumentMask(masks, Policy(), for: nil)
            #expect(again.masked(once) == once, "seed \(seed): \(raw.text)")
        }
    }

    /// JSON as a text: what is put in must not break it.
    @Test func aTextThatIsJSONStaysJSON() async throws {
        for seed in seeds(40) {
            await Task.yield()
            var random = SplitMix(seed: UInt64(seed))
            let raw = document(&random)
            guard raw.object != nil || raw.array != nil else { continue }
            var lab = ValueLab(masks)
            let masked = lab.mask(raw.text).text
            #expect(throws: Never.self, "seed \(seed): \(raw.text) \(masked)") {
                try JSONParser.parse(Array(masked.utf8))
            }
        }
    }

    @Test func whateverThePiecesOfAStreamTheAnswerIsOne() async {
        for seed in seeds(1) {
            await Task.yield()
            var random = SplitMix(seed: UInt64(seed))
            var raw: [UInt8] = []
            let length = Int.random(in: 80_000...110_000, using: &random)
            while raw.count < length { raw += Array(text(&random).utf8) + [0x20] }
            var whole = TextMask(masks, wanted: .everything)
            let wanted = whole.masked(raw.span) ?? raw
            var stream = StreamMask(masks)
            var shown: [UInt8] = []
            var rest = raw[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...50_000, using: &random))
                shown += stream.feed(piece)
                rest = rest.dropFirst(piece.count)
            }
            shown += stream.finish()
            #expect(shown == wanted, "seed \(seed)")
        }
    }

    /// At every place around the end of a block.
    @Test func aValueAcrossTheEdgeOfAWindowIsCaught() async {
        for shift in stride(from: -40, through: 10, by: Self.effort > 1 ? 1 : 15) {
            await Task.yield()
            let before = String(repeating: "word ", count: ScanWindows.block / 5 + 1)
            let head = String(before.prefix(ScanWindows.block + shift - 1)) + " "
            let raw = head + "4111 1111 1111 1111" + String(repeating: " tail", count: 3_000)
            var stream = StreamMask(masks)
            let shown = stream.feed(Array(raw.utf8)) + stream.finish()
            let text = String(decoding: shown, as: UTF8.self)
            #expect(!text.contains("1111"), "\(shift)")
        }
    }

    @Test func aKeyLongerThanAWindowIsCoveredInAStream() async {
        let body = String(repeating: "MIIEvQIBADANBgkqhkiG9w0BAQEF+/Aa\n", count: 3_000)
        let raw = "a -----BEGIN PRIVATE KEY-----\n\(body)-----END PRIVATE KEY----- b"
        var stream = StreamMask(masks)
        var shown: [UInt8] = []
        var rest = Array(raw.utf8)[...]
        while !rest.isEmpty {
            shown += stream.feed(rest.prefix(10_007))
            rest = rest.dropFirst(10_007)
        }
        let text = String(decoding: shown + stream.finish(), as: UTF8.self)
        #expect(!text.contains("MII"))
        #expect(text.hasPrefix("a [private_key]"))
        #expect(text.hasSuffix("] b"))
    }
}
