import Backends
import Enforcement
import JSON

/// A Postgres backend as its file declares it.
struct PostgresManifest {
    static let keys = KeySet(
        required: ["backend", "kind"],
        optional: [
            "$schema", "host", "port", "database", "user", "password", "tls", "ca", "cert", "key",
            "passfile", "service", "targetSession", "searchPath", "pool", "timeout", "asCaller",
        ])
    static let poolKeys = KeySet(required: [], optional: ["min", "max", "wait"])
    static let asCallerKeys = KeySet(required: [], optional: ["role", "settings"])
    static let hostsMax = 16
    static let targetSessions = [
        "any", "read-write", "read-only", "primary", "standby", "prefer-standby",
    ]

    let object: ObjectReader
    let directory: String

    func settings() -> BackendSettings.Postgres? {
        var options = PostgresOptions()
        let isRead = [
            readPlace(&options), readLogin(&options), readTLS(&options), readPatience(&options),
            readCaller(&options),
        ]
        let password = object["password"].map { $0.secret(under: directory) }
        if case .some(nil) = password { return nil }
        guard isRead.allSatisfy({ $0 }) else { return nil }
        return BackendSettings.Postgres(options: options, password: password ?? nil)
    }

    // MARK: Where

    private func readPlace(_ options: inout PostgresOptions) -> Bool {
        if let service = object["service"] {
            guard let name = service.name(also: ".") else { return false }
            options.service = name.text
        }
        if let target = object["targetSession"] {
            guard let word = target.choice(among: Self.targetSessions) else { return false }
            options.targetSession = word
        }
        let port = object["port"].map { $0.int(in: 1...65_535) }
        if case .some(nil) = port { return false }
        guard let host = object["host"] else {
            if options.service == nil { object.node.report("missing key `host`, or `service`") }
            return options.service != nil
        }
        guard let hosts = hosts(host, port: UInt16((port ?? nil) ?? 5432)) else { return false }
        options.hosts = hosts
        return true
    }

    private func hosts(_ node: Node, port: UInt16) -> [PostgresOptions.Host]? {
        let nodes: [Node]
        if case .array = node.value.content {
            guard let elements = node.someElements() else { return nil }
            nodes = elements
        } else {
            nodes = [node]
        }
        guard nodes.count <= Self.hostsMax else {
            node.report("names more than \(Self.hostsMax) hosts")
            return nil
        }
        let hosts = nodes.compactMap { $0.postgresHost(port: port) }
        return hosts.count == nodes.count ? hosts : nil
    }

    private func readLogin(_ options: inout PostgresOptions) -> Bool {
        let database = object["database"].map { $0.prose(atMost: 63) }
        let user = object["user"].map { $0.prose(atMost: 63) }
        if object["service"] == nil {
            for key in ["database", "user"] where object[key] == nil {
                object.node.report("missing key \(quoted(key)), or `service`")
            }
        }
        options.database = database ?? nil
        options.user = user ?? nil
        options.passfile = object["passfile"]?.path(under: directory)
        if let path = object["searchPath"] {
            guard let schemas = path.names({ $0.prose(atMost: 63).map { Name($0) } }) else {
                return false
            }
            options.searchPath = schemas.map(\.text)
        }
        let isWhole = options.service != nil || options.database != nil && options.user != nil
        let isBroken = [database, user].contains { if case .some(nil) = $0 { true } else { false } }
        return isWhole && !isBroken
    }

    // MARK: How

    private func readTLS(_ options: inout PostgresOptions) -> Bool {
        if let tls = object["tls"] {
            guard let word = tls.choice(among: PostgresOptions.TLS.allCases.map(\.rawValue)),
                let mode = PostgresOptions.TLS(rawValue: word)
            else { return false }
            options.tls = mode
            warn(about: mode, at: tls, of: options)
        }
        options.caFile = object["ca"]?.path(under: directory)
        options.certificateFile = object["cert"]?.path(under: directory)
        options.keyFile = object["key"]?.path(under: directory)
        if (object["cert"] == nil) != (object["key"] == nil) {
            object.node.report("`cert` and `key` go together")
            return false
        }
        return true
    }

    private func warn(
        about mode: PostgresOptions.TLS, at node: Node, of options: PostgresOptions
    ) {
        let isNear = options.hosts.allSatisfy { $0.isOnThisMachine } && !options.hosts.isEmpty
        guard mode != .verifyFull, !isNear else { return }
        let what =
            mode == .require ? "encrypts, but anybody may be the server" : "encrypts nothing"
        node.findings.warning("\(what); `verify-full` knows who answers", at: node.place)
    }

