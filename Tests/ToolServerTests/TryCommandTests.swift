import Enforcement
import JSON
import TestSupport
import Testing

@testable import ToolServer

@Suite struct TryCommandTests {
    static func answer(_ line: JSONObject) async throws -> JSONValue {
        let fixture = try GateFixture(
            policy: Policy(
                grants: GateFixture.grants,
                rules: [
                    Rule(
                        id: "late", effect: .deny,
                        when: .fact(.argument("hour"), .over(JSONNumber(20))), reason: "too late")
                ]))
        let caller = Caller(issuer: "try", subject: "ada", groups: ["support"])
        return .object(try await TryCommand.answer(line, fixture.gate, "orders", as: caller))
    }

    @Test func aLineIsAnsweredWithDecisionFactsAndRequest() async throws {
        let answer = try await Self.answer(
            JSONObject(("id", "a"), ("arguments", ["hour": 7])))
        #expect(answer["decision"] == "allow")
        #expect(answer["code"] == "ok")
        #expect(answer["rules"] == [])
        #expect(answer["facts"]?["tool.name"] == ["orders"])
        #expect(answer["facts"]?["caller.groups"] == ["support"])
        #expect(answer["request"]?["params"] == [])
    }

    @Test func aDeniedLineNamesRuleAndReason() async throws {
        let answer = try await Self.answer(JSONObject(("arguments", ["hour": 21])))
        #expect(answer["decision"] == "deny")
        #expect(answer["code"] == "deny.rule")
        #expect(answer["rules"] == ["late"])
        #expect(answer["reason"]?.string?.contains("too late") == true)
    }

    @Test func aLineThatMakesNoSenseIsAnError() async throws {
        for line in [JSONObject(("arguments", [1])), JSONObject(("argument", [:]))] {
            await #expect(throws: UsageError.self) { try await Self.answer(line) }
        }
    }
}
