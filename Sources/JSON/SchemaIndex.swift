/// Every schema inside a schema, with the names by which references reach it.
///
/// Only places where a schema can stand are entered: what looks like a schema within `enum`,
/// `const` or an annotation is a value.
struct SchemaIndex {
    struct Position {
        let value: JSONValue
        /// A JSON Pointer from the root.
        let pointer: String
        let resource: Int
    }

    /// A schema with a URI of its own, by `$id`; the root is one in any case.
    struct Resource {
        let uri: SchemaURI
        let pointer: String
        let root: Int
        var anchors: [Name: Int] = [:]
        var dynamicAnchors: [Name: Int] = [:]
    }

    private(set) var positions: [Position] = []
    private(set) var resources: [Resource] = []
    private var byPointer: [Name: Int] = [:]
    private var byURI: [Name: Int] = [:]

    /// Far beyond what anyone writes; the time to load stays small.
    private static let schemasMax = 10_000

    init(root: JSONValue) throws(JSONSchemaError) {
        resources = [Resource(uri: .empty, pointer: "", root: 0)]
        try add(root, at: "", resource: 0)
        var next = 0
        while next < positions.count {
            try enter(next)
            next += 1
        }
    }

    private mutating func add(
        _ value: JSONValue, at pointer: String, resource: Int
    ) throws(JSONSchemaError) {
        guard positions.count < Self.schemasMax else {
            throw JSONSchemaError(
                pointer: pointer, message: "is one of more than \(Self.schemasMax) schemas")
        }
        byPointer[Name(pointer)] = positions.count
        positions.append(Position(value: value, pointer: pointer, resource: resource))
    }

    private mutating func enter(_ index: Int) throws(JSONSchemaError) {
        let position = positions[index]
        switch position.value {
        case .bool: return
        case .object(let object):
            let keywords = Keywords(object: object, pointer: position.pointer)
            try keywords.refuseUnknown()
            let resource = try resource(of: keywords, at: index)
            try addAnchors(keywords, at: index, of: resource)
            try addSchemas(keywords, resource: resource)
        default:
            throw JSONSchemaError(
                pointer: position.pointer, message: "must be a schema: an object or a boolean")
        }
    }

    private mutating func resource(
        of keywords: Keywords, at index: Int
    ) throws(JSONSchemaError) -> Int {
        let outer = positions[index].resource
        guard let id = try keywords.string("$id") else { return outer }
        let uri = resources[outer].uri.resolving(SchemaURI(id))
        guard uri.fragment?.utf8.isEmpty ?? true else {
            throw keywords.error("$id", "must have no fragment; `$anchor` names a place")
        }
        let name = Name(uri.identifier)
        guard byURI[name] == nil else {
            throw keywords.error("$id", "must differ from every other `$id`")
        }
        let resource = index == 0 ? 0 : resources.count
        byURI[name] = resource
        let entry = Resource(uri: uri, pointer: keywords.pointer, root: index)
        if index == 0 { resources[0] = entry } else { resources.append(entry) }
        positions[index] = Position(
            value: positions[index].value, pointer: keywords.pointer, resource: resource)
        return resource
    }

    private mutating func addAnchors(
        _ keywords: Keywords, at index: Int, of resource: Int
    ) throws(JSONSchemaError) {
        for keyword in ["$anchor", "$dynamicAnchor"] {
            guard let text = try keywords.string(keyword) else { continue }
            guard Self.isAnchor(text) else {
                throw keywords.error(
                    keyword, "must be a letter or `_`, then letters, digits, `_`, `-` or `.`")
            }
            if let other = resources[resource].anchors[Name(text)], other != index {
                throw keywords.error(keyword, "must differ from every other anchor")
            }
            resources[resource].anchors[Name(text)] = index
            if keyword.isByteEqual(to: "$dynamicAnchor") {
                resources[resource].dynamicAnchors[Name(text)] = index
            }
        }
    }

    private static func isAnchor(_ text: String) -> Bool {
        let first: (UInt8) -> Bool = { ($0 | 0x20) &- 0x61 < 26 || $0 == UInt8(ascii: "_") }
        let rest: (UInt8) -> Bool = {
            first($0) || $0 &- 0x30 < 10 || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
        }
        return text.utf8.first.map(first) == true && text.utf8.allSatisfy(rest)
    }

    private mutating func addSchemas(
        _ keywords: Keywords, resource: Int
    ) throws(JSONSchemaError) {
        for (keyword, holding) in SchemaVocabulary.holders {
            guard let value = keywords[keyword.text] else { continue }
            let pointer = "\(keywords.pointer)/\(keyword.text)"
            switch holding {
            case .one: try add(value, at: pointer, resource: resource)
            case .list:
                guard let values = value.array, !values.isEmpty else {
                    throw keywords.error(
                        keyword.text, "must be an array of at least one schema")
                }
                for (index, value) in values.enumerated() {
                    try add(value, at: "\(pointer)/\(index)", resource: resource)
                }
            case .byName:
                for member in try keywords.object(keyword.text)?.members ?? [] {
                    try add(
                        member.value, at: keywords.pointer(to: keyword.text, member.name),
                        resource: resource)
                }
            }
        }
    }
}

extension SchemaIndex {
    func schema(at pointer: String) -> Int? { byPointer[Name(pointer)] }

    struct Target {
        let schema: Int
        /// Of a `$dynamicAnchor` that the reference names.
        var dynamicAnchor: Name?
    }

    /// Where a reference leads that stands in a schema of `resource`; the reason when nowhere.
    func target(of reference: String, from resource: Int) -> Result<Target, Failure> {
        let uri = SchemaURI(reference)
        var found: Int? = resource
        if !uri.isWithinDocument {
            found = byURI[Name(resources[resource].uri.resolving(uri).identifier)]
        }
        guard let found else { return .failure(.outside) }
        guard let fragment = percentDecoded(Array((uri.fragment ?? "").utf8)[...]) else {
            return .failure(.malformed)
        }
        if fragment.utf8.isEmpty { return .success(Target(schema: resources[found].root)) }
        if fragment.utf8.first == UInt8(ascii: "/") {
            guard let tokens = pointerTokens(fragment) else { return .failure(.malformed) }
            let rest = tokens.map { "/" + pointerToken($0) }.joined()
            return schema(at: resources[found].pointer + rest)
                .map { .success(Target(schema: $0)) } ?? .failure(.absent)
        }
        guard let schema = resources[found].anchors[Name(fragment)] else {
            return .failure(.absent)
        }
        let isDynamic = resources[found].dynamicAnchors[Name(fragment)] != nil
        return .success(Target(schema: schema, dynamicAnchor: isDynamic ? Name(fragment) : nil))
    }

    enum Failure: String, Error {
        case outside =
            "must lead to a place within this schema, such as `#/$defs/…`: nothing is fetched"
        case malformed =
            "must be a reference such as `#/$defs/…`, `#anchor` or the `$id` of a schema"
        case absent = "must name a schema that exists"
    }
}
