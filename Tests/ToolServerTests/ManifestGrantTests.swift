import Enforcement
import JSON
import Testing

@testable import ToolServer

private let jwks = """
    {"keys": [{"kty": "EC", "crv": "P-256", "kid": "k", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
      "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}
    """

/// A server that trusts `sources`, with one grant.
private func fixture(_ sources: [String], grant: String) -> ManifestFixture {
    let issuers = sources.filter { $0 != "local-user" }.map { issuer in
        issuer == "local"
            ? "{\"issuer\": \"local\"}"
            : "{\"issuer\": \"\(issuer)\", \"audience\": \"a\", \"jwks\": {\"file\": \"jwks\"}}"
    }
    let users =
        sources.contains("local-user")
        ? ", \"localUsers\": [{\"user\": \"*\", \"subject\": \"*\"}]" : ""
    return ManifestFixture([
        "server.json": """
        { "server": "shop", "http": {"listen": "127.0.0.1:7070"},
          "issuers": [\(issuers.joined(separator: ","))]\(users) }
        """,
        "jwks": jwks, "policy/shop.json": "{\"grants\": [\n\(grant)\n]}",
    ])
}

private func granted(_ sources: [String], _ grant: String) throws -> [Grant] {
    try fixture(sources, grant: grant).load().policy.grants
}

private func problems(_ sources: [String], _ grant: String) throws -> [String] {
    try fixture(sources, grant: grant).problems()
}

@Test func whereSeveralAreTrustedAGrantMustSayWhoseNamesItMeans() throws {
    let unbound = #"{"grant": ["crm.read"], "to": {"groups": ["support"]}}"#
    for several in [["a", "b"], ["a", "local"], ["a", "local-user"], ["a", "b", "local"]] {
        let found = try problems(several, unbound)
        #expect(found.count == 1, "\(several)")
        #expect(
            found.first?.hasPrefix(
                "policy/shop.json:2:31: grants[0].to: must say whose subjects and groups are meant"
            ) == true, "\(found)")
    }
    // One outside issuer, or this installation alone: the names are of one owner.
    for one in [["a"], ["local"], ["local-user"], ["local", "local-user"], []] {
        #expect(try problems(one, unbound) == [], "\(one)")
    }
}

