/// JSON as a person writes it: what fits stands on one line, all else a member a line.
extension JSONValue {
    /// Without a line end behind it. `columns`: how long a line may be, with its indentation.
    package func laidOut(columns: Int = 100, indent: Int = 4) -> String {
        var layout = JSONLayout(columns: columns, indent: indent)
        layout.write(self, at: 0, behind: 0)
        return layout.text
    }

    /// On one line, with a space behind each comma and colon.
    package var spaced: String {
        switch self {
        case .array(let values): "[\(values.map(\.spaced).joined(separator: ", "))]"
        case .object(let object):
            "{\(object.members.map { "\(JSONValue.string($0.name).text): \($0.value.spaced)" }.joined(separator: ", "))}"
        case .null, .bool, .number, .string: text
        }
    }
}

private struct JSONLayout {
    let columns: Int
    let indent: Int
    private(set) var text = ""

    init(columns: Int, indent: Int) {
        self.columns = columns
        self.indent = indent
    }

    /// `behind` is what stands on the line already, `depth` how deep the line is.
    mutating func write(_ value: JSONValue, at depth: Int, behind: Int) {
        let line = value.spaced
        // One more for the comma.
        if behind + line.utf8.count < columns || Self.isFlat(value) {
            text += line
            return
        }
        switch value {
        case .array(let values): write(values, at: depth)
        case .object(let object): write(object, at: depth)
        case .null, .bool, .number, .string: text += line
        }
    }

    private static func isFlat(_ value: JSONValue) -> Bool {
        switch value {
        case .array(let values): values.isEmpty
        case .object(let object): object.isEmpty
        case .null, .bool, .number, .string: true
        }
    }

    private mutating func write(_ values: [JSONValue], at depth: Int) {
        text += "[\n"
        for (index, value) in values.enumerated() {
            beginLine(depth + 1)
            write(value, at: depth + 1, behind: (depth + 1) * indent)
            text += index + 1 < values.count ? ",\n" : "\n"
        }
        beginLine(depth)
        text += "]"
    }

    private mutating func write(_ object: JSONObject, at depth: Int) {
        text += "{\n"
        for (index, member) in object.members.enumerated() {
            beginLine(depth + 1)
            let name = JSONValue.string(member.name).text + ": "
            text += name
            write(member.value, at: depth + 1, behind: (depth + 1) * indent + name.utf8.count)
            text += index + 1 < object.count ? ",\n" : "\n"
        }
        beginLine(depth)
        text += "}"
    }

    private mutating func beginLine(_ depth: Int) {
        text += String(repeating: " ", count: depth * indent)
    }
}
