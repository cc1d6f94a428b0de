import Enforcement
import EventLoop
import JSON
import TestSupport

@testable import ToolServer

/// The methods of the protocol over a gate in memory, without a transport.
struct MCPFixture {
    let gate: GateFixture
    let serving: Serving
    let subscriptions = Subscriptions()

    init(_ gate: GateFixture) {
        self.gate = gate
        serving = Serving(
            gate: gate.gate, description: ServerDescription(name: "shop"), resource: Self.resource)
    }

    static func request(_ method: String, _ params: JSONValue = [:]) -> Request {
        Request(id: .integer("1"), method: method, params: params.object ?? JSONObject())
    }

    /// As a client of the stateless era writes it.
    static func stateless(_ method: String, _ params: JSONValue = [:]) -> Request {
        var object = params.object ?? JSONObject()
        object["_meta"] = meta
        return Request(id: .integer("1"), method: method, params: object)
    }

    static let resource = ProtectedResource(
        resource: "http://tools.test:1/mcp", issuers: ["https://sign-in.test/realm"],
        scopes: ["openid", "tools"])
    static let meta: JSONValue = [
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": [:],
        "io.modelcontextprotocol/clientInfo": ["name": "claude", "version": "1"],
    ]

    func answer(
        _ request: Request, _ version: ProtocolVersion = .v20251125, as user: String = "ada"
    ) async throws -> JSONValue {
        let peer = Peer(
            caller: try await gate.caller(user), via: Transport(kind: .http, address: "192.0.2.7"),
            version: version, traceparent: nil, channel: nil)
        return try JSONParser.parse(
            Array(
                try await MethodRouter(serving: serving, subscriptions: subscriptions).answer(
                    request, from: peer
                ).joined()))
    }

    func error(
        _ request: Request, _ version: ProtocolVersion = .v20251125, as user: String = "ada"
    ) async throws -> RPCError? {
        do {
            _ = try await answer(request, version, as: user)
            return nil
        } catch let error as RPCError {
            return error
        }
    }
}
