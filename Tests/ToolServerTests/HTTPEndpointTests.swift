import Enforcement
import EventLoop
import Foundation
import Glibc
import JSON
import TestSupport
import Testing

@testable import ToolServer

/// The whole public listener over loopback, on a gate in memory.
@Suite struct HTTPEndpointTests {
    static let host = "tools.test:1"

    let gate: GateFixture
    let group: EventLoopGroup
    let server: HTTPServer
    let token: String

    init() throws {
        // The endpoint's clock is the gate's own; tokens of its mint are good at that time.
        gate = try GateFixture()
        token = try gate.mint.token()
        group = try EventLoopGroup(count: 1)
        let serving = Serving(
            gate: gate.gate, description: ServerDescription(name: "shop"),
            resource: MCPFixture.resource)
        let endpoint = HTTPEndpoint(
            mcp: MCPEndpoint(current: CurrentServing(serving), sessions: try SessionSeal()),
            origins: OriginCheck(port: 1, resource: "http://\(Self.host)/mcp"),
            health: HealthPages(obstacle: { "the disk refuses" }))
        try group.start()
        server = try HTTPServer(group: group, address: "127.0.0.1", port: 0, handler: endpoint)
    }

    private func done() async {
        await server.drain(deadline: .now())
        group.stop()
    }

    private typealias Header = (name: String, value: String)

    private func post(
        _ body: String, _ headers: Header..., authorization: String? = nil, path: String = "/mcp",
        method: String = "POST"
    ) throws -> WireAnswer {
        let all: [Header] =
            [
                ("Host", Self.host), ("Authorization", authorization ?? "Bearer \(token)"),
                ("Content-Length", String(body.utf8.count)), ("Connection", "close"),
            ] + headers
            + (headers.contains { $0.name == "Content-Type" }
                ? [] : [("Content-Type", "application/json")])
        let head = all.filter { !$0.value.isEmpty }.map { "\($0.name): \($0.value)\r\n" }.joined()
        return try WireAnswer(
            exchange("\(method) \(path) HTTP/1.1\r\n\(head)\r\n\(body)", port: server.port))
    }

    private static let list = #"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#
    private static let version: Header = ("MCP-Protocol-Version", "2025-11-25")
    private static let stateless: Header = ("MCP-Protocol-Version", "2026-07-28")

    private func statelessBody(_ method: String, _ more: String = "") -> String {
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\(method)\",\"params\":{\(more)\"_meta\":"
            + MCPFixture.meta.text + "}}"
    }

    // MARK: Who is there

