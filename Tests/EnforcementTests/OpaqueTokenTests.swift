import JSON
import Synchronization
import TestSupport
import Testing

@testable import Enforcement

@Suite struct OpaqueTokenTests {
    private final class Issuer: Sendable {
        let answers = Mutex<[String: JSONObject]>([:])
        let asked = Mutex(0)
        let isAway = Mutex(false)
    }

    private let issuer = Issuer()
    private let clock = ManualClock()
    private let stage: IdentityStage

    init() {
        let (issuer, clock) = (issuer, clock)
        let rules = IssuerRules(issuer: "https://i.example", audience: "shop")
        let opaque = OpaqueTokens(rules, now: { clock.now }) { token in
            issuer.asked.withLock { $0 += 1 }
            if issuer.isAway.withLock({ $0 }) { return nil }
            return issuer.answers.withLock { $0[token] } ?? JSONObject(("active", false))
        }
        stage = IdentityStage(issuers: TrustedIssuers(opaque: opaque), now: { clock.now })
    }

    private func answer(
        _ token: String, _ change: (inout JSONObject) -> Void = { _ in }
    ) {
        var answer = JSONObject(
            ("active", true), ("sub", "ada"), ("aud", "shop"), ("client_id", "desk"),
            ("groups", ["support"]), ("exp", .number(JSONNumber(clock.now + 600))))
        change(&answer)
        let made = answer
        issuer.answers.withLock { $0[token] = made }
    }

    private var asked: Int { issuer.asked.withLock { $0 } }

    private func code(_ token: String) async -> Refusal.Code? {
        do throws(Refusal) {
            _ = try await stage.identify(.bearer(token))
            return nil
        } catch { return error.code }
    }

    @Test func anActiveTokenIsItsSubjectsAndIsAskedAboutOnceAMinute() async throws {
        answer("opaque")
        for _ in 0..<10 {
            let caller = try await stage.identify(.bearer("opaque")).caller
            #expect(caller.subject == "ada" && caller.groups == ["support"])
            #expect(caller.issuer == "https://i.example")
        }
        #expect(asked == 1)
        issuer.answers.withLock { $0 = [:] }
        clock.advance(by: 59)
        #expect(await code("opaque") == nil)
        clock.advance(by: 1)
        #expect(await code("opaque") == .identityInvalid)
        #expect(asked == 2)
    }

    @Test func aTokenThatIsNotActiveIsAskedAboutOnceInTenSeconds() async {
        for _ in 0..<10 { #expect(await code("nothing") == .identityInvalid) }
        #expect(asked == 1)
        clock.advance(by: 10)
        answer("nothing")
        #expect(await code("nothing") == nil)
    }

    @Test func whatIsNotMeantForUsIsRefusedThoughItIsActive() async {
        answer("a") { $0["aud"] = "another" }
        answer("b") { $0["aud"] = nil }
        answer("c") { $0["iss"] = "https://other.example" }
        answer("d") { $0["active"] = "true" }
        answer("e") { claims in
            claims["sub"] = nil
            claims["client_id"] = nil
        }
        answer("f") { $0["exp"] = .number(JSONNumber(clock.now - 100)) }
        answer("g") { $0["nbf"] = .number(JSONNumber(clock.now + 100)) }
        answer("h") { $0["cnf"] = ["kid": "x"] }
        for token in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            #expect(await code(token) != nil, "\(token)")
        }
    }

    @Test func aTokenWithoutASubjectIsItsClients() async throws {
        answer("machine") { $0["sub"] = nil }
        let caller = try await stage.identify(.bearer("machine")).caller
        #expect(caller.subject == "desk" && caller.kind == .agent)
    }

    @Test func anIssuerThatDoesNotAnswerIsNoVerdict() async {
        issuer.isAway.withLock { $0 = true }
        #expect(await code("opaque") == .identityUnavailable)
        issuer.isAway.withLock { $0 = false }
        answer("opaque")
        #expect(await code("opaque") == nil)
    }

    @Test func aTokenThatSaysWhatItIsIsNotAskedAbout() async throws {
        #expect(await code(try TokenMint(clock: clock).token()) == .identityInvalid)
        #expect(await code("with space") == .identityInvalid)
        #expect(asked == 0)
    }
}
