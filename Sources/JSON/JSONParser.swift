/// Is this text exactly one JSON document, and which?
///
/// RFC 8259 over bytes, in its strictest reading: well-formed UTF-8, no byte order mark, no name
/// twice in an object, no half surrogates, numbers kept as text. Whatever two parsers could read
/// in two ways is refused here, so that rules, record and backends cannot disagree. Nothing is
/// repaired, and the dialect of configuration files is never applied to messages.
package enum JSONParser {
    package static func parse(
        _ bytes: [UInt8], limits: JSONLimits = .init()
    ) throws(JSONError) -> JSONValue {
        try parse(bytes.span, limits: limits)
    }

    package static func parse(
        _ bytes: ArraySlice<UInt8>, limits: JSONLimits = .init()
    ) throws(JSONError) -> JSONValue {
        try parse(bytes.span, limits: limits)
    }

    package static func parse(
        _ bytes: Span<UInt8>, limits: JSONLimits = .init()
    ) throws(JSONError) -> JSONValue {
        var grammar = JSONGrammar<PlainTree>(.strict, limits: limits)
        return try grammar.document(bytes)
    }

    /// A configuration file: comments and commas at the end of a list are allowed, and every value
    /// knows its place.
    package static func parseManifest(
        _ bytes: [UInt8], limits: JSONLimits = .init()
    ) throws(JSONError) -> LocatedValue {
        var grammar = JSONGrammar<LocatedTree>(.manifest, limits: limits)
        return try grammar.document(bytes.span)
    }
}

/// What the grammar builds: values alone, or values with their places.
protocol JSONTree {
    associatedtype Value
    associatedtype Member
    static func leaf(_ value: JSONValue, at offset: Int) -> Value
    static func array(_ values: [Value], at offset: Int) -> Value
    static func object(_ members: [Member], at offset: Int) -> Value
    static func member(_ name: String, at offset: Int, _ value: Value) -> Member
    static func name(of member: Member) -> String
}

enum PlainTree: JSONTree {
    @inline(__always)
    static func leaf(_ value: JSONValue, at offset: Int) -> JSONValue { value }
    static func array(_ values: [JSONValue], at offset: Int) -> JSONValue { .array(values) }
    static func object(_ members: [JSONObject.Member], at offset: Int) -> JSONValue {
        .object(JSONObject(distinct: members))
    }
    @inline(__always)
    static func member(_ name: String, at offset: Int, _ value: JSONValue) -> JSONObject.Member {
        (name, value)
    }
    @inline(__always)
    static func name(of member: JSONObject.Member) -> String { member.name }
}

/// Arrays and objects; recursion ends at the depth limit.
struct JSONGrammar<Tree: JSONTree> {
    private var scanner: JSONScanner
    private var depthLeft: Int
    private let bytesLimit: Int

    init(_ dialect: JSONScanner.Dialect, limits: JSONLimits) {
        scanner = JSONScanner(dialect)
        depthLeft = limits.depth
        bytesLimit = limits.bytes
    }

    mutating func document(_ bytes: Span<UInt8>) throws(JSONError) -> Tree.Value {
        guard bytes.count <= bytesLimit else {
            throw JSONError(offset: bytesLimit, reason: .tooLong)
        }
        try scanner.skipSpace(bytes)
        let value = try value(bytes)
        try scanner.skipSpace(bytes)
        guard scanner.position == bytes.count else { throw scanner.failure(.expectedEnd, bytes) }
        return value
    }

    private mutating func value(_ bytes: Span<UInt8>) throws(JSONError) -> Tree.Value {
        let start = scanner.position
        switch scanner.peek(bytes) {
        case UInt8(ascii: "\""): return Tree.leaf(.string(try scanner.string(bytes)), at: start)
        case UInt8(ascii: "{"): return try object(bytes)
        case UInt8(ascii: "["): return try array(bytes)
        case UInt8(ascii: "-"), 0x30...0x39:
            return Tree.leaf(.number(try scanner.number(bytes)), at: start)
        case UInt8(ascii: "t"):
            try scanner.word("true", bytes)
            return Tree.leaf(.bool(true), at: start)
        case UInt8(ascii: "f"):
            try scanner.word("false", bytes)
            return Tree.leaf(.bool(false), at: start)
        case UInt8(ascii: "n"):
            try scanner.word("null", bytes)
            return Tree.leaf(.null, at: start)
        default: throw scanner.failure(.expectedValue, bytes)
        }
    }

