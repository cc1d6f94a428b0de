import Enforcement
import JSON

/// The arguments of a tool: the whole JSON Schema that callers see, its compiled check, and where
/// each property stands.
struct InputManifest {
    /// What one property may say in the short form, which is the part of JSON Schema that scalar
    /// parameters need, and `optional`.
    static let propertyKeys = KeySet(
        required: ["type"],
        optional: [
            "title", "description", "optional", "enum", "minimum", "maximum",
            "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
            "pattern", "format",
        ],
        unserved: ["default": defaultAdvice])
    /// Callers would be told of a value that nothing fills in: a missing argument is null.
    static let defaultAdvice = "make it `optional` and use coalesce(:NAME, …) in the statement"
    /// What can be bound as one parameter of a statement.
    static let scalarTypes = ["string", "integer", "number", "boolean"]

    static let countMax = 100

    let schema: JSONValue
    let check: InputCheck
    let properties: [Located<Name>]

    /// A tool without arguments.
    static func none(at place: Place) -> InputManifest? {
        compiled(shape(properties: JSONObject(), required: []), properties: [])
    }

    /// Of a tool that says which relations and columns there are.
    static func describing() -> InputManifest? {
        func text(_ description: String) -> JSONValue {
            ["type": "string", "maxLength": 512, "description": .string(description)]
        }
        let properties = JSONObject(distinct: [
            (
                SchemaDescription.relation.text,
                text("One relation, as `schema.name` or `name`; all without.")
            ),
            (
                SchemaDescription.after.text,
                text("Only relations after this one by name; the last that was shown whole.")
            ),
        ])
        return compiled(shape(properties: properties, required: []), properties: [])
    }

    /// Of a tool whose callers write the statement.
    static func statement(in argument: Name, at place: Place) -> InputManifest? {
        let properties = JSONObject(distinct: [
            (
                argument.text,
                [
                    "type": "string", "minLength": 1, "maxLength": 65_536,
                    "description": "One SQL statement; values as $1, $2 … (SQLite: ?) in params.",
                ]
            ),
            (
                FreeSQLOperation.parameters.text,
                [
                    "type": "array", "maxItems": 500,
                    "items": ["type": ["string", "number", "boolean", "null"]],
                    "description": "The statement's values, in order.",
                ]
            ),
        ])
        return compiled(
            shape(properties: properties, required: [.string(argument.text)]), properties: [])
    }

    /// `{"id": {"type": "integer", …}}`.
    static func short(_ node: Node) -> InputManifest? {
        guard let members = node.members(), isListable(members, of: node) else { return nil }
        var properties = JSONObject()
        var places: [Located<Name>] = []
        var required: [JSONValue] = []
        for member in members {
            guard let property = property(member) else { continue }
            properties[member.name] = property.schema
            if property.isRequired { required.append(.string(member.name)) }
            places.append(Located(value: Name(member.name), place: member.namePlace))
        }
        guard places.count == members.count else { return nil }
        return compiled(shape(properties: properties, required: required), properties: places)
    }

    /// No one fills in more, and the work per call stays small.
    private static func isListable(_ members: [Member], of node: Node) -> Bool {
        if members.count > countMax { node.report("more than \(countMax) arguments") }
        return members.count <= countMax
    }

    private static func property(_ member: Member) -> (schema: JSONValue, isRequired: Bool)? {
        guard isParameterName(member.name) else {
            member.node.findings.problem(
                "must be a letter or `_`, then letters, digits, `_`, at most 64",
                at: member.namePlace)
            return nil
        }
        guard let object = member.node.object(propertyKeys), let type = object["type"],
            type.choice(among: scalarTypes) != nil,
            case .object(let whole) = member.node.value.plain()
        else { return nil }
        _ = object["description"]?.prose(atMost: 1_000)
        let isOptional = object["optional"].map { $0.bool() } ?? false
        // An unknown key has its report already.
        let keywords = propertyKeys.all.filter { !$0.isByteEqual(to: "optional") }
        let schema = JSONObject(
            distinct: whole.members.filter { member in
                keywords.contains { $0.isByteEqual(to: member.name) }
            })
        guard let isOptional, member.node.schema(.object(schema)) != nil else { return nil }
        return (.object(schema), !isOptional)
    }

    private static func shape(properties: JSONObject, required: [JSONValue]) -> JSONValue {
        [
            "type": "object", "properties": .object(properties), "required": .array(required),
            "additionalProperties": false,
        ]
    }

    private static func compiled(
        _ schema: JSONValue, properties: [Located<Name>]
    ) -> InputManifest? {
        // Each property was compiled already, at its own place.
        guard let check = try? JSONSchema(schema) else { return nil }
        return InputManifest(
            schema: schema, check: InputCheck(schema: check), properties: properties)
    }
}

