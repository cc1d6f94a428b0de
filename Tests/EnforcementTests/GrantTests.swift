import JSON
import TestSupport
import Testing

@testable import Enforcement

@Suite struct GrantTests {
    static func call(
        _ grant: Grant, as caller: Caller = Caller(issuer: "one", subject: "ada", groups: ["g"]),
        tool: Tool? = nil, from address: String = "192.0.2.7",
        with arguments: JSONObject = JSONObject(), at now: Int = 1_000
    ) throws -> Refusal.Code? {
        let tool = try tool ?? .sample("orders")
        let stage = ScopeStage(
            tools: [GuardedTool(tool, policy: Policy())], grants: [grant], now: { now })
        let arrived = ArrivedCall(
            caller: .supposed(caller), tool: "orders", arguments: arguments,
            via: Transport(kind: .http, address: address))
        do throws(Refusal) {
            _ = try stage.admit(.supposed(arrived))
            #expect(stage.visible(to: caller, via: arrived.via).count == 1)
            return nil
        } catch {
            let listed = stage.visible(to: caller, via: arrived.via).count
            #expect(listed == (error.code == .unknownTool ? 0 : 1), "\(error.code)")
            return error.code
        }
    }

    static func grant(where condition: Condition) -> Grant {
        Grant(scopes: ["crm.read"], groups: ["g"], where: condition)
    }

