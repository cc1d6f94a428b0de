import TestSupport
import Testing

@testable import EventLoop

extension TestAuthority.Issued {
    var identity: TLSIdentity { TLSIdentity(chain: certificate, key: key) }
}

/// A server of HTTP over TLS, and a loop for clients.
struct SecureServer {
    let authority: TestAuthority
    let current: CurrentTLS
    let plain: TestServer
    var port: UInt16 { plain.port }
    var loop: EventLoop { plain.group.loops[0] }

    init(
        names: String = "DNS:localhost,IP:127.0.0.1", hours: ClosedRange<Int> = -1...24,
        clients: (TestAuthority) -> TLSServerContext.ClientCertificates = { _ in .none },
        limits: HTTPLimits = HTTPLimits(),
        _ body: @escaping @Sendable (HTTPRequest, HTTPExchange) async -> Void = {
            request, exchange in
            TestServer.echo(request, exchange)
        }
    ) throws {
        authority = TestAuthority()
        current = CurrentTLS(
            try TLSServerContext(
                authority.issue(names: names, hours: hours).identity,
                clientCertificates: clients(authority)))
        plain = try TestServer(
            limits: limits, tls: current, handler: TestServer.Handler(body: body))
    }

    func stop() { plain.stop() }

    /// A client that believes this server's authority.
    func client(
        _ identity: TLSIdentity? = nil, application: String? = "http/1.1"
    ) throws -> TLSClientContext {
        try TLSClientContext(
            trust: .only(authorities: authority.pem), identity: identity, application: application)
    }

    /// Runs `body` on a connection to this server.
    func connected<Value: Sendable>(
        _ context: TLSClientContext?, name: String = "localhost",
        _ body:
            @escaping @Sendable (OutboundConnection, MonotonicTime) async throws(OutboundError)
            -> Value
    ) async throws(OutboundError) -> Value {
        try await Outbound.run(on: loop, port: port, context, name: name, body)
    }
}

enum Outbound {
    static func run<Value: Sendable>(
        on loop: EventLoop, port: UInt16, _ context: TLSClientContext? = nil,
        name: String = "localhost", patience: Duration = .seconds(5),
        _ body:
            @escaping @Sendable (OutboundConnection, MonotonicTime) async throws(OutboundError)
            -> Value
    ) async throws(OutboundError) -> Value {
        let task = Task(executorPreference: loop) { () -> Result<Value, OutboundError> in
            do throws(OutboundError) {
                let deadline = MonotonicTime.now().advanced(by: patience)
                let connection = try await OutboundConnection.open(
                    to: SocketAddress(ip: "127.0.0.1", port: port)!,
                    tls: context.map { OutboundConnection.Security($0, name: name) }, on: loop,
                    deadline: deadline)
                defer { connection.close() }
                return .success(try await body(connection, deadline))
            } catch {
                return .failure(error)
            }
        }
        return try await task.value.get()
    }

    static let get = Array("GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)

    /// A small answer, whole.
    static func answer(
        _ connection: OutboundConnection, to request: [UInt8] = get, _ deadline: MonotonicTime
    ) async throws(OutboundError) -> String {
        try await connection.send(request, deadline: deadline)
        var received: [UInt8] = []
        while !String(decoding: received, as: UTF8.self).contains("\r\n\r\nGET ") {
            let bytes = try await connection.receive(deadline: deadline)
            if bytes.isEmpty { break }
            received += bytes
        }
        return String(decoding: received, as: UTF8.self)
    }
}