    private mutating func array(_ bytes: Span<UInt8>) throws(JSONError) -> Tree.Value {
        let start = scanner.position
        try enter(bytes)
        var values: [Tree.Value] = []
        while true {
            if scanner.peek(bytes) == UInt8(ascii: "]"), mayClose(afterComma: !values.isEmpty) {
                break
            }
            values.append(try value(bytes))
            try scanner.skipSpace(bytes)
            guard scanner.peek(bytes) == UInt8(ascii: ",") else {
                guard scanner.peek(bytes) == UInt8(ascii: "]") else {
                    throw scanner.failure(.expectedCommaOrBracket, bytes)
                }
                break
            }
            scanner.position &+= 1
            try scanner.skipSpace(bytes)
        }
        leave()
        return Tree.array(values, at: start)
    }

    private mutating func object(_ bytes: Span<UInt8>) throws(JSONError) -> Tree.Value {
        let start = scanner.position
        try enter(bytes)
        var members: [Tree.Member] = []
        var names = DistinctNames()
        while true {
            if scanner.peek(bytes) == UInt8(ascii: "}"), mayClose(afterComma: !members.isEmpty) {
                break
            }
            if members.isEmpty { members.reserveCapacity(4) }
            try member(bytes, into: &members, &names)
            try scanner.skipSpace(bytes)
            guard scanner.peek(bytes) == UInt8(ascii: ",") else {
                guard scanner.peek(bytes) == UInt8(ascii: "}") else {
                    throw scanner.failure(.expectedCommaOrBrace, bytes)
                }
                break
            }
            scanner.position &+= 1
            try scanner.skipSpace(bytes)
        }
        leave()
        return Tree.object(members, at: start)
    }

    private mutating func member(
        _ bytes: Span<UInt8>, into members: inout [Tree.Member], _ names: inout DistinctNames
    ) throws(JSONError) {
        let start = scanner.position
        guard scanner.peek(bytes) == UInt8(ascii: "\"") else {
            throw scanner.failure(.expectedName, bytes)
        }
        let name = try scanner.string(bytes)
        guard names.admit(name, after: members, Tree.self) else {
            throw JSONError(offset: start, reason: .duplicateName)
        }
        try scanner.skipSpace(bytes)
        guard scanner.peek(bytes) == UInt8(ascii: ":") else {
            throw scanner.failure(.expectedColon, bytes)
        }
        scanner.position &+= 1
        try scanner.skipSpace(bytes)
        members.append(Tree.member(name, at: start, try value(bytes)))
    }

    private func mayClose(afterComma: Bool) -> Bool {
        !afterComma || scanner.dialect == .manifest
    }

    private mutating func enter(_ bytes: Span<UInt8>) throws(JSONError) {
        guard depthLeft > 0 else { throw JSONError(offset: scanner.position, reason: .tooDeep) }
        depthLeft &-= 1
        scanner.position &+= 1
        try scanner.skipSpace(bytes)
    }

    private mutating func leave() {
        depthLeft &+= 1
        scanner.position &+= 1
    }
}

/// The names of one object so far. A few are compared one by one, which costs less than hashing;
/// many are kept in a set, so that an object of n names costs n steps and not n².
private struct DistinctNames {
    private var set: Set<Name> = []

    mutating func admit<Tree: JSONTree>(
        _ name: String, after members: [Tree.Member], _ tree: Tree.Type
    ) -> Bool {
        if members.count < 8 {
            for member in members where tree.name(of: member).isByteEqual(to: name) {
                return false
            }
            return true
        }
        if set.isEmpty { set = Set(members.map { Name(tree.name(of: $0)) }) }
        return set.insert(Name(name)).inserted
    }
}
