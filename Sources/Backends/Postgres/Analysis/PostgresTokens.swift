internal import JSON

/// A linear scan of a statement's text, before the server sees it: bounds what the server's own
/// parser could be slowed down with, and finds the word that a statement starts with. What the
/// statement means is for the server to say.
struct PostgresTokens {
    static let bytesMax = 64 << 10
    /// Nested deeper, comments cost the server's scanner the square of their length.
    static let commentDepthMax = 32
    /// Longer lists and more queries than these cost the server more than the 50 ms that a verdict
    /// may take.
    static let tokensMax = 16_000
    static let queriesMax = 500

    struct Token {
        enum Kind {
            /// Not quoted, in lower case.
            case word
            /// In quotation marks, decoded.
            case quoted
            case string, number, parameter, symbol
        }
        let kind: Kind
        let text: Name
        let range: Range<Int>

        var isName: Bool { kind == .word || kind == .quoted }
        func isWord(_ word: Name) -> Bool { kind == .word && text == word }
        func isSymbol(_ symbol: Name) -> Bool { kind == .symbol && text == symbol }
    }

    /// Why a text is no statement that may be asked; told to the caller.
    struct Refused: Error { let told: String }

    let bytes: [UInt8]
    private(set) var list: [Token] = []

    init(_ text: String) throws(Refused) {
        bytes = Array(text.utf8)
        guard bytes.count <= Self.bytesMax else {
            throw Refused(told: "the statement is longer than \(Self.bytesMax >> 10) KiB")
        }
        guard !bytes.contains(0) else { throw Refused(told: "the statement holds a NUL") }
        guard !bytes.starts(with: [0xEF, 0xBB, 0xBF]) else {
            throw Refused(told: "the statement starts with a byte order mark")
        }
        var scanner = Scanner(bytes: bytes)
        var queries = 0
        while let token = try scanner.next() {
            list.append(token)
            if token.isWord("select") || token.isWord("values") { queries += 1 }
            guard list.count <= Self.tokensMax else {
                throw Refused(
                    told: "the statement has more than \(Self.tokensMax) words, values and signs")
            }
            guard queries <= Self.queriesMax else {
                throw Refused(told: "the statement holds more than \(Self.queriesMax) queries")
            }
        }
        while list.last?.isSymbol(";") == true { list.removeLast() }
        guard !list.isEmpty else { throw Refused(told: "the text holds no statement") }
        guard !list.contains(where: { $0.isSymbol(";") }) else {
            throw Refused(told: "the text holds more than one statement; send one a call")
        }
    }

    /// The first word, behind opening parentheses; nil where something else stands.
    var firstWord: Name? {
        let first = list.first { !$0.isSymbol("(") }
        return first.flatMap { $0.kind == .word ? $0.text : nil }
    }

    func word(_ index: Int) -> Name? {
        guard list.indices.contains(index), list[index].kind == .word else { return nil }
        return list[index].text
    }

    /// The text of some tokens as it stands.
    func text(_ tokens: Range<Int>) -> String {
        guard let first = tokens.first, let last = tokens.last else { return "" }
        let range = list[first].range.lowerBound..<list[last].range.upperBound
        return String(decoding: bytes[range], as: UTF8.self)
    }
}

extension PostgresTokens {
    fileprivate struct Scanner {
        let bytes: [UInt8]
        private var at = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        private func peek(_ ahead: Int = 0) -> UInt8 {
            at + ahead < bytes.count ? bytes[at + ahead] : 0
        }

        mutating func next() throws(Refused) -> Token? {
            try skipBlanks()
            guard at < bytes.count else { return nil }
            let start = at
            switch bytes[at] {
            case UInt8(ascii: "'"): return try string(from: start, escapes: false)
            case UInt8(ascii: "\""): return try quoted(from: start, unicode: false)
            case UInt8(ascii: "$"): return try dollar(from: start)
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                while Self.isWordByte(peek()) || peek() == UInt8(ascii: ".") { at += 1 }
                return token(.number, start)
            case let byte where Self.isWordStart(byte): return try word(from: start)
            default:
                at += 1
                return token(.symbol, start)
            }
        }

        private func token(_ kind: Token.Kind, _ start: Int, text: [UInt8]? = nil) -> Token {
            let text = text ?? Array(bytes[start..<at])
            return Token(
                kind: kind, text: Name(String(decoding: text, as: UTF8.self)), range: start..<at)
        }

        private mutating func skipBlanks() throws(Refused) {
            while at < bytes.count {
                switch bytes[at] {
                case 0x20, 0x09, 0x0A, 0x0C, 0x0D: at += 1
                case UInt8(ascii: "-") where peek(1) == UInt8(ascii: "-"):
                    while at < bytes.count, bytes[at] != 0x0A, bytes[at] != 0x0D { at += 1 }
                case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "*"): try comment()
                default: return
                }
            }
        }

