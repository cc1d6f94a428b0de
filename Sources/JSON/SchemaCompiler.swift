/// Turns a schema into rules, refusing whatever it cannot check.
struct SchemaCompiler {
    private let index: SchemaIndex

    init(root: JSONValue) throws(JSONSchemaError) {
        index = try SchemaIndex(root: root)
    }

    func compile() throws(JSONSchemaError) -> [SchemaNode] {
        var nodes: [SchemaNode] = []
        for position in index.positions {
            nodes.append(SchemaNode(resource: position.resource, rules: try rules(position)))
        }
        try refuseCircles(nodes)
        for node in nodes.indices { nodes[node].addNames(from: nodes) }
        return nodes
    }

    private func rules(
        _ position: SchemaIndex.Position
    ) throws(JSONSchemaError) -> [SchemaRule] {
        guard case .object(let object) = position.value else {
            return position.value.bool == true ? [] : [.never]
        }
        let keywords = Keywords(object: object, pointer: position.pointer)
        try keywords.checkAnnotations()
        var rules: [SchemaRule] = []
        try references(keywords, position.resource, into: &rules)
        try keywords.valueRules(into: &rules)
        try memberRules(keywords, into: &rules)
        try elementRules(keywords, into: &rules)
        try keywords.scalarRules(into: &rules)
        combinations(keywords, into: &rules)
        // Last: they ask what all the others have judged.
        if let node = schema("unevaluatedItems", keywords) {
            rules.append(.otherElements(node))
        }
        if let node = schema("unevaluatedProperties", keywords) {
            let isClosed = keywords["unevaluatedProperties"]?.bool == false
            rules.append(.otherMembers(node, isClosed: isClosed, known: []))
        }
        return rules
    }

    private func references(
        _ keywords: Keywords, _ resource: Int, into rules: inout [SchemaRule]
    ) throws(JSONSchemaError) {
        if let target = try target("$ref", keywords, resource) {
            rules.append(.reference(target.schema))
        }
        guard let target = try target("$dynamicRef", keywords, resource) else { return }
        guard let anchor = target.dynamicAnchor else {
            return rules.append(.reference(target.schema))
        }
        var places: [Int: Int] = [:]
        for (resource, entry) in index.resources.enumerated() {
            places[resource] = entry.dynamicAnchors[anchor]
        }
        rules.append(.dynamicReference(target.schema, byResource: places))
    }

    private func target(
        _ keyword: String, _ keywords: Keywords, _ resource: Int
    ) throws(JSONSchemaError) -> SchemaIndex.Target? {
        guard let reference = try keywords.string(keyword) else { return nil }
        switch index.target(of: reference, from: resource) {
        case .success(let target): return target
        case .failure(let failure): throw keywords.error(keyword, failure.rawValue)
        }
    }

    private func memberRules(
        _ keywords: Keywords, into rules: inout [SchemaRule]
    ) throws(JSONSchemaError) {
        if let names = try keywords.strings("required"), !names.isEmpty {
            rules.append(.required(names))
        }
        var members = MembersRule()
        for (name, node) in try schemas(byName: "properties", keywords) {
            members.properties[Name(name)] = node
        }
        for (source, node) in try schemas(byName: "patternProperties", keywords) {
            let pointer = keywords.pointer(to: "patternProperties", source)
            members.patterns.append((try keywords.pattern(source, at: pointer), node))
        }
        if case .bool(false)? = keywords["additionalProperties"] {
            members.isClosed = true
        } else {
            members.additional = schema("additionalProperties", keywords)
        }
        if !members.isEmpty { rules.append(.members(members)) }
        if let names = schema("propertyNames", keywords) { rules.append(.names(names)) }
        if let count = try keywords.count("minProperties", "maxProperties") {
            rules.append(.memberCount(count))
        }
        try dependencies(keywords, into: &rules)
    }

    private func dependencies(
        _ keywords: Keywords, into rules: inout [SchemaRule]
    ) throws(JSONSchemaError) {
        let dependent = try schemas(byName: "dependentSchemas", keywords)
        if !dependent.isEmpty { rules.append(.dependentSchemas(dependent)) }
        guard let object = try keywords.object("dependentRequired") else { return }
        let pointer = keywords.pointer + "/dependentRequired"
        let inner = Keywords(object: object, pointer: pointer)
        var dependencies: [(name: String, needed: [String])] = []
        for member in object.members {
            dependencies.append((member.name, try inner.strings(member.name) ?? []))
        }
        rules.append(.dependentRequired(dependencies))
    }

