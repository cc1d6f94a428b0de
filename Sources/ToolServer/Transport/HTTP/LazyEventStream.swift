import EventLoop

/// An answer that stays plain JSON unless something must be said before it.
///
/// Sendable although it has plain variables: they are touched by the tasks of one request only,
/// and all of those run on the loop of its connection.
final class LazyEventStream: @unchecked Sendable {
    private let exchange: HTTPExchange
    private var stream: EventStream?
    private var isFinished = false

    init(_ exchange: HTTPExchange) { self.exchange = exchange }

    /// False once nobody listens.
    func send(_ message: [UInt8]) async -> Bool {
        guard !isFinished else { return false }
        let stream = self.stream ?? exchange.openEventStream(headers: [("X-Accel-Buffering", "no")])
        self.stream = stream
        do { try await stream.send(event: message, id: nil) } catch { return false }
        return true
    }

    func finish(
        _ status: Int, _ message: [UInt8], headers: [(name: String, value: String)]
    ) async {
        isFinished = true
        guard let stream else {
            exchange.respond(.json(status, message, headers: headers))
            return
        }
        _ = try? await stream.send(event: message, id: nil)
        stream.end()
    }
}
