import JSON
import TestSupport
import Testing

@testable import Enforcement

@Suite struct PossessionTests {
    static let url = "https://tools.example/mcp"

    let mint: TokenMint
    let holder: TokenMint
    let stage: IdentityStage
    let state = MemoryState()

    init() throws {
        let mint = try TokenMint()
        self.mint = mint
        holder = try TokenMint(clock: mint.clock)
        stage = IdentityStage(
            issuers: try mint.issuers, proofs: state, now: { mint.clock.now })
    }

    private func bound(_ change: (inout JSONObject) -> Void = { _ in }) throws -> String {
        let thumbprint = try VerificationKey(jwk: holder.jwk(nil)).thumbprint
        return try mint.token { claims in
            claims["cnf"] = ["jkt": .string(Base64URL.encode(thumbprint.bytes))]
            change(&claims)
        }
    }

    private func proof(
        of token: String, id: String = "id-1", _ change: (inout JSONObject) -> Void = { _ in },
        header changeHeader: (inout JSONObject) -> Void = { _ in }, by signer: TokenMint? = nil
    ) throws -> String {
        var header = JSONObject(
            ("typ", "dpop+jwt"), ("alg", "ES256"), ("jwk", .object(holder.jwk(nil))))
        var claims = JSONObject(
            ("jti", .string(id)), ("htm", "POST"), ("htu", .string(Self.url)),
            ("iat", .number(JSONNumber(mint.clock.now))),
            ("ath", .string(Base64URL.encode(SHA256.digest(token).bytes))))
        changeHeader(&header)
        change(&claims)
        return try (signer ?? holder).token(
            header: JSONValue.object(header).text, claims: JSONValue.object(claims).text)
    }

    private func showing(
        _ proofs: String..., scheme: Showing.Scheme = .proof, isRehearsal: Bool = false
    ) -> Showing {
        var showing = Showing()
        showing.scheme = scheme
        showing.proofs = proofs
        showing.method = "POST"
        showing.url = Self.url
        showing.isRehearsal = isRehearsal
        return showing
    }

    private func refusal(_ token: String, _ showing: Showing) async -> Refusal? {
        do throws(Refusal) {
            _ = try await stage.identify(.bearer(token, shown: showing))
            return nil
        } catch { return error }
    }

    @Test func aProofServesOnce() async throws {
        let token = try bound()
        let proof = try proof(of: token)
        // The head of a request is looked at before its body is read.
        #expect(await refusal(token, showing(proof, isRehearsal: true)) == nil)
        #expect(await refusal(token, showing(proof)) == nil)
        #expect(await refusal(token, showing(proof))?.noted == "token: proof used before")
        #expect(await refusal(token, showing(try self.proof(of: token, id: "id-2"))) == nil)
    }

    @Test func aBoundTokenShownPlainlyIsRefused() async throws {
        let token = try bound()
        #expect(await refusal(token, Showing())?.code == .identityProof)
        let good = try proof(of: token)
        #expect(await refusal(token, showing(good, scheme: .bearer))?.code == .identityProof)
        // Also when it is remembered from a request that had a proof.
        #expect(await refusal(token, showing(good)) == nil)
        #expect(await refusal(token, Showing())?.code == .identityProof)
        #expect(await refusal(token, showing())?.code == .identityProof)
    }

    @Test func aPlainTokenShownAsBoundIsRefused() async throws {
        let token = try mint.token()
        #expect(await refusal(token, showing(try proof(of: token)))?.code == .identityProof)
        #expect(await refusal(token, Showing()) == nil)
    }

