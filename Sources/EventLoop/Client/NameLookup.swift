import CLinux
import Glibc

// Names into addresses. It answers: where may this host be? The C library blocks while it asks,
// so it does that on threads of its own, few of them: when the servers for names are away, nothing
// else may wait for a thread.

package enum NameLookupError: Error, Equatable, Sendable {
    /// The name has no address, or nobody could say.
    case unknown
    case timedOut
    case cancelled
    /// Too many are being asked for.
    case busy
}

/// Asked for every new connection; a test answers by itself.
package protocol NameLookup: Sendable {
    /// 4 or 16 bytes each, the best first; never empty.
    func addresses(
        of name: String, on loop: EventLoop, deadline: MonotonicTime
    ) async throws(NameLookupError) -> [[UInt8]]
}

/// The names that this machine knows: its files, its servers.
package final class SystemNameLookup: NameLookup {
    private static let addressesMax = 16

    private let pool: WorkerPool

    package init(threads: Int = 4, waiting: Int = 64) {
        pool = WorkerPool(threads: threads, queueLimit: waiting, name: "names")
    }

    package func addresses(
        of name: String, on loop: EventLoop, deadline: MonotonicTime
    ) async throws(NameLookupError) -> [[UInt8]] {
        let answer = Answer()
        let wait = OutboundWait(loop)
        // The thread may be busy for longer than anybody waits; then nobody hears it.
        let asking = Task(executorPreference: loop) { [pool] in
            let found = try? await pool.run { _ in Self.ask(name) }
            answer.found = found
            wait.finish(.event)
        }
        switch await wait.untilFinished(deadline: deadline) {
        case .timedOut: throw .timedOut
        case .cancelled, .closed: throw .cancelled
        case .event: break
        }
        _ = asking
        guard let found = answer.found else { throw .busy }
        guard !found.isEmpty else { throw .unknown }
        return found
    }

    /// Touched on the loop only.
    private final class Answer: @unchecked Sendable {
        var found: [[UInt8]]?
    }

    private static func ask(_ name: String) -> [[UInt8]] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(name, nil, &hints, &list) == 0 else { return [] }
        defer { unsafe freeaddrinfo(list) }
        var found: [[UInt8]] = []
        var next = unsafe list
        while let entry = unsafe next, found.count < addressesMax {
            if let address = unsafe bytes(entry.pointee) { found.append(address) }
            unsafe next = entry.pointee.ai_next
        }
        return found
    }

    private static func bytes(_ entry: addrinfo) -> [UInt8]? {
        guard let address = unsafe entry.ai_addr else { return nil }
        switch unsafe entry.ai_family {
        case AF_INET:
            return unsafe address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                unsafe withUnsafeBytes(of: $0.pointee.sin_addr) { unsafe Array($0) }
            }
        case AF_INET6:
            return unsafe address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                unsafe withUnsafeBytes(of: $0.pointee.sin6_addr) { unsafe Array($0) }
            }
        default: return nil
        }
    }
}