    @Test func strangersLearnNothingButHowToSignIn() async throws {
        for authorization in ["", "Basic YTpi", "Bearer x", "Bearer \(token)x", token] {
            let answer = try post(Self.list, Self.version, authorization: authorization)
            #expect(answer.status == 401, "\(authorization)")
            #expect(answer.headers.contains("www-authenticate: bearer realm="))
            #expect(!answer.body.contains("orders"))
        }
        let expired = try gate.mint.token { $0["exp"] = 1 }
        #expect(
            try post(Self.list, authorization: "Bearer \(expired)").headers
                .contains("invalid_token"))
        #expect(try post(Self.list, authorization: "bEARER \(token)").status == 200)
        for malformed in ["Bearer", "Bearer a b", "Bearer a,b", "Bearer \"x\""] {
            let answer = try post(Self.list, Self.version, authorization: malformed)
            #expect(answer.status == 400, "\(malformed)")
            #expect(answer.headers.contains("invalid_request"))
        }
        let second: Header = ("Authorization", "Bearer \(token)")
        #expect(try post(Self.list, second).status == 400)
        await done()
    }

    @Test func aStrangerIsToldWhereToSignIn() async throws {
        let metadata =
            "Bearer realm=\"toolserver\", resource_metadata="
            + "\"http://tools.test:1/.well-known/oauth-protected-resource/mcp\""
            + ", scope=\"openid tools\""
        #expect(try post(Self.list, authorization: "").header("www-authenticate") == metadata)
        #expect(
            try post(Self.list, authorization: "Bearer x").header("www-authenticate")
                == metadata + ", error=\"invalid_token\"")
        for path in ["", "/mcp"] {
            let path = "/.well-known/oauth-protected-resource\(path)"
            let answer = try post("", authorization: "", path: path, method: "GET")
            #expect(answer.status == 200)
            #expect(
                answer.json == [
                    "resource": "http://tools.test:1/mcp",
                    "authorization_servers": ["https://sign-in.test/realm"],
                    "bearer_methods_supported": ["header"],
                    "dpop_signing_alg_values_supported": [
                        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384",
                        "ES512", "EdDSA",
                    ],
                    "scopes_supported": ["openid", "tools"],
                ])
            #expect(try post("", path: path).status == 405)
            #expect(try post("", path: path + "/").status == 404)
        }
        await done()
    }

    @Test func aTokenInTheURLIsRefusedWhateverTheHeaderSays() async throws {
        for query in ["access_token=\(token)", "a=1&access_token=", "access_token"] {
            let answer = try post(Self.list, Self.version, path: "/mcp?\(query)")
            #expect(answer.status == 400)
            #expect(!answer.body.contains(token))
        }
        #expect(try post(Self.list, Self.version, path: "/mcp?my_access_token=1").status == 200)
        await done()
    }

    @Test func pathsMethodsAndTypesHaveTheirStatuses() async throws {
        #expect(try post("", path: "/healthz", method: "GET").status == 200)
        #expect(try post("", path: "/readyz", method: "GET").status == 503)
        #expect(try post("", path: "/", method: "GET").status == 404)
        #expect(try post("", path: "/mcp/", method: "POST").status == 404)
        #expect(try post("", method: "PUT").status == 405)
        #expect(try post("", Self.stateless, method: "GET").status == 405)
        #expect(try post("", Self.stateless, method: "DELETE").status == 405)
        #expect(try post(Self.list, ("Content-Type", "text/plain")).status == 415)
        #expect(try post(Self.list, ("Content-Type", "application/jsonp")).status == 415)
        #expect(try post(Self.list, ("Content-Encoding", "gzip")).status == 415)
        #expect(try post(Self.list, ("Content-Encoding", "identity")).status == 200)
        #expect(
            try post(Self.list, ("Content-Type", "Application/JSON; charset=utf-8")).status == 200)
        #expect(try post(Self.list, ("Origin", "http://evil.example")).status == 403)
        #expect(try post(Self.list, ("Origin", "null")).status == 403)
        #expect(try post("", ("Origin", "null"), path: "/healthz", method: "GET").status == 200)
        await done()
    }

    // MARK: The handshake era

    @Test func aHandshakeGivesASessionThatIsItsCallersOwn() async throws {
        let hello =
            #"{"jsonrpc":"2.0","id":1,"method":"initialize","#
            + #""params":{"protocolVersion":"2025-06-18"}}"#
        let answer = try post(hello)
        #expect(answer.status == 200)
        #expect(answer.json?["result"]?["protocolVersion"] == "2025-06-18")
        let session = try #require(answer.header("mcp-session-id"))
        let header: Header = ("Mcp-Session-Id", session)
        #expect(try post(Self.list, Self.version, header).status == 200)
        let other = try gate.mint.token { $0["sub"] = "bo" }
        #expect(
            try post(Self.list, Self.version, header, authorization: "Bearer \(other)").status
                == 404)
        #expect(try post(Self.list, Self.version, ("Mcp-Session-Id", "made-up")).status == 404)
        await done()
    }

    @Test func readableRequestsAreAnsweredWith200AndOthersWith400() async throws {
        #expect(try post(Self.list).json?["result"]?["tools"]?.array?.count == 1)
        let unknown = try post(#"{"jsonrpc":"2.0","id":1,"method":"no"}"#, Self.version)
        #expect(unknown.status == 200)
        #expect(unknown.json?["error"]?["code"] == -32601)
        #expect(try post("{", Self.version).status == 400)
        #expect(try post("[\(Self.list)]", Self.version).status == 400)
        let notice = #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#
        #expect(try post(notice, Self.version).status == 202)
        #expect(try post(#"{"jsonrpc":"2.0","id":1,"result":{}}"#, Self.version).status == 202)
        await done()
    }

    @Test func aCallRunsThroughTheGate() async throws {
        let call = #"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"orders"}}"#
        let answer = try post(call, Self.version)
        #expect(answer.status == 200)
        #expect(answer.json?["id"] == "a")
        #expect(answer.json?["result"]?["structuredContent"] == ["rows": [["id": "1"]]])
        #expect(gate.journal.entries == ["run orders", "append intent+outcome"])
        #expect(gate.sink.lines.first?["address"] == "127.0.0.1")
        await done()
    }

    // MARK: The stateless era

    @Test func aStatelessCallNeedsItsHeaders() async throws {
        let body = statelessBody("tools/call", "\"name\":\"orders\",")
        let method: Header = ("Mcp-Method", "tools/call")
        let good = try post(body, Self.stateless, method, ("Mcp-Name", "orders"))
        #expect(good.status == 200)
        #expect(good.json?["result"]?["resultType"] == "complete")
        for answer in [
            try post(body, Self.stateless, method),
            try post(body, Self.stateless, ("Mcp-Name", "orders")),
            try post(body, Self.stateless, method, ("Mcp-Name", "other")),
        ] {
            #expect(answer.status == 400)
            #expect(answer.json?["error"]?["code"] == -32020)
            #expect(answer.json?["id"] == 1)
        }
        #expect(gate.journal.entries.count == 2)
        await done()
    }

    @Test func aVersionThatIsNotServedIsToldWhichAre() async throws {
        let body = statelessBody("tools/list")
            .replacing("2026-07-28", with: "2031-01-01")
        let answer = try post(
            body, ("MCP-Protocol-Version", "2031-01-01"), ("Mcp-Method", "tools/list"))
        #expect(answer.status == 400)
        #expect(answer.json?["error"]?["code"] == -32022)
        #expect(answer.json?["error"]?["data"]?["supported"]?.array?.count == 4)
        await done()
    }

    @Test func theStatelessEraHasNoHandshake() async throws {
        let hello = try post(
            statelessBody("initialize"), Self.stateless, ("Mcp-Method", "initialize"))
        #expect(hello.status == 404)
        #expect(hello.json?["error"]?["code"] == -32601)
        let bare = try post(Self.list, Self.stateless, ("Mcp-Method", "tools/list"))
        #expect(bare.status == 400)
        #expect(bare.json?["error"]?["code"] == -32602)
        await done()
    }
}

/// What came back, cut at the empty line.
/// What came back over a socket.
struct WireAnswer {
    let status: Int
    /// In lower case.
    let headers: String
    let lines: [String]
    let body: String

    init(_ text: String) throws {
        let end = try #require(text.range(of: "\r\n\r\n"))
        let head = String(text[..<end.lowerBound])
        body = String(text[end.upperBound...])
        headers = head.lowercased()
        lines = head.split(separator: "\r\n").map(String.init)
        status = Int(head.dropFirst(9).prefix(3)) ?? 0
    }

    var json: JSONValue? { try? JSONParser.parse(Array(body.utf8)) }

    func header(_ name: String) -> String? {
        lines.first { $0.lowercased().hasPrefix(name + ":") }
            .map { $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces) }
    }
}

/// Sends all, reads to the end; gives up after five seconds.
func exchange(_ text: String, port: UInt16) throws -> String {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var patience = timeval(tv_sec: 5, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
    let result = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    try #require(result == 0)
    let bytes = Array(text.utf8)
    try #require(send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count)
    var received: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = recv(socket, &buffer, buffer.count, 0)
        if count <= 0 { break }
        received += buffer[..<count]
    }
    return String(decoding: received, as: UTF8.self)
}
