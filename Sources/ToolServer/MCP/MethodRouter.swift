// Method → answer, the same for every transport and both eras.
//
// A transport hands over a request that it has read, a caller whom the gate has identified and
// the revision that this message speaks. It must never decide about a call itself: that is the
// gate's. To add a method: a case in `answer`, and a file beside this one.

import Enforcement
import JSON

struct MethodRouter: Sendable {
    let serving: Serving

    func answer(_ request: Request, from peer: Peer) async throws(RPCError) -> [UInt8] {
        if peer.version.isStateless { try Envelope.checkVersion(of: request) }
        return switch request.method {
        case "tools/call": try await ToolsCall.answer(request, from: peer, in: serving)
        case "tools/list": try ToolsList.answer(request, from: peer, in: serving)
        case "ping" where !peer.version.isStateless: Array("{}".utf8)
        case "initialize" where !peer.version.isStateless:
            try Initialize.answer(request, in: serving)
        case "server/discover" where peer.version.isStateless: Discover.answer(in: serving)
        default: throw Self.unknown(request)
        }
    }

    private static func unknown(_ request: Request) -> RPCError {
        let name = String(request.method.unicodeScalars.prefix(64))
        return RPCError(.methodNotFound, "Method not found: \(name)", id: request.id)
    }
}

/// Who is at the other end of this message, and how they speak.
struct Peer: Sendable {
    let caller: IdentifiedCaller
    let via: Transport
    let version: ProtocolVersion
    let traceparent: String?
}
