/// One JSON document in memory, exactly as it was written.
///
/// Numbers keep their text, members keep their order, names compare by bytes. There is no second
/// representation: rules, the record and the backends all see this tree.
package enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

extension JSONValue {
    package var string: String? { if case .string(let text) = self { text } else { nil } }
    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    package var number: JSONNumber? { if case .number(let value) = self { value } else { nil } }
    package var int: Int? { number?.int }
    package var array: [JSONValue]? { if case .array(let values) = self { values } else { nil } }
    package var object: JSONObject? { if case .object(let object) = self { object } else { nil } }

    package subscript(_ name: String) -> JSONValue? { object?[name] }

    /// What a person calls this kind of value in an error message.
    package var kind: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .number(let number): number.isInteger ? "integer" : "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}

/// A number as its text. `1.10`, `1e400` and `9007199254740993` stay what they were.
package struct JSONNumber: Sendable {
    package let text: String

    /// `text` must already have the grammar of RFC 8259; the parser and the integer initializer
    /// are the only makers.
    package init(validated text: String) { self.text = text }

    package init(_ value: some FixedWidthInteger) { self.text = String(value) }

    /// The value when it is a whole number written without fraction or exponent.
    package var int: Int? { Int(text) }

    package var double: Double { Double(text) ?? .nan }
}

/// Members in the order in which they were written; a name stands once.
package struct JSONObject: Sendable {
    package typealias Member = (name: String, value: JSONValue)
    package private(set) var members: [Member]

    package init() { members = [] }

    /// For members that the caller knows to have distinct names: literals and the parser.
    package init(distinct members: [Member]) { self.members = members }

    package var count: Int { members.count }
    package var isEmpty: Bool { members.isEmpty }

    package subscript(_ name: String) -> JSONValue? {
        get { members.first { $0.name.isByteEqual(to: name) }?.value }
        set {
            let position = members.firstIndex { $0.name.isByteEqual(to: name) }
            switch (position, newValue) {
            case (let position?, let value?): members[position].value = value
            case (let position?, nil): members.remove(at: position)
            case (nil, let value?): members.append((name, value))
            case (nil, nil): break
            }
        }
    }
}

extension JSONObject {
    /// In any order. Many members are found by hash, since the objects may be as large as a
    /// message, and each member looked for in turn would cost the square of that.
    fileprivate func hasSameMembers(as other: JSONObject) -> Bool {
        guard count == other.count else { return false }
        guard count > 8 else { return members.allSatisfy { other[$0.name] == $0.value } }
        var places: [Name: Int] = [:]
        for (index, member) in other.members.enumerated() { places[Name(member.name)] = index }
        return members.allSatisfy { member in
            places[Name(member.name)].map { other.members[$0].value == member.value } ?? false
        }
    }
}

extension JSONValue: Equatable {
    /// Same JSON text up to white space, escapes and member order; numbers by their text.
    package static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let one), .bool(let other)): one == other
        case (.number(let one), .number(let other)): one.text.isByteEqual(to: other.text)
        case (.string(let one), .string(let other)): one.isByteEqual(to: other)
        case (.array(let one), .array(let other)): one == other
        case (.object(let one), .object(let other)):
            one.hasSameMembers(as: other)
        default: false
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(stringLiteral text: String) { self = .string(text) }
    package init(integerLiteral value: Int) { self = .number(JSONNumber(value)) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(arrayLiteral values: JSONValue...) { self = .array(values) }
    package init(dictionaryLiteral members: (String, JSONValue)...) {
        self = .object(JSONObject(distinct: members.map { (name: $0.0, value: $0.1) }))
    }
}
