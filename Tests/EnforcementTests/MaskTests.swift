import JSON
import TestSupport
import Testing

@testable import Enforcement

@Suite struct MaskTests {
    static let email = ColumnPath("customers", "email")

    /// The rows as `tool` shows them to `user` under these masks.
    static func shown(
        _ raw: RawResult, columns: [Column], reads: Set<ColumnPath>? = [], masks: [MaskRule],
        reveals: [RevealRule] = [], user: String = "ada"
    ) throws -> String {
        let tool = try Tool.sample(columns: columns, reads: reads)
        let call = try examinedCall(
            of: tool, policy: Policy(masks: masks, reveals: reveals), user: user)
        let result = try MaskStage().apply(raw, to: call)
        let bytes = result.json
        let schema = try JSONSchema(#require(call.scoped.guarded.outputSchema))
        #expect(schema.violations(in: try JSONParser.parse(bytes)) == [])
        return String(decoding: bytes, as: UTF8.self)
    }

    static func column(
        _ path: ColumnPath = email, _ strategy: MaskRule.Strategy = .redact,
        backend: Name = "shop"
    ) -> MaskRule {
        MaskRule(id: "m", target: .column(backend: backend, path), strategy: strategy)
    }

    static func field(_ name: Name, _ strategy: MaskRule.Strategy = .redact) -> MaskRule {
        MaskRule(id: "f", target: .field(name), strategy: strategy)
    }

    // MARK: Strategies

    @Test func redactSaysWhatWasThereAndNullStaysNull() throws {
        let shown = try Self.shown(
            .texts(["1", "ada@example.com"], ["2", nil], ["3", ""]),
            columns: [Column("id"), Column("mail", from: Self.email)],
            masks: [Self.column()])
        #expect(
            shown == #"{"rows":[{"id":"1","mail":"[email]"},{"id":"2","mail":null},"#
                + #"{"id":"3","mail":"[email]"}]}"#)
    }

    static let partial: [(raw: String, shown: String)] = [
        ("ada@example.com", "a***@example.com"), ("a@b.co", "a***@b.co"),
        ("\u{E4}da@example.com", "***@example.com"), ("@example.com", "***.com"),
        ("p@ssw0rd-very-secret", "***cret"), ("a@b", "***"), ("x@y@z.org", "x***@z.org"),
        ("key@value.", "***lue."), ("1@2 3.4", "***"), ("x@.y", "***"),
        ("", "***"), ("1234567", "***"), ("12345678", "***5678"),
        ("4111111111111111", "***1111"), ("\u{1F600}\u{1F600}\u{1F600}", "***"),
        ("1234567\u{1F600}", "***567\u{1F600}"), ("\u{1F600}1234567", "***4567"),
        ("\u{E4}\u{F6}\u{FC}\u{DF}\u{E4}\u{F6}\u{FC}\u{DF}", "***\u{E4}\u{F6}\u{FC}\u{DF}"),
        ("\u{E4}\u{F6}\u{FC}\u{DF}", "***"),
    ]

    @Test(arguments: partial)
    func partialShowsTooLittleToUse(_ raw: String, _ shown: String) throws {
        #expect(String(decoding: Partial.masked(Array(raw.utf8)[...]), as: UTF8.self) == shown)
        let row = try Self.shown(
            .texts([raw]), columns: [Column("mail", from: Self.email)],
            masks: [Self.column(Self.email, .partial)])
        let wanted: JSONValue = ["rows": [["mail": .string(shown)]]]
        #expect(row == wanted.text)
    }

    /// Whatever the bytes: never more than half of the text, unless it is an e-mail address.
    @Test func partialNeverShowsMoreThanHalf() {
        var random = SplitMix(seed: 11)
        let letters = Array("ab12@.-_ \u{E4}\u{1F600}".unicodeScalars)
        for _ in 0..<2_000 {
            var raw = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0...30, using: &random) {
                raw.append(letters[Int.random(in: 0..<letters.count, using: &random)])
            }
            let masked = Partial.masked(Array(String(raw).utf8)[...])
            let text = String(validating: masked, as: UTF8.self)
            #expect(text != nil)
            guard let text, !text.contains("@") else { continue }
            #expect(text.unicodeScalars.count <= max(3, raw.count / 2 + 3))
        }
    }

    // MARK: Which columns

    @Test func lineageCountsAndNotTheName() throws {
        let shown = try Self.shown(
            .texts(["a", "b", "c"]),
            columns: [
                Column("x", from: Self.email), Column("email", from: ColumnPath("notes", "text")),
                Column("y", from: ColumnPath("partners", "email")),
            ], reads: [Self.email], masks: [Self.column()])
        #expect(shown == #"{"rows":[{"x":"[email]","email":"b","y":"c"}]}"#)
    }

    /// `upper(email)`, `email || ''`: nothing of it may show, whatever the mask is.
    @Test func aColumnThatMayBeComputedFromAMaskedOneIsMaskedWhole() throws {
        let shown = try Self.shown(
            .texts(["ADA@EXAMPLE.COM", "7"]), columns: [Column("upper"), Column("n", .integer)],
            reads: [Self.email, ColumnPath("customers", "id")],
            masks: [Self.column(Self.email, .partial)])
        #expect(shown == #"{"rows":[{"upper":"[email]","n":"[email]"}]}"#)
    }

