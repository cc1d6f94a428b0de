import JSON
import TestSupport
import Testing

@testable import Enforcement

/// What a good assertion becomes, and what one must say.
@Suite struct AssertionTests {
    let idp: AssertionMint
    let state = MemoryState()

    init() throws { idp = try AssertionMint() }

    private func fault(
        _ document: String, _ change: (inout AssertionRules) -> Void = { _ in }
    ) async throws -> String? {
        let exchange = try idp.exchange(state, change)
        do throws(Refusal) {
            _ = try await exchange.exchange(AssertionMint.text(document), at: "127.0.0.1")
            return nil
        } catch {
            #expect(error.code == .identityInvalid)
            return error.noted
        }
    }

    @Test func anAssertionBecomesTheClaimsOfATokenOfMinutes() async throws {
        let document = try idp.signed(idp.assertion())
        let made = try await idp.exchange(state)
            .exchange(AssertionMint.text(document), at: "127.0.0.1")
        #expect(made.seconds == 600)
        #expect(made.caller.issuer == AssertionMint.issuer)
        #expect(made.caller.subject == "ada")
        #expect(made.caller.groups == ["support", "staff"])
        #expect(made.caller.email == "ada@example.com")
        #expect(made.claims["aud"] == "shop")
        #expect(made.claims["team"] == nil)
        #expect(made.claims["exp"] == .number(JSONNumber(idp.clock.now + 600)))
    }

    @Test func aTokenEndsWithTheSessionOfItsAssertion() async throws {
        let session =
            "<saml:AuthnStatement SessionNotOnOrAfter=\"\(idp.time(90))\"></saml:AuthnStatement>"
        let document = try idp.signed(idp.assertion(statement: session))
        let made = try await idp.exchange(state)
            .exchange(AssertionMint.text(document), at: "127.0.0.1")
        #expect(made.seconds == 90)
    }

