import JSON

/// What an issuer vouches for, and how long that may be believed without asking again.
struct VerifiedToken: Sendable {
    let caller: Caller
    /// By which keys; nil where the issuer itself was asked.
    var keys: (any KeySource)?
    var generation = 0
    /// Seconds since 1970 at which the issuer must be asked again.
    var recheck: Int?
}

/// Whose tokens count.
package struct TrustedIssuers: Sendable {
    private let verifiers: [Name: TokenVerifier]
    private let opaque: OpaqueTokens?
    /// Those who name callers by the certificates that they show.
    let certificates: [CertificateIssuer]

    package init(
        _ verifiers: [TokenVerifier] = [], opaque: OpaqueTokens? = nil,
        certificates: [CertificateIssuer] = []
    ) {
        self.certificates = certificates
        self.verifiers = Dictionary(
            verifiers.map { (Name($0.rules.issuer), $0) }, uniquingKeysWith: { first, _ in first })
        self.opaque = opaque
    }

    /// Whose token is this? What it is bound to is for `IdentityStage` to check.
    package func caller(of token: String, now: Int) async throws(Refusal) -> Caller {
        try await verify(token, now: now).caller
    }

    /// The token chooses among the issuers that we trust, and must then be that issuer's.
    func verify(_ token: String, now: Int) async throws(Refusal) -> VerifiedToken {
        guard !verifiers.isEmpty || opaque != nil else {
            throw .invalidToken("no issuer is trusted")
        }
        if let opaque, token.utf8.count(where: { $0 == UInt8(ascii: ".") }) != 2 {
            return try await opaque.verify(token)
        }
        let token = try SignedToken(token)
        guard let issuer = token.issuer, let verifier = verifiers[Name(issuer)] else {
            throw .invalidToken("issuer")
        }
        return try await verifier.verify(token, now: now)
    }
}
