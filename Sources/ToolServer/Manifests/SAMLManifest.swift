import Enforcement
import JSON

/// `saml` of an issuer in server.json: a provider that signs assertions, which `/token` exchanges.
enum SAMLManifest {
    static let keys = KeySet(
        required: ["certificates"],
        optional: ["audience", "recipient", "groups", "claims", "token", "lifetime"])
    /// Beside `saml`.
    static let issuerKeys = KeySet(
        required: ["issuer", "saml"], optional: ["audience", "leeway"])

    private static let claimsMax = 20

    static func read(
        _ node: Node, _ issuer: IssuerRules, resource: String, under directory: String
    ) -> AssertionRules? {
        guard let object = node.object(keys) else { return nil }
        let keys = object["certificates"].flatMap { certificates($0, under: directory) }
        let audience = object["audience"].map { $0.prose(atMost: 512) } ?? resource
        let recipient =
            object["recipient"].map { $0.resourceURL() }
            ?? ProtectedResource.base(of: resource) + TokenEndpoint.path
        let claims = object["claims"].map { self.claims($0) } ?? []
        let groups = object["groups"].map { $0.prose(atMost: 256) } ?? .some(nil)
        guard let keys, let audience, let recipient, let claims, let groups else { return nil }
        var rules = AssertionRules(
            issuer: issuer, keys: keys, audience: audience, recipient: recipient, groups: groups,
            claims: claims)
        rules.tokenSeconds = object["token"]?.seconds(in: 60...3_600) ?? rules.tokenSeconds
        rules.assertionSecondsMax =
            object["lifetime"]?.seconds(in: 60...86_400) ?? rules.assertionSecondsMax
        return rules
    }

    private static func certificates(_ node: Node, under directory: String) -> [VerificationKey]? {
        guard let elements = node.someElements() else { return nil }
        var keys: [VerificationKey] = []
        for element in elements {
            guard let path = element.path(under: directory) else { return nil }
            switch FileBytes.read(path) {
            case .failure(let failure):
                element.report("\(quoted(path)) \(failure.reason)")
                return nil
            case .success(let bytes):
                guard let read = CertificateKeys.read(pem: bytes) else {
                    element.report(
                        "\(quoted(path)) holds no PEM certificates of keys that sign well enough: RSA of 2048 bits or more, P-256, P-384 or P-521"
                    )
                    return nil
                }
                keys += read
            }
        }
        return keys
    }

    /// `{"email": "urn:oid:0.9.2342.19200300.100.1.3"}`: claims by the attributes that hold them.
    private static func claims(_ node: Node) -> [(claim: String, attribute: String)]? {
        guard let members = node.members() else { return nil }
        var claims: [(claim: String, attribute: String)] = []
        for member in members.prefix(claimsMax + 1) {
            guard let attribute = member.node.prose(atMost: 256) else { return nil }
            if AssertionRules.reservedClaims.contains(where: { $0.isByteEqual(to: member.name) }) {
                member.node.report(
                    "cannot be the claim \(quoted(member.name)), which this server sets itself")
            }
            claims.append((member.name, attribute))
        }
        if members.count > claimsMax { node.report("has more than \(claimsMax) claims") }
        return claims
    }
}
