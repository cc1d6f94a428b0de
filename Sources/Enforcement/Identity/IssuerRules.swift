package import JSON

/// What tokens of one issuer must be, and what their claims mean here.
package struct IssuerRules: Sendable {
    package var issuer: String
    /// What the `aud` of its tokens must hold: this server and no other.
    package var audience: String
    package var algorithms: [SignatureAlgorithm]
    package var groups: GroupsClaim
    /// A token without all of these is not meant for tools of this server.
    package var scopes: [Name] = []
    /// For clocks that differ.
    package var leewaySeconds: Int
    package var lifetimeSecondsMax: Int

    package init(
        issuer: String, audience: String, algorithms: [SignatureAlgorithm] = [.es256, .rs256],
        groups: GroupsClaim = GroupsClaim(), leewaySeconds: Int = 60,
        lifetimeSecondsMax: Int = 24 * 60 * 60
    ) {
        self.issuer = issuer
        self.audience = audience
        self.algorithms = algorithms
        self.groups = groups
        self.leewaySeconds = leewaySeconds
        self.lifetimeSecondsMax = lifetimeSecondsMax
    }
}

/// Where an issuer writes the groups of a person.
package struct GroupsClaim: Sendable {
    /// The names from the claims down to the value: `["realm_access", "roles"]`.
    package var path: [String]
    /// Between the groups of a text; nil where only an array of texts will do.
    package var separator: UInt8?

    package init(path: [String] = ["groups"], separator: UInt8? = nil) {
        self.path = path
        self.separator = separator
    }
}
