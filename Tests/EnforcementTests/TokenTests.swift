import JSON
import TestSupport
import Testing

@testable import Enforcement

@Suite struct TokenTests {
    let mint: TokenMint
    let issuers: TrustedIssuers

    init() throws {
        mint = try TokenMint()
        issuers = try mint.issuers
    }

    private func refusal(_ token: String) async -> Refusal? {
        do throws(Refusal) {
            _ = try await issuers.caller(of: token, now: mint.clock.now)
            return nil
        } catch { return error }
    }

    private func caller(_ change: (inout JSONObject) -> Void) async throws -> Caller {
        try await issuers.caller(of: try mint.token(change), now: mint.clock.now)
    }

    // MARK: Good tokens

    @Test func aGoodTokenNamesItsCaller() async throws {
        let caller = try await caller { claims in
            claims["client_id"] = "desk"
            claims["jti"] = "id-1"
            claims["tenant"] = "acme"
        }
        #expect(caller.issuer == TokenMint.issuer)
        #expect(caller.subject == "ada")
        #expect(caller.kind == .human)
        #expect(caller.onBehalfOf == nil)
        #expect(caller.groups == ["support"])
        #expect(caller.clientID == "desk")
        #expect(caller.tokenID == "id-1")
        #expect(caller.expires == mint.clock.now + 660)
        #expect(caller.claims["tenant"] == "acme")
    }

    @Test func aTokenMustCarryTheScopesOfItsIssuer() async throws {
        var rules = IssuerRules(issuer: TokenMint.issuer, audience: TokenMint.audience)
        rules.scopes = ["tools.use", "profile"]
        let strict = TrustedIssuers([TokenVerifier(rules, keys: try mint.keys())])
        func code(_ claim: String, _ value: JSONValue?) async throws -> Refusal.Code? {
            let token = try mint.token { $0[claim] = value }
            do throws(Refusal) {
                _ = try await strict.caller(of: token, now: mint.clock.now)
                return nil
            } catch { return error.code }
        }
        #expect(try await code("scope", "openid profile tools.use") == nil)
        #expect(try await code("scp", "tools.use profile") == nil)
        #expect(try await code("scp", ["profile", "tools.use"]) == nil)
        for lacking: JSONValue in [
            "", "profile", "tools.use", "tools.use,profile", "Tools.use profile",
            "tools.users profile",
            [],
        ] {
            #expect(try await code("scope", lacking) == .identityScope, "\(lacking)")
        }
        #expect(try await code("scope", nil) == .identityScope)
        #expect(try await code("scope", 1) == .identityInvalid)
        #expect(try await code("scp", ["profile", 1]) == .identityInvalid)
        // Whoever is not believed is not told what a better token would need.
        let late = try mint.token { $0["exp"] = .number(JSONNumber(mint.clock.now - 99)) }
        do throws(Refusal) {
            _ = try await strict.caller(of: late, now: mint.clock.now)
        } catch { #expect(error.code == .identityExpired) }
    }

    @Test func anAgentActsForThePersonOfItsToken() async throws {
        let caller = try await caller { $0["act"] = ["sub": "robot"] }
        #expect(caller.kind == .agent)
        #expect(caller.subject == "robot")
        #expect(caller.onBehalfOf == "ada")
    }

    /// An actor who cannot be read must not pass for the person.
    @Test(arguments: [
        "null", "\"robot\"", "[]", "{}", "{\"sub\":1}", "{\"sub\":\"\"}", "{\"sub\":null}",
        "{\"sub\":\"a\\nb\"}", "true",
    ])
    func anUnreadableActorIsRefused(_ act: String) async throws {
        let value = try JSONParser.parse(Array(act.utf8))
        let token = try mint.token { $0["act"] = value }
        #expect(await refusal(token)?.code == .identityInvalid)
    }

    @Test func aTokenWithoutGroupsIsInNone() async throws {
        #expect(try await caller { $0["groups"] = nil }.groups == [])
        #expect(try await caller { $0["groups"] = [] }.groups == [])
    }

    @Test func theTypeMayBeAbsentOrAJWTs() async throws {
        for type in [nil, "JWT", "jwt", "at+jwt", "AT+JWT"] {
            let token = try mint.token(header: { $0["typ"] = type.map { .string($0) } })
            #expect(await refusal(token) == nil, "\(type ?? "none")")
        }
    }

    @Test func ourNameAmongSeveralAudiencesIsEnough() async throws {
        #expect(
            try await caller { $0["aud"] = ["other", .string(TokenMint.audience)] }.subject == "ada"
        )
    }

