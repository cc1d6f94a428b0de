import Testing

@testable import EventLoop

/// How long the server puts up with a client that is slow, or that never ends.
@Suite struct HTTPPatienceTests {
    @Test func anAverageBelowTheRateIsBehindOnceTheGraceIsOver() {
        let start = MonotonicTime(nanoseconds: 1_000_000_000)
        func isBehind(_ bytes: Int, after seconds: Int) -> Bool {
            HTTPConnection.isBehind(
                bytes, since: start, now: start.advanced(by: .seconds(seconds)),
                grace: .seconds(30), bytesPerSecond: 500)
        }
        #expect(!isBehind(0, after: 30))
        #expect(isBehind(0, after: 31) && isBehind(15_499, after: 31))
        #expect(!isBehind(15_500, after: 31))
        #expect(isBehind(15_500, after: 32))
        let isNever = HTTPConnection.isBehind(
            0, since: .never, now: start, grace: .zero, bytesPerSecond: 500)
        #expect(!isNever)
    }

    @Test func anOldConnectionEndsWithItsNextAnswer() throws {
        var limits = HTTPLimits()
        limits.connectionAge = .zero
        let server = try TestServer(limits: limits) { TestServer.echo($0, $1) }
        defer { server.stop() }
        let client = try TestClient(server.port)
        client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(client.response()?.head.contains("connection: close\r\n") == true)
        client.shutWriting()
        #expect(client.isClosedByServer() && client.received.isEmpty)
    }

    /// What is sent ahead waits in the kernel, and is answered all the same.
    @Test func manyRequestsSentAheadAreAnsweredInOrder() throws {
        let server = try TestServer(loops: 1) { TestServer.echo($0, $1) }
        defer { server.stop() }
        let client = try TestClient(server.port)
        let padding = String(repeating: "x", count: 700)
        let count = 120
        client.send(
            (0..<count).map {
                "POST /\($0) HTTP/1.1\r\nHost: a\r\nX-Pad: \(padding)\r\nContent-Length: 2\r\n\r\nab"
            }.joined())
        for number in 0..<count {
            #expect(client.response()?.head.contains("x-path: /\(number)\r\n") == true)
        }
    }
}
