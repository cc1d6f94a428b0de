/// The server's own analysed tree of a statement, as `pg_node_tree` text spells it:
/// `{TAG :field value …}`, lists in parentheses, `<>` for nothing.
///
/// One flat list of items in the order of the text, so that a subtree is a range, a walk is a loop
/// and neither reading nor freeing it can exhaust a stack. It knows no node: whoever reads it must
/// visit every child and take what it does not know for unknown, never for nothing.
struct PostgresTree {
    static let bytesMax = 8 << 20
    /// Deeper ones the server itself refuses.
    static let depthMax = 50_000

    enum Kind: UInt8 { case node, list, atom, string }

    struct Item {
        let kind: Kind
        /// The field of the node around it; empty in a list.
        let field: Range<Int32>
        /// A node's tag, an atom's or string's characters; for lists nothing.
        let text: Range<Int32>
        /// Where the items inside of it end.
        fileprivate(set) var end: Int32
    }

    struct Malformed: Error {}

    private let bytes: [UInt8]
    private(set) var items: [Item] = []

    init(_ text: [UInt8]) throws(Malformed) {
        guard text.count <= Self.bytesMax else { throw Malformed() }
        bytes = text
        var reader = Reader(bytes: text)
        items.reserveCapacity(text.count / 12)
        try read(&reader)
    }

    private mutating func read(_ reader: inout Reader) throws(Malformed) {
        var open: [Int] = []
        var field: Range<Int32> = 0..<0
        // A value follows its field's name whatever it looks like: `:resname :relid` is a name.
        var awaitsValue = false
        while let token = try reader.next() {
            let isInNode = open.last.map { items[$0].kind == .node } ?? false
            switch token.kind {
            case .openNode, .openList:
                guard open.count < Self.depthMax, !isInNode || !field.isEmpty else {
                    throw Malformed()
                }
                let isNode = token.kind == .openNode
                let tag = isNode ? try reader.tag() : 0..<0
                open.append(items.count)
                items.append(Item(kind: isNode ? .node : .list, field: field, text: tag, end: 0))
                field = 0..<0
                awaitsValue = false
            case .closeNode, .closeList:
                guard let last = open.popLast(), !awaitsValue,
                    (items[last].kind == .node) == (token.kind == .closeNode)
                else { throw Malformed() }
                items[last].end = Int32(items.count)
                field = items[last].field
            case .word where isInNode && !awaitsValue && reader.isField(token.text):
                field = (token.text.lowerBound + 1)..<token.text.upperBound
                awaitsValue = true
            case .word, .string:
                guard !isInNode || !field.isEmpty else { throw Malformed() }
                awaitsValue = false
                let end = Int32(items.count + 1)
                items.append(
                    Item(
                        kind: token.kind == .string ? .string : .atom,
                        field: isInNode ? field : 0..<0, text: token.text, end: end))
            }
        }
        guard open.isEmpty, !items.isEmpty else { throw Malformed() }
    }
}

extension PostgresTree {
    fileprivate struct Token {
        enum Kind { case openNode, closeNode, openList, closeList, word, string }
        let kind: Kind
        let text: Range<Int32>
    }

    fileprivate struct Reader {
        let bytes: [UInt8]
        private var at = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        func isField(_ text: Range<Int32>) -> Bool {
            text.count > 1 && bytes[Int(text.lowerBound)] == UInt8(ascii: ":")
        }

        mutating func tag() throws(Malformed) -> Range<Int32> {
            let start = at
            while at < bytes.count, !Self.isBlank(bytes[at]), !Self.isBracket(bytes[at]) { at += 1 }
            guard at > start else { throw Malformed() }
            return Int32(start)..<Int32(at)
        }

        mutating func next() throws(Malformed) -> Token? {
            while at < bytes.count, Self.isBlank(bytes[at]) { at += 1 }
            guard at < bytes.count else { return nil }
            let start = at
            switch bytes[at] {
            case UInt8(ascii: "{"): return bracket(.openNode)
            case UInt8(ascii: "}"): return bracket(.closeNode)
            case UInt8(ascii: "("): return bracket(.openList)
            case UInt8(ascii: ")"): return bracket(.closeList)
            case UInt8(ascii: "\""): return try string()
            default: break
            }
            while at < bytes.count, !Self.isBlank(bytes[at]), !Self.isBracket(bytes[at]) {
                at += bytes[at] == UInt8(ascii: "\\") ? 2 : 1
            }
            guard at <= bytes.count else { throw Malformed() }
            return Token(kind: .word, text: Int32(start)..<Int32(at))
        }

        private mutating func bracket(_ kind: Token.Kind) -> Token {
            at += 1
            return Token(kind: kind, text: 0..<0)
        }

        private mutating func string() throws(Malformed) -> Token {
            at += 1
            let start = at
            while at < bytes.count, bytes[at] != UInt8(ascii: "\"") {
                at += bytes[at] == UInt8(ascii: "\\") ? 2 : 1
            }
            guard at < bytes.count else { throw Malformed() }
            at += 1
            return Token(kind: .string, text: Int32(start)..<Int32(at - 1))
        }

        private static func isBlank(_ byte: UInt8) -> Bool {
            byte == 0x20 || byte == 0x0A || byte == 0x09
        }

        private static func isBracket(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "{"), UInt8(ascii: "}"): true
            default: false
            }
        }
    }
}

