package import JSON

/// The built-in tool by which callers ask for tools for a while. It goes the way of every call:
/// an offer of the policy is a rule that holds it for people, and what runs then is the granting.
package enum AccessTool {
    package static let name: Name = "request_access"
    /// In place of a backend of the manifests.
    package static let backend: Name = "toolserver"
    private static let title = "Ask for tools for a while"
    private static let description =
        "Asks people to let you use tools that you may not use otherwise, until a time ends. Name the tools that you need and no others, for as short a time as will do, and say why. Once somebody has approved, the tools are in tools/list until the time ends."

    /// Nil where nothing can be asked for.
    package static func make(for offers: [AccessOffer]) -> Tool? {
        guard !offers.isEmpty else { return nil }
        let wantsReason = offers.allSatisfy(\.demand.wantsReason)
        let longest = offers.map(\.longest).max() ?? 60
        let schema = schema(longest: longest, wantsReason: wantsReason)
        guard let check = try? JSONSchema(schema) else {
            preconditionFailure("the schema of \(name) is ours")
        }
        return Tool(
            name: name, title: title, description: description, backend: backend,
            scope: "toolserver.access", effect: .write, inputSchema: schema,
            input: InputCheck(schema: check), operation: .access,
            examination: examination, taskUse: .allowed)
    }

    static let examination = Examination(
        columns: [], reads: [], parameters: [], isReadOnly: false)

    private static let toolsMax = 32

    /// `offered`: the tools that one caller may ask for, with their titles.
    static func schema(
        longest: Int, wantsReason: Bool, offered: [(name: Name, title: String)] = []
    ) -> JSONValue {
        var item: JSONValue = ["type": "string", "minLength": 1, "maxLength": 64]
        var tools = "The names of the tools."
        if !offered.isEmpty {
            item = ["type": "string", "enum": .array(offered.map { .string($0.name.text) })]
            let titles = offered.prefix(titlesMax).map { "\($0.name): \($0.title)" }
            tools += " " + titles.joined(separator: "; ") + "."
        }
        let properties: JSONValue = [
            "tools": [
                "type": "array", "items": item, "minItems": 1,
                "maxItems": .number(JSONNumber(toolsMax)), "uniqueItems": true,
                "description": .string(tools),
            ],
            "minutes": [
                "type": "integer", "minimum": 1, "maximum": .number(JSONNumber(longest / 60)),
                "description": "For how long, from when it is granted.",
            ],
            "reason": [
                "type": "string", "minLength": 1, "maxLength": 500,
                "description": "Why, for the person who decides.",
            ],
        ]
        let required: JSONValue =
            wantsReason ? ["tools", "minutes", "reason"] : ["tools", "minutes"]
        return [
            "type": "object", "properties": properties, "required": required,
            "additionalProperties": false,
        ]
    }

    /// More titles than these help nobody to choose.
    private static let titlesMax = 40
}
