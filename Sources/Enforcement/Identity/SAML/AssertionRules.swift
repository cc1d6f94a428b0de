/// What assertions of one SAML identity provider must be, and what they mean here.
package struct AssertionRules: Sendable {
    /// The provider by its entity id, and what the tokens that come of its assertions must be.
    package var issuer: IssuerRules
    package var keys: [VerificationKey]
    /// How its assertions name this server.
    package var audience: String
    /// The URL at which they may be shown.
    package var recipient: String
    /// The attribute that holds groups; nil: nobody is in any.
    package var groups: String?
    /// Claims of the token, and the attributes that they come from.
    package var claims: [(claim: String, attribute: String)]
    package var tokenSeconds: Int
    /// An assertion that would be good for longer is refused: its use is remembered as long.
    package var assertionSecondsMax: Int

    package init(
        issuer: IssuerRules, keys: [VerificationKey], audience: String, recipient: String,
        groups: String? = nil, claims: [(claim: String, attribute: String)] = [],
        tokenSeconds: Int = 600, assertionSecondsMax: Int = 3_600
    ) {
        self.issuer = issuer
        self.keys = keys
        self.audience = audience
        self.recipient = recipient
        self.groups = groups
        self.claims = claims
        self.tokenSeconds = tokenSeconds
        self.assertionSecondsMax = assertionSecondsMax
    }

    /// Claims that say who vouches for what: no attribute may stand in for them.
    package static let reservedClaims = [
        "iss", "sub", "aud", "exp", "iat", "nbf", "jti", "act", "cnf", "azp", "client_id", "groups",
        "email_verified", "hasgroups", "_claim_names",
    ]
}
