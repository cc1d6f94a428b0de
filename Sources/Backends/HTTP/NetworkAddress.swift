internal import Enforcement

/// An address that is not on the public Internet, and by what it is known.
///
/// What is not known to be global is not: new special ranges must not become reachable by our not
/// knowing them.
enum NetworkAddress {
    /// 4 or 16 bytes; nil for anything but the plain notation.
    static func parsed(_ text: String) -> [UInt8]? { NetworkRange.address(text) }

    /// Whether everybody on the Internet may be meant by it.
    static func isGlobal(_ address: [UInt8]) -> Bool {
        address.count == 4
            ? !localV4.contains { $0.contains(address) }
            : globalV6.contains(address) && !localV6.contains { $0.contains(address) }
    }

    /// IANA's special-purpose registry, multicast and what is reserved.
    private static let localV4 = networks([
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    ])

    /// The only block from which unicast addresses are given out. So mapped, compatible and
    /// translated IPv4 addresses, loopback, link-local and unique-local ones are none.
    private static let globalV6 = NetworkRange(address: [0x20] + .init(repeating: 0, count: 15), 3)

    /// Of that block: protocols, Teredo, documentation, and 6to4, which leads to IPv4.
    private static let localV6 = networks([
        "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
    ])

    private static func networks(_ texts: [String]) -> [NetworkRange] {
        texts.compactMap { NetworkRange($0) }
    }
}
