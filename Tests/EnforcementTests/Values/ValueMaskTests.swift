import JSON
import TestSupport
import Testing

@testable import Enforcement

/// What becomes of values in answers and in the record, by rule and without one.
@Suite struct ValueMaskTests {
    static let pseudonym = Pseudonym(master: [1, 2, 3], tenant: "shop")

    private static func shown(
        _ values: [String?], columns: [Column], policy: Policy = Policy(), user: String = "ada",
        pseudonym: Pseudonym? = nil
    ) throws -> [JSONValue] {
        let tool = try Tool.sample(columns: columns)
        let call = try examinedCall(
            of: tool, policy: policy, user: user,
            values: ValueMasks(policy: policy, pseudonym: pseudonym))
        let result = try MaskStage().apply(.texts(values), to: call)
        let json = try JSONParser.parse(result.json)
        let schema = try JSONSchema(#require(call.scoped.guarded.outputSchema))
        #expect(schema.violations(in: json) == [])
        let row = try #require(json["rows"]?.array?.first?.object)
        return row.members.map(\.value)
    }

    private static func shown(
        _ text: String, policy: Policy = Policy(), user: String = "ada",
        pseudonym: Pseudonym? = nil
    ) throws -> String? {
        try shown(
            [text], columns: [Column("note")], policy: policy, user: user, pseudonym: pseudonym)[0]
            .string
    }

    private static func rule(
        _ selectors: ValueRule.Selector..., with treatment: ValueRule.Treatment
    ) -> Policy {
        Policy(values: [ValueRule(id: "v", selectors: selectors, treatment: treatment)])
    }

    // MARK: Without a rule

    @Test func aSecretIsRedactedAndAnIdentifierBecomesAToken() throws {
        let shown = try Self.shown(
            "ana@example.com has password=hunter2!", pseudonym: Self.pseudonym)
        let text = try #require(shown)
        #expect(text.hasPrefix("<email:"))
        #expect(text.hasSuffix("> has password=[password]"))
    }

    @Test func withoutAKeyForTokensAllIsRedacted() throws {
        #expect(try Self.shown("ana@example.com") == "[email]")
    }

    @Test func aColumnIsACueForWhatStandsInIt() throws {
        let columns = [Column("mobile_phone"), Column("ssn"), Column("note")]
        let shown = try Self.shown(["5550143", "536228710", "536228710"], columns: columns)
        #expect(shown == ["[phone]", "[ssn]", "536228710"])
    }

    /// A name that says enough covers what has no form: any password, a number.
    @Test func aColumnWhoseNameSaysSoIsCoveredByItsName() throws {
        let columns = [
            Column("db_password"), Column("cardNumber"), Column("password"), Column("dob"),
        ]
        let shown = try Self.shown(
            ["sunshine", "5000 0000 0000 0009 1", nil, "long ago"], columns: columns)
        #expect(shown == ["[password]", "[card]", .null, "long ago"])
    }

    // MARK: Rules

    @Test func aKindIsKeptWhereTheRuleSaysSo() throws {
        let policy = Self.rule(.kind(.email), .kind(.ip), with: .keep)
        #expect(
            try Self.shown("ana@example.com 10.0.0.1 +49 30 901820", policy: policy)
                == "ana@example.com 10.0.0.1 [phone]")
    }

