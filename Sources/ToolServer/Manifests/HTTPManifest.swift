package import Backends
import Enforcement
package import EventLoop
import JSON

/// An HTTP backend as its file declares it; secrets are references still.
package struct HTTPSettings: Sendable {
    package enum Credential: Sendable {
        case nobody
        case bearer(Secret)
        case basic(user: String, password: Secret)
        case header(name: String, Secret)
        case oauth(OAuth)
        case signature(Signature)
    }

    package struct OAuth: Sendable {
        package var url: HTTPURL
        package var clientID: String
        package var secret: Secret
        package var scope: String?
        package var audience: String?
    }

    package struct Signature: Sendable {
        package var region: String
        package var service: String
        package var keyID: Secret
        package var secretKey: Secret
        package var sessionToken: Secret?
    }

    package struct TLS: Sendable {
        /// Whom to believe beside the system's authorities; PEM.
        package var authorities: String?
        /// What we present.
        package var certificate: String?
        package var key: String?
    }

    package var base: HTTPOptions.Base?
    package var egress: EgressRules
    package var credential: Credential
    package var tls: TLS
    package var limits: HTTPClient.Limits
}

/// Reads a backend of kind `http`.
struct HTTPManifest {
    static let keys = KeySet(
        required: ["backend", "kind"],
        optional: [
            "$schema", "baseURL", "hosts", "schemes", "ports", "networks", "auth", "tls", "pool",
            "timeouts",
        ])
    static let authKeys = KeySet(
        required: [], optional: ["bearer", "basic", "header", "oauth", "aws"])
    static let basicKeys = KeySet(required: ["user", "password"])
    static let headerKeys = KeySet(required: ["name", "value"])
    static let oauthKeys = KeySet(
        required: ["tokenURL", "clientID", "clientSecret"], optional: ["scope", "audience"])
    static let awsKeys = KeySet(
        required: ["region", "service", "keyID", "secretKey"], optional: ["sessionToken"])
    static let tlsKeys = KeySet(required: [], optional: ["ca", "cert", "key"])
    static let poolKeys = KeySet(required: [], optional: ["max", "wait", "idle"])
    static let timeoutKeys = KeySet(required: [], optional: ["connect", "firstByte"])

    let object: ObjectReader
    let directory: String

    func settings() -> HTTPSettings? {
        let problems = object.node.findings.problemCount
        let base = object["baseURL"].flatMap { self.base($0) }
        let egress = self.egress(base)
        let credential = object["auth"].map { self.credential($0) } ?? .nobody
        let tls = self.tls()
        let limits = self.limits()
        guard object.node.findings.problemCount == problems, let egress, let credential else {
            return nil
        }
        if case .nobody = credential {} else { checkSecrecy(egress) }
        return HTTPSettings(
            base: base, egress: egress, credential: credential, tls: tls, limits: limits)
    }

    // MARK: Where to

    private func base(_ node: Node) -> HTTPOptions.Base? {
        guard let url = node.urlTemplate() else { return nil }
        guard url.query.isEmpty, url.path.names.isEmpty else {
            node.report("must have a fixed path and no query")
            return nil
        }
        var path = url.path.segments.map { segment in
            if case .one(let text) = segment, case .literal(let literal)? = text.parts.first {
                literal
            } else {
                ""
            }
        }
        if path.last?.isEmpty == true { path.removeLast() }
        return .init(isSecure: url.isSecure, host: url.host, port: url.port, path: path)
    }

