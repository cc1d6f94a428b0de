// Paths of the public listener → what answers them.
//
// Every request that is not about the server's health is identified before its body is read as
// anything. It must never answer a stranger with more than "who are you?".

import Enforcement
import EventLoop
import JSON

struct HTTPEndpoint: HTTPHandler {
    let mcp: MCPEndpoint
    let origins: OriginCheck
    let health: HealthPages
    /// nil where nobody is told of requests for approval.
    var replies: ApprovalReplies?

    private var plain: PlainEndpoint { PlainEndpoint(current: mcp.current) }

    private var tokens: TokenEndpoint? { mcp.current.value.tokens }

    func answer(withoutBody head: HTTPRequest) async -> HTTPResponse? {
        if let answer = answerOutside(head) { return answer }
        if tokens?.owns(head) == true || replies?.owns(head) == true { return nil }
        if PlainEndpoint.owns(head.path) { return await plain.answer(withoutBody: head) }
        return await mcp.answer(withoutBody: head)
    }

    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) async {
        if let answer = answerOutside(request) { return exchange.respond(answer) }
        if let tokens, tokens.owns(request) {
            return exchange.respond(await tokens.answer(request))
        }
        if let replies, replies.owns(request) {
            return exchange.respond(await replies.answer(request))
        }
        if PlainEndpoint.owns(request.path) { return await plain.handle(request, exchange) }
        await mcp.handle(request, exchange)
    }

    /// nil for what belongs to the tools.
    private func answerOutside(_ request: HTTPRequest) -> HTTPResponse? {
        // Supervisors know us by addresses of their own, and learn nothing that they could misuse.
        if let page = health.answer(request.path) { return page }
        guard origins.admits(request) else {
            return .text(
                403,
                "This Origin or Host is not one of this server's. Set `http.resource` in server.json to the URL that clients use."
            )
        }
        if request.path == "/mcp" || PlainEndpoint.owns(request.path) { return nil }
        if let answer = tokens?.answer(withoutBody: request) { return answer }
        if let answer = replies?.answer(withoutBody: request) { return answer }
        if tokens?.owns(request) == true || replies?.owns(request) == true { return nil }
        return mcp.current.value.resource.answer(request)
            ?? .text(404, "Not found. The tools are at POST /mcp, and plain at GET /v1/tools.")
    }
}

extension HTTPResponse {
    static func text(
        _ status: Int, _ text: String, headers: [(name: String, value: String)] = []
    ) -> HTTPResponse {
        HTTPResponse(
            status: status,
            headers: [("Content-Type", "text/plain; charset=utf-8")] + headers,
            body: Array((text + "\n").utf8))
    }

    static func json(
        _ status: Int, _ body: [UInt8], headers: [(name: String, value: String)] = []
    ) -> HTTPResponse {
        .json(status, [body], headers: headers)
    }

    /// The same in pieces, of which there is at least one.
    static func json(
        _ status: Int, _ pieces: [[UInt8]], headers: [(name: String, value: String)] = []
    ) -> HTTPResponse {
        HTTPResponse(
            status: status, headers: [("Content-Type", "application/json")] + headers,
            body: pieces[0], rest: pieces.dropFirst())
    }
}
