/// Turns a schema into rules, refusing whatever it cannot check.
struct SchemaCompiler {
    private let root: JSONValue
    private var nodes: [[SchemaRule]] = []
    /// By pointer, so that a reference into its own ancestors ends.
    private var compiled: [Name: Int] = [:]

    private var depth = 0

    /// References are followed as they are met, and a chain of them uses the stack.
    private static let depthLimit = 200

    private static let annotations: Set<Name> = [
        "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly",
        "$comment", "$schema", "format",
    ]

    /// In the order in which they are checked: what explains most comes first.
    private static let keywords: [String] = [
        "$defs", "$ref", "type", "enum", "const", "required", "properties", "patternProperties",
        "additionalProperties", "propertyNames", "minProperties", "maxProperties",
        "dependentRequired", "prefixItems", "items", "minItems", "maxItems", "uniqueItems",
        "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf", "minLength",
        "maxLength", "pattern", "allOf", "anyOf", "oneOf", "not", "if", "then", "else",
    ]

    init(root: JSONValue) { self.root = root }

    mutating func compile() throws(JSONSchemaError) -> [[SchemaRule]] {
        _ = try node(root, "")
        return nodes
    }

    private mutating func node(
        _ schema: JSONValue, _ pointer: String
    ) throws(JSONSchemaError) -> Int {
        if let index = compiled[Name(pointer)] { return index }
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthLimit else {
            throw JSONSchemaError(pointer: pointer, message: "is nested too deeply")
        }
        let index = nodes.count
        compiled[Name(pointer)] = index
        nodes.append([])
        nodes[index] = try rules(schema, pointer)
        return index
    }

    private mutating func rules(
        _ schema: JSONValue, _ pointer: String
    ) throws(JSONSchemaError) -> [SchemaRule] {
        switch schema {
        case .bool(let accepts): return accepts ? [] : [.never]
        case .object(let object):
            try refuseUnknownKeywords(object, pointer)
            var keywords = Keywords(object: object, pointer: pointer)
            return try rules(&keywords)
        default:
            throw JSONSchemaError(
                pointer: pointer, message: "must be a schema: an object or a boolean")
        }
    }

    private func refuseUnknownKeywords(
        _ object: JSONObject, _ pointer: String
    ) throws(JSONSchemaError) {
        for member in object.members where !Self.annotations.contains(Name(member.name)) {
            guard !Self.keywords.contains(where: { $0.isByteEqual(to: member.name) }) else {
                continue
            }
            var message = "is not a supported keyword"
            if let known = nearest(member.name, among: Self.keywords) {
                message += "; did you mean `\(known)`?"
            }
            let token = [PointerStep.name(member.name)].pointer
            throw JSONSchemaError(pointer: pointer + token, message: message)
        }
    }

    private mutating func rules(_ keywords: inout Keywords) throws(JSONSchemaError) -> [SchemaRule]
    {
        var rules: [SchemaRule] = []
        try definitions(keywords)
        try reference(keywords, into: &rules)
        try keywords.valueRules(into: &rules)
        try memberRules(keywords, into: &rules)
        try elementRules(keywords, into: &rules)
        try keywords.scalarRules(into: &rules)
        try combinations(keywords, into: &rules)
        return rules
    }

    private mutating func definitions(_ keywords: Keywords) throws(JSONSchemaError) {
        for member in try keywords.object("$defs")?.members ?? [] {
            _ = try node(member.value, keywords.pointer(to: "$defs", member.name))
        }
    }

    private mutating func reference(
        _ keywords: Keywords, into rules: inout [SchemaRule]
    ) throws(JSONSchemaError) {
        guard let reference = try keywords.string("$ref") else { return }
        guard let tokens = tokens(ofReference: reference) else {
            throw keywords.error(
                "$ref", "must be a reference within the schema, such as `#/$defs/…`")
        }
        var target = root
        var pointer = ""
        for token in tokens {
            let next: JSONValue? =
                switch target {
                case .object(let object): object[token]
                case .array(let values):
                    if let index = Int(token), values.indices.contains(index),
                        String(index).isByteEqual(to: token)
                    {
                        values[index]
                    } else {
                        nil
                    }
                default: nil
                }
            guard let next else { throw keywords.error("$ref", "must name a schema that exists") }
            target = next
            pointer += "/" + pointerToken(token)
        }
        rules.append(.reference(try node(target, pointer)))
    }