    /// With `baseURL` its host alone, with `hosts` those.
    private func egress(_ base: HTTPOptions.Base?) -> EgressRules? {
        let networks = object["networks"].map { strings($0) { $0.network() } } ?? []
        switch (object["baseURL"], object["hosts"]) {
        case (_?, nil):
            for key in ["schemes", "ports"] {
                object[key]?.report("is for `hosts`; `baseURL` says it already")
            }
            guard let base, let networks else { return nil }
            return EgressRules(
                hosts: [Self.host(of: base.host)], isSecureAllowed: base.isSecure,
                isPlainAllowed: !base.isSecure, ports: [base.port], networks: networks)
        case (nil, let node?):
            let schemes = object["schemes"].map {
                strings($0) { $0.choice(among: ["https", "http"]) }
            }
            guard let hosts = strings(node, hostOf), let schemes = schemes ?? ["https"],
                let networks
            else { return nil }
            let isSecure = schemes.contains { $0.isByteEqual(to: "https") }
            let isPlain = schemes.contains { $0.isByteEqual(to: "http") }
            let usual: [UInt16] = (isSecure ? [443] : []) + (isPlain ? [80] : [])
            let ports = object["ports"].map { strings($0) { $0.int(in: 1...65_535) } }
            guard let ports = ports.map({ $0?.map { UInt16($0) } }) ?? usual else { return nil }
            return EgressRules(
                hosts: hosts, isSecureAllowed: isSecure, isPlainAllowed: isPlain, ports: ports,
                networks: networks)
        default:
            object.node.report("must have either `baseURL` or `hosts`")
            return nil
        }
    }

    private static func host(of template: HostTemplate) -> EgressRules.Host {
        let fixed = template.labels.reversed().prefix { part in
            if case .literal = part { true } else { false }
        }
        let name = fixed.reversed().map { part in
            if case .literal(let text) = part { text } else { "" }
        }.joined(separator: ".")
        return fixed.count == template.labels.count ? .exact(name) : .below(name)
    }

    private func strings<Value>(_ node: Node, _ read: (Node) -> Value?) -> [Value]? {
        guard let elements = node.someElements() else { return nil }
        let values = elements.compactMap(read)
        return values.count == elements.count ? values : nil
    }

    private func hostOf(_ node: Node) -> EgressRules.Host? {
        guard let text = node.string() else { return nil }
        if text.isByteEqual(to: "*") { return .anyPublic }
        let isParent = text.hasPrefix("*.")
        if let name = HostName.canonical(isParent ? String(text.dropFirst(2)) : text),
            !isParent || name.utf8.contains(UInt8(ascii: "."))
        {
            return isParent ? .below(name) : .exact(name)
        }
        node.report("must be a host, `*.` before the name of a domain, or `*` for any public host")
        return nil
    }

    // MARK: As whom

    private func credential(_ node: Node) -> HTTPSettings.Credential? {
        guard let auth = node.object(Self.authKeys) else { return nil }
        let given = Self.authKeys.all.filter { auth[$0] != nil }
        guard given.count == 1 else {
            node.report("must have exactly one of \(quoted(Self.authKeys.all))")
            return nil
        }
        if let bearer = auth["bearer"] {
            return bearer.secret(under: directory).map { .bearer($0) }
        }
        if let basic = auth["basic"]?.object(Self.basicKeys) {
            let user = basic["user"]?.prose(atMost: 256)
            let password = basic["password"]?.secret(under: directory)
            if user?.utf8.contains(UInt8(ascii: ":")) == true {
                basic["user"]?.report("must not hold a colon")
            }
            guard let user, let password else { return nil }
            return .basic(user: user, password: password)
        }
        if let oauth = auth["oauth"] { return self.oauth(oauth) }
        if let aws = auth["aws"] { return signature(aws) }
        guard let header = auth["header"]?.object(Self.headerKeys) else { return nil }
        let name = header["name"]?.name()
        if let name, HTTPToolManifest.framingHeaders.contains(Name(name.text.lowercased())) {
            header["name"]?.report("is set by the server itself")
        }
        let value = header["value"]?.secret(under: directory)
        guard let name, let value else { return nil }
        return .header(name: name.text.lowercased(), value)
    }

    private func oauth(_ node: Node) -> HTTPSettings.Credential? {
        guard let oauth = node.object(Self.oauthKeys) else { return nil }
        let url = oauth["tokenURL"].flatMap { tokenURL($0) }
        let id = oauth["clientID"]?.prose(atMost: 512)
        let secret = oauth["clientSecret"]?.secret(under: directory)
        let scope = oauth["scope"].map { $0.prose(atMost: 1_024) }
        let audience = oauth["audience"].map { $0.prose(atMost: 512) }
        guard let url, let id, let secret else { return nil }
        return .oauth(
            .init(
                url: url, clientID: id, secret: secret, scope: scope ?? nil,
                audience: audience ?? nil))
    }

