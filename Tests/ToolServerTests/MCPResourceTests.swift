import Enforcement
import JSON
import TestSupport
import Testing

@testable import ToolServer

/// Goal: what is read about tools and data is what its caller may see, as it is in the list.
/// Ada has `crm.read`; `salaries` is another's.
@Suite struct MCPResourceTests {
    private static func fixture(
        describes: Bool = false, rules: [Rule] = [], masks: [MaskRule] = []
    ) throws -> MCPFixture {
        var tools = [
            try Tool.sample(
                input: [
                    "type": "object",
                    "properties": [
                        "id": ["type": "integer", "description": "The number"],
                        "plan": ["type": "string", "enum": ["free", "plus"]],
                    ], "required": ["id"],
                ], columns: [Column("id", .integer), Column("card")]),
            try Tool.sample("salaries", backend: "staff", scope: "hr.read"),
        ]
        if describes {
            tools.append(
                try .sample(
                    "describe_shop", operation: .describe,
                    examination: SchemaDescription.examination))
        }
        return MCPFixture(
            try GateFixture(
                tools: tools,
                policy: Policy(grants: GateFixture.grants, rules: rules, masks: masks),
                backend: { _ in
                    .texts(
                        ["main.orders", "table", "id", nil, nil, nil, nil],
                        ["main.orders", "table", "card", nil, nil, nil, nil])
                }))
    }

    private static func uris(_ answer: JSONValue) -> [String] {
        (answer["resources"]?.array ?? []).compactMap { $0["uri"]?.string }
    }

    private static func read(_ uri: String) -> Request {
        MCPFixture.request("resources/read", ["uri": .string(uri)])
    }

    private static func text(_ answer: JSONValue) -> String {
        answer["contents"]?.array?.first?["text"]?.string ?? ""
    }

