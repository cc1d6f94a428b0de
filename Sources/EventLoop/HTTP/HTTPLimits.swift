/// Every limit of the server. A number here is what a stranger can make us hold or wait for.
package struct HTTPLimits: Sendable {
    package var requestLineBytes = 16 << 10
    package var fieldBytes = 16 << 10
    package var headerBytes = 32 << 10
    package var headerCount = 100
    package var bodyBytes = 1 << 20
    package var chunkExtensionBytes = 16 << 10
    package var trailerBytes = 8 << 10

    /// From accepting to the end of the TLS handshake.
    package var handshakeTimeout = Duration.seconds(5)
    /// From the first byte of a request (or from accepting) to the end of its header section.
    package var headerTimeout = Duration.seconds(10)
    package var bodyIdleTimeout = Duration.seconds(10)
    /// A body may start slowly; after the grace its average must keep this rate.
    package var bodyBytesPerSecond = 500
    package var bodyRateGrace = Duration.seconds(5)
    package var writeStallTimeout = Duration.seconds(30)
    /// Once something has waited for so long: the least that the client must take on average.
    package var answerBytesPerSecond = 500
    package var keepAliveTimeout = Duration.seconds(60)
    /// Below the idle time-outs of proxies and clients, which begin at about 30 s.
    package var streamSilence = Duration.seconds(15)
    package var lingerTimeout = Duration.seconds(2)
    package var lingerBytes = 1 << 20

    package var requestsPerConnection = 1_000
    package var connectionAge = Duration.seconds(3_600)
    package var connections = 4096
    /// nil: a quarter of `connections`. See `connectionShare`.
    package var connectionsPerSource: Int?
    /// What unfinished requests may hold together, over all connections: the product of the limits
    /// above would be gigabytes.
    package var unfinishedBytes = 32 << 20
    /// A longer body is read only after the handler has seen the head. So many bytes on each
    /// connection are cheaper than asking twice who calls.
    package var bodyBytesUnasked = 16 << 10
    /// What answers that their clients have not read may hold together. Above it, who holds much
    /// and has read nothing for the longest time is cut off.
    package var unsentBytes = 64 << 20
    /// What the kernel takes of an answer beyond what the client's window lets it send. Left to
    /// itself it takes 4 MB for each connection, which no limit of ours counts.
    package var kernelUnsentBytes = 256 << 10
    /// Unsent bytes above which an event stream waits.
    package var writeBufferBytes = 256 << 10

    package init() {}

    /// One address must not be able to use up what is there for all. Loopback has more: behind it
    /// is a proxy, who speaks for many.
    func connectionShare(of source: HTTPSource) -> Int {
        if let connectionsPerSource { return connectionsPerSource }
        return source.isLoopback ? connections : max(connections / 4, 64)
    }

    /// At least two of the largest requests, so that nobody is locked out by one of their own.
    func unfinishedShare(of source: HTTPSource) -> Int {
        max(unfinishedBytes / (source.isLoopback ? 2 : 8), 2 * (bodyBytes + headerBytes))
    }
}
