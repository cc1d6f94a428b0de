import Enforcement
import EventLoop
import JSON

/// `/mcp`: all that the head of a request decides, for both eras.
///
/// The header `MCP-Protocol-Version` chooses the era: absent or a handshake revision is the
/// handshake's (HandshakeEndpoint.swift); anything else, unknown versions too, is the stateless
/// era's (StatelessEndpoint.swift), which answers with the versions that we serve.
struct MCPEndpoint: Sendable {
    let current: CurrentServing
    let sessions: SessionSeal
    let underWay = CallsUnderWay()
    let streams = ResumableStreams()
    let questions = Questions()

    /// One message that has arrived, and where its answer goes.
    struct Inbox {
        let http: HTTPRequest
        let exchange: HTTPExchange
        let serving: Serving
        let caller: IdentifiedCaller
        let accepted: MediaTypes.Accepted

        func peer(
            _ version: ProtocolVersion, _ channel: CallStream, _ prompt: ChannelPrompt?
        ) -> Peer {
            Peer(
                caller: caller, via: Transport(kind: .http, address: http.peerAddress),
                version: version, traceparent: http.headers["traceparent"],
                session: version.isStateless
                    ? nil : http.headers["mcp-session-id"].map { SessionSeal.mark($0) },
                channel: accepted.eventStream ? channel : nil, prompt: prompt,
                loop: exchange.loop)
        }
    }

    func answer(withoutBody head: HTTPRequest) async -> HTTPResponse? {
        switch await enter(head) {
        case .admitted: nil
        case .refused(let answer): answer
        }
    }

    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) async {
        let inbox: Inbox
        switch await enter(request, exchange) {
        case .refused(let answer): return exchange.respond(answer)
        case .admitted(let caller, let serving, let accepted):
            inbox = Inbox(
                http: request, exchange: exchange, serving: serving, caller: caller,
                accepted: accepted)
        }
        if let version = Self.handshakeVersion(of: request) {
            await receiveHandshake(inbox, version: version)
        } else {
            await receiveStateless(inbox)
        }
    }

    // MARK: What the head decides

    private enum Entry {
        case admitted(IdentifiedCaller, Serving, MediaTypes.Accepted)
        case refused(HTTPResponse)
    }

    private func enter(_ head: HTTPRequest, _ exchange: HTTPExchange? = nil) async -> Entry {
        if let answer = Self.wrongMethod(head) { return .refused(answer) }
        let serving = current.value
        let caller: IdentifiedCaller
        do throws(CallerAtTheDoor.TurnedAway) {
            caller = try await CallerAtTheDoor.identify(head, exchange, to: serving)
        } catch {
            return .refused(error.answer)
        }
        let accepted = MediaTypes.Accepted(head.headers)
        if let answer = Self.wrongMediaType(head, accepted) { return .refused(answer) }
        return .admitted(caller, serving, accepted)
    }

    /// The stateless era has POST alone.
    private static func wrongMethod(_ head: HTTPRequest) -> HTTPResponse? {
        switch head.method {
        case "POST": nil
        case "GET", "DELETE":
            handshakeVersion(of: head) != nil
                ? nil : .text(405, "Send messages by POST.", headers: [("Allow", "POST")])
        default:
            .text(405, "Send messages by POST.", headers: [("Allow", "GET, POST, DELETE")])
        }
    }

    private static func wrongMediaType(
        _ head: HTTPRequest, _ accepted: MediaTypes.Accepted
    ) -> HTTPResponse? {
        switch head.method {
        case "POST" where !MediaTypes.isJSON(head.headers):
            .text(415, "Send `Content-Type: application/json`, in UTF-8.")
        case "POST" where !MediaTypes.isPlain(head.headers):
            .text(
                415, "Send the body as it is, without `Content-Encoding`.",
                headers: [("Accept-Encoding", "identity")])
        case "POST" where !accepted.json:
            .text(406, "Send `Accept: application/json, text/event-stream`.")
        case "GET" where !accepted.eventStream:
            .text(406, "Send `Accept: text/event-stream`.")
        default: nil
        }
    }

    /// nil in the stateless era.
    private static func handshakeVersion(of request: HTTPRequest) -> ProtocolVersion? {
        guard let text = request.headers["mcp-protocol-version"] else { return .assumed }
        return ProtocolVersion.named(text).flatMap { $0.isStateless ? nil : $0 }
    }

    // MARK: What both eras answer alike

    static let accepted = HTTPResponse(status: 202)

    func answer(
        _ request: Request, _ inbox: Inbox, version: ProtocolVersion, by stream: CallStream,
        prompt: ChannelPrompt? = nil, status: (RPCError) -> Int
    ) async {
        let router = MethodRouter(serving: inbox.serving, subscriptions: current.subscriptions)
        do throws(RPCError) {
            let result = try await router.answer(
                request, from: inbox.peer(version, stream, prompt))
            // By notification in the handshake era; else the client has gone.
            if Task.isCancelled { return stream.finishWithoutAnswer() }
            var headers: [(name: String, value: String)] = []
            if request.method == "initialize",
                let session = sessions.issue(
                    to: inbox.caller.id,
                    showsForms: ClientCapabilities(request.params["capabilities"]).showsForms)
            {
                headers.append(("Mcp-Session-Id", session))
            }
            await stream.finish(200, Reply.result(result, to: request.id), headers: headers)
        } catch {
            if Task.isCancelled { return stream.finishWithoutAnswer() }
            if error.isUnauthenticated, !stream.isOpen {
                inbox.exchange.respond(
                    inbox.serving.resource.unauthenticated(.expiredToken))
                return
            }
            let retry = error.retryAfterSeconds.map { [("Retry-After", String($0))] } ?? []
            await stream.finish(
                status(error), [Reply.error(error, to: request.id)], headers: retry)
        }
    }
}
