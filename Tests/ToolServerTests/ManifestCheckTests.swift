import Enforcement
import JSON
import Testing

@testable import ToolServer

private struct Checked: Equatable {
    var code: Int32
    var lines: [String]
    var errorLines: [String]
}

private func check(_ arguments: [String]) -> Checked {
    var checked = Checked(code: -1, lines: [], errorLines: [])
    let output = Output(
        line: { checked.lines.append($0) }, errorLine: { checked.errorLines.append($0) })
    let code = CheckCommand.run(
        arguments: arguments, maker: ManifestFixture.maker(), output: output)
    checked.code = code
    return checked
}

@Test func checkPrintsWhatWouldHold() throws {
    try ManifestFixture().inDirectory { directory in
        let checked = check(["--manifests", directory])
        #expect(checked.code == 0)
        #expect(checked.lines.first == "ok: 1 tool, 1 backend, 0 rules, 1 grant")
        #expect(checked.lines.contains("  http.listen: 127.0.0.1:7070"))
        #expect(checked.lines.contains("  issuers: none, so that nobody is identified over HTTP"))
        #expect(
            checked.lines.contains("  localUsers: none, so that nobody is identified over stdio"))
        #expect(checked.lines.contains("  limits.callsPerCaller: 100"))
        #expect(
            checked.lines.contains(
                "  tool one: read on shop, scope crm.read, at most 1000 rows, 1MB, 30s"))
        #expect(checked.errorLines.isEmpty)
    }
}

@Test func checkPrintsEveryProblemAndFails() throws {
    let fixture = ManifestFixture(["server.json": #"{"server": "s", "a": 1, "htpt": 2}"#])
    try fixture.inDirectory { directory in
        let checked = check(["--manifests", directory])
        #expect(checked.code == 1)
        #expect(checked.lines.count == 2)
        #expect(
            checked.lines.last
                == "server.json:1:25: htpt: unknown key `htpt`; did you mean `http`?")
    }
}

@Test func checkWarnsAndStillSucceeds() throws {
    try ManifestFixture(["tools/old.sql": "select 1"]).inDirectory { directory in
        let checked = check(["--manifests", directory])
        #expect(checked.code == 0)
        #expect(
            checked.lines.first
                == "warning: tools/old.sql:1:1: is not used by any tool or backend")
    }
}

@Test func checkTellsProgramsTheSame() throws {
    let fixture = ManifestFixture(["server.json": #"{"server": "s", "htpt": 2}"#])
    try fixture.inDirectory { directory in
        let checked = check(["--json", "--manifests", directory])
        #expect(checked.code == 1)
        #expect(
            checked.lines == [
                #"{"ok":false,"problems":[{"file":"server.json","line":1,"column":17,"#
                    + #""path":"htpt","message":"unknown key `htpt`; did you mean `http`?"}]}"#
            ])
    }
    try ManifestFixture().inDirectory { directory in
        let line = try #require(check(["--manifests", directory, "--json"]).lines.first)
        let facts = try JSONParser.parse(Array(line.utf8))
        #expect(facts["ok"]?.bool == true)
        #expect(facts["tools"]?.int == 1)
        #expect(facts["warnings"]?.array?.isEmpty == true)
        #expect(facts["settings"]?["http.listen"]?.string == "127.0.0.1:7070")
    }
}

@Test(arguments: [
    ["--manifests"], ["--manifests", ""], ["--manifests", "a", "--manifests", "b"],
    ["--manifest", "a"], ["--manifests", "a", "extra"],
])
func checkRefusesArgumentsThatMakeNoSense(_ arguments: [String]) {
    #expect(
        check(arguments)
            == Checked(code: 2, lines: [], errorLines: [CheckCommand.usage]))
}