        private mutating func comment() throws(Refused) {
            var depth = 0
            while at < bytes.count {
                if peek() == UInt8(ascii: "/"), peek(1) == UInt8(ascii: "*") {
                    depth += 1
                    at += 2
                    guard depth <= PostgresTokens.commentDepthMax else {
                        throw Refused(told: "comments are nested too deeply")
                    }
                } else if peek() == UInt8(ascii: "*"), peek(1) == UInt8(ascii: "/") {
                    depth -= 1
                    at += 2
                    if depth == 0 { return }
                } else {
                    at += 1
                }
            }
            throw Refused(told: "a comment does not end")
        }

        private mutating func word(from start: Int) throws(Refused) -> Token {
            let first = bytes[start] | 0x20
            if peek(1) == UInt8(ascii: "'") {
                switch first {
                case UInt8(ascii: "e"), UInt8(ascii: "b"), UInt8(ascii: "x"), UInt8(ascii: "n"):
                    at += 1
                    return try string(from: start, escapes: first == UInt8(ascii: "e"))
                default: break
                }
            }
            if first == UInt8(ascii: "u"), peek(1) == UInt8(ascii: "&") {
                if peek(2) == UInt8(ascii: "'") {
                    at += 2
                    return try string(from: start, escapes: false)
                }
                if peek(2) == UInt8(ascii: "\"") {
                    at += 2
                    return try quoted(from: start, unicode: true)
                }
            }
            while at < bytes.count, Self.isWordByte(bytes[at]) { at += 1 }
            let folded = bytes[start..<at].map { byte in
                (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
            }
            return token(.word, start, text: folded)
        }

        /// Literals say nothing here: only where they end.
        private mutating func string(from start: Int, escapes: Bool) throws(Refused) -> Token {
            at += 1
            while at < bytes.count {
                if escapes, bytes[at] == UInt8(ascii: "\\") {
                    at += 2
                } else if bytes[at] == UInt8(ascii: "'") {
                    at += 1
                    guard peek() == UInt8(ascii: "'") else {
                        return token(.string, start, text: [])
                    }
                    at += 1
                } else {
                    at += 1
                }
            }
            throw Refused(told: "a literal does not end")
        }

        private mutating func quoted(from start: Int, unicode: Bool) throws(Refused) -> Token {
            at += 1
            var name: [UInt8] = []
            while at < bytes.count {
                if bytes[at] == UInt8(ascii: "\"") {
                    at += 1
                    guard peek() == UInt8(ascii: "\"") else {
                        // Escapes are decoded by the server; a name with one is known to it alone.
                        return token(unicode ? .string : .quoted, start, text: name)
                    }
                }
                name.append(bytes[at])
                at += 1
            }
            throw Refused(told: "a quoted name does not end")
        }

        /// `$1`, or `$tag$ … $tag$`.
        private mutating func dollar(from start: Int) throws(Refused) -> Token {
            at += 1
            if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(peek()) {
                while (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(peek()) { at += 1 }
                return token(.parameter, start)
            }
            var end = at
            while end < bytes.count, Self.isWordByte(bytes[end]), bytes[end] != UInt8(ascii: "$") {
                end += 1
            }
            guard end < bytes.count, bytes[end] == UInt8(ascii: "$") else {
                return token(.symbol, start)
            }
            let tag = bytes[start...end]
            at = end + 1
            while at + tag.count <= bytes.count {
                if bytes[at] == UInt8(ascii: "$"), bytes[at..<(at + tag.count)].elementsEqual(tag) {
                    at += tag.count
                    return token(.string, start, text: [])
                }
                at += 1
            }
            throw Refused(told: "a dollar-quoted literal does not end")
        }

        private static func isWordStart(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "_"), 0x80...:
                true
            default: false
            }
        }

        private static func isWordByte(_ byte: UInt8) -> Bool {
            isWordStart(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "$")
        }
    }
}