    @Test func aNameOfAnotherIssuerIsAnotherPerson() throws {
        let bySubject = Grant(scopes: ["crm.read"], subjects: ["ada"], of: .of(["one"]))
        let byGroup = Grant(scopes: ["crm.read"], groups: ["g"], of: .of(["one", "two"]))
        for (issuer, asSubject, asMember) in [
            ("one", true, true), ("two", false, true), ("three", false, false),
            ("One", false, false), ("one ", false, false), ("", false, false),
        ] {
            let caller = Caller(issuer: issuer, subject: "ada", groups: ["g"])
            #expect(try (Self.call(bySubject, as: caller) == nil) == asSubject, "\(issuer)")
            #expect(try (Self.call(byGroup, as: caller) == nil) == asMember, "\(issuer)")
        }
        #expect(
            try Self.call(
                Grant(scopes: ["crm.read"], subjects: ["ada"], of: .any),
                as: Caller(issuer: "three", subject: "ada")) == nil)
    }

    @Test func starsInScopesAndToolsStandForAnything() throws {
        for (scopes, tools, isGranted) in [
            (["crm.*"], ["*"], true), (["*"], ["ord*"], true), (["*"], ["*s"], true),
            (["crm.r"], ["*"], false), (["crm.read"], ["order"], false),
            (["crm.read", "x"], ["y", "orders"], true), (["hr.*"], ["orders"], false),
        ] as [([Name], [Name], Bool)] {
            let grant = Grant(scopes: scopes, tools: tools, groups: ["g"])
            #expect(try (Self.call(grant) == nil) == isGranted, "\(scopes) \(tools)")
        }
    }

    @Test func aGrantHoldsFromItsFirstMomentToItsLast() throws {
        let grant = Grant(scopes: ["crm.read"], groups: ["g"], from: 1_000, until: 2_000)
        for (now, isGranted) in [(999, false), (1_000, true), (1_999, true), (2_000, false)] {
            #expect(try Self.call(grant, at: now) == (isGranted ? nil : .unknownTool), "\(now)")
        }
    }

    @Test func claimsAndNetworksDecideWhatIsListed() throws {
        let sales = Self.grant(where: .fact(.callerClaim("department"), .oneOf(["sales"])))
        for (claims, isGranted) in [
            (JSONObject(("department", "sales")), true),
            (JSONObject(("department", ["hr", "sales"])), true),
            (JSONObject(("department", "Sales")), false), (JSONObject(("department", 1)), false),
            (JSONObject(), false),
        ] {
            let caller = Caller(issuer: "one", subject: "ada", groups: ["g"], claims: claims)
            #expect(try Self.call(sales, as: caller) == (isGranted ? nil : .unknownTool))
        }
        let ranges = ["10.0.0.0/8", "2001:db8::/32"].compactMap { NetworkRange($0) }
        let inside = Self.grant(where: .fact(.clientAddress, .within(ranges)))
        for (address, isGranted) in [
            ("10.1.2.3", true), ("::ffff:10.1.2.3", true), ("2001:db8::1", true),
            ("11.1.2.3", false), ("2001:db9::1", false), ("10.1.2", false), ("", false),
        ] {
            #expect(
                try Self.call(inside, from: address) == (isGranted ? nil : .unknownTool),
                "\(address)")
        }
    }

    /// What nobody can judge gives nothing, whichever way it is asked.
    @Test func aConditionThatCannotBeJudgedGrantsNothing() throws {
        let over = Condition.fact(.callerClaim("level"), .over(JSONNumber(3)))
        let caller = Caller(
            issuer: "one", subject: "ada", groups: ["g"],
            claims: JSONObject(("level", "high")))
        for condition in [over, .not(over), .any([over, .not(over)])] {
            #expect(try Self.call(Self.grant(where: condition), as: caller) == .unknownTool)
        }
    }

    @Test func argumentsDecideAboutCallsOfAListedTool() throws {
        let small = Self.grant(where: .fact(.argument("cents"), .under(JSONNumber(100))))
        #expect(try Self.call(small, with: JSONObject(("cents", 99))) == nil)
        for arguments in [
            JSONObject(("cents", 100)), JSONObject(("cents", "99")), JSONObject(),
            JSONObject(("Cents", 1)),
        ] {
            #expect(try Self.call(small, with: arguments) == .argumentsNotGranted)
        }
        // The caller of another department does not learn that the tool is there.
        let both = Self.grant(
            where: .all([
                .fact(.callerClaim("department"), .oneOf(["sales"])),
                .fact(.argument("cents"), .under(JSONNumber(100))),
            ]))
        #expect(try Self.call(both, with: JSONObject(("cents", 1))) == .unknownTool)
    }

    @Test func theRefusalNamesTheArgumentsThatDecide() async throws {
        let fixture = try GateFixture(
            policy: Policy(grants: [
                Grant(
                    scopes: ["crm.read"], groups: ["support"],
                    where: .fact(.argument("region"), .oneOf(["eu"])))
            ]))
        let refusal = try #require(
            try await fixture.call("orders", JSONObject(("region", "a-secret-place"))).refusal)
        #expect(refusal.told.contains("`region`"))
        #expect(!refusal.told.contains("a-secret-place") && !refusal.told.contains("eu"))
        #expect(try await fixture.call("orders", JSONObject(("region", "eu"))).result != nil)
    }

    @Test func hoursAreThoseOfTheZone() throws {
        let office = HourWindow(
            startMinute: 8 * 60, endMinute: 18 * 60, weekdays: [1, 2, 3, 4, 5], zone: .utc)
        // 2026-11-27 was a Friday.
        let friday = Calendar.days(year: 2026, month: 11, day: 27) * Calendar.day
        for (hours, isIn) in [(7, false), (8, true), (17, true), (18, false), (32, false)] {
            #expect(office.contains(friday + hours * 3_600) == isIn, "\(hours)")
        }
        let night = HourWindow(
            startMinute: 22 * 60, endMinute: 6 * 60, weekdays: [5], zone: .utc)
        for (hours, isIn) in [(21, false), (22, true), (29, true), (30, false), (46, false)] {
            #expect(night.contains(friday + hours * 3_600) == isIn, "\(hours)")
        }
    }

    @Test func aRevealIsBoundToItsIssuerToo() {
        let reveal = RevealRule(
            id: "r", target: .field("email"), groups: ["fraud"], of: .of(["one"]))
        #expect(reveal.to.include(Caller(issuer: "one", subject: "x", groups: ["fraud"])))
        #expect(!reveal.to.include(Caller(issuer: "two", subject: "x", groups: ["fraud"])))
    }
}
