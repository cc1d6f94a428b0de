import Enforcement
import EventLoop
import JSON

/// The handshake era: sessions, cancelling by notification, and streams that outlive their
/// connections. The revision is the header's, whatever `initialize` settled: clients have sent
/// another one that we serve.
extension MCPEndpoint {
    func receiveHandshake(_ inbox: Inbox, version: ProtocolVersion) async {
        let headers = inbox.http.headers
        for name in ["mcp-protocol-version", "mcp-session-id", "last-event-id"]
        where headers.values(name).count > 1 {
            return refuse(400, "`\(name)` stands twice.", inbox)
        }
        let session = headers["mcp-session-id"]
        if let session, !isValid(session, inbox) {
            return refuse(404, "Unknown session. Send initialize again.", inbox)
        }
        switch inbox.http.method {
        case "GET": await receiveStreamRequest(inbox, version: version, session: session)
        case "DELETE": endSession(session, inbox)
        default: await receiveMessage(inbox, version: version, session: session)
        }
    }

    func refuse(_ status: Int, _ text: String, _ inbox: Inbox) {
        let error = RPCError(.invalidRequest, text)
        inbox.exchange.respond(.json(status, Reply.error(error)))
    }

    private func receiveMessage(
        _ inbox: Inbox, version: ProtocolVersion, session: String?
    ) async {
        var status = \RPCError.handshakeStatus
        do throws(RPCError) {
            switch try Message(inbox.http.body) {
            case .response(let response):
                if let session { questions.receive(response, from: addressee(inbox, session)) }
                inbox.exchange.respond(Self.accepted)
            case .notification(let method, let params):
                if let session, method == "notifications/cancelled",
                    let id = params["requestId"].flatMap({ RequestID($0) })
                {
                    underWay.cancel(CallsUnderWay.Key(session: session, request: id))
                }
                inbox.exchange.respond(Self.accepted)
            case .request(let request) where Envelope.version(of: request) != nil:
                // It says that it is of the other era, so it is held to that era's headers.
                status = \.statelessStatus
                try await answerStateless(request, inbox)
            case .request(let request):
                try await answerHandshake(request, inbox, version: version, session: session)
            }
        } catch {
            inbox.exchange.respond(.json(error[keyPath: status], Reply.error(error)))
        }
    }

    private func answerHandshake(
        _ request: Request, _ inbox: Inbox, version: ProtocolVersion, session: String?
    ) async throws(RPCError) {
        // A broken connection is no cancellation in this era.
        let exchange = inbox.exchange
        exchange.cancelsOnDisconnect = false
        let stream = CallStream(
            exchange, isAccepted: inbox.accepted.eventStream,
            resumption: CallStream.Resumption(
                streams: streams, owner: StreamLog.Owner(inbox.caller.id, session: session),
                isPrimed: version == .latestHandshake))
        guard let session, request.method == "tools/call" else {
            await answer(request, inbox, version: version, by: stream) { $0.handshakeStatus }
            return
        }
        let key = CallsUnderWay.Key(session: session, request: request.id)
        guard underWay.enter(key, cancel: { exchange.cancelHandler() }) else {
            throw .idUnderWay(request.id)
        }
        defer { underWay.leave(key) }
        await answer(
            request, inbox, version: version, by: stream,
            prompt: version.asksOnStream ? prompt(inbox, session, over: stream) : nil
        ) { $0.handshakeStatus }
    }

    /// The session says whether its client shows forms, this request whether it takes a stream.
    private func prompt(
        _ inbox: Inbox, _ session: String, over stream: CallStream
    ) -> ChannelPrompt? {
        guard inbox.accepted.eventStream, SessionSeal.showsForms(session) else { return nil }
        return ChannelPrompt(
            questions: questions, addressee: addressee(inbox, session), channel: stream)
    }

    private func addressee(_ inbox: Inbox, _ session: String) -> Questions.Addressee {
        Questions.Addressee(session: session, caller: inbox.caller)
    }

    /// The seal is looked at once a connection, while no session ends: the caller there is the same
    /// as before.
    private func isValid(_ session: String, _ inbox: Inbox) -> Bool {
        let introduction = inbox.exchange.keepsake as? Introduction
        let generation = sessions.generation
        if let known = introduction?.session, known.generation == generation,
            known.id.isByteEqual(to: session)
        {
            return true
        }
        guard sessions.isValid(session, for: inbox.caller.id) else { return false }
        introduction?.session = (session, generation)
        return true
    }

    /// The client says that it is done: nothing of the session goes on.
    private func endSession(_ session: String?, _ inbox: Inbox) {
        guard let session else {
            return refuse(400, "Send the `Mcp-Session-Id` of the session to end.", inbox)
        }
        sessions.end(session)
        underWay.cancelAll(of: session)
        current.subscriptions.end(session: session)
        streams.forget(session: StreamLog.Owner(inbox.caller.id, session: session))
        inbox.exchange.respond(HTTPResponse(status: 204))
    }
}
