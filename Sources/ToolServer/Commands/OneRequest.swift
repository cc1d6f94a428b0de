import Backends
import EventLoop
import Synchronization

/// A request that a command sends to a server which its user named: no rules, no second try.
struct OneRequest {
    private let url: HTTPURL
    private let security: TLSClientContext?
    private let patience: Duration

    init(_ url: HTTPURL, security: TLSClientContext?, patience: Duration) {
        self.url = url
        self.security = security
        self.patience = patience
    }

    func send(
        _ method: String, _ target: String, headers: [(name: String, value: String)],
        body: [UInt8]?, bodyBytes: Int, on loop: EventLoop
    ) async throws(HTTPClientError) -> HTTPClientResponse {
        let deadline = loop.now.advanced(by: patience)
        var limits = HTTPClient.Limits()
        limits.firstByte = patience
        let origin = HTTPClient.Origin(isSecure: url.isSecure, host: url.host, port: url.port)
        let exchange = HTTPClient.Exchange(
            request: HTTPClientRequest(
                method: method, target: target, host: url.authority, headers: headers, body: body),
            origin: origin, isRepeatable: false, bodyBytes: bodyBytes, deadline: deadline)
        return try await HTTPClient(limits, security: security).send(exchange, on: loop) {
            () async throws(HTTPClientError) in
            try await addresses(of: origin.name, on: loop, until: deadline)
        }
    }

    private func addresses(
        of name: String, on loop: EventLoop, until deadline: MonotonicTime
    ) async throws(HTTPClientError) -> [SocketAddress] {
        if let address = SocketAddress(ip: name, port: url.port) { return [address] }
        do throws(NameLookupError) {
            let found = try await SystemNameLookup().addresses(
                of: name, on: loop, deadline: deadline)
            return found.compactMap { SocketAddress(bytes: $0, port: url.port) }
        } catch { throw .nowhere }
    }
}

/// A response on its way from a loop to the thread that waits for it.
final class Received: Sendable {
    private let held = Mutex<HTTPClientResponse?>(nil)

    var response: HTTPClientResponse? { held.withLock { $0 } }

    func take(_ response: HTTPClientResponse) { held.withLock { $0 = response } }
}