    @Test func partialLeavesTheLastFourOrTheDomain() throws {
        let policy = Self.rule(.kind(.email), .kind(.card), .kind(.phone), with: .partial)
        #expect(
            try Self.shown("ana@example.com 4111 1111 1111 1111 (212) 555-0143", policy: policy)
                == "a***@example.com ***1111 ***0143")
    }

    @Test func aRevealLiftsItForItsGroupsAlone() throws {
        let policy = Policy(
            valueReveals: [
                ValueReveal(id: "r", selectors: [.kind(.email)], groups: ["fraud"])
            ])
        let raw = "ana@example.com 536-22-8710"
        #expect(try Self.shown(raw, policy: policy, user: "fay") == "ana@example.com [ssn]")
        #expect(try Self.shown(raw, policy: policy, user: "ada") == "[email] [ssn]")
    }

    /// Who wrote a rule for a column has decided about it: a revealed or kept one is shown.
    @Test func aRuleForAColumnComesBeforeItsValues() throws {
        let email = ColumnPath("customers", "email")
        let target = MaskRule.Target.column(backend: "shop", email)
        let columns = [Column("mail", from: email)]
        let partial = Policy(masks: [MaskRule(id: "m", target: target, strategy: .partial)])
        let kept = Policy(masks: [MaskRule(id: "m", target: target, strategy: .keep)])
        let revealed = Policy(
            masks: [MaskRule(id: "m", target: target, strategy: .redact)],
            reveals: [RevealRule(id: "r", target: target, groups: ["fraud"])])
        let raw = ["ana@example.com"]
        #expect(try Self.shown(raw, columns: columns, policy: partial) == ["a***@example.com"])
        #expect(try Self.shown(raw, columns: columns, policy: kept) == ["ana@example.com"])
        #expect(
            try Self.shown(raw, columns: columns, policy: revealed, user: "fay")
                == ["ana@example.com"])
        #expect(try Self.shown(raw, columns: columns, policy: revealed) == ["[email]"])
    }

    @Test(arguments: [
        (MaskRule.Strategy.null, JSONValue.null), (.zero, ""), (.redact, "[email]"),
        (.partial, "a***@example.com"), (.keep, "ana@example.com"),
    ])
    func aColumnIsMaskedByEachStrategy(_ strategy: MaskRule.Strategy, _ wanted: JSONValue) throws {
        let policy = Policy(
            masks: [MaskRule(id: "m", target: .field("email"), strategy: strategy)])
        #expect(
            try Self.shown(["ana@example.com"], columns: [Column("email")], policy: policy)
                == [wanted])
    }

    @Test func anOwnDetectorFindsWhatPassesItsPatternItsCheckAndItsWords() throws {
        let detector = OwnDetector(
            name: "member", pattern: try Pattern("M-[0-9]{8}"), check: .luhn,
            context: ["member", "mitglied"])
        let policy = Policy(detectors: [detector])
        #expect(try Self.shown("Mitglied M-12345674.", policy: policy) == "Mitglied [member].")
        #expect(try Self.shown("M-12345674 (member)", policy: policy) == "[member] (member)")
        for text in ["M-12345674", "member M-12345675", "member M-1234567", "Member m-12345674"] {
            #expect(try Self.shown(text, policy: policy) == text)
        }
        var kept = policy
        kept.values = [
            ValueRule(id: "k", selectors: [.detector("member")], treatment: .keep)
        ]
        #expect(try Self.shown("member M-12345674", policy: kept) == "member M-12345674")
    }

    // MARK: Tokens

    @Test func equalValuesHaveOneTokenHoweverTheyAreWritten() {
        let masks = ValueMasks(pseudonym: Self.pseudonym)
        var mask = TextMask(masks, wanted: .everything)
        let same: [[String]] = [
            ["ana@example.com", "ANA@Example.com", "ana%40example.com", "ａｎａ＠ｅｘａｍｐｌｅ．ｃｏｍ"],
            ["4111 1111 1111 1111", "4111-1111-1111-1111", "4111111111111111", "４１１１１１１１１１１１１１１１"],
            ["DE89 3704 0044 0532 0130 00", "de89370400440532013000"],
            ["00:1A:2B:3C:4D:5E", "00-1a-2b-3c-4d-5e", "001a.2b3c.4d5e"],
        ]
        var tokens: Set<String> = []
        for spellings in same {
            let found = Set(spellings.map { mask.masked($0) })
            #expect(found.count == 1, "\(spellings)")
            tokens.formUnion(found)
        }
        #expect(tokens.count == same.count)
    }

    @Test func aTokenJoinsWithinItsTenantAndPurposeOnly() {
        func token(_ pseudonym: Pseudonym) -> [UInt8] {
            pseudonym.token(
                for: "ana@example.com".utf8.span, .email, label: Array("email".utf8))
        }
        let one = token(Pseudonym(master: [1], tenant: "a"))
        #expect(one == token(Pseudonym(master: [1], tenant: "a")))
        let others = [
            Pseudonym(master: [2], tenant: "a"), Pseudonym(master: [1], tenant: "b"),
            Pseudonym(master: [1], tenant: "a", purpose: "export"),
        ].map(token)
        #expect(Set(others + [one]).count == 4)
        let isToken = Pseudonym.isToken(one.span)
        #expect(isToken)
        #expect(one.count == "<email:>".utf8.count + Pseudonym.textCount)
        // The key names itself, so that after a change of keys it is seen why nothing joins.
        #expect(Array(others[0][7..<9]) != Array(one[7..<9]))
    }

    @Test func aColumnAndATextGiveOneValueOneToken() throws {
        let policy = Policy(
            masks: [MaskRule(id: "m", target: .field("contact"), strategy: .pseudonym)])
        let shown = try Self.shown(
            ["Ana@example.com", "ana@example.com"], columns: [Column("contact"), Column("note")],
            policy: policy, pseudonym: Self.pseudonym)
        #expect(shown[0] == shown[1])
        #expect(shown[0].string?.hasPrefix("<email:") == true)
    }

    /// The HMAC of RFC 4231, case 2, by the key whose pads are hashed once.
    @Test func theKeptPadsGiveTheHMACOfTheStandard() {
        let tag = HMACKey(Array("Jefe".utf8)).authenticate(
            Array("what do ya want for nothing?".utf8))
        #expect(tag.hex == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }

    // MARK: The record, and refusals

    @Test func aRefusalRepeatsNoValueThatTheCallerUsedAsAName() async throws {
        let fixture = try GateFixture(tools: [
            Tool.sample(input: ["type": "object", "additionalProperties": false])
        ])
        for (tool, name) in [("orders", "ana@example.com"), ("ana@example.com", "x")] {
            guard case .refused(let refusal) = try await fixture.call(tool, JSONObject((name, 1)))
            else {
                Issue.record("not refused")
                continue
            }
            #expect(refusal.told.contains("[email]"), "\(refusal.told)")
            #expect(!refusal.told.contains("ana@"))
        }
        #expect(!fixture.sink.text.contains("ana@"))
    }

    @Test func valuesInArgumentsReachTheRecordMasked() async throws {
        let fixture = try GateFixture(tools: [
            Tool.sample(input: ["type": "object", "properties": ["note": ["type": "string"]]])
        ])
        _ = try await fixture.call(
            "orders", JSONObject(("note", "call ana@example.com, password=hunter2!")))
        _ = try await fixture.call("nothing", JSONObject(("bob@example.com", 1)))
        let record = fixture.sink.text
        #expect(record.contains("[email]"))
        #expect(record.contains("password=[password]"))
        for value in ["ana@example.com", "hunter2", "bob@example.com"] {
            #expect(!record.contains(value))
        }
    }
}
