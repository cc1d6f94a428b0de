import Enforcement
import JSON
import TestSupport
import Testing

@testable import ToolServer

/// Prompts and completion. Ada has `crm.read`; `salaries` is another's.
@Suite struct MCPPromptTests {
    private static let plans: [String?] = ["Free", "plus", "free trial", "plus", nil]

    private static func fixture(
        typed: Name? = nil, rules: [Rule] = [], masks: [MaskRule] = [],
        planScope: Name = "crm.read",
        planConfirms: Bool = false
    ) throws -> MCPFixture {
        let input: JSONValue = [
            "type": "object",
            "properties": [
                "id": ["type": "integer", "description": "The number"],
                "kind": ["type": "string", "enum": ["gift", "sale", "swap"]],
                "urgent": ["type": "boolean"], "plan": ["type": "string"],
            ], "required": ["id"],
        ]
        let source = ToolPrompt.Source(
            argument: "plan", tool: "plans", column: "name", typed: typed)
        return MCPFixture(
            try GateFixture(
                tools: [
                    try .sample(input: input, prompt: ToolPrompt(sources: [source])),
                    try .sample(
                        "plans", scope: planScope,
                        input: ["type": "object", "properties": ["beginning": ["type": "string"]]],
                        columns: [Column("name")],
                        confirmation: planConfirms ? Confirmation(question: "Sure?") : nil),
                    try .sample("salaries", scope: "hr.read", prompt: ToolPrompt()),
                ], policy: Policy(grants: GateFixture.grants, rules: rules, masks: masks),
                backend: { _ in
                    var rows = Rows(columnCount: 1)
                    for plan in plans {
                        if let plan {
                            rows.append(.text, Array(plan.utf8))
                        } else {
                            rows.appendNull()
                        }
                    }
                    return RawResult(rows: rows)
                }))
    }

    private static func get(_ name: String, _ arguments: JSONValue? = nil) -> Request {
        var params = JSONObject(("name", .string(name)))
        params["arguments"] = arguments
        return MCPFixture.request("prompts/get", .object(params))
    }

    private static func text(_ answer: JSONValue) -> String {
        answer["messages"]?.array?.first?["content"]?["text"]?.string ?? ""
    }

    // MARK: Prompts

