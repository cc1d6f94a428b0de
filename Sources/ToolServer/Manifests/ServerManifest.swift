package import Backends
package import Enforcement
package import JSON

/// The settings of the server itself, every default filled in.
package struct ServerSettings: Sendable {
    package struct HTTP: Sendable {
        /// A numeric address, without the brackets of an IPv6 one.
        package var address: String
        package var port: UInt16
        /// The resource that tokens must be meant for (RFC 9728).
        package var resource: String
        /// What a client is to ask the issuer for when it signs in.
        package var scopes: [String]
        /// nil: in clear.
        package var tls: TLSFiles?
    }

    package struct Issuer: Sendable {
        package enum Keys: Sendable {
            case installation
            case file(IssuerKeys)
            case url(HTTPURL)
            case discovery
            /// It has tokens that it must be asked about, and no others.
            case nowhere
        }

        package struct Introspection: Sendable {
            /// nil: as its metadata says.
            package var url: HTTPURL?
            package var clientID: String
            package var secret: Secret
            package var keptSeconds: Int
        }

        package var rules: IssuerRules
        package var keys: Keys
        package var introspection: Introspection?
        /// It signs assertions, of which this installation makes tokens in its name.
        package var assertions: AssertionRules?
        /// It names callers by the certificates that they show.
        package var certificates: CertificateIssuer?
        /// For how long its last keys serve while it does not answer.
        package var staleSeconds: Int?
        /// Where it may be reached although they are not public.
        package var networks: [NetworkRange] = []
        /// A file of authorities beside the system's.
        package var authorities: String?

        /// What decides which keys are its own.
        struct Identity: Hashable {
            let issuer: Name
            let place: Name
            let networks: [NetworkRange]
            let authorities: Name?
        }

        var identity: Identity {
            var place: Name = ""
            if case .url(let url) = keys { place = Name("\(url)") }
            return Identity(
                issuer: Name(rules.issuer), place: place, networks: networks,
                authorities: authorities.map { Name($0) })
        }

        /// Its tokens are signed here.
        var isInstallation: Bool { if case .installation = keys { true } else { false } }

        /// Clients can get a token there.
        var isSignIn: Bool { !isInstallation && certificates == nil }

        /// On this machine, for trying things.
        var isWithoutTLS: Bool { rules.issuer.utf8.starts(with: "http://".utf8) }
    }

    package struct Limits: Sendable {
        package var callsPerCaller: Int
        package var connections: Int
    }

    package var name: Name
    package var http: HTTP
    /// Absolute. It need not exist yet.
    package var stateDirectory: String
    /// Empty means that nobody can be identified over HTTP.
    package var issuers: [Issuer]
    package var localUsers: [LocalUser]
    package var limits: Limits
    /// Copies of the record that go elsewhere.
    package var streams: [StreamSettings] = []
    /// Who cosigns the record's checkpoints.
    package var witnesses: [WitnessSettings] = []
    /// Who is told of requests for approval.
    package var notices: [NoticeSettings] = []
    /// Whether answers hold by what their callers can prove them later.
    package var givesReceipts = false
    /// nil: people decide beside the server alone.
    package var console: ConsoleSettings?
    /// nil: nowhere.
    package var metrics: MetricsSettings?
    /// nil: the record is kept for good.
    package var retention: RetentionSettings?
    /// nil: of answers the record holds no more than counts.
    package var bodies: BodyKeeping?
    /// nil: this process keeps its record itself.
    package var recorder: RecorderSettings?

    /// The issuer of `toolserver token`, where its tokens are accepted.
    var localIssuer: Issuer? { issuers.first { $0.isInstallation && $0.assertions == nil } }

    /// What clients are to ask for when they sign in: without those that an issuer demands, they
    /// would be sent back for them.
    var scopes: [String] {
        let demanded = issuers.flatMap(\.rules.scopes).map(\.text)
        return demanded.reduce(into: http.scopes) { scopes, scope in
            if !scopes.contains(where: { $0.isByteEqual(to: scope) }) { scopes.append(scope) }
        }
    }

    /// `server.json` alone, for commands that need neither tools nor backends.
    static func load(directory: String) throws(ManifestError) -> ServerSettings {
        let findings = Findings()
        let files = ManifestFiles(directory: directory, findings: findings)
        let manifests = ParsedManifests(files: files, directory: directory, findings: findings)
        if let server = manifests.server { return server }
        throw findings.error ?? ManifestError(problems: [])
    }
}

