import Enforcement
import JSON
import Testing

@testable import ToolServer

private let email = ColumnPath(schema: "main", table: "customers", column: "email")
private let name = ColumnPath(schema: "main", table: "customers", column: "name")
private let statement = "select name from customers where id = :id"

/// A fixture whose one tool was found to read `reads`, to answer `origins` and to go by `deciding`.
private func fixture(
    rules: String, origins: [ColumnPath?], reads: Set<ColumnPath>?,
    deciding: Set<ColumnPath>? = []
) -> ManifestFixture {
    var fixture = ManifestFixture(["policy/rules.json": "{\"rules\": [\n\(rules)\n]}"])
    fixture.examinations[statement] = Examination(
        columns: origins.enumerated().map { index, origin in
            let isFirst = index == 0 || reads?.isEmpty == true
            return Column(name: isFirst ? "out" : "out\(index)", origin: origin, kind: .string)
        }, reads: reads, deciding: deciding,
        parameters: ["id"], isReadOnly: true)
    return fixture
}

private let mask = """
    {"rule": "email", "effect": "mask", "column": "shop.main.customers.email", "with": "partial"}
    """
private let start = "policy/rules.json:2:47: rules[0].column: `email` cannot hide "
private let end = ", or say \"filter\": \"allowed\""
private let column = "`shop.main.customers.email` in tool `one`, "
private let decides =
    start + column + "where it may decide which rows come, their order, their number or an "
    + "error; only show it there" + end

@Test func aMaskedColumnThatDecidesIsRefusedWhetherItIsShownOrNot() throws {
    for origins in [[name], [email], [name, email], [name, nil]] {
        let tool = fixture(
            rules: mask, origins: origins, reads: [name, email], deciding: [email])
        #expect(try tool.problems() == [decides])
    }
    // The key of an index decides the order without being read.
    let key = fixture(rules: mask, origins: [name], reads: [name], deciding: [email])
    #expect(try key.problems() == [decides])
    let upperCase = mask.replacing("customers.email", with: "Customers.EMAIL")
    let folded = fixture(rules: upperCase, origins: [name], reads: [email], deciding: [email])
    #expect(try folded.problems() == [decides])
}

@Test func whatIsNotKnownDecides() throws {
    let unknown = fixture(rules: mask, origins: [email], reads: [email], deciding: nil)
    #expect(
        try unknown.problems() == [
            start + column + "which cannot be followed, so it may decide which rows come; "
                + "write it more plainly" + end
        ])
    let unread = fixture(rules: mask, origins: [name], reads: [name], deciding: nil)
    #expect(try unread.problems() == [])
    let unknownReads = fixture(rules: mask, origins: [name], reads: nil, deciding: nil)
    #expect(
        try unknownReads.problems() == [
            start + "anything in tool `one`, since what it reads is unknown (a virtual table, or "
                + "text that cannot be followed); write it without" + end
        ])
}

@Test func aMaskOrRevealOfAColumnThatIsNotThereIsAProblem() throws {
    func problem(_ column: String, _ effect: String) throws -> [String] {
        let rule = """
            {"column": "shop.main.\(column)", "rule": "r", "effect": \(effect)}
            """
        return try fixture(rules: rule, origins: [email], reads: [email]).problems()
    }
    let effects = [
        #""mask", "with": "redact""#, #""reveal", "to": {"groups": ["g"]}"#,
        #""mask", "with": "redact", "filter": "allowed""#,
    ]
    let place = "policy/rules.json:2:12: rules[0].column: "
    for effect in effects {
        #expect(
            try problem("customers.emial", effect) == [
                place + "no column `shop.main.customers.emial`; "
                    + "did you mean `shop.main.customers.email`?"
            ])
        #expect(
            try problem("clients.phone", effect) == [
                place + "no column `shop.main.clients.phone`"
            ])
        #expect(
            try problem("people.mail", effect) == [
                place + "`shop.main.people.mail` is a view's; "
                    + "name the column of the table that the view shows"
            ])
    }
}

