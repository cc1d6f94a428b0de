import Enforcement
import JSON
import Testing

@testable import ToolServer

@Test func aDirectoryWithoutProblemsBecomesOneCatalogue() throws {
    let catalog = try ManifestFixture().load()
    #expect(catalog.server.name == "shop")
    #expect(catalog.server.http.address.isByteEqual(to: "127.0.0.1"))
    #expect(catalog.server.http.port == 7070)
    #expect(catalog.server.http.resource.isByteEqual(to: "http://localhost:7070/mcp"))
    #expect(catalog.server.issuers.isEmpty)
    #expect(catalog.server.limits.callsPerCaller == 100)
    #expect(catalog.tools.map(\.name) == ["one"])
    #expect(catalog.toolsByName["one"]?.backend == "shop")
    #expect(catalog.policy.grants.map(\.scopes) == [["crm.read"]])
    #expect(Array(catalog.backends.keys) == ["shop"])
    #expect(catalog.warnings.isEmpty)
}

@Test func theShortFormOfInputBecomesAWholeSchema() throws {
    let tool = """
        { "tool": "one", "title": "One", "description": "One.", "backend": "shop",
          "scope": "crm.read", "effect": "read",
          "input": {"id": {"type": "integer", "minimum": 1},
                    "plan": {"type": "string", "optional": true},
                    "after": {"type": "integer", "optional": false}},
          "sql": "select :id, :plan, :after" }
        """
    let catalog = try ManifestFixture(["tools/one.json": tool]).load()
    let expected = """
        {"type":"object","properties":{"id":{"type":"integer","minimum":1},\
        "plan":{"type":"string"},"after":{"type":"integer"}},\
        "required":["id","after"],"additionalProperties":false}
        """
    #expect(catalog.tools[0].inputSchema.text == expected)
}

@Test func aFlatDirectoryIsReadByTheFirstKeyOfEachFile() throws {
    let fixture = ManifestFixture([
        "backends/shop.json": nil, "tools/one.json": nil, "policy/shop.json": nil,
        "b.json": ManifestFixture.policy, "c.json": ManifestFixture.tool,
        "a.json":
            #"{"$schema": "x", "backend": "shop", "kind": "sqlite", "file": "f", "create": "shop.sql"}"#,
    ])
    let catalog = try fixture.load()
    #expect(catalog.tools.count == 1)
    #expect(catalog.policy.grants.count == 1)
}

@Test func aStatementMayStandBesideItsTool() throws {
    let tool = ManifestFixture.tool.replacing(
        #""sql": "select name from customers where id = :id""#, with: "")
    var fixture = ManifestFixture([
        "tools/one.json": tool, "tools/one.sql": "select 1 where 1 = :id",
    ])
    guard case .sql(let sql) = try fixture.load().tools[0].operation else { return }
    #expect(sql.text.isByteEqual(to: "select 1 where 1 = :id"))
    fixture.files["tools/one.sql"] = nil
    #expect(
        try fixture.problems() == [
            "tools/one.json:1:1: missing key `sql`, and no `one.sql` beside"
        ])
}

@Test func aStatementFileIsFoundOnlyInsideTheDirectory() throws {
    for path in ["../secret.sql", "/etc/passwd", "tools/../shop.sql", "tools/absent.sql"] {
        let tool = ManifestFixture.tool.replacing(
            #""select name from customers where id = :id""#, with: #"{"file": "\#(path)"}"#)
        #expect(
            try ManifestFixture(["tools/one.json": tool]).problems() == [
                "tools/one.json:4:19: sql.file: `\(path)` is no .sql file of the manifests directory"
            ])
    }
    let tool = ManifestFixture.tool.replacing(
        #""select name from customers where id = :id""#, with: #"{"file": "tools/x.sql"}"#)
    let fixture = ManifestFixture(["tools/one.json": tool, "tools/x.sql": "select :id"])
    #expect(try fixture.load().tools.count == 1)
}

@Test func theDigestCoversNamesAndBytesOfEveryFile() throws {
    let digest = try ManifestFixture().load().digest
    var seen: Set<String> = [digest]
    for name in ManifestFixture().files.keys {
        var fixture = ManifestFixture()
        fixture.files[name]? += " "
        seen.insert(try fixture.load().digest)
    }
    var renamed = ManifestFixture()
    renamed.files["tools/two.json"] = renamed.files.removeValue(forKey: "tools/one.json")
    seen.insert(try renamed.load().digest)
    #expect(seen.count == ManifestFixture().files.count + 2)
    #expect(try ManifestFixture().load().digest == digest)
}

@Test func aDirectoryThatIsNotThereIsOneProblem() throws {
    do {
        _ = try ManifestFixture.maker().load(directory: "/nonexistent/manifests")
        Issue.record("loaded nothing")
    } catch {
        #expect(
            error.problems.map(\.text) == [
                "/nonexistent/manifests:1:1: cannot be read as a directory"
            ])
    }
}
