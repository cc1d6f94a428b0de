package import Enforcement
internal import JSON

/// Whom may this backend talk to? Said by its manifest alone, never by a caller.
package struct EgressRules: Sendable {
    package enum Host: Sendable, Equatable {
        /// A name or an address.
        case exact(String)
        /// `*.cdn.example`: every name below.
        case below(String)
        /// `*`: every public name and address.
        case anyPublic
    }

    package var hosts: [Host]
    package var isSecureAllowed: Bool
    package var isPlainAllowed: Bool
    package var ports: [UInt16]
    /// Networks that are not public and yet meant.
    package var networks: [NetworkRange]

    package init(
        hosts: [Host], isSecureAllowed: Bool = true, isPlainAllowed: Bool = false, ports: [UInt16],
        networks: [NetworkRange] = []
    ) {
        self.hosts = hosts
        self.isSecureAllowed = isSecureAllowed
        self.isPlainAllowed = isPlainAllowed
        self.ports = ports
        self.networks = networks
    }

    /// Where a request may go by its name. `mustResolve`: what the name stands for decides.
    enum Verdict { case refused, named, mustResolve }

    func verdict(host: String, port: UInt16, isSecure: Bool) -> Verdict {
        guard isSecure ? isSecureAllowed : isPlainAllowed, ports.contains(port) else {
            return .refused
        }
        let isNamed = hosts.contains { allowed in
            switch allowed {
            case .exact(let name): name.isByteEqual(to: host)
            case .below(let parent): Self.isBelow(host, parent)
            case .anyPublic: false
            }
        }
        if isNamed { return .named }
        return hosts.contains(.anyPublic) && Self.isPublicName(host) ? .mustResolve : .refused
    }

    /// Whether a connection to this address, found for that host, is meant.
    func allows(_ address: [UInt8], for host: String) -> Bool {
        if NetworkAddress.isGlobal(address) { return true }
        if networks.contains(where: { $0.contains(address) }) { return true }
        guard hosts.contains(.exact(host)) else { return false }
        if let literal = HostName.address(host) { return literal == address }
        return host.isByteEqual(to: "localhost") && Self.isLoopback(address)
    }

    private static func isLoopback(_ address: [UInt8]) -> Bool {
        address.count == 4
            ? address[0] == 127 : address.dropLast().allSatisfy { $0 == 0 } && address[15] == 1
    }

    private static func isBelow(_ host: String, _ parent: String) -> Bool {
        host.utf8.count > parent.utf8.count + 1
            && host.utf8.suffix(parent.utf8.count + 1).elementsEqual(
                ".".utf8.map { $0 } + parent.utf8)
    }

    /// Names that are of a machine or a house (RFC 6761, RFC 6762 appendix G, RFC 8375, ICANN's
    /// `.internal`, Kubernetes), whatever they resolve to at the moment; and look-alikes.
    private static let inside = [
        "localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home",
        "lan", "svc", "cluster", "home.arpa", "onion", "invalid",
    ]

    private static func isPublicName(_ host: String) -> Bool {
        if HostName.address(host) != nil { return true }
        let labels = host.split(separator: ".").map(String.init)
        return labels.count > 1 && !labels.contains { HostName.isEncoded($0) }
            && !inside.contains { isBelow(host, $0) }
    }
}
