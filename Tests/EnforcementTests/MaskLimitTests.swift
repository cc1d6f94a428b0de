import JSON
import TestSupport
import Testing

@testable import Enforcement

/// The limits of an answer count what is told of it.
@Suite struct MaskLimitTests {
    private static func answer(
        _ rows: [[String]], strategy: MaskRule.Strategy, bytes: Int
    ) throws -> MaskedResult {
        let tool = try Tool.sample(
            columns: [Column("id"), Column("mail", from: MaskTests.email)],
            limits: ToolLimits(bytes: bytes))
        let call = try examinedCall(
            of: tool, policy: Policy(masks: [MaskTests.column(MaskTests.email, strategy)]))
        var raw = Rows(columnCount: 2)
        for cell in rows.joined() { raw.append(.text, Array(cell.utf8)) }
        return try MaskStage().apply(RawResult(rows: raw), to: call)
    }

    @Test(arguments: [MaskRule.Strategy.redact, .partial, .null, .zero])
    func howLongAMaskedValueIsDoesNotCutTheAnswer(_ strategy: MaskRule.Strategy) throws {
        let shown = try [8, 200].map { length in
            let name = String(repeating: "x", count: length)
            let rows = (0..<20).map { ["\($0)", "\(name)@example.com"] }
            let result = try Self.answer(rows, strategy: strategy, bytes: 1_024)
            #expect(result.rows.rowCount == 20 && !result.rows.isTruncated)
            return result.json
        }
        #expect(shown[0] == shown[1])
    }

    @Test func whatIsLongerWhenItIsMaskedIsCutByWhatIsTold() throws {
        let rows = (0..<20).map { ["\($0)", "a"] }
        let result = try Self.answer(rows, strategy: .redact, bytes: 60)
        // `[email]`, a digit and two commas.
        #expect(result.rows.rowCount == 6 && result.rows.isTruncated)
        let open = try Self.answer(rows, strategy: .keep, bytes: 60)
        #expect(open.rows.rowCount == 14)
    }

    /// It is held once, and told with each row.
    @Test func whatStandsForManyValuesCountsForEach() throws {
        let rows = (0..<200).map { ["\($0)", ""] }
        let result = try Self.answer(rows, strategy: .redact, bytes: 2_200)
        // 490 digits, 400 commas, 200 times `[email]`: 90 bytes too many.
        #expect(result.rows.isTruncated && result.rows.rowCount == 192)
    }

    @Test func valuesInTextsTakeTheRoomOfWhatStandsForThem() throws {
        let key = "ghp_" + String(repeating: "a1B2c3D4e5F6", count: 3)
        let rows = (0..<10).map { ["\($0)", "deploy with \(key)"] }
        let result = try Self.answer(rows, strategy: .keep, bytes: 10_000)
        #expect(result.rows.rowCount == 10)
        let open = try Tool.sample(
            columns: [Column("id"), Column("note")], limits: ToolLimits(bytes: 240))
        var raw = Rows(columnCount: 2)
        for cell in rows.joined() { raw.append(.text, Array(cell.utf8)) }
        let shown = try MaskStage().apply(
            RawResult(rows: raw), to: try examinedCall(of: open, policy: Policy()))
        #expect(raw.byteCount > 500 && shown.rows.rowCount == 10 && !shown.rows.isTruncated)
    }

    @Test func aChangeIsToldWhole() throws {
        let tool = try Tool.sample(
            effect: .write, columns: [Column("mail", from: MaskTests.email)],
            limits: ToolLimits(bytes: 10))
        let call = try examinedCall(of: tool, policy: Policy(masks: [MaskTests.column()]))
        let raw = RawResult.texts(["a"], ["b"], ["c"], changed: 3)
        let shown = try MaskStage().apply(raw, to: call)
        #expect(shown.rows.rowCount == 3 && !shown.rows.isTruncated)
    }

