internal import JSON

/// What a scan of a statement's tokens tells.
///
/// SQLite's own analysis is the judge; this covers what it does not report: columns of USING and
/// NATURAL joins, and the further arms of compound selects, whose origins it gives as those of the
/// first arm. The scan therefore errs on the side of seeing too much: a word is a keyword wherever
/// it stands unquoted, and any quoted text may be a name.
struct SQLiteTokens {
    /// In the order of the text; of this text only, whatever is added.
    private(set) var list: [Token] = []
    private(set) var isCompound = false
    private(set) var joinsByName = false
    /// What USING names anywhere, and whether NATURAL stands anywhere.
    private(set) var joiningNames: Set<Name> = []
    private(set) var joinsNaturally = false
    /// Every word, quoted name and string, folded: what may name a table.
    private(set) var names: Set<Name> = []

    struct Token: Equatable {
        /// `word` is unquoted; `quoted` may be a name or a string.
        enum Kind { case word, quoted, parameter, symbol }
        let kind: Kind
        /// Without quotes and folded; empty for a parameter.
        let text: Name
        /// In apostrophes: a literal, unless only a name can stand there.
        var isLiteral = false

        func isWord(_ word: Name) -> Bool { kind == .word && text == word }
        func isSymbol(_ symbol: Name) -> Bool { kind == .symbol && text == symbol }
        var isName: Bool { kind == .word || kind == .quoted }
    }

    var firstWord: Name? { list.first.flatMap { $0.kind == .word ? $0.text : nil } }

    init(_ text: some Sequence<UInt8>) {
        let bytes = Array(text)
        var position = 0
        while position < bytes.count { position = take(bytes, at: position) }
        noteJoiningNames()
        queryCount = list.count { $0.beginsQuery }
        concatenationCount = zip(list, list.dropFirst()).count {
            $0.isSymbol("|") && $1.isSymbol("|")
        }
    }

    private mutating func noteJoiningNames() {
        for index in list.indices where list[index].isWord("using") {
            for token in list[(index + 1)...] {
                if token.isSymbol(")") { break }
                if token.isName { joiningNames.insert(token.text) }
            }
        }
    }

    /// The statement behind EXPLAIN or EXPLAIN QUERY PLAN; nil for any other text.
    static func explained(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        var scan = SQLiteTokens([])
        var position = 0
        var starts: [Int] = []
        while position < bytes.count, scan.list.count < 4 {
            let count = scan.list.count
            let start = position
            position = scan.take(bytes, at: position)
            if scan.list.count > count { starts.append(start) }
        }
        guard scan.firstWord == "explain" else { return nil }
        let isPlan =
            scan.list.count > 2 && scan.list[1].isWord("query") && scan.list[2].isWord("plan")
        let first = isPlan ? 3 : 1
        guard starts.count > first else { return "" }
        return String(decoding: bytes[starts[first]...], as: UTF8.self)
    }

    /// Where each token of a text stands in its bytes.
    static func places(in text: String) -> [Range<Int>] {
        let bytes = Array(text.utf8)
        var scan = SQLiteTokens([])
        var position = 0
        var places: [Range<Int>] = []
        while position < bytes.count {
            let (count, start) = (scan.list.count, position)
            position = scan.take(bytes, at: start)
            if scan.list.count > count { places.append(start..<min(position, bytes.count)) }
        }
        return places
    }

    /// How many queries and how many `||` stand anywhere.
    private(set) var queryCount = 0
    private(set) var concatenationCount = 0

    /// Joins what another text holds; the list stays that of this text.
    mutating func add(_ other: SQLiteTokens) {
        isCompound = isCompound || other.isCompound
        joinsByName = joinsByName || other.joinsByName
        joiningNames.formUnion(other.joiningNames)
        joinsNaturally = joinsNaturally || other.joinsNaturally
        queryCount += other.queryCount
        concatenationCount += other.concatenationCount
        names.formUnion(other.names)
    }

