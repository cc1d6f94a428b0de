import Backends
import Enforcement
import JSON

/// `clients` of an issuer in server.json: an authority whose certificates say who calls.
enum CertificateManifest {
    /// Beside `clients`.
    static let issuerKeys = KeySet(required: ["issuer", "clients"], optional: [])
    static let keys = KeySet(required: ["ca", "callers"], optional: [])
    static let callerKeys = KeySet(
        required: ["subject"],
        optional: CertificateName.Kind.allCases.map(\.rawValue) + ["kind", "groups", "claims"])

    static let callersMax = 1_000
    private static let claimsMax = 20

    static func read(
        _ node: Node, issuer: String, under directory: String
    ) -> CertificateIssuer? {
        guard let object = node.object(keys) else { return nil }
        let authorities = object["ca"].flatMap { self.authorities($0, under: directory) }
        let callers = object["callers"].flatMap { self.callers($0) }
        guard let authorities, let callers else { return nil }
        return CertificateIssuer(issuer: issuer, authorities: authorities, members: callers)
    }

    /// What one issuer alone does not say. `http` nil: it has been reported.
    static func check(
        _ issuer: CertificateIssuer, beside others: [CertificateIssuer],
        _ http: ServerSettings.HTTP?, at node: Node
    ) {
        if let http, http.tls?.clientCA == nil {
            node.report(
                "needs `http.tls` with `clientCA`, where its authority stands too: otherwise no client shows a certificate"
            )
        }
        if let other = others.first(where: { !$0.authorities.isDisjoint(with: issuer.authorities) })
        {
            node.report("has an authority of \(quoted(other.issuer)); each belongs to one issuer")
        }
    }

    private static func authorities(_ node: Node, under directory: String) -> Set<Digest32>? {
        guard let path = node.path(under: directory) else { return nil }
        switch FileBytes.read(path) {
        case .failure(let failure):
            node.report("\(quoted(path)) \(failure.reason)")
            return nil
        case .success(let bytes):
            guard let thumbprints = CertificateKeys.authorities(pem: bytes) else {
                node.report("\(quoted(path)) must hold PEM certificates of authorities, at most 20")
                return nil
            }
            return thumbprints
        }
    }

    private static func callers(_ node: Node) -> [CertificateName: CertificateIssuer.Member]? {
        guard let elements = node.someElements() else { return nil }
        if elements.count > callersMax { node.report("has more than \(callersMax) callers") }
        var members: [CertificateName: CertificateIssuer.Member] = [:]
        for element in elements.prefix(callersMax) {
            guard let object = element.object(callerKeys), let name = name(object),
                let member = member(object)
            else { return nil }
            if members.updateValue(member, forKey: name) != nil {
                element.report("names a certificate that another caller has")
            }
        }
        return members
    }

    /// The one name by which a certificate is this caller's.
    private static func name(_ object: ObjectReader) -> CertificateName? {
        let given = CertificateName.Kind.allCases.compactMap { kind in
            object[kind.rawValue].map { (kind, $0) }
        }
        guard given.count == 1 else {
            let words = CertificateName.Kind.allCases.map(\.rawValue)
            object.node.report("must have exactly one of \(quoted(words))")
            return nil
        }
        let (kind, node) = given[0]
        guard let text = node.prose(atMost: 1_024) else { return nil }
        guard kind == .address else { return CertificateName(kind, text.utf8) }
        guard let address = HostName.address(text) else {
            node.report("must be a numeric address")
            return nil
        }
        return CertificateName(kind, address)
    }

    private static func member(_ object: ObjectReader) -> CertificateIssuer.Member? {
        let kinds = [Caller.Kind.agent, .human].map(\.rawValue)
        let kind = object["kind"].map { $0.choice(among: kinds) } ?? Caller.Kind.agent.rawValue
        let groups = object["groups"].map { $0.names { $0.identity() } } ?? []
        let claims = object["claims"].map { self.claims($0) } ?? JSONObject()
        guard let subject = object["subject"]?.identity(), let groups, let claims,
            let kind = kind.flatMap({ Caller.Kind(rawValue: $0) })
        else { return nil }
        return CertificateIssuer.Member(
            subject: subject.text, kind: kind, groups: groups, claims: claims)
    }

    private static func claims(_ node: Node) -> JSONObject? {
        guard let members = node.members() else { return nil }
        if members.count > claimsMax { node.report("has more than \(claimsMax) claims") }
        var claims = JSONObject()
        for member in members.prefix(claimsMax) {
            guard let text = member.node.prose(atMost: 256) else { return nil }
            claims[member.name] = .string(text)
        }
        return claims
    }
}