@Test func aMaskedColumnThatIsShownOrComputedWithLoads() throws {
    let shown = fixture(rules: mask, origins: [email], reads: [email])
    #expect(try shown.problems() == [])
    let computed = fixture(rules: mask, origins: [name, nil], reads: [name, email])
    #expect(try computed.problems() == [])
    let allowed = mask.replacing(#""with""#, with: #""filter": "allowed", "with""#)
    let filter = fixture(
        rules: allowed, origins: [name], reads: [name, email], deciding: [email])
    #expect(try filter.problems() == [])
    let unknown = fixture(rules: allowed, origins: [name], reads: nil, deciding: nil)
    #expect(try unknown.problems() == [])
}

@Test func aMaskOfWhatNoToolReadsIsAWarning() throws {
    let unread = fixture(rules: mask, origins: [name], reads: [name])
    #expect(
        try unread.warnings() == [
            "policy/rules.json:2:47: rules[0].column: masks nothing: no tool reads it"
        ])
    let field = #"{"rule": "f", "effect": "mask", "field": "salary", "with": "redact"}"#
    #expect(
        try fixture(rules: field, origins: [name], reads: [name]).warnings() == [
            "policy/rules.json:2:42: rules[0].field: masks nothing: no tool reads it"
        ])
}

@Test func aPlaceIsOfAnswersOrOfAColumnThatIsThere() throws {
    let path = #"{"rule": "p", "effect": "mask", "path": "$.a.code", "with": "redact"}"#
    // No tool of this fixture has documents for answers.
    #expect(
        try fixture(rules: path, origins: [name], reads: [name]).warnings() == [
            "policy/rules.json:2:41: rules[0].path: masks nothing: no tool reads it"
        ])
    let inside = mask.replacing(#""with""#, with: #""path": "$.code", "with""#)
    #expect(try fixture(rules: inside, origins: [email], reads: [email]).warnings() == [])
    // It may decide no more than its column may.
    let filter = fixture(rules: inside, origins: [name], reads: [email], deciding: [email])
    #expect(try filter.problems().count == 1)
}

@Test func aFieldIsMatchedWhateverItsSpelling() throws {
    let field = #"{"rule": "f", "effect": "mask", "field": "E-Mail", "with": "redact"}"#
    #expect(try fixture(rules: field, origins: [email], reads: [email]).warnings() == [])
    let decides = decides.replacing(
        ":47: rules[0].column: `email`", with: ":42: rules[0].field: `f`")
    let filter = fixture(rules: field, origins: [name], reads: [email], deciding: [email])
    #expect(try filter.problems() == [decides])
    // A column that the answer calls so is the field, whatever the table calls it.
    let renamed = field.replacing("E-Mail", with: "OUT")
    let order = fixture(rules: renamed, origins: [email], reads: [email], deciding: [email])
    #expect(try order.problems() == [decides])
}

@Test func settingsWithAProblemAreNotUsedByAnyCommand() throws {
    let server = #"{"server": "s", "state": {"directory": ""}}"#
    let refused = try ManifestFixture(["server.json": server]).inDirectory { directory in
        (try? ServerSettings.load(directory: directory)) == nil
    }
    #expect(refused)
    let name = try ManifestFixture(["tools/one.json": "{"]).inDirectory { directory in
        try ServerSettings.load(directory: directory).name
    }
    #expect(name == "shop")
}

@Test func aRevealOfWhatIsNotMaskedIsAWarning() throws {
    let reveal = """
        {"rule": "r", "effect": "reveal", "column": "shop.main.customers.email", "to": {"groups": ["g"]}}
        """
    #expect(
        try fixture(rules: reveal, origins: [email], reads: [email]).warnings() == [
            "policy/rules.json:2:45: rules[0].column: reveals nothing: no rule masks it"
        ])
    let both = fixture(rules: mask + ",\n" + reveal, origins: [email], reads: [email])
    #expect(try both.warnings() == [])
    #expect(try both.load().policy.reveals.count == 1)
}

@Test func aScopeThatNoGrantGivesIsAWarning() throws {
    let policy = #"{"grants": [{"grant": ["crm.raed"], "to": {"groups": ["support"]}}]}"#
    #expect(
        try ManifestFixture(["policy/shop.json": policy]).warnings() == [
            "policy/shop.json:1:24: grants[0].grant[0]: no tool needs `crm.raed`; did you mean `crm.read`?",
            "tools/one.json:2:12: scope: no grant gives `crm.read`: nobody can call this tool",
        ])
}

