indirect enum PatternNode {
    case empty
    case single(Pattern.Instruction)
    case sequence([PatternNode])
    case alternatives([PatternNode])
    case repeated(PatternNode, least: Int, most: Int?)
}

/// Reads an expression; whatever it does not know it refuses, with the place.
struct PatternParser {
    private let scalars: [UInt32]
    private var position = 0
    private var groupDepth = 0
    private(set) var classes: [ScalarClass] = []

    /// For telling whether an expression is one at all: lookaround and back references are read,
    /// and what comes out is not to be run.
    private let allowsBacktracking: Bool

    private static let lengthLimit = 4_096
    private static let groupDepthLimit = 50
    private static let repetitionLimit = 1_000

    init(_ source: String, allowsBacktracking: Bool = false) {
        scalars = source.unicodeScalars.map(\.value)
        self.allowsBacktracking = allowsBacktracking
    }

    mutating func parse() throws(PatternError) -> PatternNode {
        guard scalars.count <= Self.lengthLimit else {
            throw failure("expected at most \(Self.lengthLimit) characters")
        }
        let node = try alternatives()
        guard position == scalars.count else { throw failure("`)` closes no group") }
        return node
    }

    private func failure(_ message: String) -> PatternError {
        PatternError(offset: position, message: message)
    }