@Test func aGrantIsBoundToTheIssuersThatItNames() throws {
    let to = { (issuer: String) in
        "{\"grant\": [\"crm.read\"], \"to\": {\"issuer\": \(issuer), \"groups\": [\"g\"]}}"
    }
    #expect(try granted(["a", "b"], to(#""a""#))[0].to.issuers == .of(["a"]))
    #expect(try granted(["a", "b"], to(#"["b", "a"]"#))[0].to.issuers == .of(["b", "a"]))
    #expect(try granted(["a", "b"], to(#""any""#))[0].to.issuers == .any)
    #expect(
        try granted(["a", "local-user"], to(#""local-user""#))[0].to.issuers == .of(["local-user"]))
    for wrong in [#""c""#, #""A""#, #"["a", "any"]"#, "[]", "1", #""local-user""#] {
        #expect(try problems(["a", "b"], to(wrong)).count == 1, "\(wrong)")
    }
}

@Test func aRevealMustSayItToo() throws {
    for (to, count) in [
        (#"{"groups": ["fraud"]}"#, 1), (#"{"issuer": "a", "groups": ["fraud"]}"#, 0),
    ] {
        var manifests = fixture(
            ["a", "b"], grant: #"{"grant": ["crm.read"], "to": {"issuer": "a", "groups": ["g"]}}"#)
        manifests.files["policy/masks.json"] = """
            {"rules": [{"rule": "m", "effect": "mask", "field": "name", "with": "redact"},
              {"rule": "r", "effect": "reveal", "field": "name", "to": \(to)},
              {"rule": "v", "effect": "reveal", "value": ["email"], "to": \(to)}]}
            """
        #expect(try manifests.problems().count == 2 * count, "\(to)")
    }
}

@Test func namesThatGrantsUseAreNoIssuers() throws {
    for name in ["any", "local-user"] {
        let manifests = ManifestFixture([
            "server.json": """
            { "server": "shop", "issuers": [{"issuer": "\(name)", "jwks": {"file": "jwks"}}] }
            """, "jwks": jwks,
        ])
        #expect(try manifests.problems().contains { $0.contains("for something else") })
    }
}

@Test func conditionsTimesAndPatternsAreRead() throws {
    let grant = try #require(
        try granted(
            ["local"],
            """
            {"grant": ["crm.*"], "tools": ["o*"], "to": {"groups": ["support"]},
             "where": {"caller.claims.team": "a", "argument.id": {"under": 10},
                       "client.address": {"within": ["10.0.0.0/8"]},
                       "time.hours": {"between": "08:00-18:00", "days": ["mon"], "zone": "Europe/Berlin"}},
             "from": "2026-01-01T00:00:00Z", "until": "2026-01-01T01:00:00+00:30"}
            """
        ).first)
    #expect(grant.scopes == ["crm.*"] && grant.tools == ["o*"])
    #expect(grant.from == 1_767_225_600)
    #expect(grant.until == 1_767_225_600 + 1_800)
    #expect(grant.place == "policy/shop.json:2")
    guard case .all(let parts)? = grant.condition else { throw ManifestError(problems: []) }
    #expect(parts.count == 4)
}

@Test(arguments: [
    #""where": {"sql.kind": "select"}"#, #""where": {"any": [{"http.host": "x"}]}"#,
    #""where": {}"#, #""where": {"caller.clams.team": 1}"#,
    #""where": {"argument.id": {"within": ["10.0.0.0/8"]}}"#,
    #""where": {"client.address": {"within": ["10.0.0.1/8"]}}"#,
    #""where": {"time.hours": {"between": "8-18"}}"#,
    #""where": {"time.hours": {"between": "08:00-24:01"}}"#,
    #""where": {"time.hours": {"between": "08:00-18:00", "zone": "../passwd"}}"#,
    #""where": {"time.hours": {"between": "08:00-18:00", "zone": "Europe/Bonn"}}"#,
    #""where": {"time.hours": {"between": "08:00-18:00", "days": ["monday"]}}"#,
    #""where": {"time.hours": "08:00-18:00"}"#,
    #""from": "2026-02-29T00:00:00Z""#, #""from": "2026-01-01""#,
    #""until": "2026-01-01T00:00:00""#,
    #""from": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z""#,
])
func whatAGrantCannotMeanIsAProblem(part: String) throws {
    let grant = #"{"grant": ["crm.read"], "to": {"groups": ["support"]}, "# + part + "}"
    #expect(try problems(["local"], grant).count == 1)
}

@Test func grantsOfNothingAreWarnedAbout() throws {
    let grant = #"{"grant": ["crm.raed"], "tools": ["on*", "tow"], "to": {"groups": ["g"]}}"#
    let warnings = try fixture(["local"], grant: grant).warnings()
    #expect(warnings.contains { $0.contains("no tool needs `crm.raed`; did you mean `crm.read`?") })
    #expect(warnings.contains { $0.contains("no tool `tow`") })
    #expect(warnings.contains { $0.contains("nobody can call this tool") })
}

@Test func whereSeveralAreTrustedApproversMustSayWhoseGroupsTheyAre() throws {
    func loaded(_ approvers: String, _ sources: [String] = ["a", "b"]) throws -> ManifestFixture {
        var made = fixture(sources, grant: "")
        made.files["policy/shop.json"] = """
            {"grants": [{"grant": ["crm.read"], "to": {"issuer": "any", "groups": ["g"]}}],
             "rules": [{"rule": "r", "effect": "approve", "when": {"tool.effect": "write"},
              "reason": "x", "approvers": \(approvers)}]}
            """
        return made
    }
    let unbound = try loaded(#"{"groups": ["finance"]}"#).problems()
    #expect(unbound.count == 1)
    #expect(unbound.first?.contains("must say whose subjects and groups are meant") == true)
    #expect(try loaded(#"{"groups": ["finance"]}"#, ["a"]).problems() == [])
    let bound = try loaded(#"{"issuer": "b", "groups": ["finance"]}"#).load()
    #expect(bound.policy.rules.first?.approval?.issuers == .of(["b"]))
    let any = try loaded(#"{"issuer": "any", "groups": ["finance"]}"#).load()
    #expect(any.policy.rules.first?.approval?.issuers == .any)
    let unknown = try loaded(#"{"issuer": "c", "groups": ["finance"]}"#).problems()
    #expect(unknown.first?.contains("no issuer `c`") == true, "\(unknown)")
    #expect(try !loaded(#"{"issuer": [], "groups": ["finance"]}"#).problems().isEmpty)
}