    @Test func anAssertionServesOnceForAllProcesses() async throws {
        let document = try idp.signed(idp.assertion())
        #expect(try await fault(document) == nil)
        #expect(try await fault(document) == "assertion: used before")
        let other = try idp.exchange(state.process("another"))
        await #expect(throws: Refusal.self) {
            try await other.exchange(AssertionMint.text(document), at: "127.0.0.1")
        }
        #expect(try await fault(idp.signed(idp.assertion(id: "_a2"), id: "_a2")) == nil)
    }

    /// It could be shown again otherwise.
    @Test func withoutTheStoreNoAssertionServes() async throws {
        state.fail(StateError(.unavailable, detail: "gone"))
        let document = try idp.signed(idp.assertion())
        let exchange = try idp.exchange(state)
        do throws(Refusal) {
            _ = try await exchange.exchange(AssertionMint.text(document), at: "127.0.0.1")
            Issue.record("it was accepted")
        } catch { #expect(error.code == .stateUnavailable) }
    }

    /// One that is refused for its place is good at the right one.
    @Test func aRefusedAssertionIsNotUsedUp() async throws {
        let document = try idp.signed(idp.assertion())
        #expect(
            try await fault(document) { $0.recipient = "https://other.example/token" }
                == "assertion: recipient")
        #expect(try await fault(document) == nil)
    }

    @Test func anAssertionMustBeOfItsTimeAndForThisPlace() async throws {
        let audience = { (names: String...) in
            let inner = names.map { "<saml:Audience>\($0)</saml:Audience>" }.joined()
            return "<saml:AudienceRestriction>\(inner)</saml:AudienceRestriction>"
        }
        let ours = audience(AssertionMint.audience)
        let holder = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"
        let cases: [(String, String)] = [
            (idp.assertion(version: "1.1"), "version"),
            (idp.assertion(issued: 61), "issued in the future"),
            (idp.assertion(issuer: "https://idp.example/saml/"), "issuer"),
            (idp.assertion(issuer: "https://IDP.example/saml"), "issuer"),
            (idp.assertion(conditions: idp.conditions(from: 61)), "not valid yet"),
            (idp.assertion(conditions: idp.conditions(until: -60)), "expired"),
            (idp.assertion(conditions: idp.conditions("")), "audience"),
            (
                idp.assertion(conditions: idp.conditions(audience("https://other.example"))),
                "audience"
            ),
            (
                idp.assertion(
                    conditions: idp.conditions(audience("https://tools.example/mcp/"))), "audience"
            ),
            // Several restrictions must all hold.
            (
                idp.assertion(
                    conditions: idp.conditions(ours + audience("https://other.example"))),
                "audience"
            ),
            (
                idp.assertion(
                    conditions: idp.conditions(ours + "<saml:Condition></saml:Condition>")),
                "a condition that is not known"
            ),
            (idp.assertion(conditions: ""), "not one `Conditions`"),
            (idp.assertion(confirmation: ""), "recipient"),
            (idp.assertion(confirmation: idp.confirmation(holder)), "recipient"),
            (
                idp.assertion(confirmation: idp.confirmation(recipient: "https://tools.example/")),
                "recipient"
            ),
            (idp.assertion(confirmation: idp.confirmation(until: -60)), "expired"),
            (idp.assertion(confirmation: idp.confirmation(until: 3_661)), "lifetime"),
            (
                idp.assertion(
                    confirmation: idp.confirmation(also: " NotBefore=\"\(idp.time(-9))\"")),
                "confirmation"
            ),
            (
                idp.assertion(
                    statement:
                        "<saml:AuthnStatement SessionNotOnOrAfter=\"\(idp.time(-60))\"></saml:AuthnStatement>"
                ), "expired"
            ),
        ]
        for (assertion, reason) in cases {
            #expect(
                try await fault(try idp.signed(assertion)) == "assertion: \(reason)", "\(reason)")
        }
        let good = [
            idp.assertion(
                conditions: idp.conditions(audience("https://x.example", AssertionMint.audience))),
            idp.assertion(
                id: "_a2", conditions: idp.conditions(ours + "<saml:OneTimeUse></saml:OneTimeUse>")),
            idp.assertion(id: "_a3", issued: 60),
            idp.assertion(
                id: "_a4", confirmation: idp.confirmation(holder) + idp.confirmation()),
            idp.assertion(id: "_a5", confirmation: idp.confirmation(until: -59)),
        ]
        for (index, assertion) in good.enumerated() {
            #expect(try await fault(try idp.signed(assertion, id: "_a\(index + 1)")) == nil)
        }
    }

    @Test func theNameMustBeOneThatCanBeToldApart() async throws {
        for name in ["", "a\nb", "ada&#x202E;", String(repeating: "a", count: 1_025)] {
            let fault = try await fault(try idp.signed(idp.assertion(name: name)))
            #expect(fault != nil, "\(name)")
        }
        let two = "ada</saml:NameID><saml:NameID>root"
        #expect(
            try await fault(try idp.signed(idp.assertion(name: two)))
                == "assertion: not one `NameID`")
    }

    /// Each second and each zone must mean one moment.
    @Test(arguments: [
        "2026-11-27T10:00:00", "2026-11-27T10:00:00+01:00", "2026-11-27 10:00:00Z",
        "2026-02-30T10:00:00Z", "2026-11-27T10:00:00.Z", "2026-11-27T10:00:00.1.2Z", "",
        "2026-11-27T10:00:00.5", "9", "Z",
    ])
    func aTimeThatIsNotInUTCIsRefused(_ time: String) async throws {
        let assertion = idp.assertion().replacingFirst(
            "IssueInstant=\"\(idp.time(-5))\"", with: "IssueInstant=\"\(time)\"")
        #expect(try await fault(try idp.signed(assertion)) == "assertion: time")
    }

    @Test func partsOfASecondAreRead() async throws {
        let assertion = idp.assertion().replacingFirst(
            "IssueInstant=\"\(idp.time(-5))\"",
            with: "IssueInstant=\"\(idp.time(-5).dropLast()).123Z\"")
        #expect(try await fault(try idp.signed(assertion)) == nil)
    }

    @Test func claimsThatSayWhoVouchesComeFromNoAttribute() throws {
        for claim in ["iss", "sub", "aud", "exp", "act", "cnf", "groups", "email_verified"] {
            #expect(AssertionRules.reservedClaims.contains(claim))
        }
    }
}

extension String {
    func replacingFirst(_ old: String, with new: String) -> String {
        guard let place = utf8.firstRange(of: old.utf8) else { return self }
        return String(self[..<place.lowerBound]) + new + String(self[place.upperBound...])
    }
}
