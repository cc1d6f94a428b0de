import Enforcement
import EventLoop
import JSON

/// `POST /mcp`: one message in, one answer out, both eras.
///
/// The header `MCP-Protocol-Version` chooses the era: absent or a handshake revision is the
/// handshake's; anything else, unknown versions too, is the stateless era's, which answers with
/// the versions that we serve.
struct MCPEndpoint: Sendable {
    let current: CurrentServing
    let sessions: SessionSeal
    let underWay = CallsUnderWay()

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
        case .admitted(let caller, let serving):
            inbox = Inbox(http: request, exchange: exchange, serving: serving, caller: caller)
        }
        if let version = Self.handshakeVersion(of: request) {
            await receiveHandshake(inbox, version: version)
        } else {
            await receiveStateless(inbox)
        }
    }

    private enum Entry {
        case admitted(IdentifiedCaller, Serving)
        case refused(HTTPResponse)
    }

    /// All that the head decides.
    private func enter(_ head: HTTPRequest, _ exchange: HTTPExchange? = nil) async -> Entry {
        guard head.method == "POST" else {
            return .refused(.text(405, "Send messages by POST.", headers: [("Allow", "POST")]))
        }
        let serving = current.value
        let caller: IdentifiedCaller
        if let known = (exchange?.keepsake as? Introduction)?.caller(of: head, to: serving) {
            caller = known
        } else {
            do throws(Refusal) {
                caller = try await serving.gate.identify(
                    Self.credential(of: head), at: head.peerAddress)
            } catch {
                return .refused(Self.unauthenticated(error))
            }
            exchange?.keepsake = Introduction(of: caller, by: head, to: serving)
        }
        guard Self.isJSON(head.headers["content-type"]) else {
            return .refused(.text(415, "Send `Content-Type: application/json`."))
        }
        guard head.headers.values("mcp-protocol-version").count <= 1 else {
            return .refused(.text(400, "Send `MCP-Protocol-Version` once."))
        }
        return .admitted(caller, serving)
    }

    /// One message that has arrived, and where its answer goes.
    private struct Inbox {
        let http: HTTPRequest
        let exchange: HTTPExchange
        let serving: Serving
        let caller: IdentifiedCaller

        func peer(_ version: ProtocolVersion) -> Peer {
            Peer(
                caller: caller, via: Transport(kind: .http, address: http.peerAddress),
                version: version, traceparent: http.headers["traceparent"])
        }
    }

    // MARK: Stateless era

    private func receiveStateless(_ inbox: Inbox) async {
        do throws(RPCError) {
            switch try Message(inbox.http.body) {
            case .notification, .response: inbox.exchange.respond(Self.accepted)
            case .request(let request):
                try Self.demandServedVersion(of: inbox.http, for: request)
                try Envelope.checkPresence(in: request)
                try StatelessHeaders.check(inbox.http.headers, against: request)
                // The client that hangs up has cancelled; it cannot come back for the answer.
                inbox.exchange.cancelsOnDisconnect = true
                await answer(request, inbox, version: .v20260728) { $0.statelessStatus }
            }
        } catch {
            inbox.exchange.respond(.json(error.statelessStatus, Reply.error(error)))
        }
    }

    // MARK: Handshake era

    private func receiveHandshake(_ inbox: Inbox, version: ProtocolVersion) async {
        let session = inbox.http.headers["mcp-session-id"]
        if let session, !isValid(session, inbox) {
            let error = RPCError(.invalidRequest, "Unknown session. Send initialize again.")
            inbox.exchange.respond(.json(404, Reply.error(error)))
            return
        }
        // A broken connection is no cancellation in this era.
        inbox.exchange.cancelsOnDisconnect = false
        do throws(RPCError) {
            switch try Message(inbox.http.body) {
            case .response: inbox.exchange.respond(Self.accepted)
            case .notification(let method, let params):
                if let session, method == "notifications/cancelled",
                    let id = params["requestId"].flatMap({ RequestID($0) })
                {
                    underWay.cancel(CallsUnderWay.Key(session: session, request: id))
                }
                inbox.exchange.respond(Self.accepted)
            case .request(let request):
                if let session, request.method == "tools/call" {
                    await answerCancellable(request, inbox, version: version, session: session)
                } else {
                    await answer(request, inbox, version: version) { $0.handshakeStatus }
                }
            }
        } catch {
            inbox.exchange.respond(.json(error.handshakeStatus, Reply.error(error)))
        }
    }

    /// The seal is looked at once a connection: the caller there is the same as before.
    private func isValid(_ session: String, _ inbox: Inbox) -> Bool {
        let introduction = inbox.exchange.keepsake as? Introduction
        if introduction?.session?.isByteEqual(to: session) == true { return true }
        guard sessions.isValid(session, for: inbox.caller.id) else { return false }
        introduction?.session = session
        return true
    }

    private func answerCancellable(
        _ request: Request, _ inbox: Inbox, version: ProtocolVersion, session: String
    ) async {
        let key = CallsUnderWay.Key(session: session, request: request.id)
        let exchange = inbox.exchange
        guard underWay.enter(key, cancel: { exchange.cancelHandler() }) else {
            let error = RPCError.idUnderWay(request.id)
            exchange.respond(.json(error.handshakeStatus, Reply.error(error)))
            return
        }
        defer { underWay.leave(key) }
        await answer(request, inbox, version: version) { $0.handshakeStatus }
    }

    // MARK: Both

    private func answer(
        _ request: Request, _ inbox: Inbox, version: ProtocolVersion,
        status: (RPCError) -> Int
    ) async {
        let stream = LazyEventStream(inbox.exchange)
        do throws(RPCError) {
            let result = try await result(of: request, inbox, version: version, stream: stream)
            var headers: [(name: String, value: String)] = []
            if request.method == "initialize", let session = sessions.issue(to: inbox.caller.id) {
                headers.append(("Mcp-Session-Id", session))
            }
            await stream.finish(200, Reply.result(result, to: request.id), headers: headers)
        } catch {
            if error.isUnauthenticated {
                inbox.exchange.respond(Self.unauthenticated(.expiredToken))
                return
            }
            let retry = error.retryAfterSeconds.map { [("Retry-After", String($0))] } ?? []
            await stream.finish(status(error), Reply.error(error, to: request.id), headers: retry)
        }
    }

    private func result(
        of request: Request, _ inbox: Inbox, version: ProtocolVersion, stream: LazyEventStream
    ) async throws(RPCError) -> [UInt8] {
        let router = MethodRouter(serving: inbox.serving)
        let peer = inbox.peer(version)
        guard Self.acceptsStream(inbox.http) else {
            return try await router.answer(request, from: peer)
        }
        return try await Progress.announcing(
            request, on: inbox.exchange.loop, send: { await stream.send($0) },
            answer: { () throws(RPCError) in try await router.answer(request, from: peer) })
    }

    // MARK: What the headers say

    private static let accepted = HTTPResponse(status: 202, headers: [], body: [])

    private static func credential(of request: HTTPRequest) -> Credential {
        guard let header = request.headers["authorization"] else { return .none }
        let scheme = "bearer "
        guard header.utf8.count > scheme.utf8.count,
            header.utf8.prefix(scheme.utf8.count).lazy.map({ $0 | 0x20 }).elementsEqual(scheme.utf8)
        else { return .none }
        return .bearer(String(Substring(header.utf8.dropFirst(scheme.utf8.count))))
    }

    private static func unauthenticated(_ refusal: Refusal) -> HTTPResponse {
        var challenge = "Bearer realm=\"toolserver\""
        if refusal.code != .identityMissing { challenge += ", error=\"invalid_token\"" }
        return .text(401, refusal.told, headers: [("WWW-Authenticate", challenge)])
    }

    private static func isJSON(_ contentType: String?) -> Bool {
        guard let contentType else { return false }
        let type = contentType.utf8.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
        return type.lazy.map { $0 | 0x20 }.elementsEqual("application/json".utf8)
    }

    private static func acceptsStream(_ request: HTTPRequest) -> Bool {
        request.headers["accept"]?.lowercased().contains("text/event-stream") ?? false
    }

    /// A message that says nothing about itself and comes under a version that nobody serves is
    /// told the versions, not what those would demand of it.
    private static func demandServedVersion(
        of http: HTTPRequest, for request: Request
    ) throws(RPCError) {
        guard let header = http.headers["mcp-protocol-version"],
            ProtocolVersion.named(header) == nil, Envelope.version(of: request) == nil
        else { return }
        throw Envelope.unsupported(header, id: request.id)
    }

    private static func handshakeVersion(of request: HTTPRequest) -> ProtocolVersion? {
        guard let text = request.headers["mcp-protocol-version"] else { return .assumed }
        return ProtocolVersion.named(text).flatMap { $0.isStateless ? nil : $0 }
    }
}
