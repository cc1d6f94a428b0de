internal import Enforcement
internal import EventLoop

/// Posts to one declared place, and to no other.
///
/// Runs on a loop.
struct DeliveryClient: Sendable {
    let place: DeliveryPlace
    private let client: HTTPClient
    private let names: any NameLookup

    init(_ place: DeliveryPlace, names: any NameLookup) {
        self.place = place
        self.names = names
        client = HTTPClient(security: place.security)
    }

    /// Throws only where there is no answer; what it says is the caller's to judge.
    func post(
        _ body: [UInt8], of type: String, to target: String,
        _ headers: [(name: String, value: String)] = [], answerBytesMax: Int, within limit: Duration
    ) async throws(DeliveryFailure) -> HTTPClientResponse {
        guard let loop = EventLoop.current else { throw DeliveryFailure(reason: "on no loop") }
        let deadline = loop.now.advanced(by: limit)
        let addresses = place.addresses(by: names)
        let exchange = HTTPClient.Exchange(
            request: HTTPClientRequest(
                method: "POST", target: target, host: place.url.authority,
                headers: [
                    (name: "content-type", value: type),
                    (name: "accept-encoding", value: "identity"),
                ] + headers, body: body),
            origin: place.origin, isRepeatable: true, bodyBytes: answerBytesMax,
            deadline: deadline)
        do throws(HTTPClientError) {
            return try await client.send(exchange, on: loop) {
                () async throws(HTTPClientError) in
                try await addresses.addresses(of: place.origin, before: deadline)
            }
        } catch {
            throw DeliveryFailure(reason: "\(error)")
        }
    }
}