/// Reading: an item is named by its place in `items`.
extension PostgresTree {
    func isNode(_ item: Int, _ tag: StaticString) -> Bool {
        items[item].kind == .node && text(of: item, is: tag)
    }

    func isField(_ item: Int, _ name: StaticString) -> Bool {
        isEqual(items[item].field, name)
    }

    func text(of item: Int, is wanted: StaticString) -> Bool {
        isEqual(items[item].text, wanted)
    }

    private func isEqual(_ range: Range<Int32>, _ wanted: StaticString) -> Bool {
        guard range.count == wanted.utf8CodeUnitCount else { return false }
        return wanted.withUTF8Buffer { wanted in
            for index in 0..<range.count
            where unsafe wanted[index] != bytes[Int(range.lowerBound) + index] { return false }
            return true
        }
    }

    /// The items directly inside of one.
    func children(of item: Int) -> Children { Children(tree: self, of: item) }

    struct Children: Sequence, IteratorProtocol {
        private let items: [Item]
        private var at: Int
        private let end: Int

        fileprivate init(tree: PostgresTree, of item: Int) {
            items = tree.items
            let isBranch = tree.items[item].kind == .node || tree.items[item].kind == .list
            at = item + 1
            end = isBranch ? Int(tree.items[item].end) : at
        }

        mutating func next() -> Int? {
            guard at < end else { return nil }
            defer { at = Int(items[at].end) }
            return at
        }
    }

    /// All that is inside of one, itself first.
    func range(of item: Int) -> Range<Int> { item..<Int(items[item].end) }

    func child(_ item: Int, _ field: StaticString) -> Int? {
        for child in children(of: item) where isField(child, field) { return child }
        return nil
    }

    /// The nodes of a list; none for `<>`.
    func nodes(_ item: Int, _ field: StaticString) -> [Int] {
        guard let list = child(item, field) else { return [] }
        if items[list].kind == .node { return [list] }
        return children(of: list).filter { items[$0].kind == .node }
    }

    /// The node of a field; nil for `<>`.
    func node(_ item: Int, _ field: StaticString) -> Int? {
        child(item, field).flatMap { items[$0].kind == .node ? $0 : nil }
    }

    func integer(_ item: Int, _ field: StaticString) -> Int? {
        child(item, field).flatMap { integer($0) }
    }

    func integer(_ item: Int) -> Int? {
        guard items[item].kind == .atom else { return nil }
        return Int(String(decoding: slice(items[item].text), as: UTF8.self))
    }

    func isTrue(_ item: Int, _ field: StaticString) -> Bool {
        child(item, field).map { text(of: $0, is: "true") } ?? false
    }

    /// The characters of a field; nil for `<>`.
    func string(_ item: Int, _ field: StaticString) -> String? {
        guard let child = child(item, field), items[child].kind != .list,
            !text(of: child, is: "<>")
        else { return nil }
        if items[child].kind == .atom, text(of: child, is: "\"\"") { return "" }
        return string(child)
    }

    func string(_ item: Int) -> String {
        let slice = slice(items[item].text)
        guard slice.contains(UInt8(ascii: "\\")) else {
            return String(decoding: slice, as: UTF8.self)
        }
        var plain: [UInt8] = []
        var isEscaped = false
        for byte in slice {
            if byte == UInt8(ascii: "\\"), !isEscaped {
                isEscaped = true
            } else {
                plain.append(byte)
                isEscaped = false
            }
        }
        return String(decoding: plain, as: UTF8.self)
    }

    /// `(b 8 11)`, `(o 23 25)`, `(i 1 2)`: the numbers after the letter.
    func integers(_ item: Int, _ field: StaticString) -> [Int] {
        guard let list = child(item, field), items[list].kind == .list else { return [] }
        return children(of: list).dropFirst().compactMap { integer($0) }
    }

    func tag(_ item: Int) -> String { String(decoding: slice(items[item].text), as: UTF8.self) }

    /// Whether two subtrees say the same, wherever in the text they stood.
    func isSame(_ left: Int, _ right: Int) -> Bool {
        let one = range(of: left)
        let other = range(of: right)
        guard one.count == other.count else { return false }
        for (first, second) in zip(one, other) {
            let (a, b) = (items[first], items[second])
            guard a.kind == b.kind, first == left || slice(a.field) == slice(b.field) else {
                return false
            }
            guard !isField(first, "location") else { continue }
            guard slice(a.text) == slice(b.text) else { return false }
        }
        return true
    }

    private func slice(_ range: Range<Int32>) -> ArraySlice<UInt8> {
        bytes[Int(range.lowerBound)..<Int(range.upperBound)]
    }
}
