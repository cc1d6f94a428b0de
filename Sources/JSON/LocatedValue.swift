/// A value of a configuration file with its place, for messages that name line and column.
package struct LocatedValue: Sendable {
    /// Of the value's first byte.
    package let offset: Int
    package let content: Content

    package enum Content: Sendable {
        case null
        case bool(Bool)
        case number(JSONNumber)
        case string(String)
        case array([LocatedValue])
        case object([LocatedMember])
    }
}

package struct LocatedMember: Sendable {
    package let name: String
    /// Of the name's opening quote.
    package let nameOffset: Int
    package let value: LocatedValue
}

extension LocatedValue {
    /// The same value without places.
    package func plain() -> JSONValue {
        switch content {
        case .null: .null
        case .bool(let value): .bool(value)
        case .number(let number): .number(number)
        case .string(let text): .string(text)
        case .array(let values): .array(values.map { $0.plain() })
        case .object(let members):
            .object(JSONObject(distinct: members.map { (name: $0.name, value: $0.value.plain()) }))
        }
    }
}

enum LocatedTree: JSONTree {
    static func leaf(_ value: JSONValue, at offset: Int) -> LocatedValue {
        switch value {
        case .null: LocatedValue(offset: offset, content: .null)
        case .bool(let value): LocatedValue(offset: offset, content: .bool(value))
        case .number(let number): LocatedValue(offset: offset, content: .number(number))
        case .string(let text): LocatedValue(offset: offset, content: .string(text))
        case .array, .object: preconditionFailure("an array or object is not a leaf")
        }
    }

    static func array(_ values: [LocatedValue], at offset: Int) -> LocatedValue {
        LocatedValue(offset: offset, content: .array(values))
    }

    static func object(_ members: [LocatedMember], at offset: Int) -> LocatedValue {
        LocatedValue(offset: offset, content: .object(members))
    }

    static func member(_ name: String, at offset: Int, _ value: LocatedValue) -> LocatedMember {
        LocatedMember(name: name, nameOffset: offset, value: value)
    }

    static func name(of member: LocatedMember) -> String { member.name }
}

/// Turns offsets into what an editor shows.
package struct SourceText: Sendable {
    private let bytes: [UInt8]
    /// The offset of every line's first byte.
    private let lineStarts: [Int]

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
        var starts = [0]
        for index in bytes.indices where bytes[index] == 0x0A { starts.append(index + 1) }
        lineStarts = starts
    }

    /// Both from 1; the column counts Unicode scalars. An offset past the end means the end.
    package func position(of offset: Int) -> (line: Int, column: Int) {
        let offset = max(0, min(offset, bytes.count))
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        let before = bytes[lineStarts[low]..<offset]
        let isContinuation: (UInt8) -> Bool = { $0 & 0xC0 == 0x80 }
        return (low + 1, before.count(where: { !isContinuation($0) }) + 1)
    }
}
