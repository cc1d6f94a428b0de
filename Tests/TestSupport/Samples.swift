package import Enforcement
package import JSON

extension Tool {
    /// A tool of the sample shop; a test names what it is about.
    package static func sample(
        _ name: Name = "orders", backend: Name = "shop", scope: Name = "crm.read",
        effect: Effect = .read, tags: [Name] = [], input: JSONValue = ["type": "object"],
        columns: [Column] = [Column("id", .integer)], reads: Set<ColumnPath>? = [],
        operation: Operation? = nil, examination: Examination? = nil,
        limits: ToolLimits = ToolLimits(), confirmation: Confirmation? = nil,
        taskUse: TaskUse? = nil, rowForm: RowForm = .auto, prompt: ToolPrompt? = nil
    ) throws -> Tool {
        Tool(
            name: name, title: "Title of \(name)", description: "Description of \(name).",
            backend: backend, scope: scope, effect: effect, tags: tags, inputSchema: input,
            input: InputCheck(schema: try JSONSchema(input)),
            operation: operation ?? .sql(SQLOperation(text: "select 1 -- \(name)")),
            limits: limits,
            examination: examination
                ?? Examination(
                    columns: columns, reads: reads, parameters: [], isReadOnly: effect == .read),
            confirmation: confirmation, taskUse: taskUse, rowForm: rowForm, prompt: prompt)
    }
}

extension Column {
    package init(_ name: String, _ kind: Kind = .string, from origin: ColumnPath? = nil) {
        self.init(name: name, origin: origin, kind: kind)
    }
}

extension ColumnPath {
    /// `main.TABLE.COLUMN`.
    package init(_ table: Name, _ column: Name) {
        self.init(schema: "main", table: table, column: column)
    }
}

extension RawResult {
    /// One text per cell; nil is null.
    package static func texts(_ rows: [String?]..., changed: Int? = nil) -> RawResult {
        var table = Rows(columnCount: rows.first?.count ?? 1)
        for cell in rows.joined() {
            if let cell { table.append(.text, Array(cell.utf8)) } else { table.appendNull() }
        }
        return RawResult(rows: table, changed: changed)
    }
}

extension Outcome {
    package var refusal: Refusal? { if case .refused(let refusal) = self { refusal } else { nil } }
    package var result: MaskedResult? { if case .answered(let it) = self { it } else { nil } }
    /// The answer as the caller sees it.
    package var text: String? {
        result.map { String(decoding: $0.json, as: UTF8.self) }
    }
}

extension MaskedResult {
    /// As `structuredContent` has it; a text as a string.
    package var json: [UInt8] {
        var writer = JSONWriter()
        if let answer = AnswerJSON(self) {
            answer.write(into: &writer)
        } else if case .text(let text) = content {
            writer.string(text)
        }
        return writer.finish()
    }
}

extension JSONObject {
    package init(_ members: (String, JSONValue)...) {
        self.init()
        for (name, value) in members { self[name] = value }
    }
}
