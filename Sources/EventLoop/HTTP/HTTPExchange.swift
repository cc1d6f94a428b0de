import Synchronization

/// One request's way back to its client: exactly one response or one event stream.
///
/// Sendable although it has plain variables: they are touched on the connection's loop only;
/// `respond` from another thread hops there. Who answers is decided by `isAnswered` before the hop:
/// a handler may return on the loop while the answer of its worker is still on the way there.
package final class HTTPExchange: @unchecked Sendable {
    /// Where the handler runs and may sleep.
    package let loop: EventLoop
    let isHead: Bool
    let minorVersion: Int
    /// Nil once the client is gone; what is sent then goes nowhere.
    var connection: HTTPConnection?
    private(set) var isStreaming = false
    private let isAnswered = Atomic<Bool>(false)

    /// The handler's; stays when the connection goes, since the call may go on.
    var task: Task<Void, Never>?

    /// Whether the handler's task is cancelled when the client hangs up. Set it on the loop.
    /// A client that has sent its request and its end together has hung up before we could look.
    package var cancelsOnDisconnect = true {
        didSet {
            if cancelsOnDisconnect, connection?.sawEnd == true { task?.cancel() }
        }
    }

    /// What the handler wants to find again at the next request of the same connection; gone with
    /// the connection. On the loop only.
    package var keepsake: AnyObject? {
        get { connection?.keepsake }
        set { connection?.keepsake = newValue }
    }

    init(loop: EventLoop, isHead: Bool, minorVersion: Int, connection: HTTPConnection) {
        self.loop = loop
        self.isHead = isHead
        self.minorVersion = minorVersion
        self.connection = connection
    }

    /// Cancels the handler's task, from any thread; it may still answer.
    package func cancelHandler() {
        if loop.isCurrent {
            task?.cancel()
        } else {
            loop.execute { self.task?.cancel() }
        }
    }

    /// True for the first who asks.
    private func claim() -> Bool {
        !isAnswered.exchange(true, ordering: .relaxed)
    }

    /// The first response counts; a second one is our own bug and is dropped.
    package func respond(_ response: HTTPResponse) {
        guard claim() else {
            assertionFailure("a request was answered twice")
            return
        }
        if loop.isCurrent {
            send(response)
        } else {
            loop.execute { self.send(response) }
        }
    }

    private func send(_ response: HTTPResponse) {
        let connection = self.connection
        self.connection = nil
        connection?.respond(response, isHead: isHead)
    }

    /// Sends the head of a 200 and keeps the response open. On the loop only.
    package func openEventStream(
        headers: [(name: String, value: String)] = []
    ) -> EventStream {
        precondition(loop.isCurrent, "event streams are opened on their connection's loop")
        let isFirst = claim()
        precondition(isFirst, "a request was answered twice")
        isStreaming = true
        connection?.openStream(headers, isChunked: minorVersion > 0)
        return EventStream(exchange: self, isChunked: minorVersion > 0)
    }

    /// A handler that forgot its caller must not leave it waiting.
    func handlerReturned() {
        if claim() { send(HTTPResponse(status: 500)) }
    }

    /// The handler has seen the head. On the loop only.
    func headWasSeen(_ answer: HTTPResponse?) {
        connection?.headWasSeen(answer, isHead: isHead)
    }

    func onLoop(_ body: @escaping @Sendable (HTTPExchange) -> Void) {
        if loop.isCurrent { body(self) } else { loop.execute { body(self) } }
    }
}
