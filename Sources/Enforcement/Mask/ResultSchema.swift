import JSON

/// The declared form of a tool's `structuredContent`.
///
/// A mask puts text where a number may have been, and a `reveal` takes it away for some callers;
/// the schema allows both, so that every answer of the tool fits the one that was listed.
enum ResultSchema {
    /// Nil for a tool whose answers are no documents.
    static func make(
        for tool: Tool, masks: MaskPlan, values: ValueMasks, policy: Policy
    ) -> JSONValue? {
        switch tool.operation {
        case .http(let http): document(http.result, values: values, policy: policy)
        case .access: nil
        case .sql, .freeSQL, .describe: rows(of: tool, masks: masks)
        }
    }

    /// What the manifest declares, as far as masks leave it.
    private static func document(
        _ form: HTTPOperation.ResultForm, values: ValueMasks, policy: Policy
    ) -> JSONValue? {
        guard form.kind == .json else { return nil }
        if let schema = form.schema {
            return MaskedSchema(values, policy: policy, picks: form.picks).widened(schema)
        }
        guard !form.picks.isEmpty else { return ["type": "object"] }
        let open = form.picks.map { (name: $0.name, value: JSONValue.object(JSONObject())) }
        return [
            "type": "object", "properties": .object(JSONObject(distinct: open)),
            "required": .array(form.picks.map { .string($0.name) }), "additionalProperties": false,
        ]
    }

    private static let truncated: JSONValue = [
        "type": "boolean", "description": "More rows exist than are shown.",
    ]

    private static func rows(of tool: Tool, masks: MaskPlan) -> JSONValue {
        var properties = JSONObject()
        var required: [JSONValue] = []
        let isTable = tool.rowForm == .table
        if isTable, !tool.operation.isSettledAtLoad || !tool.examination.columns.isEmpty {
            properties["columns"] = ["type": "array", "items": ["type": "string"]]
            if tool.operation.isSettledAtLoad { required.append("columns") }
        }
        if !tool.operation.isSettledAtLoad {
            properties["rows"] = [
                "type": "array", "items": ["type": isTable ? "array" : "object"],
            ]
            properties["truncated"] = truncated
        } else if !tool.examination.columns.isEmpty {
            properties["rows"] = [
                "type": "array",
                "items": isTable
                    ? line(of: tool.examination.columns, masks: masks)
                    : row(of: tool.examination.columns, masks: masks),
            ]
            properties["truncated"] = truncated
            required.append("rows")
        }
        if case .sql(let operation) = tool.operation, !operation.next.isEmpty {
            properties["next"] = [
                "type": "object",
                "description": "For the rows that follow, call again with these arguments changed.",
            ]
        }
        if !tool.examination.isReadOnly {
            properties["changed"] = ["type": "integer", "description": "Rows changed."]
            if tool.operation.isSettledAtLoad { required.append("changed") }
        }
        return [
            "type": "object", "properties": .object(properties), "required": .array(required),
            "additionalProperties": false,
        ]
    }

    private static func row(of columns: [Column], masks: MaskPlan) -> JSONValue {
        var properties = JSONObject()
        for (index, column) in columns.enumerated() {
            let isMasked = masks.mayBecomeText(index)
            properties[column.name] = ["type": .array(types(of: column.kind, isMasked: isMasked))]
        }
        let names = columns.map { JSONValue.string($0.name) }
        return [
            "type": "object", "properties": .object(properties), "required": .array(names),
            "additionalProperties": false,
        ]
    }

    /// A row of a table.
    private static func line(of columns: [Column], masks: MaskPlan) -> JSONValue {
        let cells = columns.enumerated().map { index, column -> JSONValue in
            let isMasked = masks.mayBecomeText(index)
            return ["type": .array(types(of: column.kind, isMasked: isMasked))]
        }
        let count = JSONValue.number(JSONNumber(columns.count))
        return [
            "type": "array", "prefixItems": .array(cells), "items": false, "minItems": count,
        ]
    }

    private static func types(of kind: Column.Kind, isMasked: Bool) -> [JSONValue] {
        let plain: [JSONValue] =
            switch kind {
            case .integer: ["integer"]
            case .number: ["number"]
            case .string: ["string"]
            case .boolean: ["boolean"]
            case .any: ["string", "number", "boolean"]
            case .numberOrText: ["number", "string"]
            case .json: ["string", "number", "boolean", "object", "array"]
            }
        return (isMasked && !plain.contains("string") ? plain + ["string"] : plain) + ["null"]
    }
}
