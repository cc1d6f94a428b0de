import EventLoop
import JSON

/// The stateless era: every request says all about itself, in its body and again in its headers.
/// What is wrong is told in a fixed order, the form before the content (2026-07-28, "Server
/// Validation").
extension MCPEndpoint {
    func receiveStateless(_ inbox: Inbox) async {
        do throws(RPCError) {
            switch try Message(inbox.http.body) {
            case .notification:
                // Accepted and dropped: to cancel is to hang up here, and ids of one client are not
                // to be trusted across connections.
                try Self.demandServedVersion(of: inbox.http)
                inbox.exchange.respond(Self.accepted)
            case .response:
                throw RPCError(
                    .invalidRequest, "Nothing was asked. Send one request or notification.")
            case .request(let request): try await answerStateless(request, inbox)
            }
        } catch {
            inbox.exchange.respond(.json(error.statelessStatus, Reply.error(error)))
        }
    }

    func answerStateless(_ request: Request, _ inbox: Inbox) async throws(RPCError) {
        if request.method == Listen.method, !inbox.accepted.eventStream {
            inbox.exchange.respond(.text(406, "Send `Accept: text/event-stream`."))
            return
        }
        let headers = inbox.http.headers
        try StatelessHeaders.refuseDuplicates(in: headers, id: request.id)
        try Envelope.checkPresence(in: request)
        try StatelessHeaders.check(headers, against: request)
        // The client that hangs up has cancelled; it cannot come back for the answer.
        inbox.exchange.cancelsOnDisconnect = true
        let stream = CallStream(inbox.exchange, isAccepted: inbox.accepted.eventStream)
        await answer(request, inbox, version: .v20260728, by: stream) { $0.statelessStatus }
    }

    /// Of a notification, whose headers nothing else is demanded of.
    private static func demandServedVersion(of http: HTTPRequest) throws(RPCError) {
        let version = http.headers["mcp-protocol-version"] ?? ""
        guard ProtocolVersion.named(version)?.isStateless == true else {
            throw Envelope.unsupported(version, id: nil)
        }
    }
}
