import Enforcement
package import JSON

/// The listener at which people decide, as `console` of `server.json` declares it.
package struct ConsoleSettings: Sendable {
    /// A numeric address, without the brackets of an IPv6 one.
    package var address: String
    package var port: UInt16
    /// The URL that people's programs reach.
    package var resource: String
    /// What tokens must be meant for: never what those of the tools are meant for.
    package var audience: String
    /// Who may come in at all; empty: all whom a rule asks.
    package var groups: [Name]
}

/// Reads `console`.
struct ConsoleManifest {
    static let keys = KeySet(
        required: [], optional: ["listen", "resource", "audience", "groups"])
    private static let standardPort: UInt16 = 7071

    /// nil where something is wrong with it, which is reported.
    static func read(_ node: Node, beside http: ServerSettings.HTTP) -> ConsoleSettings? {
        guard let object = node.object(keys) else { return nil }
        let standard = Endpoint(address: "127.0.0.1", port: standardPort)
        guard let endpoint = object["listen"].map({ $0.endpoint() }) ?? standard else { return nil }
        if endpoint.port == http.port, endpoint.address.isByteEqual(to: http.address) {
            (object["listen"] ?? node).report("is where the tools are; the console needs its own")
        }
        if let listen = object["listen"], http.tls == nil, !endpoint.isLoopback {
            listen.report(
                "would send approvers' tokens in clear; add `http.tls`, or listen on 127.0.0.1")
        }
        let resource: String?
        if let named = object["resource"] {
            resource = named.resourceURL()
        } else if endpoint.isLoopback {
            resource = "http\(http.tls == nil ? "" : "s")://localhost:\(endpoint.port)/console"
        } else {
            node.report("missing key `resource`: the URL that people's programs reach")
            return nil
        }
        guard let resource else { return nil }
        let meant = object["audience"].map { $0.prose(atMost: 512) } ?? resource
        let groups = object["groups"].map { $0.names { $0.identity() } } ?? []
        guard let audience = meant, let groups else { return nil }
        return ConsoleSettings(
            address: endpoint.address, port: endpoint.port, resource: resource, audience: audience,
            groups: groups)
    }

    /// A token of the tools must not decide about their calls.
    static func check(_ console: ConsoleSettings, _ issuers: [ServerSettings.Issuer], at node: Node)
    {
        let isShared = issuers.contains { $0.rules.audience.isByteEqual(to: console.audience) }
        if isShared {
            node.report(
                "has the audience of the tools' tokens, so that whoever holds one could decide; give it another `audience`"
            )
        }
    }
}

extension ServerSettings {
    /// The same issuers, of tokens that are meant for the console.
    func meant(for console: ConsoleSettings) -> ServerSettings {
        var settings = self
        for index in settings.issuers.indices {
            settings.issuers[index].rules.audience = console.audience
        }
        return settings
    }
}
