import Enforcement
import JSON
import Testing

@testable import ToolServer

/// Tools whose callers write the statement, and rules about statements.
@Suite struct ManifestStatementTests {
    private static func tool(_ rest: String) -> String {
        """
        { "tool": "one", "title": "One", "description": "Any.", "backend": "shop",
          "scope": "crm.read", "effect": "read", \(rest) }
        """
    }

    private static func policy(_ when: String, effect: String = "deny") -> String {
        """
        { "grants": [{"grant": ["crm.read"], "to": {"groups": ["support"]}}],
          "rules": [{"rule": "r", "effect": "\(effect)", "when": \(when), "reason": "because"}] }
        """
    }

    @Test func aToolTakesAStatementAndItsValues() throws {
        let catalog = try ManifestFixture([
            "tools/one.json": Self.tool(#""sqlArgument": "query""#)
        ]).load()
        let tool = try #require(catalog.toolsByName["one"])
        guard case .freeSQL(let operation) = tool.operation else {
            Issue.record("no free statement")
            return
        }
        #expect(operation.argument == "query")
        #expect(!operation.wantsEstimate)
        #expect(!tool.operation.isSettledAtLoad)
        let properties = try #require(tool.inputSchema["properties"]?.object)
        #expect(properties.members.map(\.name) == ["query", "params"])
        #expect(tool.inputSchema["required"] == ["query"])
    }

    @Test(arguments: [
        (#""sqlArgument": "sql", "sql": "select 1""#, "stands beside `sqlArgument`"),
        (#""sqlArgument": "sql", "input": {}"#, "stands beside `sqlArgument`"),
        (#""sqlArgument": "params""#, "and not `params`"),
        (#""sqlArgument": "a b""#, "must be a letter"),
    ])
    func whatStandsBesideOrIsNoNameIsAProblem(_ rest: String, _ message: String) throws {
        let problems = try ManifestFixture(["tools/one.json": Self.tool(rest)]).problems()
        #expect(problems.contains { $0.contains(message) }, "\(problems)")
    }

    @Test func aToolThatDescribesHasInputsOfItsOwn() throws {
        let catalog = try ManifestFixture(["tools/one.json": Self.tool(#""describe": true"#)])
            .load()
        let tool = try #require(catalog.toolsByName["one"])
        guard case .describe = tool.operation else {
            Issue.record("describes nothing")
            return
        }
        let properties = try #require(tool.inputSchema["properties"]?.object)
        #expect(properties.members.map(\.name) == ["relation", "after"])
        for rest in [#""describe": false"#, #""describe": true, "sql": "select 1""#] {
            let problems = try ManifestFixture(["tools/one.json": Self.tool(rest)]).problems()
            #expect(!problems.isEmpty, "\(rest)")
        }
    }

    @Test func thePlannerIsAskedOnlyWhereARuleDoes() throws {
        for (when, wants) in [
            (#"{"any": [{"not": {"sql.rows": {"over": 5}}}]}"#, true),
            (#"{"sql.cost": {"under": 5}}"#, true), (#"{"sql.kind": "drop"}"#, false),
        ] {
            let catalog = try ManifestFixture([
                "tools/one.json": Self.tool(#""sqlArgument": "sql""#),
                "policy/shop.json": Self.policy(when),
            ]).load()
            guard case .freeSQL(let operation)? = catalog.toolsByName["one"]?.operation else {
                Issue.record("no free statement")
                continue
            }
            #expect(operation.wantsEstimate == wants, "\(when)")
        }
    }

    // MARK: Names

    private static func values(_ when: String) throws -> [JSONValue] {
        let catalog = try ManifestFixture(["policy/shop.json": policy(when)]).load()
        guard case .fact(_, .oneOf(let values))? = catalog.policy.rules.first?.when else {
            return []
        }
        return values
    }

    @Test func aNameWithoutItsSchemaIsThatOfAnyAndQuotationMarksAreNotPartOfIt() throws {
        #expect(try Self.values(#"{"sql.reads": "public.\"Staff\""}"#) == ["public.Staff"])
        #expect(try Self.values(#"{"sql.reads": "staff"}"#) == ["*.staff"])
        #expect(try Self.values(#"{"sql.columns": "staff.salary"}"#) == ["*.staff.salary"])
        #expect(try Self.values(#"{"sql.columns": "public.*"}"#) == ["public.*", "*.public.*"])
        #expect(try Self.values(#"{"sql.functions": ["lo_*"]}"#) == ["lo_*", "*.lo_*"])
        #expect(try Self.values(#"{"sql.functions": {"glob": "lo_*"}}"#) == ["lo_*", "*.lo_*"])
        #expect(try Self.values(#"{"sql.kind": "drop"}"#) == ["drop"])
    }

    @Test(arguments: [
        (
            #"{"sql.reads": "main.custmers"}"#,
            "no relation `main.custmers` in any database; did you mean `main.customers`?"
        ),
        (
            #"{"sql.writes": "custmers"}"#,
            "no relation `custmers` in any database; did you mean `customers`?"
        ),
        (
            #"{"all": [{"sql.columns": "main.customers.emial"}]}"#,
            "did you mean `main.customers.email`?"
        ),
        (
            #"{"not": {"sql.functions": "uper"}}"#,
            "no function `uper` in any database; did you mean `upper`?"
        ),
        (#"{"sql.reads": "hr.*"}"#, "no relation `hr.*` in any database"),
    ])
    func aRuleThatCanMatchNothingIsTold(_ when: String, _ warning: String) throws {
        let warnings = try ManifestFixture(["policy/shop.json": Self.policy(when)]).warnings()
        #expect(warnings.contains { $0.contains(warning) }, "\(warnings)")
    }

    @Test(arguments: [
        #"{"sql.reads": ["main.customers", "customers", "*", "main.*", "MAIN.Customers"]}"#,
        #"{"sql.columns": ["main.customers.email", "customers.email", "main.*"]}"#,
        #"{"sql.functions": ["upper", "up*", "pg_*"]}"#, #"{"sql.reads": "pg_catalog.*"}"#,
        #"{"sql.kind": "drop"}"#,
    ])
    func aRuleThatCanMatchIsNot(_ when: String) throws {
        let warnings = try ManifestFixture(["policy/shop.json": Self.policy(when)]).warnings()
        #expect(!warnings.contains { $0.contains("in any database") }, "\(warnings)")
    }
}
