import JSON

/// A compact JWS (RFC 7515 section 7.1) taken apart, its signature not yet believed.
///
/// Nothing in it says how it is verified: `jku`, `x5u`, `jwk` and `x5c` are never read.
struct CompactJWS {
    static let bytesMax = 8 * 1024
    /// Headers and claims are small; a deep one is made to hurt.
    private static let limits = JSONLimits(depth: 32, bytes: bytesMax)

    let header: JSONObject
    let algorithm: SignatureAlgorithm
    let payload: [UInt8]
    private let signed: [UInt8]
    private let signature: [UInt8]

    init(_ token: String) throws(Refusal) {
        guard token.utf8.count <= Self.bytesMax else { throw .invalidToken("size") }
        let bytes = Array(token.utf8)
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .invalidToken("form") }
        guard let headerBytes = Base64URL.decode(parts[0]) else { throw .invalidToken("encoding") }
        header = try Self.object(headerBytes)
        guard let algorithm = header["alg"]?.string.flatMap({ SignatureAlgorithm.named($0) }) else {
            throw .invalidToken("algorithm")
        }
        self.algorithm = algorithm
        // RFC 7515 4.1.11: an extension that must be understood and is not. RFC 7797 b64 and
        // compression change what is signed; a nested type hides another token.
        for name in ["crit", "b64", "zip", "cty"] where header[name] != nil {
            throw .invalidToken("header `\(name)`")
        }
        guard let payload = Base64URL.decode(parts[1]) else { throw .invalidToken("encoding") }
        guard let signature = Base64URL.decode(parts[2]) else {
            throw .invalidToken("signature encoding")
        }
        self.payload = payload
        self.signature = signature
        signed = Array(bytes[..<parts[1].endIndex])
    }

    func isSigned(by key: VerificationKey) -> Bool {
        key.isValid(signature, for: signed, by: algorithm)
    }

    static func object(_ bytes: [UInt8]) throws(Refusal) -> JSONObject {
        guard let value = try? JSONParser.parse(bytes, limits: limits),
            case .object(let object) = value
        else { throw .invalidToken("encoding") }
        return object
    }
}
