package import JSON

/// A public key of an issuer, from a JWK (RFC 7517), and what it may verify.
///
/// The key decides about the algorithm, never the token: an RSA key verifies RSA signatures only,
/// and one that names its `alg` that alone.
package struct VerificationKey: Sendable {
    enum Kind: Sendable, Equatable {
        case rsa
        case ec(Curve)
        case ed25519
    }

    /// Below, a signature can be forged; above, checking one costs too much (RFC 7518 3.3).
    private static let modulusBits = 2_048...16_384

    package let id: Name?
    /// RFC 7638, over the required members alone: equal keys have equal thumbprints.
    package let thumbprint: Digest32
    private let kind: Kind
    private let only: SignatureAlgorithm?
    private let handle: KeyHandle

    /// Throws for every key that is not clearly a public key for signatures; whoever reads a set
    /// passes over it.
    package init(jwk: JSONObject) throws(CryptoError) {
        // A published private key belongs to everybody.
        guard jwk["d"] == nil, jwk["k"] == nil, Self.isForVerifying(jwk) else { throw .invalidKey }
        let required: JSONObject
        (kind, handle, required) = try Self.publicKey(jwk)
        switch jwk["kid"] {
        case nil: id = nil
        case .string(let text): id = Name(text)
        default: throw .invalidKey
        }
        switch jwk["alg"] {
        case nil: only = nil
        case .string(let text):
            guard let named = SignatureAlgorithm.named(text), named.keyKind == kind else {
                throw .invalidKey
            }
            only = named
        default: throw .invalidKey
        }
        thumbprint = SHA256.digest(JSONValue.object(required).bytes)
    }

    package func mayVerify(_ algorithm: SignatureAlgorithm) -> Bool {
        algorithm.keyKind == kind && (only == nil || only == algorithm)
    }

    package func isValid(
        _ signature: [UInt8], for message: [UInt8], by algorithm: SignatureAlgorithm
    ) -> Bool {
        guard mayVerify(algorithm) else { return false }
        var form = signature
        if case .ec(let curve) = kind {
            guard let der = ECDSASignature.der(raw: signature, size: curve.size) else {
                return false
            }
            form = der
        }
        return handle.isValid(
            form, for: message, digest: algorithm.digest, isPSS: algorithm.isPSS)
    }

    private static func isForVerifying(_ jwk: JSONObject) -> Bool {
        if let use = jwk["use"], use.string?.isByteEqual(to: "sig") != true { return false }
        guard let operations = jwk["key_ops"] else { return true }
        return operations.array?.contains { $0.string?.isByteEqual(to: "verify") == true } ?? false
    }

    private static func publicKey(
        _ jwk: JSONObject
    ) throws(CryptoError) -> (Kind, KeyHandle, JSONObject) {
        func bytes(_ name: String) throws(CryptoError) -> [UInt8] {
            guard let text = jwk[name]?.string, let bytes = Base64URL.decode(text) else {
                throw .invalidKey
            }
            return bytes
        }
        func required(_ names: String...) -> JSONObject {
            JSONObject(distinct: names.map { ($0, jwk[$0] ?? .null) })
        }
        switch Name(jwk["kty"]?.string ?? "") {
        case "RSA":
            let handle = try rsa(modulus: bytes("n"), exponent: bytes("e"))
            return (.rsa, handle, required("e", "kty", "n"))
        case "EC":
            let name = jwk["crv"]?.string ?? ""
            guard let curve = Curve.allCases.first(where: { $0.rawValue.isByteEqual(to: name) })
            else { throw .invalidKey }
            let (x, y) = (try bytes("x"), try bytes("y"))
            guard x.count == curve.size, y.count == curve.size else { throw .invalidKey }
            let handle = try KeyHandle(curve: curve, point: [4] + x + y)
            return (.ec(curve), handle, required("crv", "kty", "x", "y"))
        case "OKP":
            guard jwk["crv"]?.string?.isByteEqual(to: "Ed25519") == true else { throw .invalidKey }
            let x = try bytes("x")
            guard x.count == 32, !Ed25519SmallOrder.contains(x) else { throw .invalidKey }
            return (.ed25519, try KeyHandle(ed25519: x), required("crv", "kty", "x"))
        default: throw .invalidKey
        }
    }

    private static func rsa(
        modulus: [UInt8], exponent: [UInt8]
    ) throws(CryptoError) -> KeyHandle {
        // Base64urlUInt has no leading zeros (RFC 7518 section 2).
        guard let first = modulus.first, first != 0, exponent.first != 0, exponent.count <= 8 else {
            throw .invalidKey
        }
        let bits = modulus.count * 8 - first.leadingZeroBitCount
        let value = exponent.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard modulusBits.contains(bits), modulus.last.map({ $0 & 1 }) == 1, value >= 65_537,
            value & 1 == 1, !WeakModulus.isFactorable(modulus)
        else { throw .invalidKey }
        return try KeyHandle(modulus: modulus, exponent: exponent)
    }
}

/// Points under which anybody can make signatures: the eight of small order, in all their
/// encodings.
private enum Ed25519SmallOrder {
    /// The y coordinates, little-endian, without the sign bit: 0, 1, the two of order 8, p-1, and
    /// the non-canonical p and p+1.
    private static let coordinates: [[UInt8]] = [
        [UInt8](repeating: 0, count: 32),
        [1] + [UInt8](repeating: 0, count: 31),
        [
            0x26, 0xE8, 0x95, 0x8F, 0xC2, 0xB2, 0x27, 0xB0, 0x45, 0xC3, 0xF4, 0x89, 0xF2, 0xEF,
            0x98, 0xF0, 0xD5, 0xDF, 0xAC, 0x05, 0xD3, 0xC6, 0x33, 0x39, 0xB1, 0x38, 0x02, 0x88,
            0x6D, 0x53, 0xFC, 0x05,
        ],
        [
            0xC7, 0x17, 0x6A, 0x70, 0x3D, 0x4D, 0xD8, 0x4F, 0xBA, 0x3C, 0x0B, 0x76, 0x0D, 0x10,
            0x67, 0x0F, 0x2A, 0x20, 0x53, 0xFA, 0x2C, 0x39, 0xCC, 0xC6, 0x4E, 0xC7, 0xFD, 0x77,
            0x92, 0xAC, 0x03, 0x7A,
        ],
        [0xEC] + [UInt8](repeating: 0xFF, count: 30) + [0x7F],
        [0xED] + [UInt8](repeating: 0xFF, count: 30) + [0x7F],
        [0xEE] + [UInt8](repeating: 0xFF, count: 30) + [0x7F],
    ]

    static func contains(_ key: [UInt8]) -> Bool {
        var unsigned = key
        unsigned[31] &= 0x7F
        return coordinates.contains(unsigned)
    }
}