/// Reads `server.json`.
struct ServerManifest {
    static let keys = KeySet(
        required: ["server"],
        optional: [
            "$schema", "http", "state", "issuers", "localUsers", "limits", "streams", "witnesses",
            "notices",
            "receipts", "retention", "bodies", "record", "console", "metrics",
        ])
    static let httpKeys = KeySet(
        required: [], optional: ["listen", "resource", "scopes", "tls"])
    static let stateKeys = KeySet(
        required: [], optional: ["directory"],
        unserved: ["postgres": "use `directory`"])
    static let localUserKeys = KeySet(required: ["user", "subject"], optional: ["groups"])
    static let limitKeys = KeySet(required: [], optional: ["callsPerCaller", "connections"])

    private let directory: String
    private let object: ObjectReader

    /// Reports what is wrong; the result is only to be used when nothing was.
    static func read(_ object: ObjectReader, directory: String) -> ServerSettings? {
        ServerManifest(directory: directory, object: object).settings()
    }

    private func settings() -> ServerSettings? {
        let name = object["server"]?.name()
        let http = http()
        let state = state()
        let issuers = issuers(http)
        let users = localUsers()
        let limits = limits()
        let streams = streams()
        let witnesses = witnesses()
        let receipts = object["receipts"]?.bool()
        let retention = object["retention"].flatMap { RetentionManifest.read($0) }
        let recorder = object["record"].flatMap { RecorderManifest.read($0, under: directory) }
        let bodies = bodies(beside: retention)
        let notices = notices(of: issuers ?? [])
        guard let name, let http, let issuers, let users, let streams, let witnesses, let notices
        else {
            return nil
        }
        let console = object["console"].map { ConsoleManifest.read($0, beside: http) }
        if case .some(.none) = console { return nil }
        if let node = object["console"], let console, let console {
            ConsoleManifest.check(console, issuers, at: node)
        }
        var listeners = [(address: http.address, port: http.port)]
        if let console, let console { listeners.append((console.address, console.port)) }
        let metrics = object["metrics"].map { MetricsManifest.read($0, beside: listeners) }
        if case .some(.none) = metrics { return nil }
        return ServerSettings(
            name: name, http: http, stateDirectory: state, issuers: issuers, localUsers: users,
            limits: limits, streams: streams, witnesses: witnesses, notices: notices,
            givesReceipts: receipts ?? false,
            console: console ?? nil, metrics: metrics ?? nil, retention: retention,
            bodies: bodies, recorder: recorder)
    }

    private func bodies(beside retention: RetentionSettings?) -> BodyKeeping? {
        guard let node = object["bodies"] else { return nil }
        if object["record"] != nil {
            node.report(
                "is declared beside `record`: a recorder of its own takes lines and no answers. Leave one of them out"
            )
        }
        let bodies = BodyManifest.read(node)
        if let bodies, let retention { BodyManifest.check(bodies, beside: retention, at: node) }
        return bodies
    }

    private func http() -> ServerSettings.HTTP? {
        let node = object["http"]
        let members = node?.object(Self.httpKeys)
        if node != nil && members == nil { return nil }
        let listen = members?["listen"]
        guard let endpoint = listen.map({ $0.endpoint() }) ?? Endpoint.standard else { return nil }
        let tls = members?["tls"].map { TLSManifest.read($0, under: directory) }
        if let listen, tls == nil, !endpoint.isLoopback {
            let message = "listens beyond this machine without TLS; a proxy must end TLS before it"
            listen.findings.warning(message, at: listen.place)
        }
        let resource: String?
        if let node = members?["resource"] {
            resource = self.resource(node, isSecure: tls != nil)
        } else if endpoint.isLoopback {
            resource = "http\(tls == nil ? "" : "s")://localhost:\(endpoint.port)/mcp"
        } else {
            (node ?? object.node).report("missing key `resource`: the URL that clients reach")
            return nil
        }
        let scopes = members?["scopes"].map { $0.names { $0.scopeToken() } } ?? []
        guard let resource, let scopes else { return nil }
        // What is wrong with its files has been reported; without TLS it must not be served.
        if case .some(.none) = tls { return nil }
        return .init(
            address: endpoint.address, port: endpoint.port, resource: resource,
            scopes: scopes.map(\.text), tls: tls ?? nil)
    }

    private func resource(_ node: Node, isSecure: Bool) -> String? {
        guard let url = node.resourceURL() else { return nil }
        if isSecure, !url.utf8.starts(with: "https://".utf8) {
            node.report("must be an https:// URL, since `tls` serves nothing in clear")
            return nil
        }
        return url
    }

    private func state() -> String {
        let members = object["state"]?.object(Self.stateKeys)
        return members?["directory"]?.path(under: directory) ?? "\(directory)/data"
    }