    @Test func aCallerIsOfferedTheGuideAndTheToolsThatAskForIt() async throws {
        let fixture = try Self.fixture()
        for version in ProtocolVersion.served {
            let request =
                version.isStateless
                ? MCPFixture.stateless("prompts/list") : MCPFixture.request("prompts/list")
            let answer = try await fixture.answer(request, version)
            let prompts = answer["prompts"]?.array ?? []
            #expect(prompts.map { $0["name"] } == ["how_to_use_these_tools", "orders"])
            #expect((prompts.first?["title"] != nil) == version.hasTitles)
            #expect((answer["ttlMs"] != nil) == version.isStateless)
            #expect(
                prompts.last?["arguments"]?.array?.first
                    == ["name": "id", "description": "The number", "required": true])
            #expect(try await fixture.answer(request, version, as: "eve")["prompts"] == [])
        }
    }

    @Test func theGuideNamesTheCallersToolsAndWhatToDoWhenRefused() async throws {
        let fixture = try Self.fixture()
        let whole = Self.text(try await fixture.answer(Self.get("how_to_use_these_tools")))
        for part in ["### shop:orders\n", "### shop:plans\n", "`deny.rule`", "are masked"] {
            #expect(whole.contains(part), "\(part)")
        }
        #expect(!whole.contains("salaries"))
        let one = Self.text(
            try await fixture.answer(Self.get("how_to_use_these_tools", ["tool": "plans"])))
        #expect(one.contains("### shop:plans\n"))
        #expect(!one.contains("### shop:orders\n"))
    }

    @Test func aGuideToManyToolsStaysReadable() async throws {
        let tools = try (0..<300).map { try Tool.sample(Name("tool_\($0)")) }
        let fixture = MCPFixture(try GateFixture(tools: tools))
        let text = Self.text(try await fixture.answer(Self.get("how_to_use_these_tools")))
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count <= SkillText.linesMax + 3)
        for index in 0..<300 { #expect(text.contains("tool_\(index)")) }
    }

    @Test func aToolsPromptIsTheCallThatAPersonTyped() async throws {
        let fixture = try Self.fixture()
        let answer = try await fixture.answer(
            Self.get("orders", ["plan": "12", "urgent": "true", "id": "7", "kind": "\"x\u{1b}"]))
        #expect(answer["description"] == "Title of orders")
        #expect(
            Self.text(answer)
                == #"Call the tool `orders` of shop with exactly these arguments and tell me what it answers: {"id":7,"kind":"\"x\u001b","urgent":true,"plan":"12"}"#
        )
        #expect(fixture.gate.journal.entries.isEmpty)
        let wrong = try await fixture.answer(Self.get("orders", ["id": "seven"]))
        #expect(Self.text(wrong).hasSuffix(#"{"id":"seven"}"#))
    }

    @Test func anotherPromptAnswersAsOneThatIsNotThere() async throws {
        let fixture = try Self.fixture()
        let absent = MCPFixture(try GateFixture(tools: [try .sample()]))
        for request in [
            Self.get("salaries"), Self.get("plans"), Self.get("nothing"),
            Self.get("how_to_use_these_tools", ["tool": "salaries"]),
        ] {
            let error = try #require(try await fixture.error(request))
            #expect(error.code == .invalidParams)
            #expect(
                Reply.error(error) == Reply.error(try #require(try await absent.error(request))))
        }
        // Whoever has no tool has no guide either.
        let eve = try #require(
            try await fixture.error(Self.get("how_to_use_these_tools"), .v20251125, as: "eve"))
        let nothing = try #require(try await fixture.error(Self.get("nothing")))
        #expect(Reply.error(eve) == Reply.error(nothing))
    }

    @Test(
        arguments: [
            [:], ["name": 1], ["name": "orders", "arguments": []],
            ["name": "orders", "arguments": ["id": 7]], ["name": "orders", "arguments": [:]],
            ["name": "orders"], ["name": "orders", "arguments": ["id": "7", "other": "1"]],
        ] as [JSONValue])
    func aPromptOfTheWrongFormIsRefused(_ params: JSONValue) async throws {
        let error = try await Self.fixture().error(MCPFixture.request("prompts/get", params))
        #expect(error?.code == .invalidParams)
    }

    // MARK: Completion

    private static func complete(
        _ ref: JSONValue, _ name: String, _ value: String, stateless: Bool = false
    ) -> Request {
        let params: JSONValue = [
            "ref": ref, "argument": ["name": .string(name), "value": .string(value)],
        ]
        return stateless
            ? MCPFixture.stateless("completion/complete", params)
            : MCPFixture.request("completion/complete", params)
    }

    private static let orders: JSONValue = ["type": "ref/prompt", "name": "orders"]
    private static let guide: JSONValue = ["type": "ref/prompt", "name": "how_to_use_these_tools"]
    private static let tools: JSONValue = [
        "type": "ref/resource", "uri": "toolserver://tools/{tool}",
    ]
    private static let data: JSONValue = [
        "type": "ref/resource", "uri": "toolserver://data/{backend}",
    ]

    @Test(
        arguments: [
            (orders, "kind", "s", ["sale", "swap"]),
            (orders, "kind", "", ["gift", "sale", "swap"]),
            (orders, "kind", "G", ["gift"]), (orders, "kind", "gifts", []),
            (orders, "urgent", "t", ["true"]), (orders, "id", "", []),
            (guide, "tool", "", ["orders", "plans"]), (guide, "tool", "sal", []),
            (tools, "tool", "P", ["plans"]), (data, "backend", "", ["shop"]),
        ] as [(JSONValue, String, String, [JSONValue])])
    func namesAndDeclaredValuesComplete(
        _ ref: JSONValue, _ name: String, _ typed: String, _ values: [JSONValue]
    ) async throws {
        let fixture = try Self.fixture()
        for isStateless in [false, true] {
            let answer = try await fixture.answer(
                Self.complete(ref, name, typed, stateless: isStateless),
                isStateless ? .v20260728 : .v20251125)
            #expect(
                answer["completion"]
                    == [
                        "values": .array(values), "total": .number(JSONNumber(values.count)),
                        "hasMore": false,
                    ])
        }
        #expect(fixture.gate.journal.entries.isEmpty)
    }

    @Test func aDeclaredQueryCompletesAsACallOfItsCaller() async throws {
        let fixture = try Self.fixture()
        let answer = try await fixture.answer(Self.complete(Self.orders, "plan", "f"))
        #expect(answer["completion"]?["values"] == ["Free", "free trial"])
        let lines = fixture.gate.sink.lines
        #expect(lines.map { $0["event"] } == ["intent", "outcome"])
        #expect(lines.first?["tool"] == "plans")
    }

    @Test func aQueryThatTakesWhatWasTypedDecidesItself() async throws {
        let fixture = try Self.fixture(typed: "beginning")
        let answer = try await fixture.answer(Self.complete(Self.orders, "plan", "lus"))
        #expect(answer["completion"]?["values"] == ["Free", "plus", "free trial"])
        #expect(fixture.gate.sink.lines.first?["arguments"] == ["beginning": "lus"])
    }

    @Test func whatIsCompletedIsMasked() async throws {
        let mask = MaskRule(id: "m", target: .field("name"), strategy: .redact)
        let fixture = try Self.fixture(masks: [mask])
        let answer = try await fixture.answer(Self.complete(Self.orders, "plan", ""))
        #expect(answer["completion"]?["values"] == ["[name]"])
    }

    @Test func aRefusedQueryCompletesNothingAndIsOnRecord() async throws {
        let rule = Rule(
            id: "no", effect: .deny, when: .fact(.toolName, .oneOf(["plans"])), reason: "no")
        let fixture = try Self.fixture(rules: [rule])
        let answer = try await fixture.answer(Self.complete(Self.orders, "plan", "f"))
        #expect(answer["completion"]?["values"] == [])
        #expect(fixture.gate.sink.lines.map { $0["code"] } == ["deny.rule"])
    }

    @Test func whoMayNotUseTheQueryOrWouldBeAskedCompletesNothing() async throws {
        for fixture in [
            try Self.fixture(planScope: "hr.read"), try Self.fixture(planConfirms: true),
        ] {
            let answer = try await fixture.answer(Self.complete(Self.orders, "plan", "f"))
            #expect(answer["completion"]?["values"] == [])
            #expect(fixture.gate.journal.entries.isEmpty)
        }
    }

    @Test func moreThanAHundredValuesAreSaidToBeMore() async throws {
        let tools = try (0..<130).map { try Tool.sample(Name("tool_\(1_000 + $0)")) }
        let answer = try await MCPFixture(try GateFixture(tools: tools)).answer(
            Self.complete(Self.tools, "tool", "tool"))
        #expect(answer["completion"]?["values"]?.array?.count == 100)
        #expect(answer["completion"]?["total"] == 130)
        #expect(answer["completion"]?["hasMore"] == true)
    }

    @Test(
        arguments: [
            [:], ["ref": orders], ["ref": orders, "argument": ["name": "kind"]],
            [
                "ref": ["type": "ref/tool", "name": "orders"],
                "argument": ["name": "a", "value": ""],
            ],
            ["ref": ["type": "ref/prompt"], "argument": ["name": "a", "value": ""]],
            [
                "ref": ["type": "ref/prompt", "name": "salaries"],
                "argument": ["name": "a", "value": ""],
            ],
            ["ref": orders, "argument": ["name": "other", "value": ""]],
            ["ref": tools, "argument": ["name": "backend", "value": ""]],
            [
                "ref": ["type": "ref/resource", "uri": "toolserver://tools/orders"],
                "argument": ["name": "tool", "value": ""],
            ],
        ] as [JSONValue])
    func whatCannotBeCompletedIsAnError(_ params: JSONValue) async throws {
        let error = try await Self.fixture().error(
            MCPFixture.request("completion/complete", params))
        #expect(error?.code == .invalidParams)
    }
}
