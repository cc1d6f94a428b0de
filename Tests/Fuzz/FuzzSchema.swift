import JSON

/// A schema and a value, with a line end between them.
///
/// A schema that loads judges alike each time, no list of violations is endless, and combinations
/// of it judge as they must.
func fuzzSchema(_ bytes: [UInt8]) {
    let parts = bytes.split(separator: 0x0A, maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let form = try? JSONParser.parse(parts[0]),
        let value = try? JSONParser.parse(parts[1]), let schema = try? JSONSchema(form)
    else { return }
    let violations = schema.violations(in: value)
    hold(violations.count <= 21, "the number of violations")
    hold(violations == schema.violations(in: value), "the second judgement")
    // References mean something else further down, and names must stand once.
    guard !parts[0].contains(UInt8(ascii: "$")), !isGivenUp(violations) else { return }
    for wrapper in ["allOf", "anyOf", "oneOf"] {
        judges([wrapper: [form]] as JSONValue, value, violations.isEmpty, wrapper)
    }
    judges(["not": form], value, !violations.isEmpty, "not")
    judges(["if": form, "else": false], value, violations.isEmpty, "if")
    judges(["$ref": "#/$defs/a", "$defs": ["a": form]], value, violations.isEmpty, "$ref")
    judges(["items": form], [value, value], violations.isEmpty, "items")
    judges(["contains": form], [value], violations.isEmpty, "contains")
    judges(["properties": ["a": form]], ["a": value], violations.isEmpty, "properties")
}

private func judges(
    _ form: JSONValue, _ value: JSONValue, _ isValid: Bool, _ what: String
) {
    guard let schema = try? JSONSchema(form) else {
        return hold(false, "\(what) of a schema that loads")
    }
    let violations = schema.violations(in: value)
    hold(isGivenUp(violations) || violations.isEmpty == isValid, "the judgement of \(what)")
}

private func isGivenUp(_ violations: [JSONViolation]) -> Bool {
    violations.contains { $0.message.contains("must be simpler") }
}
