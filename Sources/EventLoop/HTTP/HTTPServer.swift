import Glibc
import Synchronization

// HTTP/1.1 on every loop of a group. It answers: who may connect, and when is the server gone?
// Each loop has its own listening socket on the same port, so that the kernel spreads connections
// and none ever moves between threads. It must never wait: neither for a client nor for a free
// descriptor.

package final class HTTPServer: Sendable {
    package let port: UInt16
    private let shards: [HTTPServerShard]
    private let census: HTTPCensus

    /// Port 0 takes a free one; see `port`. With `tls` nothing is served in clear.
    package init(
        group: EventLoopGroup, address: String, port: UInt16, tls: CurrentTLS? = nil,
        limits: HTTPLimits = HTTPLimits(), handler: any HTTPHandler
    ) throws(SystemError) {
        // A port shared with SO_REUSEPORT can be shared with an earlier process of the same user
        // too, which would take half of our clients: this socket refuses to share.
        var chosen = port
        do {
            let probe = try SocketCalls.listen(address, port: port, sharesPort: false)
            if port == 0 { chosen = try SocketCalls.localPort(probe.number) }
        }
        let census = HTTPCensus(limits)
        var shards: [HTTPServerShard] = []
        for loop in group.loops {
            shards.append(
                HTTPServerShard(
                    listener: try SocketCalls.listen(address, port: chosen), loop: loop,
                    tls: tls, limits: limits, handler: handler, census: census,
                    unsentShare: limits.unsentBytes / group.loops.count))
        }
        self.port = chosen
        self.census = census
        self.shards = shards
        for shard in shards { shard.loop.execute { shard.start() } }
    }

    package var connectionCount: Int { census.count }

    /// Stops accepting, closes idle connections, lets requests under way be answered with
    /// `Connection: close`, and cuts what is left at the deadline.
    package func drain(deadline: MonotonicTime) async {
        unsafe await withUnsafeContinuation { continuation in
            let left = Countdown(shards.count) { unsafe continuation.resume() }
            for shard in shards {
                shard.loop.execute { shard.drain(deadline: deadline) { left.step() } }
            }
        }
    }
}

/// Runs `end` at the last of so many steps.
private final class Countdown: Sendable {
    private let left: Atomic<Int>
    private let end: @Sendable () -> Void

    init(_ count: Int, end: @escaping @Sendable () -> Void) {
        left = Atomic(count)
        self.end = end
    }

    func step() {
        let after = left.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue
        if after == 0 { end() }
    }
}