    private func readPatience(_ options: inout PostgresOptions) -> Bool {
        if let timeout = object["timeout"] {
            guard let time = timeout.duration(in: .seconds(2)...(.seconds(60))) else {
                return false
            }
            options.connectTimeout = time
        }
        guard let node = object["pool"] else { return true }
        guard let pool = node.object(Self.poolKeys) else { return false }
        options.pool.max = pool["max"]?.int(in: 1...1_000) ?? options.pool.max
        options.pool.min = pool["min"]?.int(in: 0...1_000) ?? options.pool.min
        options.pool.wait =
            pool["wait"]?.duration(in: .milliseconds(1)...(.seconds(60))) ?? options.pool.wait
        guard options.pool.min <= options.pool.max else {
            pool["min"]?.report("is more than `max`, which is \(options.pool.max)")
            return false
        }
        return true
    }

    // MARK: For whom

    private func readCaller(_ options: inout PostgresOptions) -> Bool {
        guard let node = object["asCaller"] else { return true }
        guard let parts = node.object(Self.asCallerKeys) else { return false }
        if parts.isEmpty {
            node.report("must have `role`, `settings` or both")
            return false
        }
        var role: CallerTemplate?
        if let template = parts["role"] {
            role = template.callerTemplate()
            guard role != nil else { return false }
        }
        var settings: [(name: String, value: CallerTemplate)] = []
        for member in parts["settings"]?.members() ?? [] {
            guard isSettingName(member.name) else {
                member.node.findings.problem(
                    "must be a setting of your own, such as \"app.subject\"",
                    at: member.namePlace)
                return false
            }
            guard let value = member.node.callerTemplate() else { return false }
            settings.append((member.name, value))
        }
        options.asCaller = PostgresCallerSettings(role: role, settings: settings)
        return true
    }
}

extension PostgresOptions.Host {
    /// A Unix socket, or the loopback interface.
    var isOnThisMachine: Bool {
        name.utf8.first == UInt8(ascii: "/") || name.isByteEqual(to: "localhost")
            || name.isByteEqual(to: "::1") || name.utf8.starts(with: "127.".utf8)
    }
}

extension Node {
    /// `db.internal`, `db.internal:5433`, `[::1]:5433`, or the directory of a Unix socket.
    fileprivate func postgresHost(port: UInt16) -> PostgresOptions.Host? {
        guard let text = prose(atMost: 255) else { return nil }
        // Commas and equals would be lists and keywords to libpq.
        let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !",='\"@".utf8.contains($0) }
        guard isPlain else {
            report("must be a host name, an address or the directory of a Unix socket")
            return nil
        }
        if text.utf8.first == UInt8(ascii: "/") { return .init(name: text, port: port) }
        let colons = text.utf8.filter { $0 == UInt8(ascii: ":") }.count
        let isBracketed = text.utf8.first == UInt8(ascii: "[")
        if colons == 0 || colons > 1 && !isBracketed { return .init(name: text, port: port) }
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")),
            let given = UInt16(text[text.index(after: colon)...]), given > 0
        else {
            report("must have a port from 1 to 65535 behind `:`")
            return nil
        }
        var name = text[..<colon]
        if isBracketed {
            guard name.utf8.last == UInt8(ascii: "]") else {
                report("must be [ADDRESS]:PORT")
                return nil
            }
            name = name.dropFirst().dropLast()
        }
        return .init(name: String(name), port: given)
    }

    func callerTemplate() -> CallerTemplate? {
        guard let text = prose(atMost: 256) else { return nil }
        if let template = CallerTemplate(text) { return template }
        report(
            "has a placeholder that does not exist; use {caller.subject}, {caller.person}, {caller.issuer}, {caller.kind}, {caller.claims.NAME}, {client.id} or {group}"
        )
        return nil
    }
}

/// Settings of the server itself are not for a manifest: `transaction_read_only` is one.
private func isSettingName(_ name: String) -> Bool {
    let parts = name.utf8.split(
        separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return parts.count == 2 && name.utf8.count <= 63
        && parts.allSatisfy { part in
            !part.isEmpty && part.allSatisfy { isWordByte($0) && $0 != UInt8(ascii: "-") }
                && !(0x30...0x39).contains(part.first ?? 0x30)
        }
}
