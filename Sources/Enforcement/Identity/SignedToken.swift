import JSON

/// A compact JWS (RFC 7515 section 7.1) taken apart, its signature not yet believed.
///
/// Nothing in a token says how it is verified: `jku`, `x5u`, `jwk` and `x5c` are never read.
struct SignedToken {
    static let bytesMax = 8 * 1024
    /// Claims are small; a deep one is made to hurt.
    private static let limits = JSONLimits(depth: 32, bytes: bytesMax)

    let algorithm: SignatureAlgorithm
    let keyID: String
    let claims: JSONObject
    private let signed: [UInt8]
    private let signature: [UInt8]

    init(_ token: String) throws(Refusal) {
        guard token.utf8.count <= Self.bytesMax else { throw .invalidToken("size") }
        let bytes = Array(token.utf8)
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .invalidToken("form") }
        let header = try Self.object(in: parts[0])
        (algorithm, keyID) = try Self.read(header)
        guard let signature = Base64URL.decode(parts[2]) else {
            throw .invalidToken("signature encoding")
        }
        self.signature = signature
        signed = Array(bytes[..<parts[1].endIndex])
        claims = try Self.object(in: parts[1])
    }

    /// What the token says; only the signature of that issuer makes it true.
    var issuer: String? { claims["iss"]?.string }

    func isSigned(by key: VerificationKey) -> Bool {
        key.isValid(signature, for: signed, by: algorithm)
    }

    private static func read(
        _ header: JSONObject
    ) throws(Refusal) -> (SignatureAlgorithm, keyID: String) {
        guard let algorithm = header["alg"]?.string.flatMap({ SignatureAlgorithm.named($0) }) else {
            throw .invalidToken("algorithm")
        }
        guard let keyID = header["kid"]?.string else { throw .invalidToken("key id") }
        if let type = header["typ"] {
            guard let text = type.string, isAccessToken(text) else { throw .invalidToken("type") }
        }
        // RFC 7515 4.1.11: an extension that must be understood and is not. RFC 7797 b64 and
        // compression change what is signed; a nested type hides another token.
        for name in ["crit", "b64", "zip", "cty"] where header[name] != nil {
            throw .invalidToken("header `\(name)`")
        }
        return (algorithm, keyID)
    }

    /// Other kinds (`dpop+jwt`, `logout+jwt`, …) are signed by the same keys and mean other things.
    private static func isAccessToken(_ type: String) -> Bool {
        let type = type.lowercased()
        return ["jwt", "at+jwt", "application/jwt", "application/at+jwt"].contains {
            type.isByteEqual(to: $0)
        }
    }

    private static func object(in part: ArraySlice<UInt8>) throws(Refusal) -> JSONObject {
        guard let bytes = Base64URL.decode(part),
            let value = try? JSONParser.parse(bytes, limits: limits),
            case .object(let object) = value
        else { throw .invalidToken("encoding") }
        return object
    }
}