    /// `case when ssn like :p then 1 end`, `nullif(ssn, :p)`: its null would be the answer.
    @Test func thatAComputedColumnIsNullIsMaskedToo() throws {
        let ssn = Column("x", .integer)
        for masks in [
            [Self.column(Self.email, .partial)], [Self.field("E-Mail", .partial)],
            [Self.column(), Self.field("x", .partial)], [Self.field("x", .partial), Self.column()],
        ] {
            let shown = try Self.shown(
                .texts(["1"], [nil]), columns: [ssn], reads: [Self.email], masks: masks)
            #expect(
                shown == #"{"rows":[{"x":"[email]"},{"x":"[email]"}]}"#
                    || shown == #"{"rows":[{"x":"[E-Mail]"},{"x":"[E-Mail]"}]}"#)
        }
    }

    /// A field's name over an expression does not make it that column.
    @Test func aComputedColumnThatIsCalledLikeTheFieldIsMaskedWhole() throws {
        let shown = try Self.shown(
            .texts(["ada@example.com"], [nil]), columns: [Column("email")], reads: [Self.email],
            masks: [Self.field("email", .partial)])
        #expect(shown == #"{"rows":[{"email":"[email]"},{"email":"[email]"}]}"#)
    }

    @Test func aRevealLiftsTheMaskOfNullsToo() throws {
        let reveal = RevealRule(
            id: "r", target: .column(backend: "shop", Self.email), groups: ["fraud"])
        let shown = try Self.shown(
            .texts([nil]), columns: [Column("x")], reads: [Self.email], masks: [Self.column()],
            reveals: [reveal], user: "fay")
        #expect(shown == #"{"rows":[{"x":null}]}"#)
    }

    @Test func aComputedColumnIsOpenWhereTheMaskedOneIsNotRead() throws {
        let shown = try Self.shown(
            .texts(["7"]), columns: [Column("n")], reads: [ColumnPath("customers", "id")],
            masks: [Self.column()])
        #expect(shown == #"{"rows":[{"n":"7"}]}"#)
    }

    @Test func whatIsReadUnknownIsMasked() throws {
        let shown = try Self.shown(
            .texts(["7", "8"]), columns: [Column("n"), Column("id", from: ColumnPath("t", "id"))],
            reads: nil, masks: [Self.column()])
        #expect(shown == #"{"rows":[{"n":"[email]","id":"8"}]}"#)
    }

    @Test func aColumnOfAnotherBackendIsAnotherColumn() throws {
        let shown = try Self.shown(
            .texts(["a"]), columns: [Column("x", from: Self.email)], reads: [Self.email],
            masks: [Self.column(backend: "crm")])
        #expect(shown == #"{"rows":[{"x":"a"}]}"#)
    }

    @Test(arguments: [
        "card_number", "cardNumber", "Card-Number", "CARD NUMBER", "card.number", "cardnumber",
    ])
    func aFieldIsNamedWhateverItsCaseAndSeparators(_ name: String) throws {
        let shown = try Self.shown(
            .texts(["4111"]), columns: [Column(name)], masks: [Self.field("card_number")])
        #expect(shown == "{\"rows\":[{\"\(name)\":\"[card_number]\"}]}")
    }

    @Test(arguments: ["card_numbers", "card", "cardnumbe\u{280}", "\u{212A}ard", "card/number"])
    func anotherNameIsAnotherField(_ name: String) throws {
        let shown = try Self.shown(
            .texts(["4111"]), columns: [Column(name)],
            masks: [Self.field("card_number"), Self.field("Kard")])
        #expect(shown.contains("4111"))
    }

    @Test func aFieldIsKnownByTheNameOfItsOriginToo() throws {
        let shown = try Self.shown(
            .texts(["4111"]), columns: [Column("n", from: ColumnPath("cards", "card_number"))],
            masks: [Self.field("cardNumber")])
        #expect(shown == #"{"rows":[{"n":"[cardNumber]"}]}"#)
    }

    // MARK: Several rules

    @Test func theStrictestMaskWinsInEveryOrder() throws {
        let rules = [Self.column(Self.email, .partial), Self.field("mail")]
        for masks in [rules, rules.reversed()] {
            let shown = try Self.shown(
                .texts(["ada@example.com"]), columns: [Column("mail", from: Self.email)],
                masks: masks)
            #expect(shown == #"{"rows":[{"mail":"[mail]"}]}"#)
        }
    }

