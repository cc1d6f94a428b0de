import TestSupport
import Testing

@testable import EventLoop

/// Answers in pieces leave as they would in one.
@Suite struct HTTPPieceTests {
    /// Of awkward sizes: none, one byte, about what one write takes, more than sockets hold.
    static let sizes = [
        [0, 1], [1, 0, 1], [5, 16 << 10, 0, 7], [16 << 10, 1], [100_000, 3, 2, 1, 100_000],
        [0, 0, 900_001, 1, 1_300_000, 2], [3_000_000, 3_000_000], [400, 17_000, 900, 20],
    ]

    private static func pieces(_ sizes: [Int]) -> [[UInt8]] {
        sizes.enumerated().map { place, count in
            (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ place &* 7) }
        }
    }

    private static func answer(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        let pieces = pieces(Self.sizes[Int(request.path.dropFirst()) ?? 0])
        exchange.respond(HTTPResponse(status: 200, body: pieces[0], rest: pieces.dropFirst()))
    }

    private static func request(_ place: Int) -> String {
        "GET /\(place) HTTP/1.1\r\nHost: localhost\r\n\r\n"
    }

    /// The second answer waits behind the first, and both are read slowly.
    @Test(arguments: sizes.indices, [Int32(4 << 10), 1 << 20])
    func inClearTheyAreWhole(_ place: Int, _ receiveBuffer: Int32) throws {
        let server = try TestServer(loops: 1) { Self.answer($0, $1) }
        defer { server.stop() }
        let client = try TestClient(server.port, receiveBuffer: receiveBuffer)
        client.send(Self.request(place) + Self.request(place))
        let wanted = Array(Self.pieces(Self.sizes[place]).joined())
        for _ in 0..<2 {
            let head = try #require(client.read(through: "\r\n\r\n"))
            #expect(head.contains("content-length: \(wanted.count)\r\n"))
            let body = try #require(client.read(count: wanted.count))
            #expect(body == wanted)
        }
        #expect(client.received.isEmpty)
    }

    @Test(arguments: sizes.indices) func throughTLSTheyAreWhole(_ place: Int) async throws {
        let server = try SecureServer(limits: HTTPLimits()) { Self.answer($0, $1) }
        defer { server.stop() }
        let wanted = Array(Self.pieces(Self.sizes[place]).joined())
        let mark = Array("\r\n\r\n".utf8)
        let body = try await server.connected(try server.client()) {
            connection, deadline throws(OutboundError) in
            try await connection.send(Array(Self.request(place).utf8), deadline: deadline)
            var received: [UInt8] = []
            var start: Int?
            while start.map({ received.count - $0 < wanted.count }) ?? true {
                let bytes = try await connection.receive(deadline: deadline)
                if bytes.isEmpty { break }
                received += bytes
                start =
                    start
                    ?? received.indices.first { received[$0...].starts(with: mark) }.map { $0 + 4 }
            }
            return Array(received.dropFirst(start ?? 0))
        }
        #expect(body == wanted)
    }

    @Test func whatWasSentIsGivenUpAndAClosedConnectionHoldsNothing() throws {
        let server = try TestServer(loops: 1) { request, exchange in
            let piece = [UInt8](repeating: 0x61, count: 1 << 20)
            exchange.respond(
                HTTPResponse(
                    status: 200, body: piece, rest: [[UInt8]](repeating: piece, count: 15)[...]))
        }
        defer { server.stop() }
        let slow = try TestClient(server.port, receiveBuffer: 4 << 10)
        slow.send(Self.request(0))
        #expect(slow.read(count: 8 << 20) != nil)
        slow.hangUp()
        let next = try TestClient(server.port)
        next.send(Self.request(0))
        #expect(next.response()?.body.utf8.count == 16 << 20)
    }
}
