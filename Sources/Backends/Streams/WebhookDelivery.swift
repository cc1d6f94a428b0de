internal import Enforcement
package import EventLoop

/// Batches of lines to an HTTPS URL, each signed: whoever has the secret knows that they come from
/// here, are whole, and are no repetition of an old request.
///
/// Runs on a loop.
package struct WebhookDelivery: Sendable {
    private static let answerBytesMax = 64 << 10
    private static let limit = Duration.seconds(30)
    private static let retryAfterMax = 300

    private let client: DeliveryClient

    package init(_ place: DeliveryPlace, names: any NameLookup) {
        client = DeliveryClient(place, names: names)
    }

    /// The signature of a body that is sent at `seconds` since 1970.
    package static func signature(_ body: [UInt8], at seconds: Int, key: [UInt8]) -> String {
        "v1=" + HMACSHA256.authenticate(Array("\(seconds).".utf8) + body, key: key).hex
    }

    /// Returns when the other side has taken it. `batch` names it, the same for every attempt.
    package func deliver(
        _ body: [UInt8], as type: String = "application/x-ndjson", batch: String, at seconds: Int,
        key: [UInt8]
    ) async throws(DeliveryFailure) {
        let url = client.place.url
        let response = try await client.post(
            body, of: type, to: url.path + (url.query.map { "?\($0)" } ?? ""),
            [
                (name: "toolserver-batch", value: batch),
                (name: "toolserver-timestamp", value: "\(seconds)"),
                (
                    name: "toolserver-signature",
                    value: Self.signature(body, at: seconds, key: key)
                ),
            ], answerBytesMax: Self.answerBytesMax, within: Self.limit)
        guard (200..<300).contains(response.status) else {
            var failure = DeliveryFailure(reason: "status \(response.status)")
            failure.isTooLarge = response.status == 413
            failure.retryAfter = RetryAfter.seconds(response.headers).map {
                .seconds(min($0, Self.retryAfterMax))
            }
            throw failure
        }
    }
}