    private var next: UInt32? { position < scalars.count ? scalars[position] : nil }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == character.value else { return false }
        position += 1
        return true
    }

    private mutating func alternatives() throws(PatternError) -> PatternNode {
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .alternatives(branches)
    }

    private mutating func sequence() throws(PatternError) -> PatternNode {
        var nodes: [PatternNode] = []
        while let scalar = next, scalar != UInt32(UInt8(ascii: "|")),
            scalar != UInt32(UInt8(ascii: ")"))
        {
            let node = try quantified()
            if case .empty = node { continue }
            nodes.append(node)
        }
        return nodes.isEmpty ? .empty : nodes.count == 1 ? nodes[0] : .sequence(nodes)
    }

    private mutating func quantified() throws(PatternError) -> PatternNode {
        let isGroup = next == UInt32(UInt8(ascii: "("))
        let node = try atom()
        let least: Int
        let most: Int?
        if take("*") {
            (least, most) = (0, nil)
        } else if take("+") {
            (least, most) = (1, nil)
        } else if take("?") {
            (least, most) = (0, 1)
        } else if take("{") {
            (least, most) = try counts()
        } else {
            return node
        }
        if !isGroup, case .single(let instruction) = node, instruction.isAssertion {
            throw failure("an assertion cannot be repeated")
        }
        // Lazy or greedy finds the same answer to "does it match".
        _ = take("?")
        // Every node that is left emits an instruction, so that the limit on instructions also
        // bounds the time to write out `((()(){1000}){1000}){1000}`.
        if case .empty = node { return .empty }
        if most == 0 { return .empty }
        return .repeated(node, least: least, most: most)
    }

    private mutating func counts() throws(PatternError) -> (Int, Int?) {
        let least = try count()
        var most: Int? = least
        if take(",") { most = next == UInt32(UInt8(ascii: "}")) ? nil : try count() }
        guard take("}") else { throw failure("expected `}` after the repetition count") }
        guard least <= most ?? least else { throw failure("the repetition counts are reversed") }
        return (least, most)
    }

    private mutating func count() throws(PatternError) -> Int {
        var value: Int?
        while let scalar = next, (0x30...0x39).contains(scalar) {
            value = (value ?? 0) * 10 + Int(scalar - 0x30)
            position += 1
            guard let value, value <= Self.repetitionLimit else {
                throw failure("expected at most \(Self.repetitionLimit) repetitions")
            }
        }
        guard let value else {
            throw failure("expected a repetition count; a literal `{` is `\\{`")
        }
        return value
    }

    private mutating func atom() throws(PatternError) -> PatternNode {
        guard let scalar = next, let character = Unicode.Scalar(scalar) else {
            throw failure("the expression ends early")
        }
        switch character {
        case "(": return try group()
        case "[":
            position += 1
            return try bracketed()
        case "\\": return try escapedAtom()
        case "*", "+", "?", "{": throw failure("there is nothing to repeat")
        case "}", "]": throw failure("a literal bracket is written with a backslash")
        default: break
        }
        position += 1
        return switch character {
        case ".": .single(.any)
        case "^": .single(.start)
        case "$": .single(.end)
        default: .single(.scalar(scalar))
        }
    }

    private mutating func oneOf(
        _ parts: ScalarClass.Parts, isNegated: Bool = false
    ) -> PatternNode {
        classes.append(ScalarClass(parts, isNegated: isNegated))
        return .single(.oneOf(classes.count - 1))
    }

    private mutating func group() throws(PatternError) -> PatternNode {
        position += 1
        if take("?") { try groupKind() }
        groupDepth += 1
        guard groupDepth <= Self.groupDepthLimit else {
            throw failure("groups are nested too deeply")
        }
        let node = try alternatives()
        groupDepth -= 1
        guard take(")") else { throw failure("expected `)`") }
        return node
    }

    /// Behind `(?`.
    private mutating func groupKind() throws(PatternError) {
        if take(":") { return }
        let isBehind = take("<")
        if allowsBacktracking, take("=") || take("!") { return }
        guard isBehind else {
            throw failure("lookahead and flags in a group are not supported")
        }
        try groupName()
    }

    private mutating func groupName() throws(PatternError) {
        guard ScalarClass.isWord(next) else { throw failure("lookbehind is not supported") }
        while ScalarClass.isWord(next) { position += 1 }
        guard take(">") else { throw failure("expected `>` after the group's name") }
    }

    private mutating func escapedAtom() throws(PatternError) -> PatternNode {
        position += 1
        if take("b") { return .single(.wordBoundary(true)) }
        if take("B") { return .single(.wordBoundary(false)) }
        if let parts = try shorthand() { return oneOf(parts) }
        if allowsBacktracking, try skipBackReference() { return .empty }
        return .single(.scalar(try escapedScalar()))
    }

    private mutating func skipBackReference() throws(PatternError) -> Bool {
        if take("k") {
            guard take("<") else { throw failure("expected the name of a group") }
            try groupName()
            return true
        }
        guard let digit = next, (0x31...0x39).contains(digit) else { return false }
        while let digit = next, (0x30...0x39).contains(digit) { position += 1 }
        return true
    }

    /// Behind the backslash: `d`, `w`, `s`, `p{…}` and their complements.
    private mutating func shorthand() throws(PatternError) -> ScalarClass.Parts? {
        guard let scalar = next, let letter = Unicode.Scalar(scalar) else { return nil }
        let parts: ScalarClass.Parts
        position += 1
        switch letter {
        case "d": parts = ScalarClass.Parts(ranges: ScalarClass.digits)
        case "w": parts = ScalarClass.Parts(ranges: ScalarClass.word)
        case "s": parts = ScalarClass.Parts(ranges: ScalarClass.space)
        case "D": parts = .complement(of: ScalarClass.digits)
        case "W": parts = .complement(of: ScalarClass.word)
        case "S": parts = .complement(of: ScalarClass.space)
        case "p", "P": parts = try property(isNegated: letter == "P")
        default:
            position -= 1
            return nil
        }
        return parts
    }

    private mutating func property(
        isNegated: Bool
    ) throws(PatternError) -> ScalarClass.Parts {
        guard take("{"), let end = scalars[position...].firstIndex(of: 0x7D) else {
            throw failure("expected `{` and the name of a Unicode property")
        }
        var name = ""
        for scalar in scalars[position..<end].compactMap({ Unicode.Scalar($0) }) {
            name.unicodeScalars.append(scalar)
        }
        for prefix in ["General_Category=", "gc="] where name.utf8.starts(with: prefix.utf8) {
            name = String(decoding: name.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
        }
        let ranges: ScalarClass.Ranges? =
            name.isByteEqual(to: "Any")
            ? [0...0x10FFFF] : name.isByteEqual(to: "ASCII") ? [0...0x7F] : nil
        if let ranges {
            position = end + 1
            return isNegated ? .complement(of: ranges) : ScalarClass.Parts(ranges: ranges)
        }
        guard let categories = ScalarCategories(named: name) else {
            throw failure("expected a general category such as `L`, `Lu` or `Nd` as the property")
        }
        position = end + 1
        return ScalarClass.Parts(categories: isNegated ? categories.complement : categories)
    }

    /// Behind the opening bracket.
    private mutating func bracketed() throws(PatternError) -> PatternNode {
        let isNegated = take("^")
        var parts = ScalarClass.Parts()
        while !take("]") {
            let lower = try classItem()
            // A `-` before the closing bracket, or after a shorthand, is itself.
            guard let first = lower.single, next == UInt32(UInt8(ascii: "-")),
                position + 1 < scalars.count, scalars[position + 1] != UInt32(UInt8(ascii: "]"))
            else {
                parts.append(lower.parts)
                continue
            }
            position += 1
            guard let last = try classItem().single, first <= last else {
                throw failure("expected a range of characters in ascending order")
            }
            parts.ranges.append(first...last)
        }
        return oneOf(parts, isNegated: isNegated)
    }

    private mutating func classItem() throws(PatternError) -> (
        parts: ScalarClass.Parts, single: UInt32?
    ) {
        guard let scalar = next else { throw failure("expected `]`") }
        position += 1
        guard scalar == UInt32(UInt8(ascii: "\\")) else { return single(scalar) }
        if let parts = try shorthand() { return (parts, nil) }
        return single(take("b") ? 0x08 : try escapedScalar())
    }

    private func single(_ scalar: UInt32) -> (parts: ScalarClass.Parts, single: UInt32?) {
        (ScalarClass.Parts(ranges: [scalar...scalar]), scalar)
    }

    /// Behind the backslash: one scalar.
    private mutating func escapedScalar() throws(PatternError) -> UInt32 {
        guard let scalar = next, let character = Unicode.Scalar(scalar) else {
            throw failure("the expression ends with a backslash")
        }
        position += 1
        switch character {
        case "t": return 0x09
        case "n": return 0x0A
        case "v": return 0x0B
        case "f": return 0x0C
        case "r": return 0x0D
        case "0":
            guard let digit = next, (0x30...0x39).contains(digit) else { return 0 }
            throw failure("octal escapes are not supported")
        case "x": return try hex(digits: 2)
        case "u": return try unicodeEscape()
        case "c":
            guard let letter = next, (0x41...0x5A).contains(letter & ~0x20) else {
                throw failure("expected a letter after `\\c`")
            }
            position += 1
            return letter & 31
        case "1"..."9", "k": throw failure("back references are not supported")
        default:
            guard scalar < 0x80, !ScalarClass.isWord(scalar), scalar > 0x20 else {
                throw failure("this escape is not supported")
            }
            return scalar
        }
    }

    private mutating func unicodeEscape() throws(PatternError) -> UInt32 {
        if take("{") {
            var value: UInt32 = 0
            repeat { value = min(value << 4 | (try hex(digits: 1)), 0x11_0000) } while !take("}")
            guard Unicode.Scalar(value) != nil else { throw failure("expected a Unicode scalar") }
            return value
        }
        let first = try hex(digits: 4)
        if Unicode.Scalar(first) != nil { return first }
        guard first < 0xDC00, take("\\"), take("u") else {
            throw failure("a surrogate escape must be half of a pair")
        }
        let second = try hex(digits: 4)
        guard (0xDC00...0xDFFF).contains(second) else {
            throw failure("a surrogate escape must be half of a pair")
        }
        return 0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)
    }

    private mutating func hex(digits: Int) throws(PatternError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<digits {
            switch next {
            case .some(let digit) where (0x30...0x39).contains(digit):
                value = value << 4 | (digit - 0x30)
            case .some(let digit) where (0x41...0x46).contains(digit & ~0x20):
                value = value << 4 | (digit & ~0x20 - 0x41 + 10)
            default: throw failure("expected a hexadecimal digit")
            }
            position += 1
        }
        return value
    }
}

extension Pattern.Instruction {
    var isAssertion: Bool {
        switch self {
        case .start, .end, .wordBoundary: true
        default: false
        }
    }
}
