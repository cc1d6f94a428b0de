import Glibc
import TestSupport
import Testing

@testable import EventLoop

/// Certificates of clients, certificates that are renewed, and settings that do not fit.
@Suite struct TLSServerTests {
    private static func shown(
        _ server: SecureServer, _ identity: TLSIdentity?
    ) async -> Result<String, OutboundError> {
        do throws(OutboundError) {
            let context: TLSClientContext
            do { context = try server.client(identity) } catch { return .failure(.noRoom) }
            return .success(
                try await server.connected(context) { connection, deadline throws(OutboundError) in
                    let answer = try await Outbound.answer(connection, deadline)
                    return answer.split(separator: "x-shown: ").last.map {
                        String($0.prefix { $0 != "\r\n" })
                    } ?? ""
                })
        } catch { return .failure(error) }
    }

    /// Answers with what the client's certificate says.
    private static func server(
        _ clients: @escaping (TestAuthority) -> TLSServerContext.ClientCertificates
    ) throws -> SecureServer {
        try SecureServer(clients: clients) { (request, exchange) in
            let certificate = request.peer.certificate
            let names = certificate?.dnsNames.map { String(decoding: $0, as: UTF8.self) } ?? []
            let text = certificate.map {
                "\($0.subject) \(names) \($0.addresses) \($0.thumbprint.count) \($0.serial)"
            }
            exchange.respond(
                HTTPResponse(
                    status: 200, headers: [("x-shown", text ?? "nobody")],
                    body: Array("GET ".utf8)))
        }
    }

    @Test func anOptionalCertificateIsShownOrNot() async throws {
        let server = try Self.server { .optional(authorities: $0.pem) }
        defer { server.stop() }
        #expect(await Self.shown(server, nil) == .success("nobody"))
        let issued = server.authority.issue(
            "agent-7", names: "DNS:agent.example,IP:192.0.2.7", forClients: true)
        // Twice: a second handshake is verified like the first.
        for _ in 0..<2 {
            let shown = await Self.shown(server, issued.identity)
            #expect(shown == .success("CN=agent-7 [\"agent.example\"] [[192, 0, 2, 7]] 32 3"))
        }
    }

    @Test func aCertificateThatDoesNotHoldIsRefusedAlsoWhereNoneIsNeeded() async throws {
        let stranger = TestAuthority("Another authority").issue(forClients: true)
        for isRequired in [false, true] {
            let server = try Self.server {
                isRequired ? .required(authorities: $0.pem) : .optional(authorities: $0.pem)
            }
            defer { server.stop() }
            let expired = server.authority.issue(forClients: true, hours: -48 ... -1)
            let ofServers = server.authority.issue()
            for issued in [stranger, expired, ofServers] {
                let shown = await Self.shown(server, issued.identity)
                #expect(shown == .failure(.tls(.ownCertificateRefused)))
            }
        }
    }

    /// What says who somebody is, beside the names.
    @Test func aCertificateTellsItsAuthorityAndItsDates() async throws {
        let server = try SecureServer(clients: { .optional(authorities: $0.pem) }) {
            (request, exchange) in
            let certificate = request.peer.certificate
            let now = time(nil)
            let isCurrent = certificate.map {
                ($0.notBefore - now + 3_600).magnitude < 60
                    && ($0.notAfter - now - 7_200).magnitude < 60
            }
            let text = "\(certificate?.authorities.map(\.count) ?? []) \(isCurrent == true)"
            exchange.respond(
                HTTPResponse(
                    status: 200, headers: [("x-shown", text)], body: Array("GET ".utf8)))
        }
        defer { server.stop() }
        let issued = server.authority.issue(forClients: true, hours: -1...2)
        #expect(await Self.shown(server, issued.identity) == .success("[32] true"))
    }

    @Test func aRequiredCertificateIsDemanded() async throws {
        let server = try Self.server { .required(authorities: $0.pem) }
        defer { server.stop() }
        #expect(await Self.shown(server, nil) == .failure(.tls(.ownCertificateRefused)))
        let issued = server.authority.issue("agent-7", forClients: true)
        #expect(await Self.shown(server, issued.identity) == .success("CN=agent-7 [] [] 32 3"))
    }

    @Test func aRenewedCertificateHoldsForNewConnectionsAndLeavesOldOnes() async throws {
        let server = try SecureServer()
        defer { server.stop() }
        let renewed = TestAuthority("The next authority")
        let next = try TLSServerContext(
            renewed.issue(names: "DNS:localhost").identity)
        let old = try server.client()
        let current = server.current
        let fresh = try TLSClientContext(trust: .only(authorities: renewed.pem))
        let answer = try await server.connected(old) {
            connection, deadline throws(OutboundError) in
            _ = try await Outbound.answer(connection, deadline)
            current.replace(with: next)
            return try await Outbound.answer(connection, deadline)
        }
        #expect(answer.hasPrefix("HTTP/1.1 200 "))
        _ = try await server.connected(fresh) { _, _ in }
        let unknowing = try TLSClientContext(trust: .only(authorities: server.authority.pem))
        await #expect(throws: OutboundError.tls(.untrusted)) {
            try await server.connected(unknowing) { _, _ in }
        }
    }

    @Test func theEndOfAnIdleConnectionIsAnnounced() async throws {
        var limits = HTTPLimits()
        limits.keepAliveTimeout = .milliseconds(100)
        let server = try SecureServer(limits: limits)
        defer { server.stop() }
        // Anything but an announced end would be `.tls(.truncated)`.
        let rest = try await server.connected(try server.client()) {
            connection, deadline throws(OutboundError) in
            _ = try await Outbound.answer(connection, deadline)
            return try await connection.receive(deadline: deadline)
        }
        #expect(rest.isEmpty)
    }

    @Test func settingsThatDoNotFitAreNamed() throws {
        let authority = TestAuthority()
        let one = authority.issue()
        let other = authority.issue()
        func error(_ chain: [UInt8], _ key: [UInt8]) -> TLSError? {
            do throws(TLSError) {
                _ = try TLSServerContext(TLSIdentity(chain: chain, key: key))
                return nil
            } catch { return error }
        }
        #expect(error(one.certificate, one.key) == nil)
        #expect(error(one.certificate + authority.pem, one.key) == nil)
        #expect(error(one.certificate, other.key) == .otherKey)
        #expect(error([], one.key) == .badCertificate)
        #expect(error(one.key, one.key) == .badCertificate)
        #expect(error(one.certificate + one.certificate.dropLast(90), one.key) == .badCertificate)
        #expect(error(one.certificate, one.certificate) == .badKey)
        #expect(throws: TLSError.badAuthority) {
            try TLSServerContext(one.identity, clientCertificates: .required(authorities: []))
        }
    }
}