    private mutating func memberRules(
        _ keywords: Keywords, into rules: inout [SchemaRule]
    ) throws(JSONSchemaError) {
        if let names = try keywords.strings("required"), !names.isEmpty {
            rules.append(.required(names))
        }
        var members = MembersRule()
        for member in try keywords.object("properties")?.members ?? [] {
            let pointer = keywords.pointer(to: "properties", member.name)
            members.properties[Name(member.name)] = try node(member.value, pointer)
        }
        for member in try keywords.object("patternProperties")?.members ?? [] {
            let pointer = keywords.pointer(to: "patternProperties", member.name)
            let pattern = try keywords.pattern(member.name, at: pointer)
            members.patterns.append((pattern, try node(member.value, pointer)))
        }
        if case .bool(false)? = keywords["additionalProperties"] {
            members.isClosed = true
        } else {
            members.additional = try schema("additionalProperties", keywords)
        }
        if !members.isEmpty { rules.append(.members(members)) }
        if let names = try schema("propertyNames", keywords) { rules.append(.names(names)) }
        let count = try keywords.count("minProperties", "maxProperties")
        if let count { rules.append(.memberCount(count)) }
        try dependencies(keywords, into: &rules)
    }

    private func dependencies(
        _ keywords: Keywords, into rules: inout [SchemaRule]
    ) throws(JSONSchemaError) {
        guard let object = try keywords.object("dependentRequired") else { return }
        let pointer = keywords.pointer + "/dependentRequired"
        let inner = Keywords(object: object, pointer: pointer)
        var dependencies: [(name: String, needed: [String])] = []
        for member in object.members {
            dependencies.append((member.name, try inner.strings(member.name) ?? []))
        }
        rules.append(.dependentRequired(dependencies))
    }

    private mutating func elementRules(
        _ keywords: Keywords, into rules: inout [SchemaRule]
    ) throws(JSONSchemaError) {
        let prefix = try schemas("prefixItems", keywords) ?? []
        let rest = try schema("items", keywords)
        if !prefix.isEmpty || rest != nil { rules.append(.elements(prefix: prefix, rest: rest)) }
        let count = try keywords.count("minItems", "maxItems")
        if let count { rules.append(.elementCount(count)) }
        if try keywords.bool("uniqueItems") == true { rules.append(.distinctElements) }
    }

    private mutating func combinations(
        _ keywords: Keywords, into rules: inout [SchemaRule]
    ) throws(JSONSchemaError) {
        if let nodes = try schemas("allOf", keywords) { rules.append(.all(nodes)) }
        if let nodes = try schemas("anyOf", keywords) { rules.append(.any(nodes)) }
        if let nodes = try schemas("oneOf", keywords) { rules.append(.one(nodes)) }
        if let node = try schema("not", keywords) { rules.append(.not(node)) }
        let then = try schema("then", keywords)
        let otherwise = try schema("else", keywords)
        if let condition = try schema("if", keywords), then != nil || otherwise != nil {
            rules.append(.conditional(condition: condition, then: then, otherwise: otherwise))
        }
    }

    private mutating func schema(
        _ keyword: String, _ keywords: Keywords
    ) throws(JSONSchemaError) -> Int? {
        guard let value = keywords[keyword] else { return nil }
        return try node(value, keywords.pointer + "/" + keyword)
    }

    private mutating func schemas(
        _ keyword: String, _ keywords: Keywords
    ) throws(JSONSchemaError) -> [Int]? {
        guard let value = keywords[keyword] else { return nil }
        guard let values = value.array, !values.isEmpty else {
            throw keywords.error(keyword, "must be an array of at least one schema")
        }
        var nodes: [Int] = []
        for (index, value) in values.enumerated() {
            nodes.append(try node(value, "\(keywords.pointer)/\(keyword)/\(index)"))
        }
        return nodes
    }
}
