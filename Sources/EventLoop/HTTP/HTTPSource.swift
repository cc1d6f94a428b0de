import Glibc

/// Where a connection comes from, as far as shares are counted: an IPv4 address, or the 64 bits of
/// an IPv6 address that one customer of a network is given as a rule. By the whole address, each of
/// their 2^64 neighbours would have a share of its own.
struct HTTPSource: Hashable {
    private let prefix: UInt64
    /// Proxies of this machine, who speak for many, and local tests.
    let isLoopback: Bool

    /// What is no address (a test's text) shares one place.
    init(_ address: String) {
        var v4 = in_addr()
        if unsafe inet_pton(AF_INET, address, &v4) == 1 {
            self.init(v4: UInt32(bigEndian: v4.s_addr))
            return
        }
        var v6 = in6_addr()
        guard unsafe inet_pton(AF_INET6, address, &v6) == 1 else {
            self.init(prefix: 0, isLoopback: false)
            return
        }
        let (high, low) = unsafe withUnsafeBytes(of: &v6) { bytes in
            unsafe (
                UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
        if high == 0, low >> 32 == 0xffff {
            self.init(v4: UInt32(truncatingIfNeeded: low))
        } else {
            self.init(prefix: high, isLoopback: high == 0 && low == 1)
        }
    }

    /// As ::ffff:a.b.c.d would stand in 64 bits: no network begins with zeros.
    private init(v4 address: UInt32) {
        self.init(prefix: 0xffff << 32 | UInt64(address), isLoopback: address >> 24 == 127)
    }

    private init(prefix: UInt64, isLoopback: Bool) {
        self.prefix = prefix
        self.isLoopback = isLoopback
    }
}