    @Test func aRevealLiftsItsOwnMaskForItsGroupAlone() throws {
        let reveal = RevealRule(
            id: "r", target: .column(backend: "shop", Self.email), groups: ["fraud"])
        let columns = [Column("mail", from: Self.email)]
        func shown(_ user: String, _ masks: [MaskRule]) throws -> String {
            try Self.shown(
                .texts(["ada@example.com"]), columns: columns, masks: masks, reveals: [reveal],
                user: user)
        }
        #expect(try shown("fay", [Self.column()]).contains("ada@example.com"))
        #expect(try !shown("ada", [Self.column()]).contains("ada@"))
        #expect(try !shown("eve", [Self.column()]).contains("ada@"))
        let both = [Self.column(), Self.field("mail", .partial)]
        #expect(try shown("fay", both) == #"{"rows":[{"mail":"a***@example.com"}]}"#)
    }

    @Test func aRevealOfADifferentTargetLiftsNothing() throws {
        let reveal = RevealRule(id: "r", target: .field("email"), groups: ["fraud"])
        let shown = try Self.shown(
            .texts(["secret"]), columns: [Column("email", from: Self.email)],
            masks: [Self.column()], reveals: [reveal], user: "fay")
        #expect(shown == #"{"rows":[{"email":"[email]"}]}"#)
    }

    // MARK: Form

    @Test(arguments: [Column.Kind.integer, .number, .boolean, .string, .any, .numberOrText, .json])
    func aMaskedValueOfEveryKindFitsTheDeclaredSchema(_ kind: Column.Kind) throws {
        var rows = Rows(columnCount: 2)
        let (cell, text): (Rows.Kind, String) =
            switch kind {
            case .integer: (.number, "12345678901234567890")
            case .number: (.number, "1.50")
            case .boolean: (.bool, "true")
            case .string, .any, .numberOrText: (.text, "text")
            case .json: (.json, #"{"a":[1]}"#)
            }
        rows.append(cell, Array(text.utf8))
        rows.append(cell, Array(text.utf8))
        rows.appendNull()
        rows.appendNull()
        let shown = try Self.shown(
            RawResult(rows: rows),
            columns: [Column("open", kind), Column("mail", kind, from: Self.email)],
            masks: [Self.column()])
        let raw = cell == .text ? "\"\(text)\"" : text
        #expect(
            shown == "{\"rows\":[{\"open\":\(raw),\"mail\":\"[email]\"},"
                + "{\"open\":null,\"mail\":null}]}")
    }

    /// Both forms of an answer say the same, whatever stands in names and cells.
    @Test func theTextOfAnAnswerIsItsStructuredFormInQuotes() throws {
        var rows = Rows(columnCount: 4)
        for text in ["", "a\"b\\c\n\u{1}", "é"] {
            rows.append(.text, Array(text.utf8))
            rows.appendNull()
            rows.append(.number, Array("1.10".utf8))
            rows.append(.json, Array(#"{"k": ["\n", "\"", 1]}"#.utf8))
        }
        rows.isTruncated = true
        for columns in [
            [Column("a\"\\"), Column("b"), Column("c", .number), Column("d", .json)], [],
        ] {
            let tool = try Tool.sample("t", effect: .write, columns: columns)
            let call = try examinedCall(of: tool, policy: Policy())
            let raw = RawResult(rows: columns.isEmpty ? Rows(columnCount: 0) : rows, changed: 3)
            let result = try MaskStage().apply(raw, to: call)
            var text = JSONWriter()
            try #require(AnswerJSON(result)).writeText(into: &text)
            let document = result.json
            var quoted = JSONWriter()
            quoted.quotedJSON(document)
            let (written, wanted) = (text.finish(), quoted.finish())
            #expect(written == wanted)
            let schema = try JSONSchema(try #require(call.scoped.guarded.outputSchema))
            #expect(schema.violations(in: try JSONParser.parse(document)) == [])
        }
    }

    @Test func aTruncatedMaskedResultStillSaysSo() throws {
        var raw = RawResult.texts(["a"])
        raw.rows.isTruncated = true
        let shown = try Self.shown(
            raw, columns: [Column("mail", from: Self.email)], masks: [Self.column()])
        #expect(shown == #"{"rows":[{"mail":"[email]"}],"truncated":true}"#)
    }

    @Test func anAnswerOfAnotherFormIsWithheld() throws {
        for masks in [[], [Self.column()]] {
            let tool = try Tool.sample(columns: [Column("mail", from: Self.email), Column("b")])
            let call = try examinedCall(of: tool, policy: Policy(masks: masks))
            #expect {
                try MaskStage().apply(.texts(["a"]), to: call)
            } throws: {
                ($0 as? Refusal)?.code == .maskFailed
            }
        }
    }

    @Test func aChangeWithoutRowsIsJustItsCount() throws {
        let tool = try Tool.sample("t", effect: .write, columns: [])
        let call = try examinedCall(of: tool, policy: Policy(masks: [Self.column()]))
        let raw = RawResult(rows: Rows(columnCount: 0), changed: 2)
        let outcome = Outcome.answered(try MaskStage().apply(raw, to: call))
        #expect(outcome.text == #"{"changed":2}"#)
        let schema = try JSONSchema(#require(call.scoped.guarded.outputSchema))
        #expect(schema.violations(in: ["changed": 2]) == [])
        #expect(!schema.violations(in: [:]).isEmpty)
    }
}