    @Test func everyPartOfAProofCounts() async throws {
        let token = try bound()
        let other = try bound { $0["jti"] = "other" }
        let thief = try TokenMint(clock: mint.clock)
        let now = mint.clock.now
        let wrong: [(String, String)] = [
            ("method", try proof(of: token) { $0["htm"] = "GET" }),
            ("method", try proof(of: token) { $0["htm"] = "post" }),
            ("URL", try proof(of: token) { $0["htu"] = "https://tools.example/other" }),
            ("URL", try proof(of: token) { $0["htu"] = "http://tools.example/mcp" }),
            ("URL", try proof(of: token) { $0["htu"] = "https://tools.example.evil/mcp" }),
            ("another token", try proof(of: other)),
            ("another token", try proof(of: token) { $0["ath"] = nil }),
            ("time", try proof(of: token) { $0["iat"] = .number(JSONNumber(now - 301)) }),
            ("time", try proof(of: token) { $0["iat"] = .number(JSONNumber(now + 301)) }),
            ("time", try proof(of: token) { $0["iat"] = nil }),
            ("id", try proof(of: token) { $0["jti"] = nil }),
            ("id", try proof(of: token) { $0["jti"] = "" }),
            ("header", try proof(of: token, header: { $0["typ"] = "jwt" })),
            ("header", try proof(of: token, header: { $0["jwk"] = nil })),
            (
                "header",
                try proof(
                    of: token,
                    header: { header in
                        var jwk = self.holder.jwk(nil)
                        jwk["d"] = "AAAA"
                        header["jwk"] = .object(jwk)
                    })
            ),
            ("algorithm", try proof(of: token, header: { $0["alg"] = "none" })),
            ("signature", try proof(of: token, by: thief)),
            (
                "another key",
                try proof(of: token, header: { $0["jwk"] = .object(thief.jwk(nil)) }, by: thief)
            ),
            ("form", "x"), ("form", ""),
        ]
        for (fault, proof) in wrong {
            let refusal = await refusal(token, showing(proof))
            #expect(refusal?.code == .identityProof, "\(fault)")
            #expect(refusal?.noted?.contains(fault) == true, "\(fault): \(refusal?.noted ?? "")")
        }
        let good = try proof(of: token)
        #expect(await refusal(token, showing(good, good))?.code == .identityProof)
        #expect(await refusal(token, showing(good)) == nil)
    }

    @Test func aURLIsTheSameInItsUsualSpellings() async throws {
        let token = try bound()
        for (number, url) in [
            "HTTPS://Tools.Example/mcp", "https://tools.example:443/mcp",
            "https://tools.example/mcp?a=b", "https://tools.example/mcp#c",
        ].enumerated() {
            let proof = try proof(of: token, id: "u\(number)") { $0["htu"] = .string(url) }
            #expect(await refusal(token, showing(proof)) == nil, "\(url)")
        }
    }

    @Test func withoutAMemoryOfProofsNoneIsGood() async throws {
        let clock = mint.clock
        let bare = IdentityStage(issuers: try mint.issuers, now: { clock.now })
        let token = try bound()
        let proof = try proof(of: token)
        await #expect(throws: Refusal.self) {
            try await bare.identify(.bearer(token, shown: showing(proof)))
        }
        state.fail(StateError(.unavailable, detail: "the disk of the test"))
        #expect(await refusal(token, showing(proof))?.code == .stateUnavailable)
    }

    @Test func aTokenOfACertificateNeedsItOnItsConnection() async throws {
        let mine = SHA256.digest("my certificate")
        let token = try mint.token { claims in
            claims["cnf"] = ["x5t#S256": .string(Base64URL.encode(mine.bytes))]
        }
        var showing = Showing()
        #expect(await refusal(token, showing)?.code == .identityProof)
        showing.certificate = SHA256.digest("another")
        #expect(await refusal(token, showing)?.code == .identityProof)
        showing.certificate = mine
        #expect(await refusal(token, showing) == nil)
        showing.certificate = nil
        #expect(await refusal(token, showing)?.code == .identityProof)
    }

    @Test(arguments: [
        "{}", "null", "[]", "\"x\"", #"{"kid": "a"}"#, #"{"jwk": {}}"#, #"{"jkt": "short"}"#,
        #"{"jkt": 1}"#,
        #"{"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2", "osc": {}}"#,
    ])
    func aBindingThatIsNotUnderstoodIsNotMet(_ text: String) async throws {
        let value = try JSONParser.parse(Array(text.utf8))
        let token = try mint.token { $0["cnf"] = value }
        #expect(await refusal(token, Showing())?.code == .identityInvalid)
    }
}
