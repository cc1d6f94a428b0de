package import Enforcement
package import EventLoop
package import JSON

/// JSON documents of others: asked for once, bounded, never followed elsewhere.
///
/// Runs on a loop, as `HTTPClient` does.
package final class HTTPDocuments: Sendable {
    private static let bytesMax = 512 << 10
    private static let limit = Duration.seconds(10)

    private let client: HTTPClient
    private let names: any NameLookup
    private let networks: [NetworkRange]

    /// `networks`: which are not public and yet meant.
    package init(client: HTTPClient, names: any NameLookup, networks: [NetworkRange]) {
        self.client = client
        self.names = names
        self.networks = networks
    }

    /// Why there is none, for the operator.
    package struct Failure: Error, Sendable {
        package let reason: String

        package init(reason: String) { self.reason = reason }
    }

    package enum Asking: Sendable {
        case get
        /// A form, with the value of `Authorization`.
        case post(form: String, authorization: String)
    }

    /// `isNamed`: the host stands in the manifests, so that it may be an address or this machine.
    package func read(
        _ url: HTTPURL, _ asking: Asking = .get, isNamed: Bool
    ) async throws(Failure) -> JSONValue {
        guard let loop = EventLoop.current else { throw Failure(reason: "called on no loop") }
        let origin = HTTPClient.Origin(isSecure: url.isSecure, host: url.host, port: url.port)
        let deadline = MonotonicTime.now().advanced(by: Self.limit)
        let addresses = VettedAddresses(
            egress: EgressRules(
                hosts: isNamed ? [.exact(url.host)] : [], isPlainAllowed: !url.isSecure,
                ports: [url.port], networks: networks),
            names: names, patience: .seconds(5))
        let exchange = HTTPClient.Exchange(
            request: Self.request(url, asking), origin: origin, isRepeatable: true,
            bodyBytes: Self.bytesMax, deadline: deadline)
        let response: HTTPClientResponse
        do throws(HTTPClientError) {
            response = try await client.send(exchange, on: loop) {
                () async throws(HTTPClientError) in
                try await addresses.addresses(of: origin, before: deadline)
            }
        } catch {
            throw Failure(reason: "\(url.authority): \(error)")
        }
        guard response.status == 200 else {
            throw Failure(reason: "\(url.authority): status \(response.status)")
        }
        guard let document = try? JSONParser.parse(response.body) else {
            throw Failure(reason: "\(url.authority): no JSON")
        }
        return document
    }

    private static func request(_ url: HTTPURL, _ asking: Asking) -> HTTPClientRequest {
        var request = HTTPClientRequest(
            method: "GET", target: url.path + (url.query.map { "?\($0)" } ?? ""),
            host: url.authority,
            headers: [
                (name: "accept", value: "application/json"),
                (name: "accept-encoding", value: "identity"),
            ])
        if case .post(let form, let authorization) = asking {
            request.method = "POST"
            request.body = Array(form.utf8)
            request.headers.append(
                (name: "content-type", value: "application/x-www-form-urlencoded"))
            request.headers.append((name: "authorization", value: authorization))
        }
        return request
    }
}
