/// One compiled schema.
struct SchemaNode: Sendable {
    let resource: Int
    var rules: [SchemaRule]
    /// Whether it asks which members or elements other schemas have judged.
    let asksForRest: Bool

    init(resource: Int, rules: [SchemaRule]) {
        self.resource = resource
        self.rules = rules
        asksForRest =
            switch rules.last {
            case .otherMembers, .otherElements: true
            default: false
            }
    }

    /// The schemas that judge the same value.
    var inPlace: [Int] { rules.flatMap(\.inPlace) }
}

/// One check of a compiled schema. An `Int` is the index of another schema.
enum SchemaRule: Sendable {
    case never
    case type(SchemaTypes)
    case required([String])
    case members(MembersRule)
    case elements(prefix: [Int], rest: Int?)
    case allowed(AllowedValues)
    case number(NumberRule)
    case length(CountRule)
    case pattern(Pattern)
    case format(SchemaFormat)
    case contains(Int, CountRule)
    case elementCount(CountRule)
    case distinctElements
    case memberCount(CountRule)
    case names(Int)
    case all([Int])
    case any([Int])
    case one([Int])
    case not(Int)
    case conditional(condition: Int, then: Int?, otherwise: Int?)
    case dependentRequired([(name: String, needed: [String])])
    case dependentSchemas([(name: String, node: Int)])
    case reference(Int)
    /// The outermost resource on the way here that has the anchor decides.
    case dynamicReference(Int, byResource: [Int: Int])
    /// `unevaluatedItems`
    case otherElements(Int)
    /// `unevaluatedProperties`
    case otherMembers(Int, isClosed: Bool, known: [String])

    /// The schemas that judge the same value; not what a dynamic reference may lead to.
    var inPlace: [Int] {
        switch self {
        case .all(let nodes), .any(let nodes), .one(let nodes): nodes
        case .not(let node), .reference(let node): [node]
        case .conditional(let condition, let then, let otherwise):
            [condition] + [then, otherwise].compactMap { $0 }
        case .dependentSchemas(let dependent): dependent.map(\.node)
        default: []
        }
    }
}

struct MembersRule: Sendable {
    var properties: [Name: Int] = [:]
    var patterns: [(pattern: Pattern, node: Int)] = []
    var additional: Int?
    /// `additionalProperties: false`, by far the most frequent case, with a message of its own.
    var isClosed = false

    var isEmpty: Bool { properties.isEmpty && patterns.isEmpty && additional == nil && !isClosed }
}

struct AllowedValues: Sendable {
    /// As canonical texts, in which equal values are equal.
    let values: Set<Name>
    let message: String
}

struct CountRule: Sendable {
    var least: Int?
    var most: Int?
}

struct NumberRule: Sendable {
    enum Relation: Sendable {
        case atLeast
        case moreThan
        case atMost
        case lessThan
        case multipleOf
    }

    let relation: Relation
    let text: String
    private let exact: Decimal
    private let small: Int?

    init(_ relation: Relation, _ number: JSONNumber) {
        self.relation = relation
        text = number.text
        exact = Decimal(number)
        small = number.int
    }

    func accepts(_ number: JSONNumber) -> Bool {
        if let small, let value = number.int { return accepts(value, small) }
        return accepts(Decimal(number), exact)
    }

    private func accepts(_ value: Int, _ bound: Int) -> Bool {
        switch relation {
        case .atLeast: value >= bound
        case .moreThan: value > bound
        case .atMost: value <= bound
        case .lessThan: value < bound
        // By the magnitude, since Int.min % -1 traps; the compiler admits no divisor below 1.
        case .multipleOf: bound > 0 && value.magnitude % bound.magnitude == 0
        }
    }

    private func accepts(_ value: Decimal, _ bound: Decimal) -> Bool {
        switch relation {
        case .atLeast: value >= bound
        case .moreThan: value > bound
        case .atMost: value <= bound
        case .lessThan: value < bound
        case .multipleOf: value.isMultiple(of: bound) ?? false
        }
    }

    var message: String {
        switch relation {
        case .atLeast: "must be at least \(text)"
        case .moreThan: "must be more than \(text)"
        case .atMost: "must be at most \(text)"
        case .lessThan: "must be less than \(text)"
        case .multipleOf: "must be a multiple of \(text)"
        }
    }
}

struct SchemaTypes: OptionSet, Sendable {
    let rawValue: UInt8

    static let null = SchemaTypes(rawValue: 1)
    static let boolean = SchemaTypes(rawValue: 2)
    static let integer = SchemaTypes(rawValue: 4)
    static let number = SchemaTypes(rawValue: 8)
    static let string = SchemaTypes(rawValue: 16)
    static let array = SchemaTypes(rawValue: 32)
    static let object = SchemaTypes(rawValue: 64)

    private static let words: [(type: SchemaTypes, word: String, phrase: String)] = [
        (.string, "string", "a string"), (.integer, "integer", "an integer"),
        (.number, "number", "a number"), (.boolean, "boolean", "true or false"),
        (.array, "array", "an array"), (.object, "object", "an object"), (.null, "null", "null"),
    ]

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init?(word: String) {
        guard let entry = Self.words.first(where: { $0.word.isByteEqual(to: word) }) else {
            return nil
        }
        self = entry.type
    }

    var phrase: String {
        let phrases = Self.words.filter { contains($0.type) }.map(\.phrase)
        return phrases.joined(separator: " or ")
    }

    func admits(_ value: JSONValue) -> Bool {
        switch value {
        case .null: contains(.null)
        case .bool: contains(.boolean)
        case .number(let number): contains(.number) || contains(.integer) && number.isInteger
        case .string: contains(.string)
        case .array: contains(.array)
        case .object: contains(.object)
        }
    }
}

extension JSONValue {
    /// One text per value as JSON Schema equates them: numbers by value, members in any order.
    var canonicalText: String {
        var writer = JSONWriter()
        writer.canonicalValue(self)
        return String(decoding: writer.finish(), as: UTF8.self)
    }
}

extension JSONWriter {
    fileprivate mutating func canonicalValue(_ value: JSONValue) {
        switch value {
        case .null, .bool, .string: self.value(value)
        case .number(let number): raw(Decimal(number).canonicalText)
        case .array(let values):
            beginArray()
            for value in values { canonicalValue(value) }
            endArray()
        case .object(let object):
            beginObject()
            for member in object.members.sorted(by: { Name($0.name) < Name($1.name) }) {
                name(member.name)
                canonicalValue(member.value)
            }
            endObject()
        }
    }
}
