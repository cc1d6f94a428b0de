package import JSON

/// Who calls, as established by the identity stage.
package struct Caller: Sendable {
    package enum Kind: String, Sendable { case human, agent }

    package var issuer: String
    package var subject: String
    package var kind: Kind
    /// The person an agent acts for, from the token's `act` claim and nothing else.
    package var onBehalfOf: String?
    package var clientID: String?
    package var groups: [Name]
    /// Only one that the issuer says it has verified.
    package var email: String?
    package var claims: JSONObject
    package var tokenID: String?
    /// Seconds since 1970; nil for callers without a token (the operating-system user on stdio).
    package var expires: Int?
    /// Seconds since 1970, where the token says so.
    package var issued: Int?
    /// The key without which the token is nobody's.
    package var binding: TokenBinding?
    /// The certificate that says who this is; nil for everybody else.
    package var certificate: CertificateMark?

    package init(
        issuer: String, subject: String, kind: Kind = .human, onBehalfOf: String? = nil,
        clientID: String? = nil, groups: [Name] = [], claims: JSONObject = JSONObject(),
        email: String? = nil, tokenID: String? = nil, expires: Int? = nil
    ) {
        self.issuer = issuer
        self.subject = subject
        self.kind = kind
        self.onBehalfOf = onBehalfOf
        self.clientID = clientID
        self.groups = groups
        self.email = email
        self.claims = claims
        self.tokenID = tokenID
        self.expires = expires
    }
}
