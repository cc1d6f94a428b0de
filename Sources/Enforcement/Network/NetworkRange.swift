import JSON

import Glibc

/// A network by its first address and the length of what its addresses share: `10.0.0.0/8`,
/// `fd00::/8`.
package struct NetworkRange: Sendable, Hashable {
    private let address: [UInt8]
    private let prefix: Int

    package init(address: [UInt8], _ prefix: Int) {
        self.address = address
        self.prefix = prefix
    }

    /// Nil for what is no network, also where bits beyond the prefix are set.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = Self.address(String(parts[0])),
            let prefix = Int(parts[1]), prefix.description.isByteEqual(to: String(parts[1])),
            (0...address.count * 8).contains(prefix)
        else { return nil }
        self.init(address: address, prefix)
        for bit in prefix..<address.count * 8 where address[bit / 8] >> (7 - bit % 8) & 1 == 1 {
            return nil
        }
    }

    /// One address.
    package init(_ address: [UInt8]) { self.init(address: address, address.count * 8) }

    package func contains(_ other: [UInt8]) -> Bool {
        guard other.count == address.count else { return false }
        let whole = prefix / 8
        guard other[..<whole].elementsEqual(address[..<whole]) else { return false }
        let shift = 8 - prefix % 8
        return shift == 8 || other[whole] >> shift == address[whole] >> shift
    }

    /// 4 or 16 bytes; nil for anything but the plain notation.
    package static func address(_ text: String) -> [UInt8]? {
        guard !text.utf8.contains(0) else { return nil }
        var v4 = in_addr()
        if unsafe inet_pton(AF_INET, text, &v4) == 1 {
            return unsafe withUnsafeBytes(of: v4) { unsafe Array($0) }
        }
        var v6 = in6_addr()
        guard unsafe inet_pton(AF_INET6, text, &v6) == 1 else { return nil }
        return unsafe withUnsafeBytes(of: v6) { unsafe Array($0) }
    }

    /// The address of a peer as its network's manager knows it: one of IPv4 that came over a
    /// socket of both (RFC 4291 2.5.5.2) is one of IPv4.
    static func peer(_ text: String) -> [UInt8]? {
        guard let found = address(text), found.count == 16 else { return address(text) }
        let mapped = found[..<10].allSatisfy { $0 == 0 } && found[10] == 0xFF && found[11] == 0xFF
        return mapped ? Array(found[12...]) : found
    }
}
