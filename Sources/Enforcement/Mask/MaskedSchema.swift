import JSON

/// What stays of a declared schema when masks are laid on what it describes.
///
/// Any text may hold something that is masked, so a text keeps its type and no more; a number that
/// is masked for its name becomes a text; under a field that a rule masks, anything may stand. All
/// that is given up makes the schema wider: an answer that fitted it still does.
struct MaskedSchema {
    private let masks: ValueMasks
    /// The folded names of what rules mask.
    private let covered: Set<[UInt8]>
    /// Where the members of the answer were picked from.
    private let picks: [(name: String, path: DocumentPath)]

    init(_ masks: ValueMasks, policy: Policy, picks: [(name: String, path: DocumentPath)]) {
        self.masks = masks
        self.picks = picks
        covered = Set(
            policy.masks.compactMap { mask in
                switch mask.target {
                case .field(let name): MaskRule.Target.folded(name.text)
                case .document: MaskRule.Target.folded(mask.target.label.text)
                case .column, .inside: nil
                }
            })
    }

    func widened(_ schema: JSONValue) -> JSONValue { widened(schema, isRoot: true) }

    /// They say something about a text, about what is equal or about what is not so.
    private static let givenUp: Set<Name> = [
        "pattern", "format", "minLength", "maxLength", "contentSchema", "not", "if", "then", "else",
        "uniqueItems", "contains", "minContains", "maxContains", "propertyNames",
        "patternProperties", "unevaluatedItems", "unevaluatedProperties",
    ]

    private func widened(_ schema: JSONValue, isRoot: Bool = false) -> JSONValue {
        guard case .object(let object) = schema else { return schema }
        var result = JSONObject()
        for (keyword, value) in object.members where !Self.givenUp.contains(Name(keyword)) {
            switch keyword {
            case "properties": result[keyword] = properties(value, arePicks: isRoot)
            case "$defs", "dependentSchemas": result[keyword] = byName(value) { widened($1) }
            case "items", "additionalProperties":
                // Without the patterns, more names are additional ones.
                if keyword == "items" || object["patternProperties"] == nil {
                    result[keyword] = widened(value)
                }
            case "allOf", "anyOf", "prefixItems": result[keyword] = each(value)
            // What only one branch took, several may take now.
            case "oneOf": if object["anyOf"] == nil { result["anyOf"] = each(value) }
            case "enum", "const": if isLeft(value) { result[keyword] = value }
            default: result[keyword] = value
            }
        }
        return .object(result)
    }

    private func each(_ value: JSONValue) -> JSONValue {
        .array((value.array ?? []).map { widened($0) })
    }

    private func byName(
        _ value: JSONValue, _ change: (String, JSONValue) -> JSONValue
    ) -> JSONValue {
        .object(
            JSONObject(
                distinct: (value.object?.members ?? []).map { ($0.name, change($0.name, $0.value)) }
            ))
    }

    private func properties(_ value: JSONValue, arePicks: Bool) -> JSONValue {
        byName(value) { name, schema in
            var names = [name]
            if arePicks, let pick = picks.first(where: { $0.name.isByteEqual(to: name) }) {
                for case .member(let step) in pick.path.steps { names.append(step.text) }
            }
            if names.contains(where: { covered.contains(MaskRule.Target.folded($0)) }) {
                return Self.anything(schema)
            }
            let isNamed = names.contains { NamedValues.name($0.utf8.span) != nil }
            return isNamed ? Self.orText(widened(schema), schema) : widened(schema)
        }
    }

    /// Only what it says to a reader.
    private static func anything(_ schema: JSONValue) -> JSONValue {
        var result = JSONObject()
        for keyword in ["title", "description"] {
            if let value = schema[keyword] { result[keyword] = value }
        }
        return .object(result)
    }

    private static func orText(_ widened: JSONValue, _ declared: JSONValue) -> JSONValue {
        guard case .object(var object) = widened, let type = object["type"] else {
            return anything(declared)
        }
        let types = type.array ?? [type]
        if types.contains("string") || !types.contains("integer") && !types.contains("number") {
            return widened
        }
        object["type"] = .array(types + ["string"])
        for keyword in ["enum", "const"] { object[keyword] = nil }
        return .object(object)
    }

    private func isLeft(_ value: JSONValue) -> Bool {
        var document = DocumentMask(masks, Policy(), for: nil)
        _ = document.masked(value)
        return document.maskedCount == 0
    }
}