    // MARK: Claims

    static let badClaims: [(name: String, value: String?)] = [
        ("iss", nil), ("iss", "1"), ("iss", #"["toolserver:shop"]"#),
        ("iss", #""toolserver:shop/""#),
        ("iss", #""toolserver:sho""#), ("iss", #""Toolserver:shop""#), ("iss", "null"),
        ("aud", nil), ("aud", #""shop2""#), ("aud", #""sho""#), ("aud", #""Shop""#), ("aud", "[]"),
        ("aud", #"{"shop":true}"#), ("aud", "null"), ("aud", #"["a","b"]"#),
        ("aud", #"["shop",1]"#),
        ("aud", #"[["shop"]]"#), ("aud", #""shop ""#), ("aud", #""other shop""#),
        ("sub", nil), ("sub", #""""#), ("sub", "null"), ("sub", "7"), ("sub", #"["ada"]"#),
        ("sub", #""ada\r\nroot""#), ("sub", #""ada\u0000""#), ("sub", #""a\u007fb""#),
        ("groups", "null"), ("groups", #""support""#), ("groups", #"{"0":"support"}"#),
        ("groups", #"["support",1]"#), ("groups", #"[["support"]]"#),
        ("exp", nil), ("exp", #""9999999999""#), ("exp", "true"), ("exp", "[1]"), ("exp", "-1"),
        ("exp", "1e99"), ("exp", "99999999999999999999"),
        ("exp", "9223372036854775807"), ("exp", "1800086401"), ("exp", "null"),
        ("iat", #""1""#), ("iat", "-1"), ("iat", "1800000061"), ("iat", "1.5"),
        ("iat", "-9223372036854775808"), ("iat", "1799000000"),
        ("nbf", "1800000061"), ("nbf", #""1""#), ("nbf", "true"), ("nbf", "null"),
        ("nbf", "9223372036854775807"), ("nbf", "0"),
    ]

    @Test(arguments: badClaims)
    func aClaimThatIsNotRightIsRefused(_ name: String, _ value: String?) async throws {
        let json = try value.map { try JSONParser.parse(Array($0.utf8)) }
        let token = try mint.token { $0[name] = json }
        #expect(await refusal(token)?.code == .identityInvalid, "\(name) \(value ?? "absent")")
    }

    @Test func timesAreExact() async throws {
        let now = mint.clock.now
        func code(_ claims: (String, Int)...) async throws -> Refusal.Code? {
            let token = try mint.token { object in
                for (name, value) in claims { object[name] = .number(JSONNumber(value)) }
            }
            return await refusal(token)?.code
        }
        #expect(try await code(("exp", now - 59), ("iat", now - 70)) == nil)
        #expect(try await code(("exp", now - 60), ("iat", now - 70)) == .identityExpired)
        #expect(try await code(("exp", 1)) == .identityExpired)
        #expect(try await code(("exp", 0)) == .identityInvalid)
        #expect(try await code(("iat", now + 60)) == nil)
        #expect(try await code(("iat", now + 61)) == .identityInvalid)
        #expect(try await code(("nbf", now + 60)) == nil)
        #expect(try await code(("nbf", now + 61)) == .identityInvalid)
        #expect(try await code(("iat", now), ("exp", now + 86_400)) == nil)
        #expect(try await code(("iat", now - 1), ("exp", now + 86_400)) == .identityInvalid)
    }

    // MARK: Headers

    static let badHeaders: [(name: String, value: String?)] = [
        ("alg", nil), ("alg", #""none""#), ("alg", #""None""#), ("alg", #""NONE""#),
        ("alg", #""HS256""#), ("alg", #""RS256""#), ("alg", #""ES384""#), ("alg", #""ES256K""#),
        ("alg", #""es256""#), ("alg", #""ES256 ""#), ("alg", #""ES256\u0000""#),
        ("alg", #"["ES256"]"#),
        ("alg", "null"), ("alg", #""EdDSA""#),
        ("kid", nil), ("kid", #""key-2""#), ("kid", "1"), ("kid", "null"), ("kid", #"["key-1"]"#),
        ("kid", #""""#), ("kid", #""\u212Aey-1""#), ("kid", #""../key-1""#),
        ("kid", #""key-1\u0000""#),
        ("typ", #""JWE""#), ("typ", "1"), ("typ", "null"), ("typ", #""dpop+jwt""#),
        ("typ", #""id_token""#), ("typ", #""logout+jwt""#),
        ("crit", #"["exp"]"#), ("crit", "[]"), ("crit", "null"), ("crit", #"["b64"]"#),
        ("b64", "false"), ("b64", "true"), ("zip", #""DEF""#), ("cty", #""JWT""#),
    ]

    @Test(arguments: badHeaders)
    func aHeaderThatIsNotRightIsRefused(_ name: String, _ value: String?) async throws {
        let json = try value.map { try JSONParser.parse(Array($0.utf8)) }
        let token = try mint.token(header: { $0[name] = json })
        #expect(await refusal(token)?.code == .identityInvalid, "\(name) \(value ?? "absent")")
    }

    /// A key that comes with the token proves that its sender has a key.
    @Test(arguments: ["jwk", "jku", "x5u", "x5c"])
    func aKeyThatATokenBringsIsNotUsed(_ name: String) async throws {
        let attacker = try TokenMint(clock: mint.clock)
        let jwk: JSONValue = [
            "kty": "EC", "crv": "P-256",
            "x": .string(Base64URL.encode(attacker.key.publicKey.x)),
            "y": .string(Base64URL.encode(attacker.key.publicKey.y)),
        ]
        let token = try attacker.token(header: { $0[name] = jwk })
        #expect(await refusal(token)?.code == .identityInvalid)
    }

    // MARK: Signatures

    @Test func aForeignSignatureIsRefused() async throws {
        #expect(await refusal(try TokenMint(clock: mint.clock).token())?.code == .identityInvalid)
    }

    @Test func thePublicKeyIsNoSharedSecret() async throws {
        let x = mint.key.publicKey.x
        let y = mint.key.publicKey.y
        for secret in [
            x + y, [4] + x + y, Array(Base64URL.encode(x).utf8), [], Array("key-1".utf8),
        ] {
            for algorithm: JSONValue in ["HS256", "ES256"] {
                var header = mint.header
                header["alg"] = algorithm
                let signed =
                    Base64URL.encode(JSONValue.object(header).bytes) + "."
                    + Base64URL.encode(JSONValue.object(mint.claims).bytes)
                let tag = HMACSHA256.authenticate(Array(signed.utf8), key: secret)
                let token = signed + "." + Base64URL.encode(tag.bytes)
                #expect(await refusal(token)?.code == .identityInvalid)
            }
        }
    }

    @Test func everyFlippedBitBreaksTheSignature() async throws {
        let token = Array(try mint.token().utf8)
        for index in stride(from: 0, to: token.count, by: 5) where token[index] != 0x2E {
            var spoiled = token
            spoiled[index] ^= 1
            #expect(await refusal(String(decoding: spoiled, as: UTF8.self)) != nil, "byte \(index)")
        }
    }

    @Test func degenerateSignaturesAreRefused() async throws {
        let parts = try mint.token().split(separator: ".")
        let order = Hex.decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
        let n = try #require(order)
        let one = [UInt8](repeating: 0, count: 31) + [1]
        let zero = [UInt8](repeating: 0, count: 32)
        for signature in [zero + zero, one + one, n + n, n + one, one + n, zero + one, one + zero] {
            let token = parts[0] + "." + parts[1] + "." + Base64URL.encode(signature)
            #expect(await refusal(String(token))?.code == .identityInvalid)
        }
        let good = try #require(Base64URL.decode(String(parts[2])))
        for signature in [Array(good.dropLast()), good + [0], [0] + good, [], good + good] {
            let token = parts[0] + "." + parts[1] + "." + Base64URL.encode(signature)
            #expect(await refusal(String(token))?.code == .identityInvalid)
        }
    }

    // MARK: Form

    @Test func aTokenHasThreePartsAndNothingElse() async throws {
        let token = try mint.token()
        let parts = token.split(separator: ".").map(String.init)
        let spoiled = [
            "", ".", "..", "...", parts[0], parts[0] + "." + parts[1], token + ".", "." + token,
            token + "." + parts[2], parts[0] + "." + parts[1] + ".", ".." + parts[2],
            parts[0] + ".." + parts[2], "." + parts[1] + "." + parts[2], token + " ", " " + token,
            token + "\n", token + "=", parts[0] + "=." + parts[1] + "." + parts[2],
            parts[0] + "." + parts[1] + "=." + parts[2], token + "," + token,
            "Bearer " + token, token + "\u{0}", String(token.dropLast()),
            token.replacingDots(with: "\u{3002}"), "{\"payload\":\"\(parts[1])\"}",
        ]
        for text in spoiled {
            #expect(await refusal(text)?.code == .identityInvalid, "\(text)")
        }
        #expect(await refusal(token) == nil)
    }

    @Test func aHugeTokenIsRefusedUnread() async throws {
        let token = try mint.token { $0["pad"] = .string(String(repeating: "x", count: 9_000)) }
        #expect(await refusal(token)?.noted == "token: size")
        #expect(await refusal(String(repeating: ".", count: 100_000))?.noted == "token: size")
        #expect(await refusal(String(repeating: ".", count: 8_000))?.noted == "token: form")
    }

    @Test(arguments: [
        #"{"alg":"ES256","alg":"ES256","kid":"key-1"}"#,
        #"{"alg":"ES256","kid":"key-1","\u006bid":"key-1"}"#,
        #"{"alg":"ES256","kid":"key-1",}"#, #"{"alg":"ES256","kid":"key-1"} x"#, "[]", "null",
        "\"x\"", "", " ", #"{"alg":"ES256" /* */,"kid":"key-1"}"#,
    ])
    func aHeaderThatIsNotOneStrictObjectIsRefused(_ header: String) async throws {
        let token = try mint.token(header: header, claims: JSONValue.object(mint.claims).text)
        #expect(await refusal(token)?.code == .identityInvalid)
    }

    @Test func claimsThatAreNotOneStrictObjectAreRefused() async throws {
        let header = JSONValue.object(mint.header).text
        let claims = JSONValue.object(mint.claims).text
        let deep = String(repeating: "[", count: 1_500) + String(repeating: "]", count: 1_500)
        let open = String(claims.dropLast())
        let tails = [
            ",}", #","sub":"root"}"#, #","s\u0075b":"root"}"#, ",\"deep\":\(deep)}",
            ",\"x\":NaN}", ",\"x\":01}",
        ]
        let whole = ["[]", "null", "", "7", claims + claims, "\u{FEFF}" + claims]
        let spoiled: [String] = whole + tails.map { open + $0 }
        for text in spoiled {
            let token = try mint.token(header: header, claims: text)
            #expect(await refusal(token)?.code == .identityInvalid, "\(text.prefix(200))")
        }
        #expect(await refusal(try mint.token(header: header, claims: claims)) == nil)
    }

    @Test func aRefusalTellsNothingOfTheToken() async throws {
        let token = try mint.token { $0["sub"] = .null }
        let refusal = try #require(await self.refusal(token))
        #expect(!refusal.told.contains("ada") && !refusal.told.contains(token.prefix(20)))
        #expect(refusal.noted == "token: subject")
    }
}

extension String {
    fileprivate func replacingDots(with other: String) -> String {
        split(separator: ".").joined(separator: other)
    }
}
