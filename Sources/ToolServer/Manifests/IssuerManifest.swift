import Enforcement
import JSON

/// One of `issuers` in server.json: whose tokens count, how they are checked and what they mean.
enum IssuerManifest {
    static let local = "local"
    static let localKeys = KeySet(required: ["issuer"], optional: ["audience"])
    static let keys = KeySet(
        required: ["issuer", "jwks"],
        optional: ["audience", "algorithms", "groups", "leeway", "lifetime"])
    static let jwksKeys = KeySet(
        required: ["file"], optional: [], unserved: ["url": "name a `file`"])
    static let groupsKeys = KeySet(required: ["claim"], optional: ["separator"])

    static func read(
        _ node: Node, resource: String, under directory: String
    ) -> ServerSettings.Issuer? {
        guard let members = node.members() else { return nil }
        let named = members.first { $0.name.isByteEqual(to: "issuer") }?.node
        var isLocal = false
        if case .string(let text) = named?.value.content { isLocal = text.isByteEqual(to: local) }
        let object = ObjectReader(node, members: members, keys: isLocal ? localKeys : keys)
        let issuer = object["issuer"]?.prose(atMost: 512)
        let audience = object["audience"].map { $0.prose(atMost: 512) } ?? resource
        guard let issuer, let audience else { return nil }
        if IdentitySources.reserved.contains(where: { $0.isByteEqual(to: issuer) }) {
            named?.report("is a name that grants use for something else")
        }
        var rules = IssuerRules(issuer: issuer, audience: audience)
        guard !isLocal else {
            rules.algorithms = [.es256]
            return ServerSettings.Issuer(rules: rules, keys: nil)
        }
        guard
            let algorithms = object["algorithms"].map({ Self.algorithms($0) }) ?? rules.algorithms,
            let groups = object["groups"].map({ Self.groups($0) }) ?? rules.groups,
            let keys = object["jwks"].flatMap({ Self.keys($0, under: directory) })
        else { return nil }
        rules.algorithms = algorithms
        rules.groups = groups
        rules.leewaySeconds = object["leeway"]?.seconds(in: 0...300) ?? rules.leewaySeconds
        rules.lifetimeSecondsMax =
            object["lifetime"]?.seconds(in: 60...604_800) ?? rules.lifetimeSecondsMax
        return ServerSettings.Issuer(rules: rules, keys: keys)
    }

    private static func algorithms(_ node: Node) -> [SignatureAlgorithm]? {
        let words = SignatureAlgorithm.allCases.map(\.rawValue)
        guard let elements = node.someElements() else { return nil }
        let algorithms = elements.compactMap { element in
            element.choice(among: words).flatMap { SignatureAlgorithm.named($0) }
        }
        return algorithms.count == elements.count ? algorithms : nil
    }

    /// `"groups"`, `["realm_access", "roles"]` or `{"claim": …, "separator": " "}`.
    private static func groups(_ node: Node) -> GroupsClaim? {
        switch node.value.content {
        case .object:
            guard let object = node.object(groupsKeys), let claim = object["claim"],
                let path = path(claim)
            else { return nil }
            guard let separator = object["separator"] else { return GroupsClaim(path: path) }
            guard let text = separator.string() else { return nil }
            guard text.utf8.count == 1, let byte = text.utf8.first, byte < 0x80 else {
                separator.report("must be one ASCII character")
                return nil
            }
            return GroupsClaim(path: path, separator: byte)
        default: return path(node).map { GroupsClaim(path: $0) }
        }
    }

    private static func path(_ node: Node) -> [String]? {
        if case .array = node.value.content {
            guard let elements = node.someElements() else { return nil }
            let path = elements.compactMap { $0.prose(atMost: 256) }
            return path.count == elements.count ? path : nil
        }
        return node.prose(atMost: 256).map { [$0] }
    }

    private static func keys(_ node: Node, under directory: String) -> IssuerKeys? {
        guard let file = node.object(jwksKeys)?["file"], let path = file.path(under: directory)
        else { return nil }
        let bytes: [UInt8]
        switch FileBytes.read(path) {
        case .success(let read): bytes = read
        case .failure(let failure):
            file.report("\(quoted(path)) \(failure.reason)")
            return nil
        }
        guard let document = try? JSONParser.parse(bytes), let keys = IssuerKeys(document) else {
            file.report("\(quoted(path)) is not a JSON Web Key Set")
            return nil
        }
        if keys.count == 0 { file.report("\(quoted(path)) holds no key that can verify a token") }
        return keys
    }
}

extension Node {
    fileprivate func seconds(in range: ClosedRange<Int>) -> Int? {
        duration(in: .seconds(range.lowerBound)...(.seconds(range.upperBound)))
            .map { Int($0.components.seconds) }
    }
}

extension ProtectedResource {
    /// Clients sign in with an outside issuer; tokens of our own are handed out by people.
    init(_ settings: ServerSettings) {
        self.init(
            resource: settings.http.resource,
            issuers: settings.issuers.filter { $0.keys != nil }.map(\.rules.issuer),
            scopes: settings.http.scopes)
    }
}

extension ServerSettings {
    func trustedIssuers(tokenKey: ES256PublicKey?) -> TrustedIssuers {
        TrustedIssuers(
            issuers.compactMap { issuer in
                let keys = issuer.keys ?? tokenKey.flatMap { LocalToken.keySet(of: $0) }
                return keys.map { TokenVerifier(issuer.rules, keys: $0) }
            })
    }
}