    /// Takes one token, blank or comment and answers where the next one starts.
    private mutating func take(_ bytes: [UInt8], at start: Int) -> Int {
        let byte = bytes[start]
        let next = start + 1 < bytes.count ? bytes[start + 1] : 0
        switch byte {
        case 0x20, 0x09, 0x0A, 0x0C, 0x0D:
            return start + 1
        case UInt8(ascii: "-") where next == UInt8(ascii: "-"):
            return bytes[start...].firstIndex(of: 0x0A).map { $0 + 1 } ?? bytes.count
        case UInt8(ascii: "/") where next == UInt8(ascii: "*"):
            return Self.endOfComment(bytes, from: start + 2)
        // A byte order mark is a blank to SQLite, wherever a token could start; nothing that names
        // anything may begin with it.
        case 0xEF where bytes[start...].starts(with: [0xEF, 0xBB, 0xBF]):
            list.append(Token(kind: .symbol, text: "\u{FEFF}"))
            return start + 3
        default:
            return takeToken(bytes, at: start)
        }
    }

    private mutating func takeToken(_ bytes: [UInt8], at start: Int) -> Int {
        let byte = bytes[start]
        switch byte {
        case UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "`"):
            return takeQuoted(bytes, from: start + 1, closing: byte, doubles: true)
        case UInt8(ascii: "["):
            return takeQuoted(bytes, from: start + 1, closing: UInt8(ascii: "]"), doubles: false)
        case UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: "$"), UInt8(ascii: "#"):
            list.append(Token(kind: .parameter, text: ""))
            return Self.endOfWord(bytes, from: start + 1)
        case _ where Self.isWordByte(byte):
            let end = Self.endOfWord(bytes, from: start)
            takeWord(Name(foldedUTF8: bytes[start..<end]))
            return end
        default:
            list.append(Token(kind: .symbol, text: Name(foldedUTF8: [byte])))
            return start + 1
        }
    }

    private mutating func takeWord(_ word: Name) {
        list.append(Token(kind: .word, text: word))
        names.insert(word)
        switch word.text {
        case "union", "intersect", "except": isCompound = true
        case "using": joinsByName = true
        case "natural":
            joinsByName = true
            joinsNaturally = true
        default: break
        }
    }

    private mutating func takeQuoted(
        _ bytes: [UInt8], from start: Int, closing: UInt8, doubles: Bool
    ) -> Int {
        var content: [UInt8] = []
        var position = start
        while position < bytes.count {
            if bytes[position] == closing {
                let isDoubled =
                    doubles && position + 1 < bytes.count && bytes[position + 1] == closing
                guard isDoubled else { break }
                position += 1
            }
            content.append(bytes[position])
            position += 1
        }
        let name = Name(foldedUTF8: content)
        list.append(
            Token(kind: .quoted, text: name, isLiteral: closing == UInt8(ascii: "'")))
        names.insert(name)
        return position + 1
    }

    private static func endOfComment(_ bytes: [UInt8], from start: Int) -> Int {
        var position = start
        while position + 1 < bytes.count {
            if bytes[position] == UInt8(ascii: "*"), bytes[position + 1] == UInt8(ascii: "/") {
                return position + 2
            }
            position += 1
        }
        return bytes.count
    }

    private static func endOfWord(_ bytes: [UInt8], from start: Int) -> Int {
        bytes[start...].firstIndex { !isWordByte($0) } ?? bytes.count
    }

    /// SQLite's `IdChar`: letters, digits, `_`, `$` and every byte above ASCII.
    static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"), 0x80...:
            true
        default: false
        }
    }
}

extension Name {
    /// As SQLite folds names: ASCII letters only.
    init(foldedUTF8 bytes: some Sequence<UInt8>) {
        let folded = bytes.map { byte -> UInt8 in
            (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
        }
        self.init(String(decoding: folded, as: UTF8.self))
    }
}
