import Enforcement
import EventLoop
import JSON
import TestSupport
import Testing

@testable import ToolServer

/// Two servers: the one has a tool that nobody may use, the other has none of that name. No answer
/// of theirs may differ, in its bytes or in the class of its time.
@Suite struct DiscretionTests {
    struct Side {
        let gate: GateFixture
        let server: HTTPServer
        let token: String

        init(hasSecret: Bool, group: EventLoopGroup) throws {
            gate = try DiscretionTests.gate(hasSecret: hasSecret)
            token = try gate.mint.token()
            let serving = Serving(
                gate: gate.gate, description: ServerDescription(name: "shop"),
                resource: MCPFixture.resource)
            server = try HTTPServer(
                group: group, address: "127.0.0.1", port: 0,
                handler: HTTPEndpoint(
                    mcp: MCPEndpoint(
                        current: CurrentServing(serving), sessions: try SessionSeal()),
                    origins: OriginCheck(port: 1, resource: "http://tools.test:1/mcp"),
                    health: HealthPages(obstacle: { nil })))
        }

        func post(
            _ path: String, _ body: String, authorization: String?, _ more: String = ""
        ) throws -> WireAnswer {
            let shown = authorization.map { "Authorization: \($0)\r\n" } ?? ""
            return try WireAnswer(
                exchange(
                    "POST \(path) HTTP/1.1\r\nHost: tools.test:1\r\n\(shown)Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\(more)\r\n\(body)",
                    port: server.port))
        }
    }

    private static func gate(hasSecret: Bool) throws -> GateFixture {
        var tools = [try Tool.sample("seen")]
        if hasSecret {
            let input: JSONValue = ["type": "object", "required": ["id"]]
            tools.append(try Tool.sample("secret", scope: "hr.read", input: input))
        }
        return try GateFixture(
            tools: tools,
            policy: Policy(grants: [Grant(scopes: ["crm.read"], groups: ["support"])]))
    }

    private static func call(_ arguments: String) -> String {
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"secret\",\"arguments\":\(arguments)}}"
    }

    @Test func noByteTellsWhetherAToolExists() async throws {
        let group = try EventLoopGroup(count: 1)
        try group.start()
        let with = try Side(hasSecret: true, group: group)
        let without = try Side(hasSecret: false, group: group)
        var seen: Set<Int> = []
        for arguments in ["{}", "{\"id\":1}", "{\"x\":[1]}", "null", "7"] {
            for authorization in [nil, "Bearer x", "Bearer x.y.z", "Basic YTpi", "good"] {
                for (path, body) in [
                    ("/mcp", Self.call(arguments)), ("/v1/tools/secret", arguments),
                    ("/mcp", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}"),
                    (
                        "/v1/tool_use",
                        "{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"secret\",\"input\":\(arguments)}"
                    ),
                ] {
                    let answers = try [with, without].map { side in
                        try side.post(
                            path, body,
                            authorization: authorization == "good"
                                ? "Bearer \(side.token)" : authorization,
                            "MCP-Protocol-Version: 2025-11-25\r\n")
                    }
                    #expect(answers[0].status == answers[1].status, "\(path) \(body)")
                    #expect(answers[0].body == answers[1].body, "\(path) \(body)")
                    #expect(Self.lasting(answers[0]) == Self.lasting(answers[1]))
                    seen.insert(answers[0].status)
                }
            }
        }
        // All of these were really met.
        #expect(seen.isSuperset(of: [200, 401, 404]), "\(seen)")
        for side in [with, without] { await side.server.drain(deadline: .now()) }
        group.stop()
    }

    /// All headers but the time.
    private static func lasting(_ answer: WireAnswer) -> [Substring] {
        answer.headers.split(separator: "\r\n").filter { !$0.hasPrefix("date:") }
    }

    /// By medians of calls that alternate, so that whatever else runs here hits both alike.
    @Test func noAnswerTakesAnotherClassOfTimeForAToolThatExists() async throws {
        let gates = [try Self.gate(hasSecret: true), try Self.gate(hasSecret: false)]
        var times: [[Duration]] = [[], []]
        for round in 0..<600 {
            for side in [round % 2, 1 - round % 2] {
                let clock = ContinuousClock()
                let began = clock.now
                _ = try await gates[side].call("secret")
                times[side].append(clock.now - began)
            }
        }
        let medians = times.map { $0.sorted()[$0.count / 2] }
        #expect(medians[0] < medians[1] * 2 && medians[1] < medians[0] * 2, "\(medians)")
    }
}