    private func issuers(_ http: ServerSettings.HTTP?) -> [ServerSettings.Issuer]? {
        guard let node = object["issuers"] else { return [] }
        guard let elements = node.elements() else { return nil }
        var issuers: [ServerSettings.Issuer] = []
        for element in elements {
            let issuer = IssuerManifest.read(
                element, resource: http?.resource ?? "", under: directory)
            guard let issuer else { continue }
            if let mine = issuer.certificates {
                let others = issuers.compactMap(\.certificates)
                CertificateManifest.check(mine, beside: others, http, at: element)
            }
            if issuers.contains(where: { $0.rules.issuer.isByteEqual(to: issuer.rules.issuer) }) {
                element.report("names \(quoted(issuer.rules.issuer)) a second time")
            }
            if issuer.introspection != nil, issuers.contains(where: { $0.introspection != nil }) {
                element.report(
                    "is the second with `introspection`; a token that says nothing could be shown to the wrong one"
                )
            }
            issuers.append(issuer)
        }
        return issuers.count == elements.count ? issuers : nil
    }

    private func localUsers() -> [LocalUser]? {
        guard let node = object["localUsers"] else { return [] }
        guard let elements = node.elements() else { return nil }
        var users: [LocalUser] = []
        for element in elements {
            guard let user = localUser(element) else { continue }
            if users.contains(where: { $0.user.isByteEqual(to: user.user) }) {
                element.report("maps \(quoted(user.user)) a second time")
            }
            users.append(user)
        }
        return users.count == elements.count ? users : nil
    }

    private func localUser(_ node: Node) -> LocalUser? {
        guard let object = node.object(Self.localUserKeys) else { return nil }
        let user = object["user"]?.identity()
        let subject = object["subject"]?.identity()
        let groups = object["groups"].map { $0.names { $0.identity() } } ?? []
        guard let user, let subject, let groups else { return nil }
        return LocalUser(user: user.text, subject: subject.text, groups: groups)
    }

    private func streams() -> [StreamSettings]? {
        guard let node = object["streams"] else { return [] }
        guard let elements = node.elements() else { return nil }
        if elements.count > StreamManifest.countMax {
            node.report("must have at most \(StreamManifest.countMax) streams")
        }
        var streams: [StreamSettings] = []
        for element in elements {
            guard let stream = StreamManifest.read(element, under: directory) else { continue }
            if streams.contains(where: { $0.name == stream.name }) {
                element.report("names \(quoted(stream.name.text)) a second time")
            }
            if streams.contains(where: { $0.sharesFile(with: stream) }) {
                element.report("writes a file that another stream writes")
            }
            streams.append(stream)
        }
        return streams.count == elements.count ? streams : nil
    }

    private func witnesses() -> [WitnessSettings]? {
        guard let node = object["witnesses"] else { return [] }
        guard let elements = node.elements() else { return nil }
        if elements.count > WitnessManifest.countMax {
            node.report("must have at most \(WitnessManifest.countMax) witnesses")
        }
        var witnesses: [WitnessSettings] = []
        for element in elements {
            guard let witness = WitnessManifest.read(element, under: directory) else { continue }
            if witnesses.contains(where: { $0.name == witness.name }) {
                element.report("names \(quoted(witness.name.text)) a second time")
            }
            witnesses.append(witness)
        }
        return witnesses.count == elements.count ? witnesses : nil
    }

    private func notices(of issuers: [ServerSettings.Issuer]) -> [NoticeSettings]? {
        guard let node = object["notices"] else { return [] }
        guard let elements = node.elements() else { return nil }
        if elements.count > NoticeManifest.countMax {
            node.report("must have at most \(NoticeManifest.countMax) notices")
        }
        var notices: [NoticeSettings] = []
        for element in elements {
            let notice = NoticeManifest.read(
                element, under: directory, issuers: issuers.map { Name($0.rules.issuer) })
            guard let notice else { continue }
            if notices.contains(where: { $0.name == notice.name }) {
                element.report("names \(quoted(notice.name.text)) a second time")
            }
            notices.append(notice)
        }
        return notices.count == elements.count ? notices : nil
    }

    private func limits() -> ServerSettings.Limits {
        let members = object["limits"]?.object(Self.limitKeys)
        return ServerSettings.Limits(
            callsPerCaller: members?["callsPerCaller"]?.int(in: 1...1_000) ?? 100,
            connections: members?["connections"]?.int(in: 1...10_000) ?? 2_000)
    }
}

extension Node {
    /// A scope as OAuth writes it (RFC 6749 section 3.3).
    func scopeToken() -> Name? {
        guard let text = prose(atMost: 256) else { return nil }
        let isToken = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"\"\\".utf8.contains($0) }
        guard isToken else {
            report("must be one OAuth scope, without spaces and quotes")
            return nil
        }
        return Name(text)
    }
}
