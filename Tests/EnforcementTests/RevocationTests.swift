import JSON
import Synchronization
import TestSupport
import Testing

@testable import Enforcement

/// A store that a test fills, and makes fail.
final class RevocationList: RevocationStore {
    private struct State {
        var all: [Revocation] = []
        var mark: UInt64 = 0
        var failure: StateError?
        var reads = 0
    }

    private let state = Mutex(State())

    var revocationMark: UInt64 { state.withLock { $0.mark } }
    var reads: Int { state.withLock { $0.reads } }

    func revocations() async throws(StateError) -> [Revocation] {
        let result: Result<[Revocation], StateError> = state.withLock { state in
            state.reads += 1
            return state.failure.map { .failure($0) } ?? .success(state.all)
        }
        return try result.get()
    }

    func revoke(_ revocation: Revocation) async throws(StateError) {
        state.withLock { state in
            state.all.append(revocation)
            state.mark += 1
        }
    }

    func fail() {
        state.withLock { state in
            state.failure = StateError(.unavailable, detail: "")
            state.mark += 1
        }
    }
}

@Suite struct RevocationTests {
    let mint: TokenMint
    private let list = RevocationList()
    let stage: IdentityStage

    init() throws {
        let mint = try TokenMint()
        self.mint = mint
        stage = IdentityStage(
            issuers: try mint.issuers, localUsers: GateFixture.users,
            revocations: Revocations(list), now: { mint.clock.now })
    }

    private func code(_ token: String) async -> Refusal.Code? {
        do throws(Refusal) {
            _ = try await stage.identify(.bearer(token))
            return nil
        } catch { return error.code }
    }

    private func revoke(
        _ kind: Revocation.Kind, _ value: Name, issuer: Name? = nil, at: Int? = nil
    ) async throws {
        let now = mint.clock.now
        try await list.revoke(
            Revocation(
                kind: kind, issuer: issuer, value: value, at: at ?? now, expires: now + 1_000))
    }

    @Test func aTokenEndsByItsIdAndNoOther() async throws {
        let one = try mint.token { $0["jti"] = "one" }
        let two = try mint.token { $0["jti"] = "two" }
        #expect(await code(one) == nil)
        try await revoke(.token, "one")
        #expect(await code(one) == .identityInvalid)
        #expect(await code(two) == nil)
        try await revoke(.token, "two", issuer: "another")
        #expect(await code(two) == nil)
        try await revoke(.token, "two", issuer: Name(TokenMint.issuer))
        #expect(await code(two) == .identityInvalid)
    }

    @Test func tokensOfASubjectEndButNotThoseIssuedLater() async throws {
        let old = try mint.token()
        let noTime = try mint.token { $0["iat"] = nil }
        let robot = try mint.token { $0["act"] = ["sub": "robot"] }
        try await revoke(.subject, "ada")
        for token in [old, noTime, robot] { #expect(await code(token) == .identityInvalid) }
        mint.clock.advance(by: 60)
        #expect(await code(try mint.token { $0["sub"] = "adam" }) == nil)
        #expect(await code(try mint.token()) == nil)
        try await revoke(.subject, "robot")
        #expect(await code(try mint.token { $0["act"] = ["sub": "robot"] }) == .identityInvalid)
    }

    @Test func tokensOfAClientEnd() async throws {
        let token = try mint.token { $0["client_id"] = "desk" }
        let other = try mint.token { $0["client_id"] = "Desk" }
        try await revoke(.client, "desk")
        #expect(await code(token) == .identityInvalid)
        #expect(await code(other) == nil)
    }

    /// A session on stdio, or a call that waited for a person, does not outlive it.
    @Test func aProofThatWasGivenBeforeEndsToo() async throws {
        let caller = try await stage.identify(.bearer(mint.token()))
        let arrived = ArrivedCall(
            caller: caller, tool: "orders", arguments: JSONObject(),
            via: Transport(kind: .stdio, address: ""))
        _ = try await stage.confirm(arrived)
        #expect(stage.holds(caller))
        try await revoke(.subject, "ada")
        #expect(!stage.holds(caller))
        await #expect(throws: Refusal.self) { try await stage.confirm(arrived) }
        let local = try await stage.identify(.localUser("fay"))
        try await revoke(.subject, "fay", issuer: "local-user")
        #expect(!stage.holds(local))
        await #expect(throws: Refusal.self) { try await stage.identify(.localUser("fay")) }
    }

    @Test func theListIsReadWhenItHasChangedAndAtNoOtherTime() async throws {
        let token = try mint.token()
        for _ in 0..<10 { #expect(await code(token) == nil) }
        #expect(list.reads == 1)
        try await revoke(.subject, "bo")
        for _ in 0..<10 { #expect(await code(token) == nil) }
        #expect(list.reads == 2)
    }

    @Test func whereItCannotBeReadNobodyIsBelieved() async throws {
        let token = try mint.token()
        #expect(await code(token) == nil)
        list.fail()
        #expect(await code(token) == .stateUnavailable)
    }
}