    /// The secret goes there, so the way must be a safe one but for this machine.
    private func tokenURL(_ node: Node) -> HTTPURL? {
        guard let text = node.string() else { return nil }
        do throws(HTTPURL.Failure) {
            let url = try HTTPURL(text)
            let isLocal = url.host.isByteEqual(to: "localhost") || url.host.hasPrefix("127.")
            if url.isSecure || isLocal { return url }
            node.report("must be an https:// URL: the client's secret goes there")
        } catch {
            node.report(error.reason)
        }
        return nil
    }

    private func signature(_ node: Node) -> HTTPSettings.Credential? {
        guard let aws = node.object(Self.awsKeys) else { return nil }
        // A URL from a caller may be spelled in ways that the signature spells in one.
        if object["baseURL"] == nil { node.report("needs `baseURL`") }
        let region = aws["region"]?.name()
        let service = aws["service"]?.name()
        let keyID = aws["keyID"]?.secret(under: directory)
        let secretKey = aws["secretKey"]?.secret(under: directory)
        let session = aws["sessionToken"].map { $0.secret(under: directory) }
        guard let region, let service, let keyID, let secretKey else { return nil }
        return .signature(
            .init(
                region: region.text, service: service.text, keyID: keyID, secretKey: secretKey,
                sessionToken: session ?? nil))
    }

    /// A credential must be for somebody.
    private func checkSecrecy(_ egress: EgressRules) {
        guard let auth = object["auth"] else { return }
        if egress.hosts.contains(.anyPublic) {
            auth.report("would be sent to any host; name the hosts instead of `*`")
        }
        if egress.isPlainAllowed {
            auth.findings.warning("crosses the network unencrypted; use https", at: auth.place)
        }
    }

    private func tls() -> HTTPSettings.TLS {
        guard let node = object["tls"], let tls = node.object(Self.tlsKeys) else { return .init() }
        if (tls["cert"] == nil) != (tls["key"] == nil) {
            node.report("`cert` and `key` belong together")
        }
        return .init(
            authorities: tls["ca"].flatMap { $0.path(under: directory) },
            certificate: tls["cert"].flatMap { $0.path(under: directory) },
            key: tls["key"].flatMap { $0.path(under: directory) })
    }

    private func limits() -> HTTPClient.Limits {
        var limits = HTTPClient.Limits()
        let pool = object["pool"]?.object(Self.poolKeys)
        let timeouts = object["timeouts"]?.object(Self.timeoutKeys)
        let short = Duration.milliseconds(1)...Duration.seconds(60)
        let long = Duration.milliseconds(1)...Duration.seconds(300)
        limits.connections = pool?["max"]?.int(in: 1...1_000) ?? limits.connections
        limits.wait = pool?["wait"]?.duration(in: short) ?? limits.wait
        limits.idle = pool?["idle"]?.duration(in: long) ?? limits.idle
        limits.connect = timeouts?["connect"]?.duration(in: short) ?? limits.connect
        limits.firstByte = timeouts?["firstByte"]?.duration(in: long) ?? limits.firstByte
        return limits
    }
}

extension HTTPSettings {
    /// Every default filled in, and no secret.
    var description: String {
        let kind =
            switch credential {
            case .nobody: "no credential"
            case .bearer: "bearer token"
            case .basic: "basic authentication"
            case .header(let name, _): "header \(name)"
            case .oauth(let oauth): "OAuth client \(oauth.clientID) at \(oauth.url.host)"
            case .signature(let aws): "AWS signature for \(aws.service) in \(aws.region)"
            }
        let schemes =
            (egress.isSecureAllowed ? ["https"] : []) + (egress.isPlainAllowed ? ["http"] : [])
        return "http to \(egress.hosts.map(\.spelled).joined(separator: ", ")) by "
            + "\(schemes.joined(separator: " or ")) on \(egress.ports.map(String.init).joined(separator: ", ")), "
            + "\(kind), \(egress.networks.count) networks beside the public, "
            + "at most \(limits.connections) connections a loop, connect \(spelled(limits.connect)), "
            + "first byte \(spelled(limits.firstByte))"
    }
}

extension EgressRules.Host {
    fileprivate var spelled: String {
        switch self {
        case .exact(let name): name
        case .below(let parent): "*.\(parent)"
        case .anyPublic: "any public host"
        }
    }
}
