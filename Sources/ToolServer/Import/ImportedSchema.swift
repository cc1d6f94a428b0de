import JSON

/// Schemas of a document as Claude should read them: references followed, what repeats itself cut,
/// nothing that only documents, and nothing that is not checked here.
struct ImportedSchema {
    let document: OpenAPISource
    /// What one tool may spend on its arguments.
    private var nodesLeft = 400
    private(set) var isCut = false

    private static let depthMax = 5
    private static let branchesMax = 8
    private static let enumMax = 200
    private static let copied = [
        "minimum", "maximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems",
        "uniqueItems", "minProperties", "maxProperties",
    ]
    private static let formats = ["date-time", "date", "uuid", "email"]

    init(document: OpenAPISource) { self.document = document }

    mutating func simplified(_ schema: JSONValue) -> JSONValue {
        simplified(schema, depth: 0, within: [])
    }

    private mutating func simplified(
        _ schema: JSONValue, depth: Int, within open: Set<Name>
    ) -> JSONValue {
        var open = open
        var schema = schema
        while let reference = schema["$ref"]?.string {
            guard open.insert(Name(reference)).inserted else { return cut(schema) }
            schema = document.target(of: reference) ?? .null
        }
        guard depth < Self.depthMax, nodesLeft > 0, let object = schema.object else {
            return cut(schema)
        }
        nodesLeft -= 1
        let merged = merged(object, open)
        var out = JSONObject()
        if let branches = branches(of: merged, depth, open) { return branches }
        let types = Self.types(of: merged)
        if let first = types.first {
            out["type"] = types.count == 1 ? first : .array(types)
        }
        if let text = merged["description"]?.string {
            let prose = ImportedName.prose(text, atMost: depth == 0 ? 300 : 160)
            if !prose.isEmpty { out["description"] = .string(prose) }
        }
        copyChecks(of: merged, into: &out)
        addItems(of: merged, types, into: &out, depth, open)
        addProperties(of: merged, types, into: &out, depth, open)
        let checked = JSONValue.object(out)
        // Whatever is odd about it, its type says enough.
        return (try? JSONSchema(checked)) == nil ? ["type": out["type"] ?? "object"] : checked
    }

    private mutating func cut(_ schema: JSONValue) -> JSONValue {
        isCut = true
        let types = schema.object.map(Self.types) ?? []
        return types.first.map { ["type": $0] } ?? ["type": "object"]
    }

    /// `allOf` as one object.
    private func merged(_ object: JSONObject, _ open: Set<Name>) -> JSONObject {
        guard let parts = object["allOf"]?.array else { return object }
        var out = object
        out["allOf"] = nil
        for part in parts {
            if let reference = part["$ref"]?.string, open.contains(Name(reference)) { continue }
            guard let part = document.resolved(part).object else { continue }
            for member in merged(part, open).members {
                switch (out[member.name], member.value) {
                case (.object(var known)?, .object(let more))
                where member.name.isByteEqual(to: "properties"):
                    for property in more.members { known[property.name] = property.value }
                    out[member.name] = .object(known)
                case (.array(let known)?, .array(let more))
                where member.name.isByteEqual(to: "required"):
                    out[member.name] = .array(known + more.filter { !known.contains($0) })
                case (nil, let value): out[member.name] = value
                default: break
                }
            }
        }
        return out
    }

    /// Alternatives that differ in type become that list of types where they are plain.
    private mutating func branches(
        of object: JSONObject, _ depth: Int, _ open: Set<Name>
    ) -> JSONValue? {
        guard let given = (object["anyOf"] ?? object["oneOf"])?.array, !given.isEmpty else {
            return nil
        }
        var branches: [JSONValue] = []
        for branch in given.prefix(Self.branchesMax) {
            let simple = simplified(branch, depth: depth + 1, within: open)
            if !branches.contains(simple) { branches.append(simple) }
        }
        if given.count > Self.branchesMax {
            isCut = true
            return nil
        }
        if branches.count == 1, let only = branches.first { return only }
        var out = JSONObject()
        // A property of a tool must say of which types it can be.
        let types = Set(
            branches.flatMap { branch -> [Name] in
                let type = branch["type"]
                return (type?.array ?? type.map { [$0] } ?? []).compactMap {
                    $0.string.map { Name($0) }
                }
            }
        ).sorted()
        if !types.isEmpty {
            out["type"] =
                types.count == 1
                ? .string(types[0].text) : .array(types.map { .string($0.text) })
        }
        if let text = object["description"]?.string {
            out["description"] = .string(ImportedName.prose(text, atMost: 160))
        }
        out["anyOf"] = .array(branches)
        return .object(out)
    }

    /// With `null` where the older dialect says `nullable`.
    static func types(of object: JSONObject) -> [JSONValue] {
        var types: [JSONValue]
        switch object["type"] {
        case .string(let type)?: types = [.string(type)]
        case .array(let list)?: types = list
        default:
            if object["properties"] != nil || object["additionalProperties"] != nil {
                types = ["object"]
            } else if object["items"] != nil {
                types = ["array"]
            } else if object["enum"]?.array?.allSatisfy({ $0.string != nil }) == true {
                types = ["string"]
            } else {
                types = []
            }
        }
        if object["nullable"]?.bool == true, !types.isEmpty, !types.contains("null") {
            types.append("null")
        }
        return types
    }

    private mutating func copyChecks(of object: JSONObject, into out: inout JSONObject) {
        for keyword in Self.copied { if let value = object[keyword] { out[keyword] = value } }
        // The older dialect makes these adjectives of the bound.
        for (bound, strict) in [
            ("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum"),
        ] {
            switch object[strict] {
            case .bool(true)?:
                out[strict] = out[bound]
                out[bound] = nil
            case .number(let number)?: out[strict] = .number(number)
            default: break
            }
        }
        if let values = object["enum"]?.array, (1...Self.enumMax).contains(values.count) {
            out["enum"] = .array(values)
        }
        if let value = object["const"] { out["const"] = value }
        if let pattern = object["pattern"]?.string, (try? Pattern(pattern)) != nil {
            out["pattern"] = .string(pattern)
        }
        if let format = object["format"]?.string,
            Self.formats.contains(where: { $0.isByteEqual(to: format) })
        {
            out["format"] = .string(format)
        }
    }

    private mutating func addItems(
        of object: JSONObject, _ types: [JSONValue], into out: inout JSONObject, _ depth: Int,
        _ open: Set<Name>
    ) {
        guard types.contains("array"), let items = object["items"] else { return }
        out["items"] = simplified(items, depth: depth + 1, within: open)
    }

    private mutating func addProperties(
        of object: JSONObject, _ types: [JSONValue], into out: inout JSONObject, _ depth: Int,
        _ open: Set<Name>
    ) {
        guard types.contains("object") else { return }
        var properties = JSONObject()
        for property in object["properties"]?.object?.members ?? [] {
            guard document.resolved(property.value)["readOnly"]?.bool != true else { continue }
            properties[property.name] = simplified(property.value, depth: depth + 1, within: open)
        }
        if !properties.isEmpty { out["properties"] = .object(properties) }
        let required = (object["required"]?.array ?? []).filter { name in
            name.string.map { properties[$0] != nil } ?? false
        }
        if !required.isEmpty { out["required"] = .array(required) }
        switch object["additionalProperties"] {
        case .bool(false)?: out["additionalProperties"] = false
        case .object(let more)? where !more.isEmpty:
            out["additionalProperties"] = simplified(.object(more), depth: depth + 1, within: open)
        default: break
        }
    }
}
