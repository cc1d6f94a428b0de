import Glibc
import TestSupport
import Testing

@testable import EventLoop

/// Connections that we open, in clear.
@Suite struct OutboundConnectionTests {
    @Test func requestsGoOutAndAnswersComeBack() async throws {
        let server = try TestServer { TestServer.echo($0, $1) }
        defer { server.stop() }
        let answers = try await Outbound.run(on: server.group.loops[1], port: server.port) {
            connection, deadline throws(OutboundError) in
            let first = try await Outbound.answer(connection, deadline)
            let isIdle = connection.isIdle()
            let second = try await Outbound.answer(connection, deadline)
            return (first, isIdle, second, connection.tlsVersion)
        }
        #expect(answers.0.hasPrefix("HTTP/1.1 200 ") && answers.1)
        #expect(answers.2.hasPrefix("HTTP/1.1 200 ") && answers.3 == nil)
    }

    @Test func aPortWithoutListenerIsUnreachable() async throws {
        let server = try TestServer { TestServer.echo($0, $1) }
        defer { server.stop() }
        // Bound and not listening: nobody else can take it meanwhile.
        let taken = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(taken) }
        let loopback = SocketAddress(ip: "127.0.0.1", port: 0)!
        #expect(loopback.withSockaddr { bind(taken, $0, $1) } == 0)
        let port = try SocketCalls.localPort(taken)
        await #expect(throws: OutboundError.unreachable(ECONNREFUSED)) {
            try await Outbound.run(on: server.group.loops[0], port: port) { _, _ in }
        }
    }

    @Test func aSilentPeerIsLeftAtTheDeadline() async throws {
        let server = try TestServer { _, exchange in
            try? await exchange.loop.sleep(for: .seconds(60))
        }
        defer { server.stop() }
        await #expect(throws: OutboundError.timedOut) {
            try await Outbound.run(
                on: server.group.loops[0], port: server.port, patience: .milliseconds(50)
            ) { connection, deadline throws(OutboundError) in
                _ = try await Outbound.answer(connection, deadline)
            }
        }
    }

    /// What a task that waits for bytes ends with when `act` is done to it or its connection.
    private static func end(
        _ act: @escaping @Sendable (Task<OutboundError?, Never>, OutboundConnection) -> Void
    ) async throws -> OutboundError? {
        let server = try TestServer { _, _ in }
        defer { server.stop() }
        let loop = server.group.loops[0]
        return try await Outbound.run(on: loop, port: server.port) {
            connection, deadline throws(OutboundError) in
            let reader = Task(executorPreference: loop) {
                do throws(OutboundError) {
                    _ = try await connection.receive(deadline: .never)
                    return OutboundError?.none
                } catch { return error }
            }
            // The reader goes first on the loop that both share, and waits.
            await Task.yield()
            act(reader, connection)
            return await reader.value
        }
    }

    @Test func whoeverWaitsHearsOfCancellationAndOfClosing() async throws {
        let cancelled = try await Self.end { reader, _ in reader.cancel() }
        #expect(cancelled == .cancelled)
        let closed = try await Self.end { _, connection in connection.close() }
        #expect(closed == .closed)
    }

    @Test func aConnectionThatThePeerHasEndedIsNotIdle() async throws {
        let server = try TestServer { TestServer.echo($0, $1) }
        defer { server.stop() }
        let isIdle = try await Outbound.run(on: server.group.loops[0], port: server.port) {
            connection, deadline throws(OutboundError) in
            let request = "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            _ = try await Outbound.answer(connection, to: Array(request.utf8), deadline)
            // The end itself, and not only the answer.
            _ = try await connection.receive(deadline: deadline)
            return connection.isIdle()
        }
        #expect(!isIdle)
    }

    @Test(arguments: [
        "127.1", "0177.0.0.1", "1.2.3.4 ", "::1%lo", "[::1]", "localhost", "", "1.2.3",
    ])
    func whatIsNoPlainAddressIsNone(_ text: String) {
        #expect(SocketAddress(ip: text, port: 1) == nil)
    }

    @Test func addressesAreWrittenAsTheyAreMeant() {
        #expect(SocketAddress(ip: "2001:DB8::0:1", port: 443)?.description == "[2001:db8::1]:443")
        #expect(SocketAddress(bytes: [192, 0, 2, 1], port: 80)?.description == "192.0.2.1:80")
        #expect(SocketAddress(bytes: [1, 2, 3], port: 80) == nil)
    }
}
