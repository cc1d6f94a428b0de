import Synchronization
import Testing

@testable import EventLoop

// One at a time: the client blocks its thread, and the tests' pool has few.
@Suite(.serialized) struct HTTPServerTests {
    private static func get(_ path: String, _ fields: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n"
    }

    private final class Latch: Sendable {
        private let state = Mutex<(isSet: Bool, waiters: [CheckedContinuation<Void, Never>])>(
            (false, []))

        func set() {
            let waiters = state.withLock { state in
                state.isSet = true
                defer { state.waiters = [] }
                return state.waiters
            }
            for waiter in waiters { waiter.resume() }
        }

        func wait() async {
            await withCheckedContinuation { continuation in
                let isSet = state.withLock { state in
                    if !state.isSet { state.waiters.append(continuation) }
                    return state.isSet
                }
                if isSet { continuation.resume() }
            }
        }
    }

    @Test func oneConnectionServesManyRequests() throws {
        let server = try TestServer { TestServer.echo($0, $1) }
        defer { server.stop() }
        let client = try TestClient(server.port)
        for number in 0..<50 {
            client.send("POST /\(number) HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
            let response = try #require(client.response())
            #expect(response.status == 200 && response.body == "POST abc")
            #expect(response.head.contains("x-path: /\(number)\r\n"))
            #expect(!response.head.contains("connection: close"))
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        let server = try TestServer { request, exchange in
            // Early ones take longer, so that any disorder would show.
            if request.path.utf8.count == 2 {
                try? await exchange.loop.sleep(for: .milliseconds(3))
            }
            TestServer.echo(request, exchange)
        }
        defer { server.stop() }
        let client = try TestClient(server.port)
        client.send((0..<40).map { Self.get("/\($0)") }.joined())
        for number in 0..<40 {
            #expect(client.response()?.head.contains("x-path: /\(number)\r\n") == true)
        }
    }

    @Test func chunkedBodiesArriveWholeHoweverTheyAreCut() throws {
        let server = try TestServer { TestServer.echo($0, $1) }
        defer { server.stop() }
        let client = try TestClient(server.port)
        client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab")
        client.send("c\r\n2;x=y\r\nde\r\n0\r\n")
        client.send("\r\n" + Self.get("/next"))
        #expect(client.response()?.body == "POST abcde")
        #expect(client.response()?.head.contains("/next") == true)
    }

    @Test func aBodyHeldBackIsAskedFor() throws {
        let server = try TestServer { TestServer.echo($0, $1) }
        defer { server.stop() }
        let client = try TestClient(server.port)
        let head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n"
        for _ in 0..<2 {
            client.send(head)
            #expect(client.read(through: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            client.send("ab")
            #expect(client.response()?.body == "POST ab")
        }
        client.send(head.replacing("Content-Length: 2", with: "Content-Length: 99999999"))
        #expect(client.response()?.status == 413)
    }

    @Test func headAndBodilessAnswersHaveNoBody() throws {
        let server = try TestServer { request, exchange in
            let status = request.path == "/204" ? 204 : request.path == "/304" ? 304 : 200
            exchange.respond(HTTPResponse(status: status, body: Array("hello".utf8)))
        }
        defer { server.stop() }
        let client = try TestClient(server.port)
        client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        let head = try #require(client.read(through: "\r\n\r\n"))
        #expect(head.contains("content-length: 5\r\n"))
        for path in ["/204", "/304"] {
            client.send(Self.get(path))
            let head = try #require(client.read(through: "\r\n\r\n"))
            #expect(head.hasPrefix("HTTP/1.1 \(path.dropFirst())"))
            #expect(!head.contains("content-length"))
        }
        client.send(Self.get("/", "Connection: close\r\n"))
        #expect(client.response()?.body == "hello")
        #expect(client.isClosedByServer() && client.received.isEmpty)
    }

    @Test func aSyntaxErrorIsReadableEvenWhenTheClientKeepsSending() throws {
        let server = try TestServer { TestServer.echo($0, $1) }
        defer { server.stop() }
        let client = try TestClient(server.port)
        client.send("GET / HTTP/1.1\r\nHost: a\r\nBad : x\r\n\r\n")
        client.send(String(repeating: "x", count: 300_000))
        let response = try #require(client.response())
        #expect(response.status == 400 && response.head.contains("connection: close\r\n"))
        client.shutWriting()
        #expect(client.isClosedByServer() && client.received.isEmpty)
    }

    @Test func headersOfAnAnswerCannotForgeLines() throws {
        let server = try TestServer { request, exchange in
            let value = request.path == "/lf" ? "a\nset-cookie: x=y" : "a\r\n\r\nbody"
            exchange.respond(HTTPResponse(status: 200, headers: [("x-a", value)]))
        }
        defer { server.stop() }
        for path in ["/lf", "/crlf"] {
            let client = try TestClient(server.port)
            client.send(Self.get(path))
            let response = try #require(client.response())
            #expect(response.status == 500 && !response.head.contains("set-cookie"))
        }
    }

    @Test func aHandlerThatForgetsToAnswerGives500() throws {
        let server = try TestServer { _, _ in }
        defer { server.stop() }
        let client = try TestClient(server.port)
        client.send(Self.get("/"))
        #expect(client.response()?.status == 500)
    }

    @Test func hangingUpCancelsTheHandlerOnlyIfItWantsThat() async throws {
        for cancels in [true, false] {
            let started = Latch()
            let ended = Latch()
            let wasCancelled = Mutex(false)
            let server = try TestServer { request, exchange in
                guard request.path == "/slow" else {
                    TestServer.echo(request, exchange)
                    return
                }
                exchange.cancelsOnDisconnect = cancels
                started.set()
                let end = Duration.seconds(cancels ? 3600 : 0.1)
                do {
                    try await exchange.loop.sleep(for: end)
                } catch {
                    wasCancelled.withLock { $0 = true }
                }
                ended.set()
            }
            defer { server.stop() }
            let client = try TestClient(server.port)
            client.send(Self.get("/slow"))
            await started.wait()
            client.hangUp()
            await ended.wait()
            #expect(wasCancelled.withLock { $0 } == cancels)
        }
    }

    @Test func aClientThatShutsItsHalfStillGetsItsAnswer() throws {
        let server = try TestServer { request, exchange in
            exchange.cancelsOnDisconnect = false
            try? await exchange.loop.sleep(for: .milliseconds(20))
            TestServer.echo(request, exchange)
        }
        defer { server.stop() }
        let client = try TestClient(server.port)
        client.send(Self.get("/"))
        client.shutWriting()
        #expect(client.response()?.status == 200)
        #expect(client.isClosedByServer())
    }

    @Test func eventsAreFramedSoThatTextCannotForgeThem() throws {
        let server = try TestServer { _, exchange in
            let stream = exchange.openEventStream(headers: [("x-a", "b")])
            stream.comment("hi\nevent: forged")
            try? await stream.send(event: Array("a\r\nb\rc\nd".utf8), id: "1\nevent: x")
            stream.end()
        }
        defer { server.stop() }
        let client = try TestClient(server.port)
        client.send(Self.get("/") + Self.get("/again"))
        for _ in 0..<2 {
            let head = try #require(client.read(through: "\r\n\r\n"))
            #expect(head.contains("content-type: text/event-stream\r\n"))
            #expect(head.contains("transfer-encoding: chunked\r\n"))
            let comment = ": hievent: forged\n\n"
            let event = "id: 1event: x\ndata: a\ndata: b\ndata: c\ndata: d\n\n"
            let body = [comment, event].map {
                String($0.utf8.count, radix: 16) + "\r\n" + $0 + "\r\n"
            }
            #expect(client.read(through: "0\r\n\r\n") == body.joined() + "0\r\n\r\n")
        }
    }

    @Test func aSilentStreamShowsThatItLives() async throws {
        var limits = HTTPLimits()
        limits.streamSilence = .milliseconds(1)
        let ended = Latch()
        let server = try TestServer(limits: limits) { _, exchange in
            let stream = exchange.openEventStream()
            try? await stream.send(event: [], id: "0", retry: .seconds(2))
            try? await exchange.loop.sleep(for: .seconds(60))
            stream.end()
            ended.set()
        }
        defer { server.stop() }
        let client = try TestClient(server.port)
        client.send(Self.get("/"))
        _ = try #require(client.read(through: "retry: 2000\nid: 0\ndata: \n\n\r\n"))
        for _ in 0..<2 {
            #expect(client.read(through: "\n\n\r\n") == "e\r\n: still here\n\n\r\n")
        }
        client.hangUp()
        await ended.wait()
    }

    /// Its end comes with its request, before anybody could have been told of it.
    @Test func aClientThatLeavesAtOnceIsNoticed() async throws {
        let ended = Latch()
        let server = try TestServer { _, exchange in
            exchange.cancelsOnDisconnect = true
            try? await exchange.loop.sleep(for: .seconds(60))
            ended.set()
        }
        defer { server.stop() }
        let client = try TestClient(server.port)
        client.send(Self.get("/"))
        client.hangUp()
        await ended.wait()
    }

    @Test func aSlowReaderHoldsBackItsStreamAndNothingElse() async throws {
        var limits = HTTPLimits()
        limits.writeBufferBytes = 64 << 10
        let sent = Mutex(0)
        let finished = Latch()
        let total = 400
        let server = try TestServer(limits: limits) { request, exchange in
            guard request.path == "/stream" else {
                TestServer.echo(request, exchange)
                return
            }
            let stream = exchange.openEventStream()
            for _ in 0..<total {
                let event = [UInt8](repeating: 0x61, count: 64 << 10)
                do { try await stream.send(event: event) } catch { break }
                sent.withLock { $0 += 1 }
            }
            stream.end()
            finished.set()
        }
        defer { server.stop() }
        let slow = try TestClient(server.port, receiveBuffer: 16 << 10)
        slow.send(Self.get("/stream"))
        _ = slow.read(through: "\r\n\r\n")
        let other = try TestClient(server.port)
        for _ in 0..<200 {
            other.send(Self.get("/"))
            #expect(other.response()?.status == 200)
        }
        #expect(sent.withLock { $0 } < total)
        let every = total * (64 << 10)
        var seen = 0
        while seen < every, let part = slow.read(count: 1 << 20) { seen += part.count }
        await finished.wait()
        #expect(sent.withLock { $0 } == total)
    }

    @Test func aStreamWhoseClientLeftSaysSo() async throws {
        let ended = Latch()
        let server = try TestServer { _, exchange in
            exchange.cancelsOnDisconnect = false
            let stream = exchange.openEventStream()
            do throws(StreamClosed) {
                while true { try await stream.send(event: [0x61]) }
            } catch {
                ended.set()
            }
        }
        defer { server.stop() }
        let client = try TestClient(server.port)
        client.send(Self.get("/"))
        _ = client.read(through: "data: a")
        client.hangUp()
        await ended.wait()
    }

    @Test func drainingAnswersWhatIsUnderWayAndClosesTheRest() async throws {
        let started = Latch()
        let mayAnswer = Latch()
        let server = try TestServer(loops: 1) { request, exchange in
            if request.path == "/slow" {
                started.set()
                await mayAnswer.wait()
            }
            TestServer.echo(request, exchange)
        }
        defer { server.stop() }
        let idle = try TestClient(server.port)
        idle.send(Self.get("/"))
        #expect(idle.response()?.status == 200)
        let busy = try TestClient(server.port)
        busy.send(Self.get("/slow"))
        await started.wait()
        let http = server.server
        let drained = Task {
            await http.drain(deadline: MonotonicTime.now().advanced(by: .seconds(5)))
        }
        #expect(idle.isClosedByServer())
        mayAnswer.set()
        let response = try #require(busy.response())
        #expect(response.status == 200 && response.head.contains("connection: close\r\n"))
        busy.hangUp()
        await drained.value
        #expect(throws: SystemError.self) { _ = try TestClient(server.port) }
        #expect(http.connectionCount == 0)
    }

    @Test func drainingCutsWhatIsLeftAtItsDeadline() async throws {
        let started = Latch()
        let server = try TestServer { request, exchange in
            exchange.cancelsOnDisconnect = true
            started.set()
            try? await exchange.loop.sleep(for: .seconds(3600))
        }
        defer { server.stop() }
        let client = try TestClient(server.port)
        client.send(Self.get("/"))
        await started.wait()
        await server.server.drain(deadline: MonotonicTime.now().advanced(by: .milliseconds(50)))
        #expect(client.isClosedByServer())
        #expect(server.server.connectionCount == 0)
    }

    @Test func connectionsBeyondTheLimitOfASourceAreTurnedAway() throws {
        var limits = HTTPLimits()
        limits.connectionsPerSource = 2
        let server = try TestServer(limits: limits) { TestServer.echo($0, $1) }
        defer { server.stop() }
        let clients = try (0..<2).map { _ in try TestClient(server.port) }
        for client in clients {
            client.send(Self.get("/"))
            #expect(client.response()?.status == 200)
        }
        let third = try TestClient(server.port)
        #expect(third.response()?.status == 503)
        #expect(third.isClosedByServer())
    }

    @Test func unfinishedRequestsTogetherHoldNoMoreThanTheirLimit() throws {
        var limits = HTTPLimits()
        limits.unfinishedBytes = 10_000
        let server = try TestServer(limits: limits) { TestServer.echo($0, $1) }
        defer { server.stop() }
        let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n"
        // A request that holds too much by itself needs no second one to be refused.
        let greedy = try TestClient(server.port)
        greedy.send(head.replacing("9000", with: "90000") + String(repeating: "x", count: 60_000))
        #expect(greedy.response()?.status == 503)
        greedy.hangUp()
        // What was held is given back.
        for _ in 0..<5 {
            let next = try TestClient(server.port)
            next.send(head + String(repeating: "x", count: 5_000))
            next.send(String(repeating: "x", count: 4_000))
            #expect(next.response()?.status == 200)
        }
    }

    @Test func aConnectionEndsAfterItsLastAllowedRequest() throws {
        var limits = HTTPLimits()
        limits.requestsPerConnection = 3
        let server = try TestServer(limits: limits) { TestServer.echo($0, $1) }
        defer { server.stop() }
        let client = try TestClient(server.port)
        client.send((0..<5).map { Self.get("/\($0)") }.joined())
        for number in 0..<3 {
            let head = try #require(client.response()).head
            #expect(head.contains("connection: close") == (number == 2))
        }
        client.shutWriting()
        #expect(client.isClosedByServer() && client.received.isEmpty)
    }

    @Test func anAnswerFromAnotherThreadArrives() async throws {
        let pool = WorkerPool(threads: 2, queueLimit: 10, name: "test")
        defer { pool.stop() }
        let server = try TestServer { request, exchange in
            try? await pool.run { _ in TestServer.echo(request, exchange) }
        }
        defer { server.stop() }
        let client = try TestClient(server.port)
        for _ in 0..<100 {
            client.send(Self.get("/"))
            #expect(client.response()?.status == 200)
        }
    }

    @Test func slowClientsAreCutOff() throws {
        var limits = HTTPLimits()
        limits.headerTimeout = .milliseconds(200)
        limits.bodyIdleTimeout = .milliseconds(200)
        limits.keepAliveTimeout = .milliseconds(200)
        let server = try TestServer(limits: limits) { TestServer.echo($0, $1) }
        defer { server.stop() }
        let starts = ["GET / HT", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab"]
        for start in starts {
            let client = try TestClient(server.port)
            client.send(start)
            #expect(client.response()?.status == 408)
        }
        let silent = try TestClient(server.port)
        #expect(silent.isClosedByServer() && silent.received.isEmpty)
        let idle = try TestClient(server.port)
        idle.send(Self.get("/"))
        #expect(idle.response()?.status == 200)
        #expect(idle.isClosedByServer() && idle.received.isEmpty)
    }

    @Test func aPortInUseIsRefusedAlthoughLoopsShareTheirs() throws {
        let server = try TestServer { TestServer.echo($0, $1) }
        defer { server.stop() }
        #expect(throws: SystemError.self) {
            _ = try HTTPServer(
                group: server.group, address: "127.0.0.1", port: server.port,
                handler: TestServer.Handler { TestServer.echo($0, $1) })
        }
    }

    @Test func datesFollowTheCalendar() {
        #expect(HTTPDate.text(secondsSinceEpoch: 0) == "Thu, 01 Jan 1970 00:00:00 GMT")
        #expect(HTTPDate.text(secondsSinceEpoch: 784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(HTTPDate.text(secondsSinceEpoch: 951_868_799) == "Tue, 29 Feb 2000 23:59:59 GMT")
    }
}