@Test func namesInRulesThatNothingHasAreWarnings() throws {
    let rules = #"""
        {"rules": [{"rule": "r", "effect": "deny", "reason": "no", "when": {"any": [
          {"tool.name": ["oen", "o*"]}, {"backend": "shop"}, {"argument.idd": 1}]}}]}
        """#
    #expect(
        try ManifestFixture(["policy/rules.json": rules]).warnings() == [
            "policy/rules.json:1:12: rules[0]: no input `idd`; did you mean `id`?",
            "policy/rules.json:1:12: rules[0]: no tool `oen`; did you mean `one`?",
        ])
}

@Test func twoColumnsOfOneNameAreAProblem() throws {
    let twice = fixture(rules: "", origins: [name, email], reads: [])
    #expect(
        try twice.problems() == [
            "tools/one.json:4:10: sql: answers two columns named `out`; rename one with `as`"
        ])
}

@Test func aWriteToolThatChangesNothingIsAWarning() throws {
    let tool = ManifestFixture.tool.replacing(#""effect": "read""#, with: #""effect": "write""#)
    #expect(
        try ManifestFixture(["tools/one.json": tool]).warnings() == [
            "tools/one.json:2:34: effect: is `write`, but the statement changes nothing"
        ])
}

@Test func listeningBeyondTheMachineIsAWarning() throws {
    let server = """
        {"server": "s", "http": {"listen": "0.0.0.0:7070", "resource": "http://shop.example/mcp"}}
        """
    #expect(
        try ManifestFixture(["server.json": server]).warnings() == [
            "server.json:1:36: http.listen: listens beyond this machine without TLS; a proxy must end TLS before it",
            "server.json:1:64: http.resource: tokens for it would cross the network unencrypted; use https",
        ])
}

@Test func everyTestOfAConditionIsRead() throws {
    let when = #"""
        {"rules": [{"rule": "r", "effect": "deny", "reason": "no", "instead": "ask", "when": {
          "tool.name": ["one", "o*"], "argument.id": {"over": 1, "under": 9.5},
          "any": [{"caller.claims.tenant": {"present": false}}, {"not": {"caller.kind": "human"}}],
          "argument.*": {"matches": "drop"}, "client.id": {"glob": "x*"}}}]}
        """#
    let rule = try ManifestFixture(["policy/rules.json": when]).load().policy.rules[0]
    #expect(rule.effect == .deny)
    #expect(rule.instead?.isByteEqual(to: "ask") == true)
    guard case .all(let parts) = rule.when, parts.count == 5,
        case .fact(.toolName, .oneOf(let names)) = parts[0],
        case .all(let range) = parts[1], case .fact(.argument("id"), .over(let low)) = range[0],
        case .fact(.argument("id"), .under(let high)) = range[1], case .any(let any) = parts[2],
        case .fact(.callerClaim("tenant"), .present(false)) = any[0], case .not = any[1],
        case .fact(.anyArgument, .matches) = parts[3],
        case .fact(.clientID, .glob("x*")) = parts[4]
    else {
        Issue.record("read as \(rule.when)")
        return
    }
    #expect(names == ["one", "o*"])
    #expect(low.text.isByteEqual(to: "1"))
    #expect(high.text.isByteEqual(to: "9.5"))
}

@Test func anApprovalRuleLoads() throws {
    let rules = #"""
        {"rules": [{"rule": "r", "effect": "approve", "reason": "money", "when": {"tool.name": "one"},
          "approvers": {"groups": ["finance"], "count": 2}, "expires": "30m",
          "escalate": {"after": "10m", "groups": ["managers"]}, "force": {"groups": ["oncall"]},
          "callerReason": "required"}]}
        """#
    let catalog = try ManifestFixture(["policy/rules.json": rules]).load()
    #expect(catalog.policy.rules.map(\.effect) == [.approve])
    let demand = try #require(catalog.policy.rules.first?.approval)
    #expect(demand.escalation?.after == 600 && demand.escalation?.groups == ["managers"])
    #expect(demand.force == ["oncall"] && demand.wantsReason)
    #expect(throws: ManifestError.self) {
        try ManifestFixture([
            "policy/rules.json": rules.replacing("10m", with: "31m")
        ]).load()
    }
}
