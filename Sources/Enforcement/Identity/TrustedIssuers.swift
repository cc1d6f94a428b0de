import JSON

/// Whose tokens count.
package struct TrustedIssuers: Sendable {
    private let verifiers: [Name: TokenVerifier]

    package init(_ verifiers: [TokenVerifier] = []) {
        self.verifiers = Dictionary(
            verifiers.map { (Name($0.rules.issuer), $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The token chooses among the issuers that we trust, and must then be that issuer's.
    package func verify(_ token: String, now: Int) throws(Refusal) -> Caller {
        guard !verifiers.isEmpty else { throw .invalidToken("no issuer is trusted") }
        let token = try SignedToken(token)
        guard let issuer = token.issuer, let verifier = verifiers[Name(issuer)] else {
            throw .invalidToken("issuer")
        }
        return try verifier.verify(token, now: now)
    }
}
