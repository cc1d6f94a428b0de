import CLinux
import Glibc

/// A socket between processes of this machine, for threads that may wait.
///
/// Who is at the other end is what the kernel says, as it was when they connected. What does not
/// come or go within a time is a failure.
package struct LocalSocket: ~Copyable, Sendable {
    private let descriptor: Descriptor

    /// What an address has room for, without the zero at its end.
    package static let pathMax = 107

    private init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    package static func connect(to path: String) throws(SystemError) -> LocalSocket {
        let socket = try make()
        let number = socket.number
        let code = unsafe withAddress(path) { unsafe Glibc.connect(number, $0, $1) }
        guard code == 0 else { throw SystemError(call: "connect", code: errno) }
        return LocalSocket(socket)
    }

    fileprivate static func make() throws(SystemError) -> Descriptor {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        return Descriptor(
            owning: try Syscall.setup("socket") { Glibc.socket(AF_UNIX, kind, 0) })
    }

    fileprivate static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) {
            unsafe $0.copyBytes(from: path.utf8.prefix(pathMax))
        }
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    /// nil where the kernel does not tell.
    package var peerUser: UInt32? {
        var user: UInt32 = 0
        return unsafe clinux_peer_user(descriptor.number, &user) == 0 ? user : nil
    }

    /// nil waits for ever.
    package func send(_ bytes: [UInt8], within limit: Duration?) throws(SystemError) {
        var sent = 0
        while sent < bytes.count {
            switch Syscall.send(descriptor.number, bytes, from: sent) {
            case .done(let count): sent += count
            case .wouldBlock: try wait(Int16(POLLOUT), within: limit)
            case .failed(let code): throw SystemError(call: "send", code: code)
            }
        }
    }

    /// Exactly so many bytes, added to `bytes`.
    package func receive(
        _ count: Int, into bytes: inout [UInt8], within limit: Duration?
    ) throws(SystemError) {
        let end = bytes.count + count
        var chunk = [UInt8](repeating: 0, count: min(count, 1 << 18))
        while bytes.count < end {
            let wanted = min(chunk.count, end - bytes.count)
            switch Syscall.receive(descriptor.number, into: &chunk, atMost: wanted) {
            case .done(0): throw SystemError(call: "recv", code: ECONNRESET)
            case .done(let got): bytes.append(contentsOf: chunk[..<got])
            case .wouldBlock: try wait(Int16(POLLIN), within: limit)
            case .failed(let code): throw SystemError(call: "recv", code: code)
            }
        }
    }

    private func wait(_ events: Int16, within limit: Duration?) throws(SystemError) {
        guard try LocalListener.wait(descriptor.number, events, within: limit) else {
            throw SystemError(call: "poll", code: ETIMEDOUT)
        }
    }

    /// Returns when the connection is at its end, by either side.
    package func waitForEnd() {
        while isStanding {
            var watched = pollfd(fd: descriptor.number, events: 0, revents: 0)
            unsafe poll(&watched, 1, -1)
        }
    }

    /// False once the other side is gone.
    package var isStanding: Bool {
        var watched = pollfd(fd: descriptor.number, events: 0, revents: 0)
        guard unsafe poll(&watched, 1, 0) > 0 else { return true }
        return watched.revents & Int16(POLLHUP | POLLERR) == 0
    }

    /// Whoever waits on it, on any thread, comes back with a failure.
    package func end() { _ = shutdown(descriptor.number, Int32(SHUT_RDWR)) }
}

/// Where processes of this machine connect.
package struct LocalListener: ~Copyable, Sendable {
    private let descriptor: Descriptor

    /// Takes the place of a socket that nobody listens on any more; of nothing else. Others than
    /// its user and group may not connect.
    package init(at path: String) throws(SystemError) {
        var status = stat()
        if unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK {
            unsafe unlink(path)
        }
        let socket = try LocalSocket.make()
        let number = socket.number
        let before = umask(0o117)
        let code = unsafe LocalSocket.withAddress(path) { unsafe Glibc.bind(number, $0, $1) }
        let fault = errno
        umask(before)
        guard code == 0 else { throw SystemError(call: "bind", code: fault) }
        try Syscall.setup("listen") { Glibc.listen(number, 64) }
        descriptor = socket
    }

    /// nil when nobody came within that time.
    package func accept(within limit: Duration) throws(SystemError) -> LocalSocket? {
        guard try Self.wait(descriptor.number, Int16(POLLIN), within: limit) else { return nil }
        switch Syscall.outcome({ Int(clinux_accept(descriptor.number, nil, nil)) }) {
        case .done(let number): return LocalSocket(owning: Int32(truncatingIfNeeded: number))
        case .wouldBlock, .failed(ECONNABORTED): return nil
        case .failed(let code): throw SystemError(call: "accept", code: code)
        }
    }

    /// False when the time is over first.
    fileprivate static func wait(
        _ descriptor: Int32, _ events: Int16, within limit: Duration?
    ) throws(SystemError) -> Bool {
        var watched = pollfd(fd: descriptor, events: events, revents: 0)
        let milliseconds = limit.map {
            Int32(
                clamping: $0.components.seconds * 1_000 + $0.components.attoseconds
                    / 1_000_000_000_000_000)
        }
        switch Syscall.outcome({ Int(unsafe poll(&watched, 1, milliseconds ?? -1)) }) {
        case .done(let count): return count > 0
        case .wouldBlock: return false
        case .failed(let code): throw SystemError(call: "poll", code: code)
        }
    }
}

extension LocalSocket {
    fileprivate init(owning number: Int32) { self.init(Descriptor(owning: number)) }
}
