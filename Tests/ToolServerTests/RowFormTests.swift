import Enforcement
import JSON
import TestSupport
import Testing

@testable import ToolServer

/// What 100 rows of customers take in an answer.
@Suite struct RowFormTests {
    private static let names = ["id", "name", "email", "plan", "country", "city", "customer_since"]

    private static func rows(_ count: Int) -> Rows {
        var rows = Rows(columnCount: names.count)
        for id in 1...count {
            rows.append(.number, Array("\(id)".utf8))
            for cell in ["Hana Hoffmann", "h\(id)", "plus", "NL"] {
                rows.append(.text, Array(cell.utf8))
            }
            rows.appendNull()
            rows.append(.text, Array("2024-02-0\(id % 9) \"x\"".utf8))
        }
        return rows
    }

    private static func answer(_ form: Tool.RowForm, count: Int = 100) async throws -> JSONValue {
        let columns = names.map { Column($0, $0 == "id" ? .integer : .string) }
        let fixture = MCPFixture(
            try GateFixture(
                tools: [try Tool.sample(columns: columns, rowForm: form)],
                backend: { _ in RawResult(rows: Self.rows(count)) }))
        return try await fixture.answer(
            MCPFixture.request("tools/call", ["name": "orders", "arguments": [:]]))
    }

    private static func text(_ answer: JSONValue) throws -> [UInt8] {
        Array(try #require(answer["content"]?.array?.first?["text"]?.string).utf8)
    }

    @Test(arguments: [Tool.RowForm.auto, .table])
    func theTextOfManyRowsTakesLessThanHalfOfThePrettyRowsAndSaysTheSame(
        _ form: Tool.RowForm
    ) async throws {
        let objects = try #require(try await Self.answer(.objects)["structuredContent"])
        let text = try Self.text(try await Self.answer(form))
        #expect(text.count * 100 <= objects.laidOut(columns: 0, indent: 2).utf8.count * 45)
        let table = try JSONParser.parse(text)
        #expect(table["columns"] == .array(Self.names.map { .string($0) }))
        let rebuilt = try #require(table["rows"]?.array).map { row in
            JSONValue.object(
                JSONObject(
                    distinct: zip(Self.names, row.array ?? []).map { (name: $0, value: $1) }))
        }
        #expect(objects["rows"] == .array(rebuilt))
    }

    @Test func programsGetObjectsUnlessTheManifestWantsATable() async throws {
        let objects = try await Self.answer(.objects)
        #expect(try JSONParser.parse(Self.text(objects)) == objects["structuredContent"])
        let table = try await Self.answer(.table)
        #expect(try JSONParser.parse(Self.text(table)) == table["structuredContent"])
        let auto = try await Self.answer(.auto)
        #expect(auto["structuredContent"] == objects["structuredContent"])
    }

    @Test(arguments: [(9, true), (10, false)])
    func theTextOfAFewRowsIsWhatProgramsGet(_ count: Int, _ isSame: Bool) async throws {
        let answer = try await Self.answer(.auto, count: count)
        let text = try JSONParser.parse(Self.text(answer))
        #expect((text == answer["structuredContent"]) == isSame)
    }

    @Test(arguments: Tool.RowForm.allCases)
    func theAnswerFitsTheSchemaThatIsListed(_ form: Tool.RowForm) async throws {
        let columns = Self.names.map { Column($0, $0 == "id" ? .integer : .string) }
        let tool = GuardedTool(
            try Tool.sample(columns: columns, rowForm: form), policy: Policy())
        let schema = try JSONSchema(try #require(tool.outputSchema))
        let answer = try #require(try await Self.answer(form)["structuredContent"])
        #expect(schema.violations(in: answer).isEmpty)
        #expect(!schema.violations(in: ["columns": [], "rows": [[1]]]).isEmpty)
    }

    /// Claude Code asks its user before each such call then.
    @Test func toolsWhoseCallsMayBeHeldForTheirCallerSaySo() async throws {
        func meta(_ groups: [Name]) async throws -> JSONValue? {
            let rule = Rule(
                id: "hold", effect: .approve,
                when: .fact(.callerGroups, .oneOf(groups.map { .string($0.text) })),
                reason: "a person looks", approval: ApprovalDemand(groups: ["finance"]))
            let gate = try GateFixture(policy: Policy(grants: GateFixture.grants, rules: [rule]))
            let list = try await MCPFixture(gate).answer(MCPFixture.request("tools/list"))
            return list["tools"]?.array?.first?["_meta"]
        }
        #expect(try await meta(["support"]) == ["anthropic/requiresUserInteraction": true])
        #expect(try await meta(["contractors"]) == nil)
    }

    @Test func onlyAnAuthorsWordRaisesWhatClaudeCodeShows() async throws {
        func meta(_ bytes: Int) async throws -> JSONValue? {
            let tool = try Tool.sample(limits: ToolLimits(bytes: bytes))
            let fixture = MCPFixture(try GateFixture(tools: [tool]))
            let list = try await fixture.answer(MCPFixture.request("tools/list"))
            return list["tools"]?.array?.first?["_meta"]
        }
        #expect(try await meta(ToolLimits().bytes) == nil)
        #expect(try await meta(64 << 10) == nil)
        #expect(try await meta(256 << 10) == ["anthropic/maxResultSizeChars": 262_144])
        #expect(try await meta(4 << 20) == ["anthropic/maxResultSizeChars": 500_000])
    }
}
