import Backends
import Enforcement
import JSON

/// One of `issuers` in server.json: whose tokens count, how they are checked and what they mean.
enum IssuerManifest {
    static let local = "local"
    static let localKeys = KeySet(required: ["issuer"], optional: ["audience"])
    static let keys = KeySet(
        required: ["issuer"],
        optional: [
            "jwks", "introspection", "audience", "algorithms", "groups", "scopes", "leeway",
            "lifetime",
            "staleKeys", "networks", "ca",
        ])
    static let jwksKeys = KeySet(required: [], optional: ["file", "url"])
    static let introspectionKeys = KeySet(
        required: ["clientID", "secret"], optional: ["url", "keep"])
    static let groupsKeys = KeySet(required: ["claim"], optional: ["separator"])

    static func read(
        _ node: Node, resource: String, under directory: String
    ) -> ServerSettings.Issuer? {
        guard let members = node.members() else { return nil }
        let named = members.first { $0.name.isByteEqual(to: "issuer") }?.node
        let isAssertions = members.contains { $0.name.isByteEqual(to: "saml") }
        let isCertificates =
            !isAssertions && members.contains { $0.name.isByteEqual(to: "clients") }
        var isLocal = false
        if case .string(let text) = named?.value.content { isLocal = text.isByteEqual(to: local) }
        let known =
            isLocal
            ? localKeys
            : isAssertions
                ? SAMLManifest.issuerKeys
                : isCertificates ? CertificateManifest.issuerKeys : keys
        let object = ObjectReader(node, members: members, keys: known)
        let issuer = object["issuer"]?.prose(atMost: 512)
        // A certificate is for whoever asks for it.
        let meant = isCertificates ? nil : object["audience"]
        let audience = meant.map { $0.prose(atMost: 512) } ?? resource
        guard let issuer, let audience else { return nil }
        if IdentitySources.reserved.contains(where: { $0.isByteEqual(to: issuer) }) {
            named?.report("is a name that grants use for something else")
        }
        var rules = IssuerRules(issuer: issuer, audience: audience)
        guard !isLocal else {
            rules.algorithms = [.es256]
            return ServerSettings.Issuer(rules: rules, keys: .installation)
        }
        if isCertificates {
            let read = object["clients"].flatMap {
                CertificateManifest.read($0, issuer: issuer, under: directory)
            }
            guard let read else { return nil }
            var made = ServerSettings.Issuer(rules: rules, keys: .nowhere)
            made.certificates = read
            return made
        }
        rules.leewaySeconds = object["leeway"]?.seconds(in: 0...300) ?? rules.leewaySeconds
        if isAssertions, let saml = object["saml"] {
            rules.algorithms = [.es256]
            let assertions = SAMLManifest.read(saml, rules, resource: resource, under: directory)
            guard let assertions else { return nil }
            var made = ServerSettings.Issuer(rules: rules, keys: .installation)
            made.assertions = assertions
            return made
        }
        guard
            let algorithms = object["algorithms"].map({ Self.algorithms($0) }) ?? rules.algorithms,
            let groups = object["groups"].map({ Self.groups($0) }) ?? rules.groups,
            let scopes = object["scopes"].map({ $0.names { $0.scopeToken() } }) ?? [],
            let introspection = object["introspection"].map({ introspection($0, under: directory) })
                ?? .some(nil),
            let keys = keys(object, named, hasIntrospection: introspection != nil, directory)
        else { return nil }
        rules.algorithms = algorithms
        rules.groups = groups
        rules.scopes = scopes
        rules.lifetimeSecondsMax =
            object["lifetime"]?.seconds(in: 60...604_800) ?? rules.lifetimeSecondsMax
        var made = ServerSettings.Issuer(rules: rules, keys: keys, introspection: introspection)
        made.staleSeconds = object["staleKeys"]?.seconds(in: 60...86_400)
        made.networks =
            object["networks"]?.someElements()?.compactMap { $0.network() } ?? []
        made.authorities = object["ca"].flatMap { $0.path(under: directory) }
        return made
    }

    /// From a file, from a URL, or from where the issuer's metadata says.
    private static func keys(
        _ object: ObjectReader, _ issuer: Node?, hasIntrospection: Bool, _ directory: String
    ) -> ServerSettings.Issuer.Keys? {
        guard let node = object["jwks"] else {
            guard let issuer, let text = issuer.string() else { return nil }
            if let url = try? HTTPURL(text), url.query == nil {
                return check(url, issuer) ? .discovery : nil
            }
            if hasIntrospection { return .nowhere }
            issuer.report("is no URL at which its keys could be discovered; add `jwks`")
            return nil
        }
        guard let jwks = node.object(jwksKeys) else { return nil }
        switch (jwks["file"], jwks["url"]) {
        case (let file?, nil): return self.keys(file, under: directory).map { .file($0) }
        case (nil, let url?): return url.issuerURL().map { .url($0) }
        default:
            node.report("must have one of `file` and `url`")
            return nil
        }
    }

    private static func introspection(
        _ node: Node, under directory: String
    ) -> ServerSettings.Issuer.Introspection?? {
        guard let object = node.object(introspectionKeys) else { return nil }
        let url = object["url"].map { $0.issuerURL() }
        guard let client = object["clientID"]?.prose(atMost: 512),
            let secret = object["secret"]?.secret(under: directory), let url = url ?? .some(nil)
        else { return nil }
        return .some(
            .init(
                url: url, clientID: client, secret: secret,
                keptSeconds: object["keep"]?.seconds(in: 1...300) ?? 60))
    }

    fileprivate static func check(_ url: HTTPURL, _ node: Node) -> Bool {
        if url.isSecure || isThisMachine(url) { return true }
        node.report("must be an https:// URL: whoever can change its answers can be anybody")
        return false
    }

    /// What is asked there passes no network.
    static func isThisMachine(_ url: HTTPURL) -> Bool {
        if url.host.isByteEqual(to: "localhost") { return true }
        guard let address = HostName.address(url.host) else { return false }
        return address.count == 4
            ? address[0] == 127 : address.dropLast().allSatisfy { $0 == 0 } && address[15] == 1
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

    private static func keys(_ file: Node, under directory: String) -> IssuerKeys? {
        guard let path = file.path(under: directory) else { return nil }
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
    fileprivate func issuerURL() -> HTTPURL? {
        guard let text = string() else { return nil }
        do throws(HTTPURL.Failure) {
            let url = try HTTPURL(text)
            return IssuerManifest.check(url, self) ? url : nil
        } catch {
            report(error.reason)
            return nil
        }
    }

    func seconds(in range: ClosedRange<Int>) -> Int? {
        duration(in: .seconds(range.lowerBound)...(.seconds(range.upperBound)))
            .map { Int($0.components.seconds) }
    }
}

extension ProtectedResource {
    /// Clients sign in with an outside issuer; tokens of our own are handed out by people, and
    /// certificates are not asked for here.
    init(_ settings: ServerSettings) {
        self.init(
            resource: settings.http.resource,
            issuers: settings.issuers.filter(\.isSignIn).map(\.rules.issuer),
            scopes: settings.scopes)
    }
}
