import Enforcement
import JSON
import Testing

@testable import ToolServer

/// `prompt` of a tool, and what must hold of the queries that complete its arguments.
@Suite struct ManifestPromptTests {
    private static func tool(
        _ name: String, input: String = "", sql: String, more: String = ""
    ) -> String {
        """
        { "tool": "\(name)", "title": "T", "description": "D.", "backend": "shop",
          "scope": "crm.read", "effect": "read", "input": {\(input)}, \(more)
          "sql": "\(sql)" }
        """
    }

    /// What a tool `one` with this `prompt` has wrong, beside `names`, which answers `name`.
    private static func problems(
        _ prompt: String, names: String? = nil
    ) throws -> [String] {
        var fixture = ManifestFixture([
            "tools/one.json": tool(
                "one", input: #""id": {"type": "integer"}"#,
                sql: "select name from customers where id = :id", more: "\"prompt\": \(prompt),"),
            "tools/names.json": names ?? tool("names", sql: "select name from customers"),
        ])
        for (sql, parameters) in [
            ("select name from customers", []),
            ("select name from customers where id > :from", ["from"]),
        ] as [(String, [Name])] {
            fixture.examinations[sql] = Examination(
                columns: [
                    Column(name: "name", origin: nil, kind: .string)
                ], reads: [], parameters: parameters, isReadOnly: true)
        }
        return try fixture.problems().map { problem in
            problem.split(separator: " ", maxSplits: 1).last.map(String.init) ?? ""
        }
    }

    private static func complete(_ source: String) -> String {
        #"{"complete": {"id": {\#(source)}}}"#
    }

    private static let names = #""tool": "names", "column": "name""#

    @Test func aToolCanBeAPromptWithAndWithoutQueries() throws {
        #expect(try Self.problems("true") == [])
        #expect(try Self.problems(Self.complete(Self.names)) == [])
        let catalog = try ManifestFixture([
            "tools/one.json": Self.tool("one", sql: "select 1 as one", more: "\"prompt\": true,")
        ]).load()
        #expect(catalog.tools.first?.prompt?.sources.isEmpty == true)
    }

    @Test(
        arguments: [
            ("false", "must be true, or left out"), ("1", "must be an object, not an integer"),
            ("{}", "missing key `complete`"),
            (complete(#""tool": "names""#), "missing key `column`"),
            (
                complete(#""tool": "nams", "column": "name""#),
                "no tool `nams`; did you mean `names`?"
            ),
            (
                complete(#""tool": "names", "column": "nam""#),
                "no column of the answer `nam`; did you mean `name`?"
            ),
            (complete(names + #", "typed": "x""#), "no input `x`"),
            (
                #"{"complete": {"ids": {"tool": "names", "column": "name"}}}"#,
                "no input `ids`; did you mean `id`?"
            ),
        ])
    func whatNamesNothingIsFound(_ prompt: String, _ problem: String) throws {
        let found = try Self.problems(prompt)
        #expect(found.count == 1)
        #expect(found.first?.hasSuffix(problem) == true, "\(found)")
    }

    @Test(
        arguments: [
            (
                tool(
                    "names", input: #""from": {"type": "integer"}"#,
                    sql: "select name from customers where id > :from"),
                "needs `from`, which nobody types here; take a tool without"
            ),
            (
                tool("names", sql: "select name from customers", more: "\"confirm\": true,"),
                "must be a `read` tool with `sql`, and neither `confirm` nor `\"task\": \"required\"`"
            ),
        ])
    func aQueryThatCannotAnswerAtOnceIsFound(_ names: String, _ problem: String) throws {
        let found = try Self.problems(Self.complete(Self.names), names: names)
        #expect(found.first?.hasSuffix(problem) == true, "\(found)")
    }

    @Test func theNameOfTheBuiltInPromptIsTaken() throws {
        let found = try ManifestFixture([
            "tools/one.json": Self.tool(
                "how_to_use_these_tools", sql: "select 1 as one", more: "\"prompt\": true,")
        ]).problems()
        #expect(found.first?.contains("built-in prompt") == true)
    }
}
