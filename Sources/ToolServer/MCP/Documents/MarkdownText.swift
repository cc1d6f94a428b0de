import Enforcement
import JSON

/// Pieces of the texts about tools that Claude and people read.
enum MarkdownText {
    static let mediaType = "text/markdown"

    static func joined(_ lines: [String]) -> String {
        lines.joined(separator: "\n") + "\n"
    }

    /// A text of a manifest on one line; angle brackets would be tags in a skill's front matter.
    static func plain(_ text: String) -> String {
        let bytes = text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "<"): UInt8(ascii: "(")
            case UInt8(ascii: ">"): UInt8(ascii: ")")
            case 0..<0x20: UInt8(ascii: " ")
            default: byte
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func quoted(_ names: [String]) -> String {
        names.map { "`\(plain($0))`" }.joined(separator: ", ")
    }

    /// What a tool answers with, a line a column.
    static func columns(of outlook: ToolOutlook) -> [String] {
        outlook.tool.examination.columns.map { column in
            let isCovered = outlook.maskedColumns.contains { $0.isByteEqual(to: column.name) }
            return
                "- `\(plain(column.name))`: \(column.kind.words)\(isCovered ? ", covered for you" : "")"
        }
    }

    /// What a tool takes, a line an argument.
    static func arguments(of tool: Tool) -> [String] {
        ToolArgument.all(of: tool).map { argument in
            let text = argument.description.map { ": \(plain($0))" } ?? ""
            return "- `\(argument.name)` (\(argument.words))\(text)"
        }
    }
}

extension Column.Kind {
    fileprivate var words: String {
        switch self {
        case .integer, .number, .string, .boolean: rawValue
        case .numberOrText: "number, or text"
        case .any: "string, number or boolean"
        case .json: "JSON"
        }
    }
}

/// One property of a tool's input schema, as far as texts and completion look at it.
struct ToolArgument {
    let name: String
    let isRequired: Bool
    private let schema: JSONValue

    static func all(of tool: Tool) -> [ToolArgument] {
        let required = tool.inputSchema["required"]?.array?.compactMap(\.string) ?? []
        return (tool.inputSchema["properties"]?.object?.members ?? []).map { member in
            ToolArgument(
                name: member.name,
                isRequired: required.contains { $0.isByteEqual(to: member.name) },
                schema: member.value)
        }
    }

    var description: String? { schema["description"]?.string }

    var types: [String] {
        schema["type"]?.array?.compactMap(\.string) ?? schema["type"]?.string.map { [$0] } ?? []
    }

    /// All there can be, where the schema says so; none where it does not.
    var values: [JSONValue] {
        if let value = schema["const"] { return [value] }
        if let values = schema["enum"]?.array { return values }
        return types.contains { $0.isByteEqual(to: "boolean") } ? [true, false] : []
    }

    var words: String {
        var words = types.joined(separator: " or ")
        if !isRequired { words += words.utf8.isEmpty ? "optional" : ", optional" }
        guard let values = schema["enum"]?.array else { return words }
        return words + ": one of "
            + values.map { MarkdownText.plain($0.text) }.joined(separator: ", ")
    }

    /// What a text, as people type it, stands for. What is not of the type stays as it is: the
    /// tool says what is wrong with it.
    func value(of text: String) -> JSONValue {
        guard !types.contains(where: { $0.isByteEqual(to: "string") }),
            let value = try? JSONParser.parse(Array(text.utf8))
        else { return .string(text) }
        return value
    }
}
