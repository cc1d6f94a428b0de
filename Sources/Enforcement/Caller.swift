package import JSON

/// Who calls, as established by the identity stage.
package struct Caller: Sendable {
    package enum Kind: String, Sendable { case human, agent }

    private struct Parts {
        var issuer: String
        var subject: String
        var kind: Kind
        var onBehalfOf: String?
        var clientID: String?
        var groups: [Name]
        var email: String?
        var claims: JSONObject
        var tokenID: String?
        var expires: Int?
        var issued: Int?
        var binding: TokenBinding?
        var certificate: CertificateMark?
    }

    private var parts: Kept<Parts>

    package var issuer: String {
        get { parts.value.issuer }
        set { parts = parts.changed { $0.issuer = newValue } }
    }
    package var subject: String {
        get { parts.value.subject }
        set { parts = parts.changed { $0.subject = newValue } }
    }
    package var kind: Kind {
        get { parts.value.kind }
        set { parts = parts.changed { $0.kind = newValue } }
    }
    /// The person an agent acts for, from the token's `act` claim and nothing else.
    package var onBehalfOf: String? {
        get { parts.value.onBehalfOf }
        set { parts = parts.changed { $0.onBehalfOf = newValue } }
    }
    package var clientID: String? {
        get { parts.value.clientID }
        set { parts = parts.changed { $0.clientID = newValue } }
    }
    package var groups: [Name] {
        get { parts.value.groups }
        set { parts = parts.changed { $0.groups = newValue } }
    }
    /// Only one that the issuer says it has verified.
    package var email: String? {
        get { parts.value.email }
        set { parts = parts.changed { $0.email = newValue } }
    }
    package var claims: JSONObject {
        get { parts.value.claims }
        set { parts = parts.changed { $0.claims = newValue } }
    }
    package var tokenID: String? {
        get { parts.value.tokenID }
        set { parts = parts.changed { $0.tokenID = newValue } }
    }
    /// Seconds since 1970; nil for callers without a token (the operating-system user on stdio).
    package var expires: Int? {
        get { parts.value.expires }
        set { parts = parts.changed { $0.expires = newValue } }
    }
    /// Seconds since 1970, where the token says so.
    package var issued: Int? {
        get { parts.value.issued }
        set { parts = parts.changed { $0.issued = newValue } }
    }
    /// The key without which the token is nobody's.
    package var binding: TokenBinding? {
        get { parts.value.binding }
        set { parts = parts.changed { $0.binding = newValue } }
    }
    /// The certificate that says who this is; nil for everybody else.
    package var certificate: CertificateMark? {
        get { parts.value.certificate }
        set { parts = parts.changed { $0.certificate = newValue } }
    }

    package init(
        issuer: String, subject: String, kind: Kind = .human, onBehalfOf: String? = nil,
        clientID: String? = nil, groups: [Name] = [], claims: JSONObject = JSONObject(),
        email: String? = nil, tokenID: String? = nil, expires: Int? = nil
    ) {
        parts = Kept(
            Parts(
                issuer: issuer, subject: subject, kind: kind, onBehalfOf: onBehalfOf,
                clientID: clientID, groups: groups, email: email, claims: claims, tokenID: tokenID,
                expires: expires))
    }
}
