import JSON
import TestSupport
import Testing

@testable import Enforcement

/// Calls go through a gate, their lines through the form in which they stand in a file, and then
/// the rules are asked again.
@Suite struct RuleReplayTests {
    static let schema: JSONValue = [
        "type": "object",
        "properties": [
            "city": ["type": "string"], "email": ["type": "string"],
            "amount": ["type": "integer"],
        ],
        "additionalProperties": false,
    ]

    static func tools() throws -> [Tool] {
        [
            try .sample("orders", tags: ["slow"], input: schema),
            try .sample("update", effect: .write, input: schema),
            try .sample(
                "free", input: ["type": "object"],
                operation: .freeSQL(FreeSQLOperation(argument: "sql")),
                examination: .ofCallers(.read)),
            try .sample("hidden", scope: "finance.read"),
        ]
    }

    static func recorded(_ fixture: GateFixture) throws -> [RecordedCall] {
        try fixture.sink.bodies.enumerated().compactMap { number, body in
            let text = #"{"seq":\#(number),"at":"2027-01-15T08:00:00.000000Z","#
            let bytes = Array(text.utf8) + body + [UInt8(ascii: "}")]
            return RecordedCall(
                try #require(RecordedLine(AuditReader.Line(sequence: number, bytes: bytes))))
        }
    }

    static func matches(_ pattern: String) throws -> JSON.Pattern { try Pattern(pattern) }

    static func rule(
        _ id: Name, _ effect: Rule.Effect = .deny, _ when: Condition
    ) -> Rule { Rule(id: id, effect: effect, when: when, reason: "r") }

    static func expectSame(_ call: RecordedCall, _ replay: RuleReplay) {
        guard case .decided(let answer) = replay.judge(call) else {
            Issue.record(
                "not to be told: \(replay.judge(call)) \(JSONValue.object(call.line.object).text)")
            return
        }
        let line = JSONValue.object(call.line.object).text
        #expect(answer.decision == call.decision, "\(line)")
        #expect(Set(answer.rules) == Set(call.rules), "\(line)")
        if answer.decision == .deny { #expect(answer.code == call.codeText, "\(line)") }
        #expect(!answer.isUncertain, "\(line)")
    }

    // MARK: Every record to itself

    static func randomRules(_ random: inout SplitMix) throws -> [Rule] {
        let conditions: [Condition] = [
            .fact(.argument("email"), .matches(try matches("ada@"))),
            .fact(.argument("email"), .glob("*@example.com")),
            .fact(.anyArgument, .matches(try matches("Ulm"))),
            .fact(.argument("amount"), .over(JSONNumber(100))),
            .fact(.argument("city"), .oneOf(["Ulm", "Bonn"])),
            .fact(.argument("email"), .present(false)),
            .fact(.callerGroups, .oneOf(["fraud"])), .fact(.toolEffect, .oneOf(["write"])),
            .fact(.statement(.reads), .oneOf(["main.staff"])),
            .fact(.statement(.rows), .over(JSONNumber(1_000))),
            .fact(.statement(.columns), .glob("main.*.salary")),
            .fact(.clientAddress, .oneOf(["192.0.2.7"])), .fact(.callerEmail, .present(true)),
            .fact(.callerClaim("department"), .oneOf(["sales"])),
            .fact(.usage(.unusualHour), .oneOf([true])),
        ]
        return (0..<Int.random(in: 0...5, using: &random)).map { number in
            let one = conditions.randomElement(using: &random) ?? conditions[0]
            let other = conditions.randomElement(using: &random) ?? conditions[0]
            let when: Condition =
                switch Int.random(in: 0...4, using: &random) {
                case 0: .all([one, other])
                case 1: .any([one, other])
                case 2: .not(one)
                case 3: .all([one, .not(other)])
                default: one
                }
            return rule(
                Name("r\(number)"), Bool.random(using: &random) ? .deny : .approve, when)
        }
    }

    static func randomArguments(_ tool: Name, _ random: inout SplitMix) -> JSONObject {
        if tool == "free" { return JSONObject(("sql", "select 1")) }
        let choices: [(String, JSONValue)] = [
            ("city", "Ulm"), ("city", "Köln"), ("email", "ada@example.com"),
            ("email", "eve@example.org"), ("email", "none"), ("amount", 50), ("amount", 5_000),
            ("surprise", 1), ("email", 7),
        ]
        var arguments = JSONObject()
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            if let (name, value) = choices.randomElement(using: &random) {
                arguments[name] = value
            }
        }
        return arguments
    }

    @Test(arguments: 0..<60)
    func everyRecordDecidesToItselfUnderItsOwnRules(_ seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        var policy = Policy(grants: GateFixture.grants, rules: try Self.randomRules(&random))
        if seed % 3 == 0 {
            policy.grants = [
                Grant(
                    scopes: ["crm.read"], groups: ["support"],
                    where: .fact(.argument("email"), .glob("ada@*")))
            ]
        }
        if seed % 4 == 0 {
            policy.masks = [
                MaskRule(id: "m", target: .field("city"), strategy: .redact),
                MaskRule(
                    id: "salary", target: .column(backend: "shop", ColumnPath("staff", "salary")),
                    strategy: .redact),
            ]
        }
        let facts = StatementFacts(
            kinds: .init(["select"]), reads: .init(["main.staff"], isComplete: seed % 2 == 0),
            columns: .init(["main.staff.salary"]), rows: JSONNumber(seed % 5 * 500))
        let fixture = try GateFixture(
            tools: try Self.tools(), policy: policy,
            examine: { job in
                var examination = job.tool.examination
                examination.statement = facts
                if seed % 8 == 0 { examination.deciding = [ColumnPath("staff", "salary")] }
                return CallExamination(
                    examination: examination, request: .sql(text: "", parameters: []))
            })
        for _ in 0..<12 {
            let tool =
                ["orders", "update", "free", "hidden", "absent"]
                .randomElement(using: &random) ?? "orders"
            let user = ["ada", "eve", "fay"].randomElement(using: &random) ?? "ada"
            _ = try await fixture.call(
                tool, Self.randomArguments(Name(tool), &random), as: user)
        }
        let calls = try Self.recorded(fixture)
        #expect(calls.count == 12)
        let replay = RuleReplay(tools: try Self.tools(), policy: policy)
        for call in calls { Self.expectSame(call, replay) }
    }

    // MARK: Other rules

    private func findings(
        _ arguments: JSONObject, under before: [Rule] = [], asking after: Policy
    ) async throws -> RuleReplay.Finding {
        let fixture = try GateFixture(
            tools: try Self.tools(),
            policy: Policy(grants: GateFixture.grants, rules: before))
        _ = try await fixture.call("orders", arguments)
        let call = try #require(try Self.recorded(fixture).first)
        return RuleReplay(tools: try Self.tools(), policy: after).judge(call)
    }

    private func decision(_ finding: RuleReplay.Finding) -> RuleDecision? {
        if case .decided(let answer) = finding { answer.decision } else { nil }
    }

    @Test func otherRulesDecideOtherwise() async throws {
        let ulm = JSONObject(("city", "Ulm"))
        let deny = Self.rule("d", .deny, .fact(.argument("city"), .oneOf(["Ulm"])))
        let hold = Self.rule("h", .approve, .fact(.toolTags, .oneOf(["slow"])))
        let denied = Policy(grants: GateFixture.grants, rules: [deny])
        #expect(decision(try await findings(ulm, asking: denied)) == .deny)
        let held = Policy(grants: GateFixture.grants, rules: [hold])
        #expect(decision(try await findings(ulm, asking: held)) == .hold)
        let open = Policy(grants: GateFixture.grants)
        #expect(decision(try await findings(ulm, under: [deny], asking: open)) == .allow)
        #expect(decision(try await findings(ulm, asking: Policy())) == .deny)
    }

    /// The address is masked in the record, and nobody asked about it then.
    @Test func whatTheRecordCoversIsNotGuessed() async throws {
        let rule = Self.rule("d", .deny, .fact(.argument("email"), .glob("eve@*")))
        let finding = try await findings(
            JSONObject(("email", "ada@example.com")),
            asking: Policy(grants: GateFixture.grants, rules: [rule]))
        guard case .decided(let answer) = finding else { throw RecordError.closed }
        #expect(answer.decision == .deny && answer.isUncertain)
    }

    /// The same test under another name and effect was answered when the call was made.
    @Test func aTestThatWasAskedThenNeedsNoValue() async throws {
        let glob = Condition.fact(.argument("email"), .glob("eve@*"))
        let finding = try await findings(
            JSONObject(("email", "ada@example.com")), under: [Self.rule("old", .deny, glob)],
            asking: Policy(
                grants: GateFixture.grants, rules: [Self.rule("new", .approve, .not(glob))]))
        guard case .decided(let answer) = finding else { throw RecordError.closed }
        #expect(answer.decision == .hold && !answer.isUncertain)
        #expect(answer.rules == ["new"])
    }

    @Test func noRecordedFactHoldsTheValue() async throws {
        let rule = Self.rule("d", .deny, .fact(.argument("email"), .glob("eve@*")))
        let fixture = try GateFixture(
            tools: try Self.tools(), policy: Policy(grants: GateFixture.grants, rules: [rule]))
        _ = try await fixture.call("orders", JSONObject(("email", "ada@example.com")))
        #expect(!fixture.sink.text.contains("ada@"))
        #expect(fixture.sink.text.contains(#""covered":["argument.email"]"#))
    }

    @Test func aCallWhoseArgumentsAreNotOnRecordStaysOpen() async throws {
        let fixture = try GateFixture(tools: try Self.tools())
        _ = try await fixture.call("hidden")
        let call = try #require(try Self.recorded(fixture).first)
        let wider = Policy(grants: [Grant(scopes: ["*"], groups: ["support"])])
        let finding = RuleReplay(tools: try Self.tools(), policy: wider).judge(call)
        guard case .open = finding else { throw RecordError.closed }
    }
}
