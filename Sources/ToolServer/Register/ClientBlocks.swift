import Enforcement
import JSON

/// The options of the Agent SDK: the server, and the tools that need no question each time. Those
/// that change something are left to the program's own permission rules.
enum AgentOptions {
    static func make(
        _ registration: Registration, _ tools: [ToolOutlook]
    ) throws(CommandFailure) -> JSONValue {
        let reads = tools.map(\.tool).filter { $0.effect == .read && $0.confirmation == nil }
        return [
            "mcpServers": .object(
                JSONObject(distinct: [(registration.name.text, try registration.entry())])),
            "allowedTools": .array(
                reads.map { .string("mcp__\(registration.name)__\($0.name)") }),
        ]
    }
}

/// What a request to the Messages API holds for its MCP connector (beta `mcp-client-2025-11-20`).
enum ConnectorBlocks {
    static func make(
        _ registration: Registration, _ tools: [ToolOutlook]
    ) throws(CommandFailure) -> JSONValue {
        guard registration.url.utf8.starts(with: "https://".utf8) else {
            throw CommandFailure(
                "the connector reaches public https:// URLs only, not \(registration.url): set `http.resource` in server.json or give --url. A program of yours can offer the tools itself: GET /v1/tools?for=messages-api and POST /v1/tool_use."
            )
        }
        let enabled: [JSONObject.Member] = tools.map {
            (name: $0.tool.name.text, value: ["enabled": true])
        }
        return [
            "mcp_servers": [
                [
                    "type": "url", "url": .string(registration.url),
                    "name": .string(registration.name.text),
                    "authorization_token": "the caller's access token",
                ]
            ],
            "tools": [
                [
                    "type": "mcp_toolset", "mcp_server_name": .string(registration.name.text),
                    // A tool that comes later is offered when this is made anew, not before.
                    "default_config": ["enabled": false],
                    "configs": .object(JSONObject(distinct: enabled)),
                ]
            ],
        ]
    }
}
