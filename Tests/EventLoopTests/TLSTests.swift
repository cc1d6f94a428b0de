import TestSupport
import Testing

@testable import EventLoop

/// Both sides of TLS, against one another and with an authority of the test's own.
@Suite struct TLSTests {
    /// What opening a connection and one request end with.
    private static func outcome(
        _ server: SecureServer, _ context: TLSClientContext, name: String = "localhost"
    ) async -> OutboundError? {
        do throws(OutboundError) {
            let answer = try await server.connected(context, name: name) {
                connection, deadline throws(OutboundError) in
                try await Outbound.answer(connection, deadline)
            }
            return answer.hasPrefix("HTTP/1.1 200 ") ? nil : .broken
        } catch { return error }
    }

    @Test func aVerifiedServerIsTalkedTo() async throws {
        let server = try SecureServer(limits: HTTPLimits()) { request, exchange in
            #expect(request.peer.isSecure && request.peer.certificate == nil)
            TestServer.echo(request, exchange)
        }
        defer { server.stop() }
        let version = try await server.connected(try server.client()) {
            connection, deadline throws(OutboundError) in
            _ = try await Outbound.answer(connection, deadline)
            #expect(connection.isIdle())
            return connection.tlsVersion
        }
        #expect(version == "TLSv1.3")
    }

    @Test(arguments: ["localhost", "127.0.0.1"])
    func aNameOfTheCertificateIsAccepted(_ name: String) async throws {
        let server = try SecureServer()
        defer { server.stop() }
        #expect(await Self.outcome(server, try server.client(), name: name) == nil)
    }

    @Test(arguments: [
        "example.com", "127.0.0.2", "::1", "localhost.example", "leaf", "*.localhost",
    ])
    func anotherNameIsRefused(_ name: String) async throws {
        let server = try SecureServer()
        defer { server.stop() }
        #expect(await Self.outcome(server, try server.client(), name: name) == .tls(.otherName))
    }

    @Test func anAddressInPlaceOfANameIsNone() async throws {
        let server = try SecureServer(names: "DNS:127.0.0.1")
        defer { server.stop() }
        let outcome = await Self.outcome(server, try server.client(), name: "127.0.0.1")
        #expect(outcome == .tls(.otherName))
    }

    @Test func anUnknownAuthorityIsRefused() async throws {
        let server = try SecureServer()
        defer { server.stop() }
        let others = TestAuthority("Another authority").pem
        for trust: TLSClientContext.Trust in [
            .system, .only(authorities: others), .systemAnd(authorities: others),
        ] {
            let context = try TLSClientContext(trust: trust)
            #expect(await Self.outcome(server, context) == .tls(.untrusted))
        }
        let own = TLSClientContext.Trust.systemAnd(authorities: server.authority.pem)
        #expect(await Self.outcome(server, try TLSClientContext(trust: own)) == nil)
    }

    @Test(arguments: [-48 ... -1, 1...24])
    func aCertificateOutsideItsTimeIsRefused(_ hours: ClosedRange<Int>) async throws {
        let server = try SecureServer(hours: hours)
        defer { server.stop() }
        #expect(await Self.outcome(server, try server.client()) == .tls(.outsideValidity))
    }

    @Test func aSecondConnectionResumesTheFirstOne() async throws {
        let server = try SecureServer()
        defer { server.stop() }
        let context = try server.client()
        var resumed: [Bool] = []
        for _ in 0..<3 {
            resumed.append(
                try await server.connected(context) { connection, deadline throws(OutboundError) in
                    _ = try await Outbound.answer(connection, deadline)
                    return connection.wasResumed
                })
        }
        #expect(resumed == [false, true, true])
        // A session holds for the name that was verified.
        let other = await Self.outcome(server, context, name: "example.com")
        #expect(other == .tls(.otherName))
    }

    @Test func aProtocolThatWeDoNotSpeakIsRefused() async throws {
        let server = try SecureServer()
        defer { server.stop() }
        let other = await Self.outcome(server, try server.client(application: "h2"))
        #expect(other == .tls(.nothingInCommon))
        #expect(await Self.outcome(server, try server.client(application: nil)) == nil)
    }

    @Test func aPeerInClearIsNamedAsSuch() async throws {
        let server = try TestServer { TestServer.echo($0, $1) }
        defer { server.stop() }
        let context = try TLSClientContext()
        await #expect(throws: OutboundError.tls(.plainText)) {
            try await Outbound.run(on: server.group.loops[0], port: server.port, context) { _, _ in
            }
        }
    }

    @Test func aClientInClearIsToldSo() throws {
        let server = try SecureServer()
        defer { server.stop() }
        let client = try TestClient(server.port)
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = try #require(client.response())
        #expect(answer.status == 400 && answer.body == "this port speaks HTTPS only\n")
        client.shutWriting()
        #expect(client.isClosedByServer() && client.received.isEmpty)
    }

    @Test func largeMessagesPassInBothDirections() async throws {
        let server = try SecureServer()
        defer { server.stop() }
        let size = 1_000_000
        let count = try await server.connected(try server.client()) {
            connection, deadline throws(OutboundError) in
            let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(size)\r\n\r\n"
            let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            async let sent: Void = connection.send(Array(head.utf8) + body, deadline: deadline)
            var received: [UInt8] = []
            while received.suffix(size) != body[...] {
                let bytes = try await connection.receive(deadline: deadline)
                if bytes.isEmpty { return 0 }
                received += bytes
            }
            do { try await sent } catch { throw .broken }
            return received.count
        }
        #expect(count > size)
    }

    @Test func aHandshakeThatDoesNotComeIsLeft() throws {
        var limits = HTTPLimits()
        limits.handshakeTimeout = .milliseconds(100)
        let server = try SecureServer(limits: limits)
        defer { server.stop() }
        let client = try TestClient(server.port)
        #expect(client.isClosedByServer() && client.received.isEmpty)
    }
}