    /// The backend learns whose values need not even be held, and only those.
    @Test func onlyColumnsOfWhichNothingIsShownAreHidden() throws {
        let columns = [
            Column(name: "id", origin: nil, sources: [], kind: .string),
            Column("mail", from: MaskTests.email),
            Column(name: "made", origin: nil, sources: [MaskTests.email], kind: .string),
        ]
        let cases: [(MaskRule.Strategy, String, [Bool])] = [
            (.redact, "eve", [false, true, true]), (.null, "eve", [false, true, true]),
            (.zero, "eve", [false, true, true]), (.partial, "eve", [false, false, true]),
            (.pseudonym, "eve", [false, false, true]), (.redact, "ada", []), (.keep, "eve", []),
        ]
        for (strategy, user, wanted) in cases {
            let reveal = RevealRule(
                id: "support", target: .column(backend: "shop", MaskTests.email),
                groups: ["support"])
            let call = try examinedCall(
                of: try Tool.sample(columns: columns, reads: [MaskTests.email]),
                policy: Policy(
                    masks: [MaskTests.column(MaskTests.email, strategy)], reveals: [reveal]),
                user: user)
            #expect(call.masks.view(of: call.scoped).hidden == wanted, "\(strategy) for \(user)")
        }
    }

    @Test func whatIsHeldOfAReadIsBoundedApart() {
        let limits = ToolLimits(rows: 10, bytes: 1_000)
        #expect(RowBounds(limits, for: .read).bytes == 4_000)
        #expect(RowBounds(limits, for: .write).bytes == 1_000)
        let large = ToolLimits(bytes: 16 << 20)
        #expect(RowBounds(large, for: .read).bytes == 24 << 20)
    }

    // MARK: Texts

    private static let secret = "ghp_Zk3Rw8Lm2Qv7Tx5Yb9Nc4Hd6Jf1Gs0Pa8Ue2"

    /// Wherever a text is cut, no half of a value is left before the cut.
    @Test func aTextIsMaskedBeforeItIsCut() {
        var mask = TextMask(ValueMasks(), wanted: ValueMasks().wanted(for: nil))
        let borders = [128, 400, 512, 1_024, 4_096, 8 << 10, 16 << 10]
        for most in [128, 400, 512] {
            for border in borders {
                for shift in stride(from: 0, through: 48, by: 3) {
                    let before = String(repeating: "é ", count: (border - shift) / 3)
                    let text =
                        before + " key " + Self.secret + String(repeating: " z", count: 9_000)
                    let shown = mask.maskedStart(of: text, most: most)
                    #expect(shown.unicodeScalars.count <= most)
                    #expect(!shown.contains("ghp_Z"), "\(most) of \(border) less \(shift)")
                }
            }
        }
    }

    /// Values that take much room and leave little must not pull half a value into sight.
    @Test func aValueBehindManyOthersIsStillKnown() {
        var mask = TextMask(ValueMasks(), wanted: ValueMasks().wanted(for: nil))
        for count in 0..<40 {
            let pad = String(repeating: "x", count: count)
            let many = String(
                repeating: "\(pad) password=Zk3Rw8Lm2Qv7Tx5Yb9Nc4Hd6Jf1Gs0 ", count: 500)
            let shown = mask.maskedStart(of: many + Self.secret, most: 100_000)
            #expect(!shown.contains("Zk3Rw"), "\(count)")
        }
    }

    @Test func aShortTextIsMaskedWhole() {
        var mask = TextMask(ValueMasks(), wanted: ValueMasks().wanted(for: nil))
        #expect(mask.maskedStart(of: "key \(Self.secret)!", most: 128) == "key [api_key]!")
        #expect(mask.maskedStart(of: "plain", most: 3) == "pla")
        #expect(mask.maskedStart(of: "", most: 3).isEmpty)
    }

    @Test func aPieceOfADocumentIsAllOfItOrNothing() {
        var mask = DocumentMask(ValueMasks(), Policy(), for: nil)
        let document = #"{"error":"no such key","token":"\#(Self.secret)"}"#
        let shown = mask.maskedPiece(of: document, most: 400)
        #expect(shown?.contains("no such key") == true && shown?.contains("ghp_Z") == false)
        let long = #"{"error":"\#(String(repeating: "no ", count: 200))"}"#
        #expect(mask.maskedPiece(of: long, most: 400) == nil)
        #expect(mask.maskedPiece(of: "one\ntwo\r\n", most: 5) == "one t")
        #expect(mask.maskedPiece(of: "", most: 5) == nil)
    }
}
