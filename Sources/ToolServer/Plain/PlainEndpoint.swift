// The tools for programs that speak no MCP: scripts inside skills, and loops on the Messages API.
//
//     GET  /v1/tools                     the caller's tools; ?for=messages-api in that API's form
//     POST /v1/tools/NAME                arguments in, answer out, both JSON
//     POST /v1/tool_use                  a `tool_use` block in, its `tool_result` block out
//     GET  /v1/openapi.json              the caller's tools as OpenAPI 3.1
//
// Only another form of the same calls: whoever is not identified gets no further, and every call
// goes through the one gate. It must never answer what `/mcp` would not.

import Enforcement
import EventLoop
import JSON

struct PlainEndpoint: Sendable {
    let current: CurrentServing

    static func owns(_ path: String) -> Bool { path.utf8.starts(with: "/v1/".utf8) }

    func answer(withoutBody head: HTTPRequest) async -> HTTPResponse? {
        switch await enter(head, nil) {
        case .refused(let answer): answer
        case .admitted: nil
        }
    }

    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) async {
        switch await enter(request, exchange) {
        case .refused(let answer): exchange.respond(answer)
        case .admitted(let visit): exchange.respond(await visit.answer())
        }
    }

    private enum Entry {
        case admitted(PlainVisit)
        case refused(HTTPResponse)
    }

    private func enter(_ head: HTTPRequest, _ exchange: HTTPExchange?) async -> Entry {
        let serving = current.value
        let caller: IdentifiedCaller
        do throws(CallerAtTheDoor.TurnedAway) {
            caller = try await CallerAtTheDoor.identify(head, exchange, to: serving)
        } catch {
            return .refused(ProblemDetails(error).response)
        }
        do throws(ProblemDetails) {
            let route = try PlainRoute(head)
            return .admitted(
                PlainVisit(request: head, route: route, caller: caller, serving: serving))
        } catch {
            return .refused(error.response)
        }
    }
}

/// What a request is about, as far as its head says.
enum PlainRoute {
    case list
    case listForMessagesAPI
    case call(tool: String)
    case toolUse
    case openAPI

    init(_ head: HTTPRequest) throws(ProblemDetails) {
        switch head.path {
        case "/v1/tools":
            try Self.demand("GET", head)
            self = try Self.list(head.query)
        case "/v1/openapi.json":
            try Self.demand("GET", head)
            self = .openAPI
        case "/v1/tool_use":
            try Self.demand("POST", head)
            self = .toolUse
        default:
            let tools = "/v1/tools/"
            let name = head.path.utf8.dropFirst(tools.utf8.count)
            guard head.path.utf8.starts(with: tools.utf8), !name.isEmpty,
                !name.contains(UInt8(ascii: "/"))
            else {
                throw ProblemDetails(
                    404,
                    "Not found. There are GET /v1/tools, POST /v1/tools/NAME, POST /v1/tool_use and GET /v1/openapi.json."
                )
            }
            try Self.demand("POST", head)
            self = .call(tool: String(Substring(name)))
        }
    }

    private static func list(_ query: String?) throws(ProblemDetails) -> PlainRoute {
        switch query.map({ Name($0) }) {
        case nil, "": return .list
        case "for=messages-api": return .listForMessagesAPI
        default:
            throw ProblemDetails(400, "The only query here is `for=messages-api`.")
        }
    }

    private static func demand(
        _ method: String, _ head: HTTPRequest
    ) throws(ProblemDetails) {
        guard head.method.isByteEqual(to: method) else {
            throw ProblemDetails(405, "Send it by \(method).", headers: [("Allow", method)])
        }
        guard method.isByteEqual(to: "POST"), head.headers.contains("content-type"),
            !MediaTypes.isJSON(head.headers)
        else { return }
        throw ProblemDetails(415, "Send `Content-Type: application/json`, in UTF-8.")
    }
}

/// One request of an identified caller.
struct PlainVisit {
    let request: HTTPRequest
    let route: PlainRoute
    let caller: IdentifiedCaller
    let serving: Serving

    private var via: Transport { Transport(kind: .http, address: request.peerAddress) }
    private var tools: [GuardedTool] { serving.gate.visibleTools(to: caller, via: via) }

    func answer() async -> HTTPResponse {
        do throws(ProblemDetails) {
            switch route {
            case .list:
                await serving.gate.freshen()
                return .json(
                    200,
                    ToolsList.plain(
                        tools.map {
                            ($0, input: serving.gate.inputSchema(of: $0, for: caller, via: via))
                        }, for: caller.caller))
            case .listForMessagesAPI: return .json(200, MessagesAPITools.list(tools))
            case .openAPI:
                return .json(200, OpenAPIDocument.make(of: tools, in: serving).bytes)
            case .call(let tool):
                return PlainAnswer.response(to: await call(tool, try arguments()), in: serving)
            case .toolUse:
                let block = try ToolUseBlock(try body())
                return block.response(to: await call(block.name, block.input), in: serving)
            }
        } catch {
            return error.response
        }
    }

    private func call(_ tool: String, _ arguments: JSONObject) async -> Outcome {
        await serving.gate.answer(
            ArrivedCall(
                caller: caller, tool: tool, arguments: arguments, via: via,
                trace: Trace(traceparent: request.headers["traceparent"])))
    }

    /// No body is no arguments.
    private func arguments() throws(ProblemDetails) -> JSONObject {
        request.body.isEmpty ? JSONObject() : try body()
    }

    private func body() throws(ProblemDetails) -> JSONObject {
        let document: JSONValue
        do throws(JSONError) { document = try JSONParser.parse(request.body) } catch {
            throw ProblemDetails(
                400, "The body is not valid JSON at byte \(error.offset): \(error.message)")
        }
        guard let object = document.object else {
            throw ProblemDetails(400, "The body must be a JSON object.")
        }
        return object
    }
}
