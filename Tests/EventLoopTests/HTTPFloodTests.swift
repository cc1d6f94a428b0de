import Glibc
import Synchronization
import Testing

@testable import EventLoop

/// What strangers and greedy clients can make the server hold.
@Suite(.serialized) struct HTTPFloodTests {
    /// Lets in whoever says `let-me: in`, and counts what it was asked.
    private final class Doorkeeper: HTTPHandler {
        let asked = Mutex<[String]>([])
        let handled = Mutex<[Int]>([])

        func answer(withoutBody head: HTTPRequest) async -> HTTPResponse? {
            asked.withLock { $0.append("\(head.method) \(head.path) \(head.body.count)") }
            guard head.headers["let-me"] != "in" else { return nil }
            return HTTPResponse(status: 401, body: Array("who?".utf8))
        }

        func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) async {
            handled.withLock { $0.append(request.body.count) }
            TestServer.echo(request, exchange)
        }
    }

    private static func post(_ length: Int, _ fields: String = "") -> String {
        "POST /a HTTP/1.1\r\nHost: a\r\n\(fields)Content-Length: \(length)\r\n\r\n"
    }

    private static func bytes(_ count: Int) -> String { String(repeating: "x", count: count) }

    // MARK: Bodies

    @Test func aStrangerIsRefusedBeforeItsBodyIsRead() throws {
        let door = Doorkeeper()
        let server = try TestServer(handler: door)
        defer { server.stop() }
        for framing in ["Content-Length: 900000", "Transfer-Encoding: chunked"] {
            let client = try TestClient(server.port)
            client.send("POST /a HTTP/1.1\r\nHost: a\r\n\(framing)\r\n\r\n")
            let answer = try #require(client.response())
            #expect(answer.status == 401 && answer.body == "who?")
            #expect(answer.head.contains("connection: close\r\n"))
            // The rest of the body is no request, whatever it looks like.
            client.send("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n" + Self.bytes(300_000))
            client.shutWriting()
            #expect(client.isClosedByServer() && client.received.isEmpty)
        }
        #expect(door.asked.withLock { $0 } == ["POST /a 0", "POST /a 0"])
        #expect(door.handled.withLock { $0 }.isEmpty)
    }

    @Test func anAdmittedBodyIsReadWholeAndAWaitingClientToldToGoOn() throws {
        let door = Doorkeeper()
        let server = try TestServer(handler: door)
        defer { server.stop() }
        let client = try TestClient(server.port)
        for _ in 0..<2 {
            client.send(Self.post(200_000, "let-me: in\r\n") + Self.bytes(100))
            client.send(Self.bytes(199_900))
            #expect(client.response()?.body.utf8.count == 200_005)
            client.send(Self.post(200_000, "let-me: in\r\nExpect: 100-continue\r\n"))
            #expect(client.read(through: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            client.send(Self.bytes(200_000) + "GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(client.response()?.status == 200)
            #expect(client.response()?.head.contains("x-path: /next\r\n") == true)
        }
        #expect(door.asked.withLock { $0.count } == 4)
        client.send(Self.post(200_000, "Expect: 100-continue\r\n"))
        #expect(client.response()?.status == 401)
    }

    @Test func shortAndWholeRequestsCostNoQuestion() throws {
        let door = Doorkeeper()
        let server = try TestServer(handler: door)
        defer { server.stop() }
        let client = try TestClient(server.port)
        client.send(Self.post(5))
        client.send("abcde" + Self.post(20_000) + Self.bytes(20_000))
        #expect(client.response()?.body == "POST abcde")
        #expect(client.response()?.status != nil)
        #expect(door.asked.withLock { $0.count } <= 1)
        #expect(door.handled.withLock { $0.first } == 5)
    }

    @Test func bodiesUnderWayAreBoundedBySourceAndTogether() throws {
        var limits = HTTPLimits()
        limits.bodyBytes = 10_000
        limits.headerBytes = 1_000
        limits.bodyBytesUnasked = 0
        limits.unfinishedBytes = 60_000
        // Loopback's share: half of it, so three clients may hold 8 kB and a fourth may not.
        let server = try TestServer(limits: limits, loops: 1) { TestServer.echo($0, $1) }
        defer { server.stop() }
        let witness = try TestClient(server.port)
        func begin() throws -> TestClient {
            let client = try TestClient(server.port)
            client.send(Self.post(9_000, "Expect: 100-continue\r\n"))
            #expect(client.read(through: "\r\n\r\n")?.contains(" 100 ") == true)
            client.send(Self.bytes(8_000))
            // Answered by the same loop, so after what was sent before.
            witness.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(witness.response()?.status == 200)
            return client
        }
        let held = try (0..<3).map { _ in try begin() }
        let refused = try #require(try begin().response())
        #expect(refused.status == 503 && refused.head.contains("retry-after: 1\r\n"))
        held[0].send(Self.bytes(1_000))
        #expect(held[0].response()?.status == 200)
        let next = try begin()
        for client in [held[1], held[2], next] {
            client.send(Self.bytes(1_000))
            #expect(client.response()?.status == 200)
        }
    }

    @Test func neighboursOfOneNetworkShareOneShare() {
        #expect(HTTPSource("10.0.0.1") != HTTPSource("10.0.0.2"))
        #expect(HTTPSource("2001:db8::1") == HTTPSource("2001:db8::ffff:2"))
        #expect(HTTPSource("2001:db8::1") != HTTPSource("2001:db8:0:1::1"))
        #expect(HTTPSource("::ffff:10.0.0.1") == HTTPSource("10.0.0.1"))
        for loopback in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            #expect(HTTPSource(loopback).isLoopback)
        }
        for other in ["128.0.0.1", "::2", "::ffff:10.0.0.1", "", "localhost", "1:0:0:0::1"] {
            #expect(!HTTPSource(other).isLoopback)
        }
    }

    @Test func oneSourceCannotTakeEveryConnection() {
        var limits = HTTPLimits()
        limits.connections = 1_000
        let census = HTTPCensus(limits)
        let stranger = HTTPSource("192.0.2.1")
        let admitted = (0..<1_000).count { _ in census.admit(stranger) }
        #expect(admitted == 250)
        #expect(census.admit(HTTPSource("192.0.2.2")))
        // Behind loopback stands a proxy, who speaks for all: nothing is kept back from it.
        #expect((0..<1_000).count { _ in census.admit(HTTPSource("127.0.0.1")) } == 749)
        census.leave(stranger)
        #expect(census.admit(stranger) && !census.admit(stranger))
        limits.connections = 100
        #expect(limits.connectionShare(of: stranger) == 64)
    }

    @Test func aSourceThatHoldsTooMuchLeavesRoomForOthers() {
        var limits = HTTPLimits()
        limits.unfinishedBytes = 32 << 20
        let census = HTTPCensus(limits)
        let greedy = HTTPSource("192.0.2.1")
        let other = HTTPSource("192.0.2.2")
        #expect(census.hold(4 << 20, greedy))
        #expect(!census.hold(1, greedy))
        #expect(census.hold(1 << 20, other))
        #expect(census.hold(-1, greedy))
        #expect(census.queuedBytes == 5 << 20)
    }

    // MARK: Answers

    @Test func unreadAnswersCostTheSlowestReaderItsConnection() throws {
        var limits = HTTPLimits()
        limits.unsentBytes = 24 << 20
        let size = 10 << 20
        let server = try TestServer(limits: limits, loops: 1) { request, exchange in
            let count = request.path == "/large" ? size : 10
            exchange.respond(
                HTTPResponse(status: 200, body: [UInt8](repeating: 0x61, count: count)))
        }
        defer { server.stop() }
        let large = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n"
        let greedy = try (0..<6).map { _ in
            let client = try TestClient(server.port, receiveBuffer: 4 << 10)
            // Pipelined: what is asked second must not be answered before the first is read.
            client.send(large + large + large)
            #expect(client.read(through: "\r\n\r\n") != nil)
            return client
        }
        let other = try TestClient(server.port)
        other.send(large)
        #expect(other.response()?.body.utf8.count == size)
        let cut = greedy.filter { $0.read(count: size) == nil }
        #expect(cut.count >= 2 && cut.count < 6)
    }

    @Test func aQueueThatIsNeverEmptyForgetsWhatItSent() throws {
        var ends: [Int32] = [0, 0]
        try #require(
            socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &ends)
                == 0)
        defer { for end in ends { close(end) } }
        var queue = SendQueue()
        let wire = HTTPWire(socket: ends[0], tls: nil)
        let piece = [UInt8](repeating: 0x61, count: 100_000)
        var taken = [UInt8](repeating: 0, count: 50_000)
        while queue.unsent < 200_000 { _ = queue.send(piece, on: wire) }
        for _ in 0..<400 {
            while recv(ends[1], &taken, taken.count, 0) == taken.count, queue.unsent > 100_000 {
                _ = queue.flush(to: wire)
            }
            try #require(!queue.isEmpty)
            _ = queue.send(piece, on: wire)
        }
        #expect(queue.storedBytes < 1_000_000)
    }

    @Test func memoryIsGivenBackOnceAfterAPeakAndNotSoonAgain() {
        let memory = MemoryReturn()
        let start = MonotonicTime.now()
        memory.note(1 << 20)
        #expect(!memory.settle(queuedBytes: 0, now: start))
        memory.note(17 << 20)
        #expect(!memory.settle(queuedBytes: 2 << 20, now: start))
        #expect(memory.settle(queuedBytes: 0, now: start))
        #expect(!memory.isOwed)
        memory.note(17 << 20)
        #expect(!memory.settle(queuedBytes: 0, now: start.advanced(by: .seconds(9))))
        #expect(memory.isOwed)
        #expect(memory.settle(queuedBytes: 0, now: start.advanced(by: .seconds(11))))
    }
}
