import JSON
import Testing

@testable import Enforcement
@testable import ToolServer

@Suite struct AdviceTests {
    static let free = """
        { "tool": "ask", "title": "Ask", "description": "Any question.", "backend": "shop",
          "scope": "crm.ask", "effect": "read", "sqlArgument": "sql" }
        """

    static func tool(_ name: String, _ scope: String) -> String {
        ManifestFixture.tool.replacing(#""one""#, with: #""\#(name)""#)
            .replacing("crm.read", with: scope)
    }

    static func catalog(_ grants: String) throws -> Catalog {
        try ManifestFixture([
            "tools/two.json": tool("two", "crm.read"), "tools/pay.json": tool("pay", "billing"),
            "tools/ask.json": free, "policy/shop.json": #"{"grants": [\#(grants)]}"#,
        ]).load()
    }

    static let all = """
        {"grant": ["crm.*"], "to": {"groups": ["support", "sales"]}},
        {"grant": ["billing"], "to": {"subjects": ["carl"]}}
        """

    /// A call by ada of the support.
    static func call(
        _ tool: String, _ more: String = "", groups: String = #""support""#
    ) throws -> RecordedCall {
        let entry = try RecordViewTests.entry(
            #""event":"outcome","call":"c","v":1,"caller":{"issuer":"local","subject":"ada","kind":"human","groups":[\#(groups)]},"tool":"\#(tool)","decision":"allow","via":"http","code":"ok","arguments":{"id":1}\#(more)"#
        )
        return try #require(RecordedCall(entry.lines[0]))
    }

    @Test func whatNobodyUsedIsNamed() throws {
        var survey = UsageSurvey(try Self.catalog(Self.all))
        survey.take(try Self.call("one"))
        #expect(survey.unusedTools.map(\.name) == ["ask", "pay", "two"])
        #expect(survey.unusedScopes == ["billing", "crm.ask"])
        #expect(survey.without == 0)
        survey.take(try Self.call("pay"))
        survey.take(try Self.call("gone"))
        #expect(survey.without == 2)
        #expect(survey.unusedScopes == ["billing", "crm.ask"])
    }

    @Test func narrowerGrantsNameNoMoreThanWasUsed() throws {
        var survey = UsageSurvey(try Self.catalog(Self.all))
        survey.take(try Self.call("one"))
        let narrower = NarrowerGrants(survey)
        #expect(
            narrower.advice.map(\.text) == [
                "policy/shop.json:1: only 1 of 3 tools; nobody of group `sales`",
                "policy/shop.json:2: nobody used it; leave it out",
            ])
        #expect(
            narrower.advice[0].members?.text
                == #"{"grant":["crm.read"],"tools":["one"],"to":{"groups":["support"]}}"#)
        #expect(narrower.advice[1].members == nil)
    }

    @Test func whatIsUsedWholeIsLeftAlone() throws {
        var survey = UsageSurvey(
            try Self.catalog(#"{"grant": ["billing"], "to": {"groups": ["support"]}}"#))
        survey.take(try Self.call("pay"))
        #expect(NarrowerGrants(survey).advice.isEmpty)
    }

    @Test func aMemberOfSeveralGroupsKeepsThemAll() throws {
        var survey = UsageSurvey(try Self.catalog(Self.all))
        survey.take(try Self.call("one", groups: #""support","sales""#))
        #expect(NarrowerGrants(survey).grants.map(\.to.groups) == [["support", "sales"]])
    }

    @Test func theProofFindsWhatWouldBeRefused() throws {
        let catalog = try Self.catalog(Self.all)
        var survey = UsageSurvey(catalog)
        survey.take(try Self.call("one"))
        var proof = NarrowingProof(catalog, NarrowerGrants(survey).grants)
        let more = #","schema":"\#(GuardedTool(catalog.tools[0], policy: Policy()).schemaDigest)""#
        for name in ["one", "two", "pay"] { proof.take(try Self.call(name, more), log: "record") }
        #expect(proof.refused.count == 1)
        #expect(proof.refusedBefore == 1)
        #expect(proof.calls == 3)
    }

    @Test func statementsOfCallersNeedWhatTheyTouched() throws {
        let catalog = try Self.catalog(Self.all)
        var survey = UsageSurvey(catalog)
        let sql =
            #","sql":{"kind":["select"],"reads":["main.customers"],"columns":["main.customers.id","main.customers.name"]}"#
        survey.take(try Self.call("ask", sql))
        let needs = survey.needs(of: "shop")
        #expect(needs.free.isEmpty)
        #expect(
            PrivilegeList(needs.all.filter { $0.column != nil }).lines()
                == ["SELECT (id, name) ON main.customers"])
        let unused = try #require(survey.unusedColumns(of: "shop"))
        let email = ColumnPath(schema: "main", table: "customers", column: "email")
        let name = ColumnPath(schema: "main", table: "customers", column: "name")
        #expect(unused.contains(email) && !unused.contains(name))
        survey.take(
            try Self.call(
                "ask", #","sql":{"kind":["select"],"partial":["columns"],"reads":["main.staff"]}"#))
        #expect(survey.needs(of: "shop").free.map(\.name) == ["ask"])
        #expect(survey.unusedColumns(of: "shop") == nil)
    }

    @Test(arguments: [
        (#"{"kind":["update"],"writes":["main.a"]}"#, ["UPDATE ON main.a"]),
        (
            #"{"kind":["insert","select"],"writes":["main.a"],"reads":["main.b"]}"#,
            ["INSERT ON main.a", "SELECT ON main.b"]
        ),
        (#"{"kind":["merge"],"writes":["main.a"]}"#, nil),
        (#"{"kind":["update","merge"],"writes":["main.a"]}"#, nil),
        (#"{"kind":["select"],"reads":["odd"]}"#, nil),
    ])
    func whatCannotBeGrantedExactlyIsLeftToAPerson(_ sql: String, _ lines: [String]?) throws {
        let line = try Self.call("ask", #","sql":\#(sql)"#).line
        #expect(StatementPrivileges.of(line).map { PrivilegeList($0).lines() } == lines)
    }
}
