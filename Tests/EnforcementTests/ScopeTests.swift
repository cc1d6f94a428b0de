import JSON
import TestSupport
import Testing

@testable import Enforcement

@Suite struct ScopeTests {
    static let tools: [(name: Name, scope: Name)] = [
        ("customer_by_id", "crm.read"), ("find_customers", "crm.read"), ("refund", "billing.write"),
        ("salaries", "hr.read"), ("Salaries", "hr.Read"), ("nobody_may", "void"),
    ]
    static let grants = [
        Grant(scopes: ["crm.read"], groups: ["support", "sales"]),
        Grant(scopes: ["billing.write", "crm.read"], groups: ["finance"]),
        Grant(scopes: ["hr.read"], subjects: ["hana"]),
        Grant(scopes: ["hr.Read"], groups: ["Support"]),
        Grant(scopes: ["void"]),
    ]
    static let users: [(name: String, groups: [Name])] = [
        ("ada", ["support"]), ("bo", ["finance"]), ("cy", ["support", "finance"]),
        ("hana", []), ("Hana", []), ("eve", []), ("mal", ["crm.read", "hana", "*", ""]),
        ("kay", ["Support"]),
    ]

    static func fixture() throws -> GateFixture {
        try GateFixture(
            tools: tools.map { try .sample($0.name, scope: $0.scope) },
            policy: Policy(grants: grants))
    }

    static func caller(
        _ user: (name: String, groups: [Name]), in fixture: GateFixture
    ) async throws -> IdentifiedCaller {
        let token = try fixture.mint.token { claims in
            claims["sub"] = .string(user.name)
            claims["groups"] = .array(user.groups.map { .string($0.text) })
        }
        return try await fixture.gate.identify(.bearer(token), at: "")
    }

    /// Who may call what, by calling it; kept as a table so that a change of it is a change to read.
    @Test func whoMayCallWhatIsTheGoldenTable() async throws {
        let fixture = try Self.fixture()
        var table = "who may call what\n"
        for user in Self.users {
            let caller = try await Self.caller(user, in: fixture)
            table += "\n\(user.name) \(user.groups)\n"
            for tool in Self.tools {
                let outcome = await fixture.gate.answer(
                    ArrivedCall(
                        caller: caller, tool: tool.name.text, arguments: JSONObject(),
                        via: Transport(kind: .stdio, address: "")))
                table += "    \(outcome.refusal?.code.rawValue ?? "yes"): \(tool.name)\n"
            }
        }
        let changed = try Golden.difference(of: table, from: "scope.txt", beside: #filePath)
        #expect(changed.isEmpty, "Golden/scope.txt differs:\n\(changed)")
    }

    @Test func whatIsListedIsWhatCanBeCalled() async throws {
        let fixture = try Self.fixture()
        for user in Self.users {
            let caller = try await Self.caller(user, in: fixture)
            var callable: [Name] = []
            for tool in Self.tools {
                let outcome = await fixture.gate.answer(
                    ArrivedCall(
                        caller: caller, tool: tool.name.text, arguments: JSONObject(),
                        via: Transport(kind: .stdio, address: "")))
                if outcome.result != nil { callable.append(tool.name) }
            }
            let listed = fixture.gate.visibleTools(to: caller, via: nil).map(\.tool.name)
            #expect(listed == callable.sorted(), "\(user)")
        }
    }

    @Test func aToolOutOfScopeAndOneThatIsNotAreRefusedAlike() async throws {
        let fixture = try GateFixture(tools: [try .sample("salaries", scope: "hr.read")])
        let hidden = try #require(try await fixture.call("salaries").refusal)
        let empty = try GateFixture(tools: [])
        let absent = try #require(try await empty.call("salaries").refusal)
        #expect(hidden.code == absent.code)
        #expect(hidden.told == absent.told)
        #expect(hidden.rules == absent.rules)
        #expect(hidden.noted == absent.noted)
        #expect(hidden.retryAfterSeconds == absent.retryAfterSeconds)
        #expect(
            Self.withoutNumbers(fixture.sink.lines) == Self.withoutNumbers(empty.sink.lines))
    }

    private static func withoutNumbers(_ lines: [JSONValue]) -> [JSONValue] {
        lines.map { line in
            var object = line.object ?? JSONObject()
            object["call"] = nil
            object["microseconds"] = nil
            return .object(object)
        }
    }

    @Test func namesAreComparedByBytes() async throws {
        let fixture = try GateFixture(tools: [try .sample("Kiosk"), try .sample("caf\u{E9}")])
        #expect(try await fixture.call("Kiosk").result != nil)
        for name in ["\u{212A}iosk", "kiosk", "Kiosk ", "Kiosk\u{0}", "cafe\u{301}", ""] {
            #expect(try await fixture.call(name).refusal?.code == .unknownTool, "\(name)")
        }
    }

    @Test func groupsAreComparedByBytes() async throws {
        let fixture = try GateFixture(
            policy: Policy(grants: [Grant(scopes: ["crm.read"], groups: ["Kings"])]))
        for (group, isIn) in [("Kings", true), ("\u{212A}ings", false), ("kings", false)] {
            let caller = try await Self.caller(("x", [Name(group)]), in: fixture)
            #expect(fixture.gate.visibleTools(to: caller, via: nil).isEmpty != isIn)
        }
    }

    @Test func aLongNameComesBackCut() async throws {
        let name = String(repeating: "\u{1F600}", count: 10_000)
        let refusal = try #require(try await GateFixture().call(name).refusal)
        #expect(refusal.told.unicodeScalars.count < 200)
    }
}