    private func elementRules(
        _ keywords: Keywords, into rules: inout [SchemaRule]
    ) throws(JSONSchemaError) {
        let prefix = schemas("prefixItems", keywords) ?? []
        let rest = schema("items", keywords)
        if !prefix.isEmpty || rest != nil { rules.append(.elements(prefix: prefix, rest: rest)) }
        let wanted = try keywords.count("minContains", "maxContains")
        if let node = schema("contains", keywords) {
            rules.append(
                .contains(
                    node, CountRule(least: wanted?.least ?? 1, most: wanted?.most ?? nil)))
        }
        if let count = try keywords.count("minItems", "maxItems") {
            rules.append(.elementCount(count))
        }
        if try keywords.bool("uniqueItems") == true { rules.append(.distinctElements) }
    }

    private func combinations(_ keywords: Keywords, into rules: inout [SchemaRule]) {
        if let nodes = schemas("allOf", keywords) { rules.append(.all(nodes)) }
        if let nodes = schemas("anyOf", keywords) { rules.append(.any(nodes)) }
        if let nodes = schemas("oneOf", keywords) { rules.append(.one(nodes)) }
        if let node = schema("not", keywords) { rules.append(.not(node)) }
        if let condition = schema("if", keywords) {
            rules.append(
                .conditional(
                    condition: condition, then: schema("then", keywords),
                    otherwise: schema("else", keywords)))
        }
    }

    private func schema(_ keyword: String, _ keywords: Keywords) -> Int? {
        index.schema(at: "\(keywords.pointer)/\(keyword)")
    }

    private func schemas(_ keyword: String, _ keywords: Keywords) -> [Int]? {
        keywords[keyword]?.array?.indices.compactMap {
            index.schema(at: "\(keywords.pointer)/\(keyword)/\($0)")
        }
    }

    private func schemas(
        byName keyword: String, _ keywords: Keywords
    ) throws(JSONSchemaError) -> [(name: String, node: Int)] {
        (try keywords.object(keyword)?.members ?? []).compactMap { member in
            index.schema(at: keywords.pointer(to: keyword, member.name)).map { (member.name, $0) }
        }
    }
}

/// Schemas that judge the same value as the one they stand in.
extension SchemaCompiler {
    /// A chain of them uses the stack at every level of a value.
    private static let chainMax = 100

    /// A schema that leads back to itself without a step into the value would never end.
    private func refuseCircles(_ nodes: [SchemaNode]) throws(JSONSchemaError) {
        var lengths = [Int?](repeating: nil, count: nodes.count)
        var isOpen = [Bool](repeating: false, count: nodes.count)
        for start in nodes.indices {
            var pending = [start]
            while let node = pending.last {
                let next = nodes[node].inPlace
                if lengths[node] != nil {
                    pending.removeLast()
                } else if isOpen[node] {
                    isOpen[node] = false
                    lengths[node] = 1 + (next.compactMap { lengths[$0] }.max() ?? 0)
                    pending.removeLast()
                } else {
                    isOpen[node] = true
                    if next.contains(where: { isOpen[$0] }) {
                        throw error(node, "leads back to itself without going into the value")
                    }
                    pending += next.filter { lengths[$0] == nil }
                }
                if let length = lengths[node], length > Self.chainMax {
                    throw error(node, "is nested too deeply")
                }
            }
        }
    }

    private func error(_ node: Int, _ message: String) -> JSONSchemaError {
        JSONSchemaError(pointer: index.positions[node].pointer, message: message)
    }
}

extension SchemaNode {
    private static let namesMax = 1_000

    /// The names that a closed object may have, for "did you mean".
    mutating func addNames(from nodes: [SchemaNode]) {
        guard let place = rules.indices.last,
            case .otherMembers(let node, isClosed: true, _) = rules[place]
        else { return }
        var names: [Name] = []
        var seen: Set<Int> = []
        var pending = inPlace
        for case .members(let members) in rules { names += members.properties.keys }
        while let next = pending.popLast(), names.count < Self.namesMax {
            guard seen.insert(next).inserted else { continue }
            pending += nodes[next].inPlace
            for case .members(let members) in nodes[next].rules {
                names += members.properties.keys
            }
        }
        let known = names.sorted().map(\.text)
        rules[place] = .otherMembers(node, isClosed: true, known: known)
    }
}
