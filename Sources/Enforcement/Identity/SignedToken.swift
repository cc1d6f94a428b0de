import JSON

/// An access token taken apart, its signature not yet believed.
struct SignedToken {
    let keyID: String
    let claims: JSONObject
    private let form: CompactJWS

    init(_ token: String) throws(Refusal) {
        form = try CompactJWS(token)
        // Without it a token would choose its key.
        guard let keyID = form.header["kid"]?.string else { throw .invalidToken("key id") }
        self.keyID = keyID
        if let type = form.header["typ"] {
            guard let text = type.string, Self.isAccessToken(text) else {
                throw .invalidToken("type")
            }
        }
        claims = try CompactJWS.object(form.payload)
    }

    var algorithm: SignatureAlgorithm { form.algorithm }

    /// What the token says; only the signature of that issuer makes it true.
    var issuer: String? { claims["iss"]?.string }

    func isSigned(by key: VerificationKey) -> Bool { form.isSigned(by: key) }

    /// Other kinds (`dpop+jwt`, `logout+jwt`, …) are signed by the same keys and mean other things.
    private static func isAccessToken(_ type: String) -> Bool {
        let type = type.lowercased()
        return ["jwt", "at+jwt", "application/jwt", "application/at+jwt"].contains {
            type.isByteEqual(to: $0)
        }
    }
}
