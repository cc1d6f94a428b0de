import JSON

/// The keys of one kind of object: what the reader accepts, and what `manifests/schema` describes
/// (a test holds the two together).
struct KeySet: Sendable {
    let required: [String]
    let optional: [String]
    /// Keys of the dialect that this build cannot honour yet, each with what to use instead.
    /// They are refused: a key that is read and has no effect would promise protection.
    let unserved: [String: String]

    init(required: [String], optional: [String] = [], unserved: [String: String] = [:]) {
        self.required = required
        self.optional = optional
        self.unserved = unserved
    }

    var all: [String] { required + optional }
}

/// One value of a manifest, with what is needed to complain about it.
///
/// Every reading function answers nil after it has reported what is wrong, so that a caller reads
/// all of its members, and only then gives up.
struct Node {
    let value: LocatedValue
    let place: Place
    let findings: Findings

    func report(_ message: String) { findings.problem(message, at: place) }

    private func wrongType(_ expected: String) {
        report("must be \(expected), not \(article(value.plain().kind))")
    }

    func string() -> String? {
        if case .string(let text) = value.content { return text }
        wrongType("a string")
        return nil
    }

    /// Text that a person or Claude reads.
    func prose(atMost limit: Int) -> String? {
        guard let text = string() else { return nil }
        if text.utf8.allSatisfy({ $0 == 0x20 || $0 == 0x0A }) {
            report("must not be empty")
            return nil
        }
        if text.utf8.count > limit {
            report("is longer than \(limit) bytes")
            return nil
        }
        if text.unicodeScalars.contains(where: { isHidden($0) }) {
            report("must not hold control or invisible characters")
            return nil
        }
        return text
    }

    func bool() -> Bool? {
        if case .bool(let flag) = value.content { return flag }
        wrongType("true or false")
        return nil
    }

    func int(in range: ClosedRange<Int>) -> Int? {
        guard case .number(let number) = value.content else {
            wrongType("an integer")
            return nil
        }
        guard let int = number.int, range.contains(int) else {
            report("must be an integer from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return int
    }

    func elements() -> [Node]? {
        guard case .array(let values) = value.content else {
            wrongType("an array")
            return nil
        }
        return values.enumerated().map { index, value in
            Node(value: value, place: place.element(index, at: value.offset), findings: findings)
        }
    }

    /// The elements of an array that must not be empty.
    func someElements() -> [Node]? {
        guard let elements = elements() else { return nil }
        if elements.isEmpty {
            report("must not be empty")
            return nil
        }
        return elements
    }

    func members() -> [Member]? {
        guard case .object(let members) = value.content else {
            wrongType("an object")
            return nil
        }
        return members.map { member in
            let node = Node(
                value: member.value,
                place: place.member(member.name, at: member.value.offset), findings: findings)
            return Member(
                name: member.name,
                namePlace: place.member(member.name, at: member.nameOffset), node: node)
        }
    }

    func object(_ keys: KeySet) -> ObjectReader? {
        members().map { ObjectReader(self, members: $0, keys: keys) }
    }

    func choice<Word: RawRepresentable<String> & CaseIterable>(of _: Word.Type) -> Word? {
        choice(among: Word.allCases.map(\.rawValue)).flatMap { Word(rawValue: $0) }
    }

    /// One of a closed set of words.
    func choice(among words: [String], unserved: [String] = []) -> String? {
        guard let word = string() else { return nil }
        if words.contains(where: { $0.isByteEqual(to: word) }) { return word }
        if unserved.contains(where: { $0.isByteEqual(to: word) }) {
            report("\(quoted(word)) is not served by this build; use \(quoted(words))")
        } else if let near = nearest(word, among: words + unserved) {
            report("unknown \(quoted(word)); did you mean \(quoted(near))?")
        } else {
            report("unknown \(quoted(word)); use one of \(quoted(words))")
        }
        return nil
    }

    func located<Value>(_ value: Value) -> Located<Value> { Located(value: value, place: place) }

    func located<Value>(_ read: (Node) -> Value?) -> Located<Value>? {
        read(self).map { located($0) }
    }
}

struct Member {
    let name: String
    let namePlace: Place
    let node: Node
}

/// An object whose keys are known. Making one reports every unknown and every missing key.
struct ObjectReader {
    let node: Node
    private let members: [Member]
    private let keys: KeySet

    init(_ node: Node, members: [Member], keys: KeySet) {
        self.node = node
        self.members = members
        self.keys = keys
        for member in members where !keys.all.contains(where: { $0.isByteEqual(to: member.name) }) {
            let message = Self.complaint(about: member.name, keys: keys)
            node.findings.problem(message, at: member.namePlace)
        }
        for key in keys.required where self[key] == nil {
            node.report("missing key \(quoted(key))")
        }
    }

    var isEmpty: Bool { members.isEmpty }

    subscript(_ key: String) -> Node? {
        precondition(keys.all.contains(key), "a key that is read stands in its list")
        return members.first { $0.name.isByteEqual(to: key) }?.node
    }

    private static func complaint(about name: String, keys: KeySet) -> String {
        if let advice = keys.unserved.first(where: { $0.key.isByteEqual(to: name) })?.value {
            return "\(quoted(name)) is not served by this build; \(advice)"
        }
        if let near = nearest(name, among: keys.all) {
            return "unknown key \(quoted(name)); did you mean \(quoted(near))?"
        }
        return "unknown key \(quoted(name)); known are \(quoted(keys.all))"
    }
}

/// What shows a person something else than Claude reads: controls, reversed direction, and the
/// tags of plane 14, which no screen shows.
func isHidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x0A: false
    case 0..<0x20, 0x7F..<0xA0, 0x202A...0x202E, 0x2066...0x2069, 0xE0000...0xE007F: true
    default: false
    }
}

private func article(_ kind: String) -> String {
    switch kind {
    case "null": "null"
    case "integer", "object", "array": "an \(kind)"
    default: "a \(kind)"
    }
}
