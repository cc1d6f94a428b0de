// Method → answer, the same for every transport and both eras.
//
// A transport hands over a request that it has read, a caller whom the gate has identified and
// the revision that this message speaks. It must never decide about a call itself: that is the
// gate's. To add a method: a case in `answer`, and a file beside this one.

import Enforcement
import EventLoop
import JSON

struct MethodRouter: Sendable {
    let serving: Serving
    let subscriptions: Subscriptions

    /// A method that is served; which ones are depends on the era.
    enum Method: Sendable {
        case callTool, listTools, ping, initialize, discover, listen
        case listResources, listTemplates, readResource, listPrompts, getPrompt, complete
        case task(TasksMethod)

        init?(_ name: String, isStateless: Bool) {
            switch name {
            case "tools/call": self = .callTool
            case "tools/list": self = .listTools
            case "resources/list": self = .listResources
            case "resources/templates/list": self = .listTemplates
            case "resources/read": self = .readResource
            case "prompts/list": self = .listPrompts
            case "prompts/get": self = .getPrompt
            case "completion/complete": self = .complete
            case "ping" where !isStateless: self = .ping
            case "initialize" where !isStateless: self = .initialize
            case "server/discover" where isStateless: self = .discover
            case Listen.method where isStateless: self = .listen
            default:
                guard isStateless, let method = TasksMethod(rawValue: name) else { return nil }
                self = .task(method)
            }
        }
    }

    /// In one piece, but for large answers of tools.
    func answer(_ request: Request, from peer: Peer) async throws(RPCError) -> [[UInt8]] {
        let isStateless = peer.version.isStateless
        if isStateless { try Envelope.checkVersion(of: request) }
        guard let method = Method(request.method, isStateless: isStateless) else {
            throw Self.unknown(request)
        }
        if isStateless { try Envelope.checkLogLevel(of: request) }
        return switch method {
        case .callTool: try await ToolsCall.answer(request, from: peer, in: serving)
        case .listTools: [try await ToolsList.answer(request, from: peer, in: serving)]
        case .listResources: [try ResourcesList.answer(request, from: peer, in: serving)]
        case .listTemplates: [ResourcesList.templates(for: peer, in: serving)]
        case .readResource: [try await ResourcesRead.answer(request, from: peer, in: serving)]
        case .listPrompts: [try PromptsList.answer(request, from: peer, in: serving)]
        case .getPrompt: [try PromptsGet.answer(request, from: peer, in: serving)]
        case .complete: [try await ArgumentCompletion.answer(request, from: peer, in: serving)]
        case .ping: [Array("{}".utf8)]
        case .initialize: [try Initialize.answer(request, in: serving)]
        case .discover: [Discover.answer(in: serving)]
        case .task(let method): [try await method.answer(request, from: peer, in: serving)]
        case .listen: [try await Listen.answer(request, from: peer, in: serving, subscriptions)]
        }
    }

    /// Never with the name: it is the client's text, and nobody has masked it.
    private static func unknown(_ request: Request) -> RPCError {
        RPCError(
            .methodNotFound,
            "Method not found. The capabilities of this server say what it answers.",
            id: request.id)
    }
}

/// Who is at the other end of this message, and how they speak.
struct Peer: Sendable {
    let caller: IdentifiedCaller
    let via: Transport
    let version: ProtocolVersion
    let traceparent: String?
    /// What the record names the client's session by; nil where the protocol has none.
    var session: String?
    /// nil where nothing can be said beside the answer.
    let channel: (any ClientChannel)?
    /// nil where nothing can be asked while a call waits.
    var prompt: (any CallerPrompt)?
    /// Where work for this peer goes on; nil is anywhere.
    var loop: EventLoop?
}
