import CLinux
import Glibc

/// The calls around TCP sockets that take C structures.
enum SocketCalls {
    /// A listening socket that shares its port with those of the other loops.
    static func listen(
        _ address: String, port: UInt16, sharesPort: Bool = true
    ) throws(SystemError) -> Descriptor {
        let isV6 = address.utf8.contains(0x3a)
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let socket = Descriptor(
            owning: try Syscall.setup("socket") {
                Glibc.socket(isV6 ? AF_INET6 : AF_INET, kind, 0)
            })
        let number = socket.number
        try set(number, SOL_SOCKET, SO_REUSEADDR, 1)
        if sharesPort { try set(number, SOL_SOCKET, SO_REUSEPORT, 1) }
        if isV6 {
            var target = sockaddr_in6()
            target.sin6_family = sa_family_t(AF_INET6)
            target.sin6_port = port.bigEndian
            guard unsafe inet_pton(AF_INET6, address, &target.sin6_addr) == 1 else {
                throw SystemError(call: "inet_pton", code: EINVAL)
            }
            try bind(number, &target)
        } else {
            var target = sockaddr_in()
            target.sin_family = sa_family_t(AF_INET)
            target.sin_port = port.bigEndian
            guard unsafe inet_pton(AF_INET, address, &target.sin_addr) == 1 else {
                throw SystemError(call: "inet_pton", code: EINVAL)
            }
            try bind(number, &target)
        }
        try Syscall.setup("listen") { Glibc.listen(number, 1024) }
        return socket
    }

    private static func bind<Address>(
        _ socket: Int32, _ address: inout Address
    ) throws(SystemError) {
        let length = socklen_t(MemoryLayout<Address>.size)
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.bind(socket, $0, length)
            }
        }
        if result != 0 { throw SystemError(call: "bind", code: errno) }
    }

    static func set(
        _ socket: Int32, _ level: Int32, _ option: Int32, _ value: Int32
    ) throws(SystemError) {
        var value = value
        try Syscall.setup("setsockopt") {
            unsafe setsockopt(
                socket, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    static func localPort(_ socket: Int32) throws(SystemError) -> UInt16 {
        var storage = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        try Syscall.setup("getsockname") {
            unsafe withUnsafeMutablePointer(to: &storage) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe getsockname(socket, $0, &length)
                }
            }
        }
        // The port stands at the same place in both families.
        return UInt16(bigEndian: storage.sin6_port)
    }

    enum Accepted: ~Copyable {
        case connection(Descriptor, peer: String)
        case none
        case failed(Int32)
    }

    /// Non-blocking, closed on exec, without Nagle's delay.
    static func accept(_ listener: Int32) -> Accepted {
        var storage = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let outcome = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                Syscall.outcome { Int(unsafe clinux_accept(listener, address, &length)) }
            }
        }
        switch outcome {
        case .wouldBlock: return .none
        case .failed(let code): return .failed(code)
        case .done(let number):
            let socket = Descriptor(owning: Int32(truncatingIfNeeded: number))
            // Fails only when the client is gone again, which the first read will say.
            try? set(socket.number, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
            return .connection(socket, peer: text(storage))
        }
    }

    /// The address without the port: what limits and records are kept by.
    private static func text(_ storage: sockaddr_in6) -> String {
        let family = Int32(storage.sin6_family)
        guard family != AF_INET6 else { return text(family, storage.sin6_addr) }
        // sin_addr of an IPv4 address stands where sin6_flowinfo is.
        return text(family, storage.sin6_flowinfo)
    }

    private static func text<Address>(_ family: Int32, _ address: Address) -> String {
        let capacity = Int(INET6_ADDRSTRLEN)
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { buffer in
            unsafe withUnsafePointer(to: address) { pointer in
                let text = unsafe inet_ntop(
                    family, pointer, buffer.baseAddress, socklen_t(capacity))
                guard let text = unsafe text else { return "" }
                return unsafe String(cString: text)
            }
        }
    }

    /// A socket for a connection of our own: non-blocking, closed on exec, without Nagle's delay.
    static func connecting(isV6: Bool) throws(SystemError) -> Descriptor {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let socket = Descriptor(
            owning: try Syscall.setup("socket") {
                Glibc.socket(isV6 ? AF_INET6 : AF_INET, kind, 0)
            })
        try set(socket.number, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        return socket
    }

    /// `.wouldBlock` while the other side has not answered.
    static func connect(_ socket: Int32, to address: SocketAddress) -> IOOutcome {
        let result = unsafe address.withSockaddr { unsafe Glibc.connect(socket, $0, $1) }
        if result == 0 { return .done(0) }
        return errno == EINPROGRESS || errno == EINTR ? .wouldBlock : .failed(errno)
    }

    /// How a connection that was under way has ended, if it has.
    static func connected(_ socket: Int32) -> IOOutcome {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        let result = unsafe getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &length)
        guard result == 0, code == 0 else { return .failed(result == 0 ? code : errno) }
        var storage = sockaddr_in6()
        var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let hasPeer = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getpeername(socket, $0, &size)
            }
        }
        return hasPeer == 0 ? .done(0) : .wouldBlock
    }

    static func shutWriting(_ socket: Int32) {
        _ = shutdown(socket, Int32(SHUT_WR))
    }

    /// A descriptor held back for the day when there are none left.
    static func reserve() -> Descriptor? {
        let number = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
        return number >= 0 ? Descriptor(owning: number) : nil
    }
}
