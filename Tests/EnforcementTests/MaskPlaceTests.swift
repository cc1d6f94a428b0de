import JSON
import TestSupport
import Testing

@testable import Enforcement

/// Masks for places in documents.
@Suite struct MaskPlaceTests {
    static let profile = ColumnPath("customers", "profile")

    static func path(_ steps: DocumentPath.Step...) -> DocumentPath { DocumentPath(steps) }

    static func rule(
        _ target: MaskRule.Target, _ strategy: MaskRule.Strategy = .redact
    ) -> MaskRule {
        MaskRule(id: "m", target: target, strategy: strategy)
    }

    static func masked(
        _ document: JSONValue, _ rules: [MaskRule],
        picked picks: [(name: String, path: DocumentPath)] = []
    ) -> String {
        var mask = DocumentMask(ValueMasks(), Policy(masks: rules), for: nil)
        return mask.masked(document, picked: picks).text
    }

    @Test func aPlaceIsMaskedWithAllThatStandsThereAndNothingElse() {
        let rule = Self.rule(.document(Self.path(.member("customer"), .member("code"))))
        let document: JSONValue = [
            "code": "a", "customer": ["code": "b", "Code": ["x": "c"], "other": ["code": "d"]],
        ]
        #expect(
            Self.masked(document, [rule])
                == #"{"code":"a","customer":{"code":"[code]","Code":{"x":"[code]"},"other":{"code":"d"}}}"#
        )
    }

    @Test func aListIsGoneThroughWhetherThePathNamesItOrNot() {
        let document: JSONValue = ["items": [["code": "a"], ["code": "b"]]]
        let plain = Self.path(.member("items"), .member("code"))
        let every = Self.path(.member("items"), .every, .member("code"))
        let second = Self.path(.member("items"), .element(1), .member("code"))
        let all = #"{"items":[{"code":"[code]"},{"code":"[code]"}]}"#
        #expect(Self.masked(document, [Self.rule(.document(plain))]) == all)
        #expect(Self.masked(document, [Self.rule(.document(every))]) == all)
        #expect(
            Self.masked(document, [Self.rule(.document(second))])
                == #"{"items":[{"code":"a"},{"code":"[code]"}]}"#)
        #expect(
            Self.masked(
                ["tags": ["a", "b"]], [Self.rule(.document(Self.path(.member("tags"), .every)))])
                == #"{"tags":["[tags]","[tags]"]}"#)
    }

    @Test func aPickTakesTheMasksOfItsPlaceWithIt() {
        let deep = Self.path(.member("customer"), .member("code"))
        let rules = [Self.rule(.document(deep))]
        let field = [Self.rule(.field("code"))]
        for rules in [rules, field] {
            #expect(Self.masked(["x": "a"], rules, picked: [("x", deep)]) == #"{"x":"[code]"}"#)
            #expect(
                Self.masked(
                    ["x": ["code": "a"]], rules, picked: [("x", Self.path(.member("customer")))])
                    == #"{"x":{"code":"[code]"}}"#)
        }
        let below = Self.path(.member("customer"), .member("code"), .member("inner"))
        #expect(Self.masked(["x": "a"], rules, picked: [("x", below)]) == #"{"x":"[code]"}"#)
        #expect(
            Self.masked(["x": "a"], rules, picked: [("x", Self.path(.member("code")))])
                == #"{"x":"a"}"#)
    }

    @Test func aPickOutOfEveryElementKnowsItsPlace() {
        let rule = Self.rule(.document(Self.path(.member("rows"), .every, .member("code"))))
        #expect(
            Self.masked(
                ["x": ["a", "b"]], [rule],
                picked: [("x", Self.path(.member("rows"), .every, .member("code")))])
                == #"{"x":["[code]","[code]"]}"#)
        #expect(
            Self.masked(
                ["x": [["code": "a"]]], [rule],
                picked: [("x", Self.path(.member("rows"), .every))])
                == #"{"x":[{"code":"[code]"}]}"#)
    }

    @Test func theNameOfThePlaceSaysWhatAPickIs() {
        #expect(
            Self.masked(
                ["x": "hunter2-and-more"], [], picked: [("x", Self.path(.member("password")))])
                == #"{"x":"[password]"}"#)
    }

    @Test func aFieldIsMaskedInADocumentThatIsAText() {
        let inner = #"{"code":"KD-77","note":"x"}"#
        #expect(
            Self.masked(["payload": .string(inner)], [Self.rule(.field("code"))])
                == #"{"payload":"{\"code\":\"[code]\",\"note\":\"x\"}"}"#)
        #expect(
            Self.masked(["payload": .string(inner)], [Self.rule(.field("other"))])
                == #"{"payload":"{\"code\":\"KD-77\",\"note\":\"x\"}"}"#)
    }

    @Test func theNameOfAColumnGoesWithItThroughAnAlias() throws {
        func path(_ column: Name) -> ColumnPath { ColumnPath("accounts", column) }
        let shown = try MaskTests.shown(
            .texts(["hunter2", "ZX81-PW", "536228710", "536228710"]),
            columns: [
                Column("a", from: path("password")),
                Column(name: "b", origin: nil, sources: [path("password")], kind: .string),
                Column("c", from: path("ssn")), Column("d", from: path("total")),
            ], masks: [])
        #expect(
            shown == #"{"rows":[{"a":"[password]","b":"[password]","c":"[ssn]","d":"536228710"}]}"#)
    }

    @Test func whatADeclaredSchemaSaysOfMaskedValuesIsGivenUpAndTheRestKept() throws {
        let declared: JSONValue = [
            "type": "object", "required": ["id"], "additionalProperties": false,
            "properties": [
                "id": ["type": "integer", "minimum": 1],
                "mail": ["type": "string", "format": "email", "maxLength": 20],
                "ssn": ["type": "integer"], "state": ["enum": ["open", "done"]],
                "code": ["type": "integer", "description": "Ours."],
                "from": ["const": "ana@example.com"],
                "items": [
                    "type": "array", "uniqueItems": true, "items": ["oneOf": [true, false]],
                ],
            ],
        ]
        let policy = Policy(masks: [Self.rule(.field("code"))])
        let masks = ValueMasks(policy: policy)
        let shown = MaskedSchema(masks, policy: policy, picks: []).widened(declared)
        #expect(
            shown == [
                "type": "object", "required": ["id"], "additionalProperties": false,
                "properties": [
                    "id": ["type": "integer", "minimum": 1], "mail": ["type": "string"],
                    "ssn": ["type": ["integer", "string"]], "state": ["enum": ["open", "done"]],
                    "code": ["description": "Ours."], "from": [:],
                    "items": ["type": "array", "items": ["anyOf": [true, false]]],
                ],
            ])
    }

    @Test func anAnswerThatWasNoObjectIsARootToo() {
        let rule = Self.rule(.document(Self.path(.every, .member("code"))))
        #expect(
            Self.masked(["value": [["code": "a"]]], [rule]) == #"{"value":[{"code":"[code]"}]}"#)
    }

    @Test func placesInTheDocumentsOfAColumnAreMaskedAndTheRestIsShown() throws {
        let rules = [
            Self.rule(
                .inside(backend: "shop", Self.profile, Self.path(.member("pets"), .member("code"))))
        ]
        let shown = try MaskTests.shown(
            .texts([#"{"pets":{"code":"a"},"code":"b"}"#], [nil], ["no document"]),
            columns: [Column("p", from: Self.profile)], masks: rules)
        #expect(
            shown == #"{"rows":[{"p":"{\"pets\":{\"code\":\"[code]\"},\"code\":\"b\"}"},"#
                + #"{"p":null},{"p":"[json]"}]}"#)
    }

    @Test func whatIsComputedFromSuchAColumnIsMaskedWhole() throws {
        let rules = [
            Self.rule(.inside(backend: "shop", Self.profile, Self.path(.member("code"))))
        ]
        let shown = try MaskTests.shown(
            .texts(["a"]), columns: [Column("p")], reads: [Self.profile], masks: rules)
        #expect(shown == #"{"rows":[{"p":"[code]"}]}"#)
    }

    @Test func whatARevealShowedIsOnRecord() async throws {
        let column = Column("mail", from: MaskTests.email)
        let fixture = try GateFixture(
            tools: [.sample(columns: [column], reads: [MaskTests.email])],
            policy: Policy(
                grants: GateFixture.grants, masks: [MaskTests.column()],
                reveals: [
                    RevealRule(
                        id: "for-fraud", target: .column(backend: "shop", MaskTests.email),
                        groups: ["fraud"])
                ]),
            backend: { _ in .texts(["x"]) })
        _ = try await fixture.call(as: "ada")
        #expect(!fixture.sink.text.contains("revealedBy"))
        _ = try await fixture.call(as: "fay")
        #expect(fixture.sink.text.contains(#""revealedBy":["for-fraud"]"#))
    }
}
