/// One request's way back to its client: exactly one response or one event stream.
///
/// Sendable although it has plain variables: they are touched on the connection's loop only;
/// `respond` from another thread hops there first.
package final class HTTPExchange: @unchecked Sendable {
    enum State {
        case open
        case responded
        case streaming
    }

    let loop: EventLoop
    let isHead: Bool
    let minorVersion: Int
    /// Nil once the client is gone; what is sent then goes nowhere.
    var connection: HTTPConnection?
    private var state = State.open

    /// Whether the handler's task is cancelled when the client hangs up. Set it on the loop.
    package var cancelsOnDisconnect = true

    init(loop: EventLoop, isHead: Bool, minorVersion: Int, connection: HTTPConnection) {
        self.loop = loop
        self.isHead = isHead
        self.minorVersion = minorVersion
        self.connection = connection
    }

    var isStreaming: Bool { state == .streaming }

    /// The first response counts; a second one is our own bug and is dropped.
    package func respond(_ response: HTTPResponse) {
        guard loop.isCurrent else {
            loop.execute { self.respond(response) }
            return
        }
        guard state == .open else {
            assertionFailure("a request was answered twice")
            return
        }
        state = .responded
        let connection = self.connection
        self.connection = nil
        connection?.respond(response, isHead: isHead)
    }

    /// Sends the head of a 200 and keeps the response open. On the loop only.
    package func openEventStream(
        headers: [(name: String, value: String)] = []
    ) -> EventStream {
        precondition(loop.isCurrent, "event streams are opened on their connection's loop")
        precondition(state == .open, "a request was answered twice")
        state = .streaming
        connection?.openStream(headers, isChunked: minorVersion > 0)
        return EventStream(exchange: self, isChunked: minorVersion > 0)
    }

    /// A handler that forgot its caller must not leave it waiting.
    func handlerReturned() {
        if state == .open { respond(HTTPResponse(status: 500)) }
    }
}
