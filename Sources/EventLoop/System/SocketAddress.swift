import Glibc

/// A numeric address and a port. Making one looks nothing up.
package struct SocketAddress: Hashable, Sendable {
    /// 4 bytes of IPv4 or 16 of IPv6, in network order.
    package let bytes: [UInt8]
    package let port: UInt16

    /// `192.0.2.1` or `2001:db8::1`, without brackets, without a zone; nil for everything else,
    /// also for the short and octal forms that `inet_aton` would take.
    package init?(ip: String, port: UInt16) {
        guard !ip.utf8.contains(0) else { return nil }
        let isV6 = ip.utf8.contains(0x3a)
        var parsed = [UInt8](repeating: 0, count: isV6 ? 16 : 4)
        guard unsafe inet_pton(isV6 ? AF_INET6 : AF_INET, ip, &parsed) == 1 else { return nil }
        bytes = parsed
        self.port = port
    }

    /// 4 or 16 bytes, as name lookup gives them.
    package init?(bytes: [UInt8], port: UInt16) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
        self.port = port
    }

    package var isV6: Bool { bytes.count == 16 }

    func withSockaddr<Result>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        if isV6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            unsafe withUnsafeMutableBytes(of: &address.sin6_addr) {
                unsafe $0.copyBytes(from: bytes)
            }
            return unsafe Self.lend(address, body)
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        unsafe withUnsafeMutableBytes(of: &address.sin_addr) { unsafe $0.copyBytes(from: bytes) }
        return unsafe Self.lend(address, body)
    }

    private static func lend<Address, Result>(
        _ address: Address, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<Address>.size))
            }
        }
    }
}

extension SocketAddress: CustomStringConvertible {
    /// Without the port, in the canonical form of its family.
    package var ip: String {
        let capacity = Int(INET6_ADDRSTRLEN)
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { buffer in
            let text = unsafe inet_ntop(
                isV6 ? AF_INET6 : AF_INET, bytes, buffer.baseAddress, socklen_t(capacity))
            guard let text = unsafe text else { return "" }
            return unsafe String(cString: text)
        }
    }

    package var description: String { isV6 ? "[\(ip)]:\(port)" : "\(ip):\(port)" }
}
