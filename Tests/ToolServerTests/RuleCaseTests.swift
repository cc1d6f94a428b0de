import Enforcement
import JSON
import Testing

@testable import ToolServer

/// Cases beside a rule that denies `id` over 10, and beside a limit.
@Suite struct RuleCaseTests {
    private static func fixture(_ cases: String, on rule: String = deny) -> ManifestFixture {
        ManifestFixture([
            "policy/rules.json": "{\"rules\": [{\(rule),\n\"cases\": [\n\(cases)\n]}]}"
        ])
    }

    private static let deny = """
        "rule": "high", "effect": "deny", "reason": "x", "when": {"argument.id": {"over": 10}}
        """
    private static let ada = #""tool": "one", "as": {"subject": "ada", "groups": ["support"]}"#

    private static func failures(_ cases: String, on rule: String = deny) async throws -> [String] {
        let catalog = try fixture(cases, on: rule).load()
        return await RuleCases.failures(of: catalog).map(\.text)
    }

    @Test func aCaseThatComesOutAsExpectedIsSilent() async throws {
        #expect(
            try await Self.failures(
                """
                {\(Self.ada), "arguments": {"id": 11}, "expect": "deny"},
                {\(Self.ada), "arguments": {"id": 10}, "expect": "allow"}
                """) == [])
    }

    @Test func aCaseThatComesOutOtherwiseIsAProblemAtItsPlace() async throws {
        #expect(
            try await Self.failures(
                """
                {\(Self.ada), "arguments": {"id": 10}, "expect": "deny"},
                {\(Self.ada), "arguments": {"id": 11}, "expect": "allow"},
                {"tool": "one", "as": {"subject": "eve"}, "arguments": {"id": 11}, "expect": "deny"},
                {\(Self.ada), "arguments": {"id": "x"}, "expect": "deny"},
                {"tool": "oen", "as": {"subject": "ada"}, "expect": "deny"}
                """) == [
                    "policy/rules.json:3:1: rules[0].cases[0]: expects deny, but the rule does not match and the call is allowed",
                    "policy/rules.json:4:1: rules[0].cases[1]: expects allow, but the rule matches",
                    "policy/rules.json:5:1: rules[0].cases[2]: expects deny, but the call ends with `scope.unknown_tool`",
                    "policy/rules.json:6:1: rules[0].cases[3]: expects deny, but the call ends with `arguments.invalid`",
                    "policy/rules.json:7:1: rules[0].cases[4]: no tool `oen`; did you mean `one`?",
                ])
    }

    @Test func aCaseHasItsMomentItsPastAndItsPlace() async throws {
        let rule = """
            "rule": "late", "effect": "deny", "reason": "x", "when": {
                "time.hours": {"between": "18:00-08:00"}, "usage.calls.1h": {"over": 5},
                "client.address": "192.0.2.1"}
            """
        func item(_ hour: String, _ calls: Int, _ from: String, _ expected: String) -> String {
            """
            {\(Self.ada), "arguments": {"id": 1}, "at": "2026-12-01T\(hour):00:00Z",
             "usage": {"usage.calls.1h": \(calls)}, "from": "\(from)", "expect": "\(expected)"}
            """
        }
        let cases = [
            item("19", 6, "192.0.2.1", "deny"), item("12", 6, "192.0.2.1", "allow"),
            item("19", 5, "192.0.2.1", "allow"), item("19", 6, "192.0.2.2", "allow"),
        ]
        #expect(try await Self.failures(cases.joined(separator: ","), on: rule) == [])
    }

    @Test func aLimitIsExpectedToApplyOrNot() async throws {
        let rule = """
            "rule": "much", "effect": "limit", "reason": "x", "when": {"argument.id": {"over": 10}},
            "limit": {"calls": 1, "within": "1h"}
            """
        #expect(
            try await Self.failures(
                """
                {\(Self.ada), "arguments": {"id": 11}, "expect": "limit"},
                {\(Self.ada), "arguments": {"id": 1}, "expect": "allow"}
                """, on: rule) == [])
    }

    @Test func aRuleThatObservesIsTestedAsIfItDidNot() async throws {
        #expect(
            try await Self.failures(
                """
                {\(Self.ada), "arguments": {"id": 11}, "expect": "deny"},
                {\(Self.ada), "arguments": {"id": 1}, "expect": "allow"}
                """, on: Self.deny + #", "mode": "observe""#) == [])
    }

    @Test func aCaseThatCannotBeReadIsAProblem() throws {
        for (text, problem) in [
            (#"{"tool": "one", "expect": "deny"}"#, "missing key `as`"),
            (#"{"tool": "one", "as": {}, "expect": "deny"}"#, "missing key `subject`"),
            (#"{\#(Self.ada), "expect": "approve"}"#, "use one of `deny`, `allow`"),
            (
                #"{\#(Self.ada), "expect": "deny", "usage": {"usage.call.1h": 1}}"#,
                "did you mean `usage.calls.1h`?"
            ),
            (#"{\#(Self.ada), "expect": "deny", "at": "noon"}"#, "must be a moment"),
            (#"{\#(Self.ada), "expect": "deny", "arguments": 1}"#, "must be an object"),
        ] {
            let problems = try Self.fixture(text).problems()
            #expect(problems.count == 1 && problems[0].contains(problem), "\(text) \(problems)")
        }
    }

    @Test func checkFailsWithWhatCameOutOtherwise() throws {
        try Self.fixture(#"{\#(Self.ada), "expect": "deny"}"#).inDirectory { directory in
            var lines: [String] = []
            let code = CheckCommand.run(
                arguments: ["--manifests", directory], maker: ManifestFixture.maker(),
                output: Output(line: { lines.append($0) }, errorLine: { _ in }),
                asking: { catalog in catalog.cases.map(\.place) })
            #expect(code == 1)
            #expect(lines == ["policy/rules.json:3:1: rules[0].cases[0]: "])
        }
    }
}
