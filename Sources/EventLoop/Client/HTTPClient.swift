import Synchronization

// HTTP/1.1 requests to others, from a task on a loop. It answers: what did the other side say to
// this request? It must never follow a redirect, look a name up, or send a request a second time
// when the first may have arrived and a repetition would matter.

/// Connections are kept for each origin and loop; nothing is shared between loops.
package final class HTTPClient: Sendable {
    package struct Limits: Sendable {
        /// To one origin on one loop.
        package var connections = 64
        /// Requests that wait for a connection, and for how long.
        package var waiting = 1_024
        package var wait = Duration.seconds(2)
        /// Below what servers use: a connection must not be ended as it is used again.
        package var idle = Duration.seconds(30)
        package var connect = Duration.seconds(5)
        /// From the end of the request to the first byte of the response.
        package var firstByte = Duration.seconds(30)
        /// Origins with connections on one loop; beyond it none are kept.
        package var origins = 256

        package init() {}

        var idleNanoseconds: UInt64 {
            MonotonicTime(nanoseconds: 0).advanced(by: idle).nanoseconds
        }
    }

    /// With whom connections may be shared: same name, port and security.
    package struct Origin: Hashable, Sendable {
        package let isSecure: Bool
        package let host: String
        package let port: UInt16

        package init(isSecure: Bool, host: String, port: UInt16) {
            self.isSecure = isSecure
            self.host = host
            self.port = port
        }

        /// Without the brackets of an IPv6 address.
        package var name: String {
            host.utf8.first == UInt8(ascii: "[") ? String(host.dropFirst().dropLast()) : host
        }
    }

    /// One request and all that decides how it goes.
    package struct Exchange: Sendable {
        package var request: HTTPClientRequest
        package var origin: Origin
        /// May be sent again when a kept connection turns out to be ended.
        package var isRepeatable: Bool
        package var bodyBytes: Int
        package var deadline: MonotonicTime

        package init(
            request: HTTPClientRequest, origin: Origin, isRepeatable: Bool, bodyBytes: Int,
            deadline: MonotonicTime
        ) {
            self.request = request
            self.origin = origin
            self.isRepeatable = isRepeatable
            self.bodyBytes = bodyBytes
            self.deadline = deadline
        }
    }

    /// Where an origin is reached, asked once for each new connection.
    package typealias Addresses =
        () async throws(HTTPClientError) -> [SocketAddress]

    private let limits: Limits
    private let security: TLSClientContext?
    private let pools = Mutex<[ObjectIdentifier: Pools]>([:])

    /// `security` verifies servers; without it no secure origin can be reached.
    package init(_ limits: Limits = Limits(), security: TLSClientContext?) {
        self.limits = limits
        self.security = security
    }

    deinit {
        for pools in pools.withLock({ Array($0.values) }) { pools.closeIdle() }
    }

    /// Runs on `loop`.
    package func send(
        _ exchange: Exchange, on loop: EventLoop, addresses: Addresses
    ) async throws(HTTPClientError) -> HTTPClientResponse {
        guard let bytes = exchange.request.bytes else { throw .unwritable }
        let pool = pools(of: loop).pool(exchange.origin)
        let kept = try await pool.take(exchange.deadline)
        var used: OutboundConnection?
        // On every way out the place is given back, with the connection where it still is good.
        defer { pool.giveBack(used) }
        if let kept {
            do throws(HTTPClientError) {
                return try await talk(bytes, exchange, on: kept, keeping: &used)
            } catch {
                // Servers end idle connections without a word. Once, and only where it is harmless.
                guard exchange.isRepeatable, error == .broken(beforeResponse: true) else {
                    throw error
                }
            }
        }
        let fresh = try await open(exchange, in: pool, on: loop, addresses)
        return try await talk(bytes, exchange, on: fresh, keeping: &used)
    }

    private func open(
        _ exchange: Exchange, in pool: HTTPClientPool, on loop: EventLoop, _ addresses: Addresses
    ) async throws(HTTPClientError) -> OutboundConnection {
        guard pool.mayConnect() else { throw .away }
        let deadline = min(exchange.deadline, loop.now.advanced(by: limits.connect))
        var last = HTTPClientError.connect(.unreachable(0))
        for address in try await addresses() {
            do throws(OutboundError) {
                let opened = try await OutboundConnection.open(
                    to: address, tls: try tls(exchange.origin), on: loop, deadline: deadline)
                pool.connected(true)
                return opened
            } catch {
                if error == .cancelled { throw .cancelled }
                last = .connect(error)
                if error == .timedOut { break }
            }
        }
        pool.connected(false)
        throw last
    }

    private func tls(_ origin: Origin) throws(OutboundError) -> OutboundConnection.Security? {
        guard origin.isSecure else { return nil }
        guard let security else { throw .tls(.unavailable) }
        return OutboundConnection.Security(security, name: origin.name)
    }

    /// One request and its response. `used` is the connection if it may carry another.
    private func talk(
        _ bytes: [UInt8], _ exchange: Exchange, on connection: OutboundConnection,
        keeping used: inout OutboundConnection?
    ) async throws(HTTPClientError) -> HTTPClientResponse {
        var parser = HTTPResponseParser(
            limits: .init(bodyBytes: exchange.bodyBytes),
            isHead: exchange.request.method == "HEAD")
        var isKept = false
        // Whatever is half read or half sent must not be used again.
        defer { if !isKept { connection.close() } }
        try await Self.outbound(parser.isUntouched) { () async throws(OutboundError) in
            try await connection.send(bytes, deadline: exchange.deadline)
        }
        let first = min(connection.loop.now.advanced(by: limits.firstByte), exchange.deadline)
        while !parser.isComplete {
            let isUntouched = parser.isUntouched
            let received = try await Self.outbound(isUntouched) { () async throws(OutboundError) in
                try await connection.receive(deadline: isUntouched ? first : exchange.deadline)
            }
            isKept = try Self.feed(received, to: &parser)
        }
        if isKept { used = connection }
        return parser.finish()
    }

    /// Whether the connection is good for another request.
    private static func feed(
        _ received: [UInt8], to parser: inout HTTPResponseParser
    ) throws(HTTPClientError) -> Bool {
        if received.isEmpty, parser.isUntouched { throw .broken(beforeResponse: true) }
        do throws(HTTPParseError) {
            if received.isEmpty {
                try parser.end()
                return false
            }
            let used = try parser.consume(received.span)
            return parser.isComplete && parser.keepsConnection && used == received.count
        } catch {
            throw .malformed(error)
        }
    }

    private static func outbound<Value>(
        _ isBeforeResponse: Bool, _ body: () async throws(OutboundError) -> Value
    ) async throws(HTTPClientError) -> Value {
        do throws(OutboundError) { return try await body() } catch {
            switch error {
            case .timedOut: throw .timedOut
            case .cancelled: throw .cancelled
            default: throw .broken(beforeResponse: isBeforeResponse)
            }
        }
    }

    private func pools(of loop: EventLoop) -> Pools {
        pools.withLock { pools in
            if let known = pools[ObjectIdentifier(loop)] { return known }
            let made = Pools(loop, limits)
            pools[ObjectIdentifier(loop)] = made
            return made
        }
    }

    /// Of one loop, which alone touches it.
    private final class Pools: @unchecked Sendable {
        private let loop: EventLoop
        private let limits: Limits
        private var byOrigin: [Origin: HTTPClientPool] = [:]

        init(_ loop: EventLoop, _ limits: Limits) {
            self.loop = loop
            self.limits = limits
        }

        func closeIdle() {
            loop.execute { [self] in for pool in byOrigin.values { pool.closeIdle() } }
        }

        func pool(_ origin: Origin) -> HTTPClientPool {
            if let known = byOrigin[origin] { return known }
            if byOrigin.count >= limits.origins {
                byOrigin = byOrigin.filter { !$0.value.isUnused }
            }
            let isKept = byOrigin.count < limits.origins
            let made = HTTPClientPool(loop, limits, keeps: isKept)
            if isKept { byOrigin[origin] = made }
            return made
        }
    }
}
