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

    /// Port 0 takes a free one; see `port`.
    package init(
        group: EventLoopGroup, address: String, port: UInt16, limits: HTTPLimits = HTTPLimits(),
        handler: any HTTPHandler
    ) throws(SystemError) {
        // A port shared with SO_REUSEPORT can be shared with an earlier process of the same user
        // too, which would take half of our clients: this socket refuses to share.
        var chosen = port
        do {
            let probe = try SocketCalls.listen(address, port: port, sharesPort: false)
            if port == 0 { chosen = try SocketCalls.localPort(probe.number) }
        }
        let census = HTTPCensus(
            limit: limits.connections, limitPerSource: limits.connectionsPerSource,
            byteLimit: limits.unfinishedBytes)
        var shards: [HTTPServerShard] = []
        for loop in group.loops {
            shards.append(
                HTTPServerShard(
                    listener: try SocketCalls.listen(address, port: chosen), loop: loop,
                    limits: limits, handler: handler, census: census))
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

/// How many connections there are, over all loops and by source, and what their unfinished
/// requests hold. Not asked for a request that arrives in one read.
final class HTTPCensus: Sendable {
    private struct Counts {
        var total = 0
        var bySource: [String: Int] = [:]
    }

    private let limit: Int
    private let limitPerSource: Int
    private let counts = Mutex(Counts())
    private let byteLimit: Int
    private let bytes = Atomic<Int>(0)

    init(limit: Int, limitPerSource: Int, byteLimit: Int) {
        self.byteLimit = byteLimit
        self.limit = limit
        self.limitPerSource = limitPerSource
    }

    var count: Int { counts.withLock { $0.total } }

    func admit(_ source: String) -> Bool {
        counts.withLock { counts in
            let fromSource = counts.bySource[source, default: 0]
            guard counts.total < limit, fromSource < limitPerSource else { return false }
            counts.total += 1
            counts.bySource[source] = fromSource + 1
            return true
        }
    }

    /// False when all together hold too much; the change is counted nevertheless.
    func hold(_ change: Int) -> Bool {
        bytes.wrappingAdd(change, ordering: .relaxed).newValue <= byteLimit
    }

    func leave(_ source: String) {
        counts.withLock { counts in
            counts.total -= 1
            let left = counts.bySource[source, default: 1] - 1
            counts.bySource[source] = left == 0 ? nil : left
        }
    }
}
