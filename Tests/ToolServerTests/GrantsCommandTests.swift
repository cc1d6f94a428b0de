import Enforcement
import JSON
import TestSupport
import Testing

@testable import ToolServer

@Suite struct GrantsCommandTests {
    static let moment = 1_800_000_000

    static func gate(_ tools: [Tool], _ grants: [Grant]) -> Gate {
        Gate(
            identity: IdentityStage(issuers: TrustedIssuers()), limits: LimitStage(), tools: tools,
            policy: Policy(grants: grants), backend: ScriptedBackend { _ in .texts(["1"]) },
            sink: RecordingSink(), now: { moment })
    }

    static func lines(
        _ gate: Gate, as caller: Caller, from address: String? = nil
    ) -> [String] {
        gate.standings(
            of: caller, via: address.map { Transport(kind: .http, address: $0) }, at: moment
        ).map { GrantAnswer($0.tool, $0.standing, $0.grants).line }
    }

    @Test func everyReasonIsSaid() throws {
        let networks = [NetworkRange("10.0.0.0/8")].compactMap { $0 }
        let gate = Self.gate(
            [try .sample("a", scope: "a"), try .sample("b", scope: "b")],
            [
                Grant(scopes: ["a"], groups: ["g"], of: .of(["one"]), place: "p:1"),
                Grant(scopes: ["a"], groups: ["g"], of: .of(["two"]), place: "p:2"),
                Grant(scopes: ["a"], groups: ["g"], from: Self.moment + 1, place: "p:3"),
                Grant(scopes: ["a"], groups: ["g"], until: Self.moment, place: "p:4"),
                Grant(
                    scopes: ["a"], groups: ["g"],
                    where: .fact(.argument("n"), .under(JSONNumber(1))), place: "p:5"),
                Grant(
                    scopes: ["a"], groups: ["g"],
                    where: .fact(.clientAddress, .within(networks)), place: "p:6"),
                Grant(scopes: ["a"], groups: ["h"], place: "p:7"),
            ])
        let caller = Caller(issuer: "one", subject: "ada", groups: ["g"])
        let wherever = Self.lines(gate, as: caller)
        #expect(
            wherever == [
                "yes     a: p:1 grants it; p:2 means names of another issuer; "
                    + "p:3 begins at 2027-01-15T08:00:01.000000Z; "
                    + "p:4 ended at 2027-01-15T08:00:00.000000Z; "
                    + "p:5 grants it while `argument.n` fits its `where`; "
                    + "p:6 grants it while the address fits its `where`",
                "no      b: no grant names this caller",
            ])
        let outside = Self.lines(gate, as: caller, from: "11.0.0.1")
        #expect(outside[0].hasSuffix("p:6 has a `where` that does not hold"))
    }

    /// Who may use what of the manifests that we ship, as `toolserver grants` says it.
    @Test func whoMayUseWhatIsTheGoldenTable() throws {
        var table = "who may use what\n"
        for folder in ["demo", "examples/asking", "examples/identity"] {
            let catalog = try shippedCatalog(folder)
            let gate = Self.gate(catalog.tools, catalog.policy.grants)
            for caller in Self.callers + [Self.job] {
                table += "\n\(folder): \(caller.subject) of \(caller.issuer), \(caller.groups)\n"
                for line in Self.lines(gate, as: caller) { table += "    \(line)\n" }
            }
        }
        let changed = try Golden.difference(of: table, from: "grants.txt", beside: #filePath)
        #expect(changed.isEmpty, "Golden/grants.txt differs:\n\(changed)")
    }

    static let job = Caller(issuer: "local", subject: "report")

    static let callers =
        [
            Caller(issuer: "local", subject: "ada", groups: ["support"]),
            Caller(issuer: "local", subject: "mo", groups: ["managers", "finance"]),
            Caller(issuer: "local", subject: "eve"),
            Caller(issuer: "local-user", subject: "demo", groups: ["support"]),
        ]
        + ["https://login.example.com", "https://partner.example.com"].map {
            Caller(
                issuer: $0, subject: "kim", groups: ["support", "finance"],
                claims: JSONObject(distinct: [("region", "eu")]))
        }
}