/// The long form: `"inputSchema"`, a whole JSON Schema.
extension InputManifest {
    /// A root that is more than one object cannot be listed property by property, and clients of
    /// the Messages API refuse it.
    static let rootCombinators = [
        "$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "not", "if", "then", "else",
        "patternProperties",
    ]

    static func whole(_ node: Node, takesLists: Bool = false) -> InputManifest? {
        guard let members = node.members(), case .object(var schema) = node.value.plain() else {
            return nil
        }
        for member in members
        where rootCombinators.contains(where: { $0.isByteEqual(to: member.name) }) {
            member.node.findings.problem(
                "not allowed at the root of a tool's schema", at: member.namePlace)
            schema[member.name] = nil
        }
        guard let type = schema["type"]?.string, type.isByteEqual(to: "object") else {
            node.report("must have \"type\": \"object\"")
            return nil
        }
        if let more = members.first(where: { $0.name.isByteEqual(to: "additionalProperties") }),
            more.node.value.plain().bool != false
        {
            more.node.report("must be false: arguments that no one declared are refused")
        }
        schema["additionalProperties"] = false
        guard let check = node.schema(.object(schema)),
            let places = propertyPlaces(members, takesLists: takesLists)
        else {
            return nil
        }
        return InputManifest(
            schema: .object(schema), check: InputCheck(schema: check), properties: places)
    }

    private static func propertyPlaces(_ members: [Member], takesLists: Bool) -> [Located<Name>]? {
        guard let properties = members.first(where: { $0.name.isByteEqual(to: "properties") })
        else { return [] }
        guard let declared = properties.node.members(), isListable(declared, of: properties.node)
        else { return nil }
        for property in declared { refuseUnbindable(property, takesLists: takesLists) }
        return declared.map { Located(value: Name($0.name), place: $0.namePlace) }
    }

    private static func refuseUnbindable(_ property: Member, takesLists: Bool) {
        let parts = property.node.members() ?? []
        for part in parts where part.name.isByteEqual(to: "default") {
            part.node.findings.problem(
                "`default` is not served by this build; \(defaultAdvice)", at: part.namePlace)
        }
        let type = property.node.value.plain()["type"]
        let types = type?.array ?? type.map { [$0] } ?? []
        let allowed = scalarTypes + (takesLists ? ["array", "object", "null"] : ["null"])
        let isScalar = types.allSatisfy { type in
            allowed.contains { type.string?.isByteEqual(to: $0) == true }
        }
        if types.isEmpty || !isScalar {
            property.node.report(
                "must have a \"type\" that one parameter can hold: \(quoted(scalarTypes))")
        }
    }
}

extension Node {
    /// Compiles `schema`, which is this value or made from it; reports at the offending keyword.
    func schema(_ schema: JSONValue) -> JSONSchema? {
        do {
            return try JSONSchema(schema)
        } catch {
            descendant(at: error.pointer).report(error.message)
            return nil
        }
    }

    /// The value at a JSON Pointer (RFC 6901), or the nearest one above it that exists.
    private func descendant(at pointer: String) -> Node {
        var node = self
        for token in pointer.split(separator: "/") {
            let name = unescaped(token)
            switch node.value.content {
            case .object(let members):
                guard let member = members.first(where: { $0.name.isByteEqual(to: name) }) else {
                    return node
                }
                let place = node.place.member(name, at: member.value.offset)
                node = Node(value: member.value, place: place, findings: findings)
            case .array(let values):
                guard let index = Int(name), values.indices.contains(index) else { return node }
                let place = node.place.element(index, at: values[index].offset)
                node = Node(value: values[index], place: place, findings: findings)
            default: return node
            }
        }
        return node
    }
}

private func unescaped(_ token: Substring) -> String {
    var bytes: [UInt8] = []
    var isEscape = false
    for byte in token.utf8 {
        if isEscape {
            bytes.append(byte == UInt8(ascii: "1") ? UInt8(ascii: "/") : UInt8(ascii: "~"))
            isEscape = false
        } else if byte == UInt8(ascii: "~") {
            isEscape = true
        } else {
            bytes.append(byte)
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}

/// What can stand behind `:` in a statement.
extension Node {
    /// The argument in which a caller sends a statement.
    func parameterName() -> Name? {
        guard let text = string() else { return nil }
        guard isParameterName(text), !text.isByteEqual(to: FreeSQLOperation.parameters.text) else {
            report(
                "must be a letter or `_`, then letters, digits, `_`, at most 64, and not `params`")
            return nil
        }
        return Name(text)
    }
}

func isParameterName(_ name: String) -> Bool {
    guard let first = name.utf8.first, name.utf8.count <= 64 else { return false }
    let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
    return !isDigit && name.utf8.allSatisfy { isWordByte($0) && $0 != UInt8(ascii: "-") }
}
