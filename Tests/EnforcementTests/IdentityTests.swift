import JSON
import TestSupport
import Testing

@testable import Enforcement

@Suite struct IdentityTests {
    let mint: TokenMint
    let stage: IdentityStage

    init() throws {
        let mint = try TokenMint()
        self.mint = mint
        stage = IdentityStage(
            issuers: try mint.issuers, localUsers: GateFixture.users, now: { mint.clock.now })
    }

    private func code(_ credential: Credential, _ stage: IdentityStage? = nil) async -> Refusal
        .Code?
    {
        do throws(Refusal) {
            _ = try await (stage ?? self.stage).identify(credential)
            return nil
        } catch { return error.code }
    }

    @Test func nobodyIsRefused() async {
        #expect(await code(.none) == .identityMissing)
        #expect(await code(.bearer("")) == .identityInvalid)
    }

    @Test func withoutATrustedIssuerNoTokenIsGood() async throws {
        let token = try mint.token()
        #expect(
            await code(.bearer(token), IdentityStage(issuers: TrustedIssuers())) == .identityInvalid
        )
    }

    @Test func aRememberedTokenStillExpires() async throws {
        let token = try mint.token()
        #expect(await code(.bearer(token)) == nil)
        mint.clock.advance(by: 659)
        #expect(await code(.bearer(token)) == nil)
        mint.clock.advance(by: 1)
        #expect(await code(.bearer(token)) == .identityExpired)
        #expect(await code(.bearer(token)) == .identityExpired)
    }

    @Test func aRememberedTokenIsOneCaller() async throws {
        let token = try mint.token()
        let first = try await stage.identify(.bearer(token))
        let second = try await stage.identify(.bearer(token))
        #expect(first.id == second.id)
        #expect(second.caller.subject == "ada")
    }

    @Test func aSpoiledTwinOfARememberedTokenIsRefused() async throws {
        let token = try mint.token()
        #expect(await code(.bearer(token)) == nil)
        #expect(await code(.bearer(token + "A")) == .identityInvalid)
        #expect(await code(.bearer(String(token.dropLast()))) == .identityInvalid)
    }

    @Test func aRefusedTokenIsNotRemembered() async throws {
        let token = try mint.token { $0["nbf"] = .number(JSONNumber(mint.clock.now + 120)) }
        #expect(await code(.bearer(token)) == .identityInvalid)
        mint.clock.advance(by: 60)
        #expect(await code(.bearer(token)) == nil)
    }

    @Test func aCallThatWaitedIsCheckedAgain() async throws {
        let caller = try await stage.identify(.bearer(mint.token()))
        let arrived = ArrivedCall(
            caller: caller, tool: "orders", arguments: JSONObject(),
            via: Transport(kind: .stdio, address: ""))
        _ = try await stage.confirm(arrived)
        mint.clock.advance(by: 660)
        await #expect {
            try await stage.confirm(arrived)
        } throws: {
            ($0 as? Refusal)?.code == .identityExpired
        }
    }

    @Test func callersAreTreatedAlikeByPersonAndGroups() async throws {
        func id(_ change: (inout JSONObject) -> Void) async throws -> CallerID {
            try await stage.identify(.bearer(mint.token(change))).id
        }
        let ada = try await id { _ in }
        #expect(try await id { $0["jti"] = "other" } == ada)
        #expect(try await id { $0["sub"] = "bo" } != ada)
        #expect(try await id { $0["groups"] = ["support", "fraud"] } != ada)
        #expect(try await id { $0["act"] = ["sub": "robot"] } != ada)
    }

    // MARK: Local users

    @Test func aListedUserNeedsNoToken() async throws {
        let caller = try await stage.identify(.localUser("ada")).caller
        #expect(caller.issuer == "local-user")
        #expect(caller.subject == "ada")
        #expect(caller.groups == ["support"])
        #expect(caller.expires == nil)
    }

    @Test func aUserWhoIsNotListedIsRefused() async {
        for user in ["mallory", "Ada", "ada ", "", "*", "\u{212A}arl"] {
            #expect(await code(.localUser(user)) == .identityUnknownUser, "\(user)")
        }
    }

    @Test func aStarIsEveryoneElse() async throws {
        let stage = IdentityStage(
            issuers: TrustedIssuers(),
            localUsers: [
                LocalUser(user: "*", subject: "*", groups: ["guests"]),
                LocalUser(user: "ada", subject: "boss", groups: ["support"]),
            ])
        let ada = try await stage.identify(.localUser("ada")).caller
        #expect(ada.subject == "boss")
        #expect(ada.groups == ["support"])
        let other = try await stage.identify(.localUser("eve")).caller
        #expect(other.subject == "eve")
        #expect(other.groups == ["guests"])
    }

    @Test func aTokenOfAStrangerDoesNotFallBackToTheLocalUser() async throws {
        let foreign = try TokenMint(clock: mint.clock).token()
        #expect(await code(.bearer(foreign)) == .identityInvalid)
    }

    // MARK: The record of strangers

    @Test func oneLineASecondTellsOfStrangers() async throws {
        let sink = RecordingSink()
        let clock = ManualClock()
        let strangers = Strangers(sink: sink, now: { clock.now })
        for _ in 0..<50 { await strangers.turnAway(.invalidToken("form"), at: "192.0.2.9") }
        #expect(sink.lines.count == 1)
        clock.advance(by: 1)
        await strangers.turnAway(.expiredToken, at: "192.0.2.9")
        #expect(sink.lines.count == 2)
        #expect(sink.lines[0]["noted"] == "token: form")
        #expect(sink.lines[0]["address"] == "192.0.2.9")
        #expect(sink.lines[1]["unwritten"] == 49)
        #expect(sink.lines[1]["code"] == "identity.expired")
    }

    @Test func aStrangerIsRefusedWithoutARecordToo() async throws {
        let fixture = try GateFixture(sinkFails: { _ in true })
        do throws(Refusal) {
            _ = try await fixture.gate.identify(.none, at: "192.0.2.9")
            Issue.record("a stranger was let in")
        } catch {
            #expect(error.code == .identityMissing)
            #expect(error.isUnauthenticated)
        }
    }
}