    @Test func theListHasTheCallersToolsAndTheirBackends() async throws {
        let fixture = try Self.fixture()
        for version in ProtocolVersion.served {
            let request =
                version.isStateless
                ? MCPFixture.stateless("resources/list") : MCPFixture.request("resources/list")
            let answer = try await fixture.answer(request, version)
            #expect(
                Self.uris(answer) == ["toolserver://data/shop", "toolserver://tools/orders"])
            #expect((answer["ttlMs"] != nil) == version.isStateless)
            let first = answer["resources"]?.array?.first
            #expect((first?["title"] != nil) == version.hasTitles)
            #expect(Self.uris(try await fixture.answer(request, version, as: "eve")) == [])
        }
        #expect(fixture.gate.journal.entries.isEmpty)
    }

    @Test func manyResourcesComeByPages() async throws {
        let tools = try (0..<120).map { try Tool.sample(Name("tool_\(1_000 + $0)")) }
        let fixture = MCPFixture(try GateFixture(tools: tools))
        var seen: [String] = []
        var cursor: JSONValue?
        for _ in 0..<3 {
            let page = try await fixture.answer(
                MCPFixture.request("resources/list", cursor.map { ["cursor": $0] } ?? [:]))
            seen += Self.uris(page)
            cursor = page["nextCursor"]
        }
        #expect(cursor == nil)
        #expect(seen.count == 121)
        #expect(Set(seen.map { Name($0) }).count == 121)
        let error = try await fixture.error(
            MCPFixture.request("resources/list", ["cursor": "!"]))
        #expect(error?.code == .invalidParams)
    }

    @Test func aToolsDocumentationSaysWhatItsCallerHasToExpect() async throws {
        let fixture = try Self.fixture(
            rules: [
                Rule(
                    id: "late", effect: .deny, when: .fact(.argument("id"), .over(JSONNumber(9))),
                    reason: "too late", instead: "wait"),
                Rule(
                    id: "others", effect: .deny,
                    when: .fact(.callerGroups, .oneOf(["fraud"])), reason: "not yours"),
            ],
            masks: [MaskRule(id: "m", target: .field("card"), strategy: .redact)])
        let text = Self.text(try await fixture.answer(Self.read("toolserver://tools/orders")))
        for line in [
            "# Title of orders", "`orders` reads `shop`.", "- `id` (integer): The number",
            "- `plan` (string, optional: one of \"free\", \"plus\")", "- `id`: integer",
            "- `card`: string, covered for you",
            "- May be refused by rule `late`: too late. Instead: wait.",
        ] {
            #expect(text.contains(line + "\n"), "\(line) in \(text)")
        }
        #expect(!text.contains("others"))
    }

    /// Goal: nothing tells what is there for others. Method: the same answers, byte for byte, from
    /// a server that does not have it.
    @Test(arguments: [
        "toolserver://tools/salaries", "toolserver://data/staff", "toolserver://tools/",
        "toolserver://tools/orders/", "toolserver://tools/Orders", "TOOLSERVER://tools/orders",
        "toolserver://data/", "toolserver:answer", "file:///etc/passwd", "",
    ])
    func whatIsAnothersAnswersAsWhatIsNotThere(_ uri: String) async throws {
        let fixture = try Self.fixture()
        let absent = MCPFixture(try GateFixture(tools: []))
        for version in ProtocolVersion.served {
            let params: JSONValue = ["uri": .string(uri)]
            let request =
                version.isStateless
                ? MCPFixture.stateless("resources/read", params)
                : MCPFixture.request("resources/read", params)
            let error = try #require(try await fixture.error(request, version))
            #expect(error.code == (version.isStateless ? .invalidParams : .resourceNotFound))
            let other = try #require(try await absent.error(request, version))
            #expect(Reply.error(error) == Reply.error(other))
        }
        #expect(fixture.gate.journal.entries.isEmpty)
    }

    @Test(arguments: [[:], ["uri": 1], ["uri": .null]] as [JSONValue])
    func readingNeedsAURI(_ params: JSONValue) async throws {
        let error = try await Self.fixture().error(MCPFixture.request("resources/read", params))
        #expect(error?.code == .invalidParams)
    }

    @Test func withoutAToolThatDescribesItTheDictionaryIsWhatToolsShow() async throws {
        let fixture = try Self.fixture(
            masks: [MaskRule(id: "m", target: .field("card"), strategy: .redact)])
        let answer = try await fixture.answer(Self.read("toolserver://data/shop"))
        #expect(answer["contents"]?.array?.first?["mimeType"] == "text/markdown")
        #expect(Self.text(answer).contains("## orders\n"))
        #expect(Self.text(answer).contains("- `card`: string, covered for you\n"))
        #expect(fixture.gate.journal.entries.isEmpty)
    }

    @Test func aDictionaryThatReadsABackendIsACallOfItsCaller() async throws {
        let secret = Rule(
            id: "cards", effect: .deny,
            when: .fact(.statement(.columns), .oneOf(["main.orders.card"])), reason: "secret")
        let fixture = try Self.fixture(describes: true, rules: [secret])
        let answer = try await fixture.answer(
            MCPFixture.stateless("resources/read", ["uri": "toolserver://data/shop"]), .v20260728)
        #expect(answer["ttlMs"] == 0)
        #expect(answer["contents"]?.array?.first?["mimeType"] == "application/json")
        let rows = try JSONParser.parse(Array(Self.text(answer).utf8))["rows"]?.array
        #expect(rows?.map { $0["column"] } == ["id"])
        let lines = fixture.gate.sink.lines
        #expect(lines.map { $0["event"] } == ["intent", "outcome"])
        #expect(lines.first?["tool"] == "describe_shop")
    }

    @Test func aDictionaryIsRefusedByTheRulesOfItsTool() async throws {
        let rule = Rule(
            id: "no", effect: .deny, when: .fact(.toolName, .oneOf(["describe_shop"])),
            reason: "because", instead: "ask")
        let fixture = try Self.fixture(describes: true, rules: [rule])
        let error = try #require(
            try await fixture.error(Self.read("toolserver://data/shop")))
        #expect(error.code == .internal)
        #expect(error.message == "Refused by rule `no`: because. Instead: ask.")
        #expect(error.data?["code"] == "deny.rule")
        #expect(fixture.gate.sink.lines.map { $0["code"] } == ["deny.rule"])
    }

    @Test func aDictionaryThatCannotBeRecordedIsNotShown() async throws {
        let tool = try Tool.sample(
            "describe_shop", operation: .describe, examination: SchemaDescription.examination)
        let fixture = MCPFixture(try GateFixture(tools: [tool], sinkFails: { _ in true }))
        let error = try #require(
            try await fixture.error(Self.read("toolserver://data/shop")))
        #expect(error.data?["code"] == "record.unavailable")
        #expect(error.retryAfterSeconds == 10)
    }

    /// What waits for a person, or asks its caller, is called by its name and never on the side.
    @Test func aDictionaryNeverWaitsForAPerson() async throws {
        let hold = Rule(
            id: "ask", effect: .approve, when: .fact(.toolName, .oneOf(["describe_shop"])),
            reason: "held", approval: ApprovalDemand(groups: ["finance"]))
        let fixture = try Self.fixture(describes: true, rules: [hold])
        let answer = try await fixture.answer(Self.read("toolserver://data/shop"))
        #expect(answer["contents"]?.array?.first?["mimeType"] == "text/markdown")
        #expect(fixture.gate.journal.entries.isEmpty)
    }

    @Test func theTemplatesAreTheSameForEverybody() async throws {
        let fixture = try Self.fixture()
        let request = MCPFixture.request("resources/templates/list")
        let answer = try await fixture.answer(request)
        #expect(
            answer["resourceTemplates"]?.array?.map { $0["uriTemplate"] }
                == ["toolserver://tools/{tool}", "toolserver://data/{backend}"])
        #expect(try await fixture.answer(request, as: "eve") == answer)
    }
}
