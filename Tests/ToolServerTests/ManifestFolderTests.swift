import Enforcement
import JSON
import Testing

@testable import ToolServer

@Test func aFolderThatIsNotReadMustNotHoldManifests() throws {
    let fixture = ManifestFixture(["backend/deny.json": #"{"rules": []}"#])
    #expect(
        try fixture.problems() == [
            "backend:1:1: holds .json files but is not read; manifests stand at the top or in "
                + "`backends`, `policy`, `tools`; did you mean `backends`?"
        ])
    #expect(try ManifestFixture(["data/state.json": "{}"]).problems() == [])
}

@Test func nothingThatLooksLikeAManifestIsSilentlyLeftOut() throws {
    let fixture = ManifestFixture([
        "policy/more.jsonc": "{}", "policy/less.JSON": "{}", "tools/README.md": "",
        "tools/crm/two.json": ManifestFixture.tool, "rules.yaml": "",
    ])
    #expect(
        try fixture.problems() == [
            "policy/less.JSON:1:1: is not read; a manifest's name ends in .json",
            "policy/more.jsonc:1:1: is not read; a manifest's name ends in .json",
            "rules.yaml:1:1: is not read; a manifest's name ends in .json",
            "tools/crm:1:1: holds .json files but is not read; manifests stand at the top or in "
                + "`backends`, `policy`, `tools`",
        ])
    let noFolder = ManifestFixture(["policy/shop.json": nil, "policy": "not a folder"])
    #expect(try noFolder.problems() == ["policy:1:1: cannot be read as a directory"])
}

@Test func theStateDirectoryIsNoFolderOfManifestsHoweverItIsSpelled() throws {
    let server = #"{"server": "s", "state": {"directory": "./state/../state"}}"#
    let fixture = ManifestFixture(["server.json": server, "state/queue.json": "{}"])
    #expect(try fixture.problems() == [])
}

@Test func aMissingServerManifestIsAProblem() throws {
    #expect(
        try ManifestFixture(["server.json": nil]).problems() == [
            "server.json:1:1: missing: a file whose first key is `server`"
        ])
}

@Test func aNameIsDeclaredOnce() throws {
    let rule = #"{"rules": [{"rule": "r", "effect": "mask", "field": "x", "with": "redact"}]}"#
    let fixture = ManifestFixture([
        "tools/two.json": ManifestFixture.tool, "backends/two.json": ManifestFixture.backend,
        "policy/a.json": rule, "policy/b.json": rule, "server2.json": ManifestFixture.server,
    ])
    #expect(
        try fixture.problems() == [
            "backends/two.json:1:14: backend: `shop` is already declared at backends/shop.json:1",
            "policy/b.json:1:21: rules[0].rule: `r` is already declared at policy/a.json:1",
            "policy/b.json:1:53: rules[0].field: masks what `r` already masks",
            "server2.json:1:1: a second server manifest; the first is server.json",
            "tools/two.json:1:11: tool: `one` is already declared at tools/one.json:1",
        ])
}
