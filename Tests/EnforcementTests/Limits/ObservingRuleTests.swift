import JSON
import TestSupport
import Testing

@testable import Enforcement

/// Rules that only say what they would have done.
@Suite struct ObservingRuleTests {
    private static func rule(_ id: Name, _ effect: Rule.Effect, _ quota: Quota? = nil) -> Rule {
        Rule(
            id: id, effect: effect, when: .always, reason: "because", mode: .observe, quota: quota)
    }

    private static func fixture(_ rules: [Rule]) throws -> GateFixture {
        try GateFixture(policy: Policy(grants: GateFixture.grants, rules: rules))
    }

    private static func outcome(_ fixture: GateFixture) throws -> JSONValue {
        try #require(fixture.sink.lines.last { $0["event"] == "outcome" })
    }

    @Test func theCallPassesAndTheRecordNamesWhatWouldHaveBeen() async throws {
        let fixture = try Self.fixture([
            Self.rule("no", .deny), Self.rule("never", .deny), Self.rule("ask", .approve),
        ])
        #expect(try await fixture.call().result != nil)
        let line = try Self.outcome(fixture)
        #expect(line["code"] == "ok")
        #expect(line["would-deny"] == ["no", "never"])
        #expect(line["would-approve"] == ["ask"])
        #expect(line["would-limit"] == nil)
    }

    @Test func aRuleThatIsEnforcedStillRefuses() async throws {
        let fixture = try Self.fixture([Self.rule("no", .deny), .denying("yes", .always)])
        let refusal = try #require(try await fixture.call().refusal)
        #expect(refusal.rules == ["yes"])
        #expect(!refusal.told.contains("`no`"))
        #expect(try Self.outcome(fixture)["would-deny"] == ["no"])
    }

    @Test func aLimitCountsAndOnlyObserves() async throws {
        let quota = Quota(.calls, most: 2, span: .sliding(60))
        let fixture = try Self.fixture([Self.rule("much", .limit, quota)])
        for number in 1...4 {
            #expect(try await fixture.call().result != nil)
            let expected: JSONValue? = number > 2 ? ["much"] : nil
            #expect(try Self.outcome(fixture)["would-limit"] == expected)
        }
    }

    @Test func aJudgementNamesThem() async throws {
        let fixture = try Self.fixture([Self.rule("no", .deny)])
        let caller = Caller(issuer: "try", subject: "ada", groups: ["support"])
        let judgement = await fixture.gate.judge("orders", JSONObject(), as: caller)
        #expect(judgement.decision == .allow)
        #expect(judgement.observing.map(\.id) == ["no"])
    }
}
