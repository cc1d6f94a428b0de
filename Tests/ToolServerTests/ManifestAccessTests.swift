import Enforcement
import JSON
import Testing

@testable import ToolServer

@Suite struct ManifestAccessTests {
    private static let whole = """
        {"access": "lent", "grant": ["crm.*"], "to": {"groups": ["support"]}, "longest": "1h",
            "approvers": {"groups": ["finance"]}, "reason": "for a case"}
        """

    private func fixture(_ offer: String, rules: String = "[]") -> ManifestFixture {
        ManifestFixture([
            "policy/shop.json": #"{"access": [\#(offer)], "rules": \#(rules)}"#
        ])
    }

    private func offer(_ name: String, _ value: String) -> String {
        let members = [
            "access": #""lent""#, "grant": #"["crm.*"]"#, "to": #"{"groups": ["support"]}"#,
            "longest": #""1h""#, "approvers": #"{"groups": ["finance"]}"#, "reason": #""x""#,
        ].merging([name: value]) { $1 }
        let kept = members.filter { !$0.value.isEmpty }
        return "{\(kept.map { "\"\($0.key)\": \($0.value)" }.sorted().joined(separator: ", "))}"
    }

    @Test func anOfferHasItsToolsByNameAndWantsAReason() throws {
        let catalog = try fixture(Self.whole).load()
        let offer = try #require(catalog.policy.access.first)
        #expect(!offer.tools.isEmpty && offer.longest == 3_600 && offer.demand.wantsReason)
        #expect(catalog.toolsByName[AccessTool.name] != nil)
        // What may be asked for is not what nobody can call.
        #expect(!catalog.warnings.contains { $0.message.contains("nobody can call") })
    }

    @Test func withoutAnOfferThereIsNoToolThatAsks() throws {
        let catalog = try ManifestFixture().load()
        #expect(catalog.toolsByName[AccessTool.name] == nil)
        #expect(catalog.backends[AccessTool.backend] == nil)
    }

    @Test(arguments: [
        ("longest", #""59s""#, "must be from"), ("longest", #""169h""#, "must be from"),
        ("longest", "60", "must be a string"), ("longest", "", "missing key `longest`"),
        ("longest", #""9223372036854775807h""#, "must be a duration"),
        ("longest", #""-1h""#, "must be a duration"), ("grant", "", "must name scopes"),
        ("to", "{}", "must name `groups` or `subjects`"), ("reason", "", "missing key `reason`"),
        ("approvers", "{}", "missing key `groups`"), ("tools", "[]", "must not be empty"),
        ("access", #""a b""#, "letters, digits"), ("mode", #""observe""#, "unknown key `mode`"),
        ("where", #"{"argument.id": 1}"#, "says who may ask"),
        ("where", #"{"not": {"tool.name": "x"}}"#, "says who may ask"),
        ("where", #"{"sql.kind": "select"}"#, "says who may ask"),
    ])
    func whatIsWrongWithAnOfferIsSaid(
        _ name: String, _ value: String, _ message: String
    ) throws {
        let found = try fixture(offer(name, value)).problems()
        #expect(found.contains { $0.contains(message) }, "\(found)")
    }

    @Test func anOfferAndARuleCannotHaveOneName() throws {
        let rule = #"[{"rule": "lent", "effect": "deny", "when": {}, "reason": "x"}]"#
        let found = try fixture(Self.whole, rules: rule).problems()
        #expect(found.contains { $0.contains("`lent` is already declared") }, "\(found)")
    }

    @Test func namesOfTheServersOwnAreTaken() throws {
        let tool = ManifestFixture.tool.replacing(#""one""#, with: #""request_access""#)
        let backend = ManifestFixture.backend.replacing(#""shop""#, with: #""toolserver""#)
        let found = try ManifestFixture(["tools/one.json": tool, "backends/shop.json": backend])
            .problems()
        for part in ["built-in tool", "this server's own name"] {
            #expect(found.contains { $0.contains(part) }, "\(found)")
        }
    }
}
