import JSON
import TestSupport
import Testing

@testable import Enforcement

private let folder = "public/wycheproof"

/// Signatures and keys that broke other libraries.
@Suite(.enabled(if: Corpora.has(folder), Comment(rawValue: Corpora.absence)))
struct WycheproofTests {
    /// Called valid, and refused here.
    private static let refusedThoughValid: [Int: String] = [
        // RFC 7520 signs with PS384 under a key that says PS256: the key decides.
        346: "PS384 by a key for PS256", 350: "PS384 by a key for PS256",
        // `ES521` is the name of no algorithm: ES512 is meant.
        347: "ES512 by a key for ES521", 351: "ES512 by a key for ES521",
    ]

    private struct Case {
        let group: JSONValue
        let test: JSONValue
        var id: Int { test["tcId"]?.int ?? 0 }
        var isValid: Bool { test["result"] == "valid" }
        var name: Comment { "\(id): \(test["comment"]?.string ?? "")" }
    }

    private static func cases(_ file: String) throws -> [Case] {
        let groups = try #require(
            Corpora.document("\(folder)/\(file)_test.json")["testGroups"]?.array)
        let cases = groups.flatMap { group in
            (group["tests"]?.array ?? []).map { Case(group: group, test: $0) }
        }
        #expect(!cases.isEmpty)
        return cases
    }

    /// Symmetric keys are the corpus's too; whatever it calls their signatures, none is one here.
    @Test(arguments: ["json_web_signature", "json_web_key"])
    func webSignatures(_ file: String) throws {
        for it in try Self.cases(file) {
            let published = try #require(it.group["public"] ?? it.group["private"])
            let set: JSONValue = published["keys"] == nil ? ["keys": [published]] : published
            let isShared = (set["keys"]?.array ?? []).contains { $0["kty"] == "oct" }
            let keys = try #require(IssuerKeys(set))
            let isAccepted = Self.isSigned(it.test["jws"]?.string ?? "", keys)
            guard Self.refusedThoughValid[it.id] == nil || file != "json_web_signature" else {
                #expect(!isAccepted, it.name)
                continue
            }
            #expect(isAccepted == (it.isValid && !isShared), it.name)
        }
    }

    private static func isSigned(_ text: String, _ keys: IssuerKeys) -> Bool {
        guard let form = try? CompactJWS(text), let id = form.header["kid"]?.string else {
            return false
        }
        return keys.keys(id, for: form.algorithm).contains { form.isSigned(by: $0) }
    }

    /// Called valid under keys with the exponent 3, which are no keys here.
    private static let smallExponent: Set = [258, 259]

    @Test(arguments: [
        ("ecdsa_secp256r1_sha256_p1363", SignatureAlgorithm.es256),
        ("ecdsa_secp384r1_sha384_p1363", .es384), ("ed25519", .edDSA),
        ("rsa_pss_2048_sha256_mgf1_32", .ps256), ("rsa_signature_2048_sha256", .rs256),
    ])
    func rawSignatures(_ file: String, _ algorithm: SignatureAlgorithm) throws {
        for it in try Self.cases(file) {
            let message = try #require(it.test["msg"]?.string.flatMap { Hex.decode($0) })
            let signature = try #require(it.test["sig"]?.string.flatMap { Hex.decode($0) })
            let key = try? VerificationKey(jwk: try #require(Self.jwk(of: it.group, algorithm)))
            if algorithm == .rs256, Self.smallExponent.contains(it.id) {
                #expect(key == nil, it.name)
                continue
            }
            let isAccepted = key?.isValid(signature, for: message, by: algorithm) ?? false
            // "acceptable" is legacy encoding, which nobody needs.
            #expect(isAccepted == it.isValid, it.name)
        }
    }

    /// Some groups give their point alone.
    private static func jwk(of group: JSONValue, _ algorithm: SignatureAlgorithm) -> JSONObject? {
        if let jwk = (group["publicKeyJwk"] ?? group["keyJwk"])?.object { return jwk }
        guard case .ec(let curve) = algorithm.keyKind,
            let point = group["publicKey"]?["uncompressed"]?.string.flatMap({ Hex.decode($0) })
        else { return nil }
        func coordinate(_ bytes: ArraySlice<UInt8>) -> JSONValue {
            .string(Base64URL.encode(Array(bytes)))
        }
        return JSONObject(
            ("kty", "EC"), ("crv", .string(curve.rawValue)),
            ("x", coordinate(point.dropFirst().prefix(curve.size))),
            ("y", coordinate(point.suffix(curve.size))))
    }
}
