import Enforcement
import JSON

/// `/v1/openapi.json`: exactly the tools that this caller may use, for generators of clients.
enum OpenAPIDocument {
    static func make(of tools: [GuardedTool], in serving: Serving) -> JSONValue {
        var schemas: [JSONObject.Member] = [("Problem", problem)]
        for tool in tools {
            let name = tool.tool.name
            schemas.append(component("\(name).input", tool.tool.inputSchema))
            schemas.append(component("\(name).output", PlainAnswer.schema(for: tool)))
        }
        let paths: [JSONObject.Member] = tools.map { tool in
            (name: "/v1/tools/\(tool.tool.name)", value: ["post": operation(tool.tool)])
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": .string(serving.description.name),
                "version": .string(ServerDescription.version),
                "description": "One operation for each tool that you may use.",
            ],
            "servers": [["url": .string(serving.resource.base)]],
            "security": [["token": []]],
            "paths": .object(JSONObject(distinct: paths)),
            "components": [
                "schemas": .object(JSONObject(distinct: schemas)),
                "securitySchemes": ["token": ["type": "http", "scheme": "bearer"]],
            ],
        ]
    }

    private static func operation(_ tool: Tool) -> JSONValue {
        // Without a body a call has no arguments.
        let needsBody = ToolArgument.all(of: tool).contains { $0.isRequired }
        return [
            "operationId": .string(tool.name.text), "summary": .string(tool.title),
            "description": .string(tool.description),
            "requestBody": [
                "required": .bool(needsBody),
                "content": content("application/json", "\(tool.name).input"),
            ],
            "responses": [
                "200": [
                    "description": "The answer, masked for you.",
                    "content": content("application/json", "\(tool.name).output"),
                ],
                "default": [
                    "description": "Why there is no answer; `code` says it for programs.",
                    "content": content("application/problem+json", "Problem"),
                ],
            ],
        ]
    }

    private static func content(_ mediaType: String, _ schema: String) -> JSONValue {
        let reference: JSONValue = ["schema": ["$ref": .string(place(schema))]]
        return .object(JSONObject(distinct: [(mediaType, reference)]))
    }

    private static func place(_ schema: String) -> String { "#/components/schemas/\(schema)" }

    private static let problem: JSONValue = [
        "type": "object",
        "properties": [
            "type": ["type": "string"], "title": ["type": "string"],
            "status": ["type": "integer"],
            "detail": ["type": "string", "description": "What to do, in words."],
            "code": ["type": "string"],
            "rules": ["type": "array", "items": ["type": "string"]],
        ],
        "required": ["type", "title", "status", "detail"],
    ]
}

/// A schema that stood alone refers to itself from `#`; within the document that is elsewhere.
extension OpenAPIDocument {
    /// Keywords whose members are names of the author, not keywords.
    private static let named = ["properties", "patternProperties", "$defs", "dependentSchemas"]
    /// Keywords whose values are data.
    private static let data = ["const", "enum", "default", "examples"]

    private static func component(_ name: String, _ schema: JSONValue) -> JSONObject.Member {
        // Whatever has an id of its own keeps its references.
        (name, schema["$id"] == nil ? moved(schema, to: place(name)) : schema)
    }

    private static func moved(_ schema: JSONValue, to place: String) -> JSONValue {
        switch schema {
        case .array(let values): return .array(values.map { moved($0, to: place) })
        case .object(let object):
            return .object(
                JSONObject(
                    distinct: object.members.map { (name: $0.name, value: moved($0, to: place)) }))
        case .null, .bool, .number, .string: return schema
        }
    }

    private static func moved(_ member: JSONObject.Member, to place: String) -> JSONValue {
        func isOne(of names: [String]) -> Bool {
            names.contains { $0.isByteEqual(to: member.name) }
        }
        if isOne(of: data) { return member.value }
        if isOne(of: named), let object = member.value.object {
            return .object(
                JSONObject(
                    distinct: object.members.map {
                        (name: $0.name, value: moved($0.value, to: place))
                    }))
        }
        guard member.name.isByteEqual(to: "$ref"), let target = member.value.string,
            target.isByteEqual(to: "#") || target.utf8.starts(with: "#/".utf8)
        else { return moved(member.value, to: place) }
        return .string(place + target.dropFirst())
    }
}
