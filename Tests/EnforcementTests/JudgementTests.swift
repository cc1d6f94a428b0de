import JSON
import TestSupport
import Testing

@testable import Enforcement

/// `Gate.judge` decides as `Gate.answer` does and does nothing else.
@Suite struct JudgementTests {
    static let adults: JSONValue = [
        "type": "object", "properties": ["age": ["type": "integer"]], "required": ["age"],
    ]

    static func fixture(_ rules: [Rule] = []) throws -> GateFixture {
        try GateFixture(
            tools: [try .sample(input: adults)],
            policy: Policy(grants: GateFixture.grants, rules: rules))
    }

    static let ada = Caller(issuer: "try", subject: "ada", groups: ["support"])

    @Test func aCallThatMayRunIsAllowedAndNeitherRunsNorIsRecorded() async throws {
        let fixture = try Self.fixture()
        let judgement = await fixture.gate.judge("orders", JSONObject(("age", 7)), as: Self.ada)
        #expect(judgement.decision == .allow)
        #expect(judgement.rules.isEmpty)
        #expect(judgement.values(of: [.argument("age")]) == [[7]])
        #expect(judgement.request != nil)
        #expect(fixture.journal.entries.isEmpty)
    }

    @Test func everyRefusalIsTheOneOfARealCall() async throws {
        let rules = [Rule.denying("minor", .fact(.argument("age"), .under(JSONNumber(18))))]
        let fixture = try Self.fixture(rules)
        let cases: [(tool: String, arguments: JSONObject, user: String)] = [
            ("orders", JSONObject(("age", 7)), "ada"), ("orders", JSONObject(("age", "7")), "ada"),
            ("orders", JSONObject(("age", 7)), "eve"), ("other", JSONObject(), "ada"),
        ]
        for call in cases {
            let groups: [Name] = call.user == "ada" ? ["support"] : []
            let caller = Caller(issuer: "try", subject: call.user, groups: groups)
            let judgement = await fixture.gate.judge(call.tool, call.arguments, as: caller)
            #expect(fixture.journal.entries.isEmpty)
            let outcome = try await Self.fixture(rules).call(
                call.tool, call.arguments, as: call.user)
            #expect(judgement.decision == .deny)
            #expect(judgement.refusal?.code == outcome.refusal?.code)
            #expect(judgement.refusal?.told == outcome.refusal?.told)
            #expect(judgement.rules == outcome.refusal?.rules)
        }
    }

    @Test func aRuleThatWantsAPersonIsNamedAndDenyBeatsIt() async throws {
        let adult = Condition.fact(.argument("age"), .over(JSONNumber(17)))
        let held = Rule(id: "held", effect: .approve, when: adult, reason: "look first")
        let old = Rule.denying("old", .fact(.argument("age"), .over(JSONNumber(99))))
        let gate = try Self.fixture([held, old]).gate
        let one = await gate.judge("orders", JSONObject(("age", 18)), as: Self.ada)
        #expect(one.decision == .approve)
        #expect(one.rules == ["held"])
        let other = await gate.judge("orders", JSONObject(("age", 100)), as: Self.ada)
        #expect(other.decision == .deny)
        #expect(other.rules == ["old"])
    }
}
