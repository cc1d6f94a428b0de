package import Backends
package import Enforcement
package import JSON

/// One copy of the record that goes elsewhere, as `server.json` declares it.
package struct StreamSettings: Sendable {
    package enum Format: String, Sendable, CaseIterable { case native, ocsf }

    package enum Target: Sendable {
        /// Lines are added to it; absolute.
        case file(String)
        case syslog(HTTPURL)
        case webhook(HTTPURL, Secret)
    }

    /// What happens when the other side stays away.
    package struct Bound: Sendable {
        package enum Then: String, Sendable, CaseIterable { case refuse, drop }

        package var lines: Int
        package var then: Then
    }

    package var name: Name
    package var target: Target
    package var format: Format
    /// nil: it may fall behind as far as the record reaches, and loses nothing.
    package var bound: Bound?
    package var networks: [NetworkRange]
    /// A file of authorities beside the system's.
    package var authorities: String?

    func sharesFile(with other: StreamSettings) -> Bool {
        guard case .file(let mine) = target, case .file(let its) = other.target else {
            return false
        }
        return mine.isByteEqual(to: its)
    }
}

/// Reads one element of `streams`.
struct StreamManifest {
    static let keys = KeySet(
        required: ["stream"],
        optional: [
            "file", "syslog", "webhook", "secret", "format", "behind", "networks", "ca",
        ])
    static let boundKeys = KeySet(required: ["lines"], optional: ["then"])
    static let countMax = 8

    let object: ObjectReader
    let directory: String

    static func read(_ node: Node, under directory: String) -> StreamSettings? {
        node.object(keys).flatMap { StreamManifest(object: $0, directory: directory).settings() }
    }

    private func settings() -> StreamSettings? {
        let problems = object.node.findings.problemCount
        let name = object["stream"]?.name()
        let target = self.target()
        let format = object["format"].map { $0.choice(of: StreamSettings.Format.self) } ?? .native
        let bound = object["behind"].map { self.bound($0) }
        let networks = object["networks"]?.someElements()?.compactMap { $0.network() } ?? []
        let authorities = object["ca"]?.path(under: directory)
        guard object.node.findings.problemCount == problems, let name, let target, let format
        else { return nil }
        return StreamSettings(
            name: name, target: target, format: format, bound: bound ?? nil, networks: networks,
            authorities: authorities)
    }

    private func target() -> StreamSettings.Target? {
        let words = ["file", "syslog", "webhook"]
        guard words.filter({ object[$0] != nil }).count == 1 else {
            object.node.report("a stream must have exactly one of `file`, `syslog`, `webhook`")
            return nil
        }
        if object["webhook"] == nil, let secret = object["secret"] {
            secret.report("only a webhook is signed")
        }
        if let file = object["file"] { return file.path(under: directory).map { .file($0) } }
        if let syslog = object["syslog"] { return self.syslog(syslog) }
        guard let url = object["webhook"].flatMap({ Self.webhook($0) }) else { return nil }
        guard let secret = object["secret"] else {
            object.node.report("missing key `secret`: the key with which batches are signed")
            return nil
        }
        return secret.secret(under: directory).map { .webhook(url, $0) }
    }

    static func webhook(_ node: Node) -> HTTPURL? {
        guard let url = url(node, node.prose(atMost: 4_096)) else { return nil }
        guard url.isSecure || IssuerManifest.isThisMachine(url) else {
            node.report("must be an https:// URL, or on this machine")
            return nil
        }
        return url
    }

    /// `tls://HOST:PORT`, or `tcp://HOST:PORT` in clear.
    private func syslog(_ node: Node) -> StreamSettings.Target? {
        guard let text = node.prose(atMost: 512) else { return nil }
        let isSecure = text.utf8.starts(with: "tls://".utf8)
        guard isSecure || text.utf8.starts(with: "tcp://".utf8) else {
            node.report("must be tls://HOST:PORT, or tcp://HOST:PORT for one in clear")
            return nil
        }
        let rest = String(text.dropFirst(6))
        guard let url = Self.url(node, (isSecure ? "https://" : "http://") + rest) else {
            return nil
        }
        guard url.path == "/", url.query == nil, rest.utf8.last != UInt8(ascii: "/") else {
            node.report("must end behind the port")
            return nil
        }
        if !isSecure, !IssuerManifest.isThisMachine(url) {
            node.findings.warning("the record would cross the network in clear", at: node.place)
        }
        return .syslog(url)
    }

    private static func url(_ node: Node, _ text: String?) -> HTTPURL? {
        guard let text else { return nil }
        do throws(HTTPURL.Failure) { return try HTTPURL(text) } catch {
            node.report(error.reason)
            return nil
        }
    }

    private func bound(_ node: Node) -> StreamSettings.Bound? {
        guard let members = node.object(Self.boundKeys) else { return nil }
        let lines = members["lines"]?.int(in: 1_000...1_000_000_000)
        let then = members["then"].map { $0.choice(of: StreamSettings.Bound.Then.self) } ?? .refuse
        guard let lines, let then else { return nil }
        return StreamSettings.Bound(lines: lines, then: then)
    }
}
