import JSON
import TestSupport
import Testing

@testable import Enforcement

/// Tokens that somebody made to be believed: each table says what becomes of every one of them.
@Suite struct TokenAttackTests {
    let mint: TokenMint
    let issuers: TrustedIssuers
    private let header = #"{"alg":"ES256","typ":"at+jwt","kid":"key-1"}"#

    init() throws {
        mint = try TokenMint()
        issuers = try mint.issuers
    }

    /// What is on record of a refusal; nil where the token is good and of `ada`.
    private func fault(_ token: String, _ issuers: TrustedIssuers? = nil) async -> String? {
        do throws(Refusal) {
            let caller = try await (issuers ?? self.issuers).caller(of: token, now: mint.clock.now)
            #expect(caller.subject == "ada", "somebody else was let in")
            return nil
        } catch {
            return error.code == .identityExpired
                ? "expired" : error.noted?.replacingFirst("token: ", with: "")
        }
    }

    /// The claims of a good token as text, with `more` before their end.
    private func claims(_ more: String = "") -> String {
        let text = JSONValue.object(mint.claims).text
        return more.isEmpty ? text : text.dropLast() + "," + more + "}"
    }

    private func with(_ name: String, _ value: JSONValue?) throws -> String {
        try mint.token { $0[name] = value }
    }

    // MARK: Form

