import Backends

/// How a stream goes on after failures: when, and with how much at once. It keeps no clock.
struct StreamPatience {
    private static let first = Duration.milliseconds(250)
    private static let most = Duration.seconds(60)
    private static let bytesMost = 512 << 10
    private static let bytesLeast = 4 << 10

    private(set) var bytesMax = bytesMost
    /// Between the last attempt and the next; nil while lines arrive.
    private(set) var backoff: Duration?
    private var told: String?

    /// How long to wait after a failure: each time twice as long, and what was asked for at least.
    mutating func failed(_ failure: DeliveryFailure) -> Duration {
        if failure.isTooLarge { bytesMax = max(Self.bytesLeast, bytesMax / 4) }
        let next = min(backoff.map { $0 * 2 } ?? Self.first, Self.most)
        backoff = next
        return max(next, failure.retryAfter ?? .zero)
    }

    mutating func arrived() { backoff = nil }

    /// Whether to say so: once for each change, since an outage must not fill the operator's log.
    mutating func isNews(_ reason: String?) -> Bool {
        guard told != reason else { return false }
        told = reason
        return true
    }
}
