import JSON
import Testing

@testable import Enforcement

@Suite struct IssuerKeysTests {
    private static func jwk(_ text: String) throws -> JSONObject {
        try #require(JSONParser.parse(Array(text.utf8)).object)
    }

    private static func fresh() throws -> JSONObject {
        let key = try ES256PrivateKey.generate().publicKey
        return JSONObject(distinct: [
            ("kty", "EC"), ("crv", "P-256"), ("kid", "k"),
            ("x", .string(Base64URL.encode(key.x))), ("y", .string(Base64URL.encode(key.y))),
        ])
    }

    private static func isRefused(_ jwk: JSONObject) -> Bool {
        (try? VerificationKey(jwk: jwk)) == nil
    }

    @Test func aPublicKeyForSignaturesIsTaken() throws {
        let key = try VerificationKey(jwk: Self.fresh())
        #expect(key.mayVerify(.es256))
        for other in SignatureAlgorithm.allCases where other != .es256 {
            #expect(!key.mayVerify(other))
        }
    }

    @Test func aKeyThatIsNotClearlyPublicAndForSignaturesIsPassedOver() throws {
        let changes: [(String, JSONValue)] = [
            ("d", "AAAA"), ("use", "enc"), ("use", 1), ("key_ops", ["encrypt"]),
            ("key_ops", "verify"),
            ("alg", "RS256"), ("alg", "HS256"), ("alg", "none"), ("alg", 1), ("kid", 1),
            ("kty", "oct"), ("kty", "RSA"), ("crv", "P-384"), ("crv", "secp256k1"), ("x", "AA"),
            ("x", "!"), ("y", .null),
        ]
        for (name, value) in changes {
            var jwk = try Self.fresh()
            jwk[name] = value
            #expect(Self.isRefused(jwk), "\(name)")
        }
    }

    @Test func aPointOffTheCurveIsNoKey() throws {
        var jwk = try Self.fresh()
        jwk["y"] = jwk["x"]
        #expect(Self.isRefused(jwk))
    }

    @Test(arguments: [
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "7P________________________________________8",
        "7P________________________________________38",
    ])
    func anEdwardsPointOfSmallOrderIsNoKey(_ x: String) throws {
        #expect(
            Self.isRefused(
                try Self.jwk(#"{"kty":"OKP","crv":"Ed25519","x":"\#(x)"}"#)))
    }

    @Test func anRSAKeyThatCanBeForgedIsNoKey() throws {
        let modulus = [0xC1] + [UInt8](repeating: 0x5B, count: 255)
        func isRefused(_ modulus: [UInt8], _ exponent: [UInt8]) -> Bool {
            Self.isRefused(
                JSONObject(distinct: [
                    ("kty", "RSA"), ("n", .string(Base64URL.encode(modulus))),
                    ("e", .string(Base64URL.encode(exponent))),
                ]))
        }
        #expect(!isRefused(modulus, [1, 0, 1]))
        #expect(isRefused(Array(modulus.dropLast()), [1, 0, 1]))
        #expect(isRefused([0] + modulus, [1, 0, 1]))
        #expect(isRefused(Array(modulus.dropLast()) + [2], [1, 0, 1]))
        for exponent: [UInt8] in [
            [], [1], [3], [0, 1, 0, 1], [1, 0, 2], [UInt8](repeating: 1, count: 9),
        ] {
            #expect(isRefused(modulus, exponent), "\(exponent)")
        }
    }

    @Test func aBrokenKeyDoesNotSpoilTheOthers() throws {
        let good = try Self.fresh()
        let keys = try #require(
            IssuerKeys(["keys": [.object(good), "text", .null, ["kty": "XYZ", "kid": "z"]]]))
        #expect(keys.count == 1)
        #expect(keys.keys("k", for: .es256).count == 1)
        #expect(keys.keys("z", for: .es256).isEmpty)
        #expect(IssuerKeys([:]) == nil)
    }
}