    @Test func nothingButThreePartsOfBase64URLIsRead() async throws {
        let good = try mint.token()
        let parts = good.split(separator: ".").map(String.init)
        let (head, body, sign) = (parts[0], parts[1], parts[2])
        let forms = [
            "", ".", "..", "...", head, "\(head).\(body)", "\(head).\(body).", ".\(body).\(sign)",
            "\(head)..\(sign)", "\(good).", "\(good).\(sign)", ".\(good)",
            "\(head).\(body).\(sign)=",
            "\(head)=.\(body).\(sign)", "\(head).\(body)=.\(sign)", " \(good)", "\(good) ",
            "\(good)\n", "\(head).\n\(body).\(sign)", "\(head).\(body).\(sign)+",
            "\(head).\(body)/.\(sign)", "\(head).\(body).\(sign)\0", "Bearer \(good)",
            "\(head).\(body).\(sign)é", "\(head)\u{FF0E}\(body).\(sign)", "\"\(good)\"",
            #"{"payload":"\#(body)","protected":"\#(head)","signature":"\#(sign)"}"#,
            // One character less, one more, another case: other bytes.
            "\(head).\(body).\(sign.dropLast())", "\(head).\(body).\(sign)A",
            "\(head).\(body).\(sign.uppercased())", "\(head.dropLast()).\(body).\(sign)",
            "\(head).\(body.dropFirst()).\(sign)", "\(body).\(head).\(sign)",
        ]
        #expect(await fault(good) == nil)
        for form in forms { #expect(await fault(form) != nil, "\(form)") }
    }

    @Test func whatTwoReadersCouldReadInTwoWaysIsNotRead() async throws {
        let headers = [
            #"{"alg":"ES256","alg":"ES256","kid":"key-1"}"#,
            #"{"alg":"none","alg":"ES256","kid":"key-1"}"#,
            #"{"alg":"ES256","\u0061lg":"none","kid":"key-1"}"#,
            #"{"alg":"ES256","kid":"other","kid":"key-1"}"#, #"["ES256"]"#, #""ES256""#, "null",
            "{}", "", #"{"alg":"ES256","kid":"key-1"}{}"#, #"{"alg":"ES256","kid":"key-1"} x"#,
            #"{"alg":"ES256","kid":"key-1",}"#, #"{alg:"ES256",kid:"key-1"}"#,
            #"{'alg':'ES256','kid':'key-1'}"#, #"{"alg":"ES256","kid":"key-1"//c"#,
            "\u{FEFF}" + header,
            #"{"alg":"ES256","kid":"key-1","x":\#(String(repeating: "[", count: 40))"#,
        ]
        for header in headers {
            let token = try mint.token(header: header, claims: claims())
            #expect(await fault(token) != nil, "\(header)")
        }
        let payloads = [
            claims(#""sub":"root""#), claims(#""\u0073ub":"root""#), claims(#""exp":9999999999"#),
            claims(#""aud":"shop""#), claims(#""iss":"toolserver:shop""#), claims(#""a":1,"a":1"#),
            claims(#""a":{"b":1,"b":2}"#), claims(#""a":01"#), claims(#""a":NaN"#),
            claims(#""a":"\ud800""#), claims(#""a":"\x41""#), claims("\"a\":\"\u{0}\""),
            claims() + claims(), claims() + "\u{0}", "[" + claims() + "]", "\u{FEFF}" + claims(),
            claims(
                #""a":\#(String(repeating: "[", count: 40))\#(String(repeating: "]", count: 40))"#),
        ]
        for payload in payloads {
            let token = try mint.token(header: header, claims: payload)
            #expect(await fault(token) == "encoding", "\(payload)")
        }
    }

    // MARK: Header

    @Test func theHeaderChoosesNothing() async throws {
        let jwk = JSONValue.object(mint.jwk(nil)).text
        let members: [(String, String?)] = [
            (#""alg":"none""#, "algorithm"), (#""alg":"NONE""#, "algorithm"),
            (#""alg":"nOnE""#, "algorithm"), (#""alg":"""#, "algorithm"),
            (#""alg":null"#, "algorithm"), (#""alg":["ES256"]"#, "algorithm"),
            (#""alg":{"alg":"ES256"}"#, "algorithm"), (#""alg":"HS256""#, "algorithm"),
            (#""alg":"HS384""#, "algorithm"), (#""alg":"es256""#, "algorithm"),
            (#""alg":"ES256 ""#, "algorithm"), (#""alg":"ES256K""#, "algorithm"),
            (#""alg":"\u0000ES256""#, "algorithm"), (#""alg":"ES384""#, "algorithm"),
            (#""alg":"RS256""#, "key id"), (#""alg":"PS256""#, "algorithm"),
            (#""alg":"EdDSA""#, "algorithm"), (#""alg":"dir""#, "algorithm"),
            (#""alg":"RSA-OAEP""#, "algorithm"), (#""alg":256"#, "algorithm"),
            (#""x":"y""#, nil), (#""jwk":\#(jwk)"#, nil),
            (#""jku":"https://evil.example/keys""#, nil), (#""x5u":"https://evil.example""#, nil),
            (#""x5c":["AAAA"]"#, nil), (#""crit":[]"#, "header `crit`"),
            (#""crit":["exp"],"exp":1"#, "header `crit`"), (#""b64":false"#, "header `b64`"),
            (#""b64":true"#, "header `b64`"), (#""zip":"DEF""#, "header `zip`"),
            (#""cty":"JWT""#, "header `cty`"), (#""enc":"A128GCM""#, nil),
        ]
        for (member, reason) in members {
            let alg = member.hasPrefix(#""alg""#) ? "" : #""alg":"ES256","#
            let header = #"{\#(alg)"kid":"key-1",\#(member)}"#
            #expect(
                await fault(try mint.token(header: header, claims: claims())) == reason, "\(header)"
            )
        }
        let kinds: [(String, Bool)] = [
            (#""JWT""#, true), (#""jwt""#, true), (#""AT+JWT""#, true),
            (#""application/at+jwt""#, true), (#""dpop+jwt""#, false), (#""logout+jwt""#, false),
            (#""secevent+jwt""#, false), (#""JOSE""#, false), (#""id_token+jwt""#, false),
            (#""at+jwt ""#, false), (#""at+jwt;v=1""#, false), (#""""#, false), ("null", false),
            (#"["JWT"]"#, false), (#""application/application/jwt""#, false),
        ]
        for (kind, isGood) in kinds {
            let header = #"{"alg":"ES256","kid":"key-1","typ":\#(kind)}"#
            let fault = await fault(try mint.token(header: header, claims: claims()))
            #expect(fault == (isGood ? nil : "type"), "\(kind)")
        }
        for id in [
            #""KEY-1""#, #""key-1 ""#, #""""#, "1", "null", #"["key-1"]"#, #""../key-1""#,
            #""key-1\u0000""#,
        ] {
            let header = #"{"alg":"ES256","kid":\#(id)}"#
            #expect(
                await fault(try mint.token(header: header, claims: claims())) == "key id", "\(id)")
        }
    }

    // MARK: Claims

    @Test func theIssuerAndTheAudienceAreOursToTheByte() async throws {
        let audiences: [(JSONValue?, Bool)] = [
            ("shop", true), (["shop"], true), (["other", "shop"], true), (nil, false), ("", false),
            ([], false), ("Shop", false), ("shop ", false), ("shop/", false), (["shopp"], false),
            ("shop,other", false), ("other shop", false), (["shop", 1], false), (1, false),
            (true, false), (.null, false), (["aud": "shop"], false), ([["shop"]], false),
            ("*", false), ("sh\u{200B}op", false), ("\u{FF53}hop", false),
        ]
        for (audience, isGood) in audiences {
            #expect(await fault(try with("aud", audience)) == (isGood ? nil : "audience"))
        }
        for issuer: JSONValue? in [
            nil, "", "toolserver:shop/", "Toolserver:shop", "toolserver:shop ", 1, .null,
            ["toolserver:shop"], "toolserver:shop\u{0}", "local", "local-user", "any",
        ] {
            #expect(
                await fault(try with("iss", issuer)) == "issuer", "\(String(describing: issuer))")
        }
    }

    @Test func timesAreNumbersAndHoldTogether() async throws {
        let now = mint.clock.now
        func number(_ seconds: Int) -> JSONValue { .number(JSONNumber(seconds)) }
        let cases: [(String, JSONValue?, String?)] = [
            ("exp", nil, "no expiry"), ("exp", "9999999999", "time `exp`"),
            ("exp", .null, "time `exp`"),
            ("exp", true, "time `exp`"), ("exp", [number(now + 60)], "time `exp`"),
            ("exp", number(0), "time `exp`"), ("exp", number(-1), "time `exp`"),
            ("exp", number(1 << 40), "time `exp`"), ("exp", number(now), nil),
            ("exp", number(now - 59), "issued after its expiry"),
            ("exp", number(now - 60), "expired"),
            ("exp", number(now + 86_390), nil), ("exp", number(now + 86_391), "lifetime"),
            ("exp", number(now + 10_000_000), "lifetime"),
            ("iat", nil, nil), ("iat", "1", "time `iat`"), ("iat", .null, "time `iat`"),
            ("iat", number(now + 60), nil), ("iat", number(now + 61), "issued in the future"),
            ("iat", number(now - 90_000), "lifetime"), ("iat", number(0), "time `iat`"),
            ("nbf", nil, nil), ("nbf", number(now + 60), nil),
            ("nbf", number(now + 61), "not valid yet"),
            ("nbf", "0", "time `nbf`"), ("nbf", .null, "time `nbf`"),
            ("nbf", number(now + 601), "not valid yet"),
        ]
        for (name, value, reason) in cases {
            #expect(
                await fault(try with(name, value)) == reason, "\(name) \(String(describing: value))"
            )
        }
        for text in ["1e400", "-0", "1e-400", "0.0", "1e12"] {
            let claims = claims().replacingFirst(#""exp":\#(now + 600)"#, with: #""exp":\#(text)"#)
            #expect(await fault(try mint.token(header: header, claims: claims)) != nil, "\(text)")
        }
        let fractions = claims().replacingFirst(
            #""exp":\#(now + 600)"#, with: #""exp":\#(now + 600).5"#)
        #expect(await fault(try mint.token(header: header, claims: fractions)) == nil)
    }

    /// A name is for people who read records and decide about calls: it must not look like another.
    @Test func aNameShowsWhatItIs() async throws {
        let names: [JSONValue?] = [
            nil, "", " ", "ada ", " ada", "\tada", "ada\n", "ada\r\nroot", "ada\u{0}", "ada\u{7F}",
            "ada\u{85}", "ada\u{200B}", "a\u{200D}da", "\u{202E}ada", "ada\u{2066}", "ada\u{FEFF}",
            "ada\u{AD}", "ada\u{2028}", "ada\u{A0}", "ada\u{3000}", "\u{2003}ada", "ada\u{3164}",
            "ada\u{115F}", "ada\u{FE0F}", "ada\u{34F}", "ada\u{E0061}", "ada\u{180E}", 1, true,
            .null,
            ["ada"], ["sub": "ada"], .string(String(repeating: "a", count: 1_025)),
        ]
        for name in names {
            #expect(await fault(try with("sub", name)) == "subject", "\(String(describing: name))")
            guard let name else { continue }
            for claim in ["client_id", "azp", "jti"] {
                let fault = await fault(try with(claim, name))
                #expect(fault == "claim `\(claim)`", "\(claim) \(name)")
            }
        }
        for name in ["ada lovelace", "ада", "阿达", "ada@example.com", "a\u{301}da", "CN=ada,O=x"] {
            let token = try mint.token { $0["sub"] = .string(name) }
            let caller = try await issuers.caller(of: token, now: mint.clock.now)
            #expect(caller.subject.isByteEqual(to: name))
        }
    }

    @Test func groupsAreTextsAndAllOfThem() async throws {
        let lists: [(JSONValue?, String?)] = [
            (nil, nil), ([], nil), (["a", "a"], nil), (.null, "groups"), ("support", "groups"),
            (1, "groups"), (["support", 1], "groups"), (["support", .null], "groups"),
            ([["support"]], "groups"), (["support": true], "groups"), (true, "groups"),
        ]
        for (groups, reason) in lists {
            #expect(
                await fault(try with("groups", groups)) == reason, "\(String(describing: groups))")
        }
    }

    /// Whoever is in too many groups must not look like somebody who is in none.
    @Test func groupsThatAreElsewhereAreRefused() async throws {
        let overage = "groups overage"
        let cases: [(String, JSONValue, String?)] = [
            ("_claim_names", ["groups": "src1"], overage), ("_claim_names", "groups", overage),
            ("_claim_names", ["groups"], overage), ("_claim_names", .null, overage),
            ("_claim_names", ["roles": "src1"], nil), ("_claim_names", [:], nil),
            ("hasgroups", true, overage), ("hasgroups", "true", overage), ("hasgroups", 1, overage),
            ("hasgroups", false, nil),
        ]
        for (name, value, reason) in cases {
            let token = try mint.token { claims in
                claims["groups"] = nil
                claims[name] = value
            }
            #expect(await fault(token) == reason, "\(name) \(value)")
        }
        // Application roles are whole, however many groups there are.
        var rules = mint.rules
        rules.groups = GroupsClaim(path: ["roles"])
        let byRoles = TrustedIssuers([TokenVerifier(rules, keys: try mint.keys())])
        let token = try mint.token { claims in
            claims["hasgroups"] = true
            claims["_claim_names"] = ["groups": "src1"]
            claims["roles"] = ["support"]
        }
        #expect(await fault(token, byRoles) == nil)
    }

    @Test func anActorIsOneOfTheSameIssuer() async throws {
        let actors: [(JSONValue, Bool)] = [
            (["sub": "robot"], true), (["sub": "robot", "iss": .string(TokenMint.issuer)], true),
            (["sub": "ada", "iss": "https://other.example"], false),
            (["sub": "robot", "iss": 1], false),
            (["sub": "robot", "iss": .null], false), (["sub": ""], false), (["sub": 1], false),
            (["client_id": "robot"], false), ([:], false), ("robot", false), ([], false),
            (.null, false), (["sub": "rob\u{200B}ot"], false), (["sub": "robot "], false),
        ]
        for (actor, isGood) in actors {
            let token = try with("act", actor)
            let caller: Caller?
            do throws(Refusal) {
                caller = try await issuers.caller(of: token, now: mint.clock.now)
            } catch {
                #expect(error.noted == "token: actor")
                caller = nil
            }
            #expect((caller != nil) == isGood, "\(actor)")
            if let caller {
                #expect(
                    caller.subject == "robot" && caller.onBehalfOf == "ada" && caller.kind == .agent
                )
            }
        }
    }

    @Test func aConfirmationThatCannotBeCheckedIsNotMet() async throws {
        let digest = JSONValue.string(Base64URL.encode([UInt8](repeating: 7, count: 32)))
        for confirmation: JSONValue in [
            [:], [], "x", .null, true, ["jkt": 1], ["jkt": ""], ["jkt": "AAAA"], ["jkt": .null],
            ["jwk": ["kty": "EC"]], ["kid": "key-1"], ["x5t": digest], ["x5t#s256": digest],
            ["jkt": digest, "kid": "key-1"], ["JKT": digest], ["osc": [:]], ["jku": "https://x"],
        ] {
            let fault = await fault(try with("cnf", confirmation))
            #expect(
                fault == "confirmation" || fault == "bound in an unknown way", "\(confirmation)")
        }
    }

    // MARK: Keys

    @Test func onlyTheNamedKeySignsAndOnlyItsAlgorithm() async throws {
        let other = try TokenMint(clock: mint.clock)
        #expect(await fault(try other.token()) == "signature")
        let both = IssuerKeys([
            try VerificationKey(jwk: mint.jwk()), try VerificationKey(jwk: other.jwk("key-2")),
        ])
        let issuers = mint.issuers(both)
        #expect(await fault(try other.token(header: { $0["kid"] = "key-2" }), issuers) == nil)
        #expect(await fault(try other.token(), issuers) == "signature")
        #expect(
            await fault(try mint.token(header: { $0["kid"] = "key-2" }), issuers) == "signature")
        // A signature of another token, and one of nothing.
        let parts = try mint.token().split(separator: ".")
        let evil = try mint.token { $0["sub"] = "root" }.split(separator: ".")
        for signature in [
            String(evil[2]), Base64URL.encode([UInt8](repeating: 0, count: 64)),
            Base64URL.encode([UInt8](repeating: 0xFF, count: 64)), Base64URL.encode([]),
            Base64URL.encode(Array("\(parts[0])".utf8)),
        ] {
            #expect(await fault("\(parts[0]).\(parts[1]).\(signature)") == "signature")
        }
        #expect(await fault("\(parts[0]).\(evil[1]).\(parts[2])") == "signature")
    }

    @Test func aKeyThatIsForSomethingElseVerifiesNothing() async throws {
        func keys(_ change: (inout JSONObject) -> Void) -> IssuerKeys? {
            var jwk = mint.jwk()
            change(&jwk)
            return IssuerKeys(["keys": [.object(jwk)]])
        }
        let changes: [(String, JSONValue?, Bool)] = [
            ("use", "sig", true), ("use", "enc", false), ("use", 1, false), ("alg", "ES256", true),
            ("alg", "RS256", false), ("alg", "ES384", false), ("key_ops", ["verify"], true),
            ("key_ops", ["sign"], false), ("key_ops", ["encrypt"], false), ("kid", nil, false),
            ("kty", "RSA", false), ("kty", "oct", false), ("crv", "P-384", false),
            ("x", "AAAA", false), ("y", nil, false), ("d", "AAAA", false),
        ]
        let token = try mint.token()
        for (name, value, isGood) in changes {
            let issuers = mint.issuers(try #require(keys { $0[name] = value }))
            #expect(
                (await fault(token, issuers) == nil) == isGood,
                "\(name) \(String(describing: value))")
        }
        #expect(
            IssuerKeys([:]) == nil && IssuerKeys(["keys": [:]]) == nil
                && IssuerKeys(JSONValue.array([])) == nil)
        let beside: JSONValue = ["keys": [1, .null, [:], "x", .object(mint.jwk())]]
        #expect(await fault(token, mint.issuers(try #require(IssuerKeys(beside)))) == nil)
    }
}
