internal import JSON

/// One plain SELECT split into what it answers and what follows. Nil for anything else: another
/// SELECT inside, a compound, a WITH, a window, or text that could be split in two ways.
struct SQLiteSelect {
    typealias Token = SQLiteTokens.Token
    typealias Tokens = ArraySlice<Token>

    let isDistinct: Bool
    /// The select list, an entry for each comma.
    let items: [Tokens]
    /// All after FROM.
    let rest: Tokens

    /// Words that bring rows or orders of their own, or columns that are not named.
    private static let foreignWords: Set<Name> = [
        "with", "values", "union", "intersect", "except", "over", "window", "natural", "using",
        "returning", "recursive",
    ]

    init?(_ tokens: SQLiteTokens) {
        let list = tokens.list
        guard list.first?.isWord("select") == true,
            list.allSatisfy(Self.isPlain), list.count(where: { $0.isWord("select") }) == 1
        else { return nil }
        // `x IN t` and `x IN t(…)` read a table without naming its column.
        for (word, next) in zip(list, list.dropFirst()) where word.isWord("in") {
            guard next.isSymbol("(") else { return nil }
        }
        var body = list.dropFirst()
        isDistinct = body.first?.isWord("distinct") == true
        if isDistinct || body.first?.isWord("all") == true { body = body.dropFirst() }
        guard let depths = Self.depths(body) else { return nil }
        let from = zip(body.indices, depths).first { body[$0].isWord("from") && $1 == 0 }?.0
        // In `x IS DISTINCT FROM y` it begins nothing.
        if let from, body[from - 1].isWord("distinct") { return nil }
        items = Self.split(body[..<(from ?? body.endIndex)])
        rest = body[(from ?? body.endIndex)...].dropFirst()
    }

    private static func isPlain(_ token: Token) -> Bool {
        switch token.kind {
        case .word: !foreignWords.contains(token.text)
        // SQLite takes some control characters for blanks, and some only within a blank.
        case .symbol: token.text.text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        case .quoted, .parameter: true
        }
    }

    /// How many parentheses are open at each token; nil when they do not match.
    private static func depths(_ tokens: Tokens) -> [Int]? {
        var depth = 0
        var depths: [Int] = []
        for token in tokens {
            if token.isSymbol(")") { depth -= 1 }
            guard depth >= 0 else { return nil }
            depths.append(depth)
            if token.isSymbol("(") { depth += 1 }
        }
        return depth == 0 ? depths : nil
    }

    /// At the commas that no parenthesis holds.
    private static func split(_ tokens: Tokens) -> [Tokens] {
        guard let depths = depths(tokens) else { return [tokens] }
        var parts: [Tokens] = []
        var start = tokens.startIndex
        for (index, depth) in zip(tokens.indices, depths)
        where depth == 0 && tokens[index].isSymbol(",") {
            parts.append(tokens[start..<index])
            start = index + 1
        }
        return parts + [tokens[start...]]
    }

    /// The item of each output column; nil for those that a `*` stands for, and altogether when
    /// items stand between two of them.
    func items(of columnCount: Int) -> [Tokens?]? {
        let stars = items.indices.filter { Self.isStar(items[$0]) }
        guard let first = stars.first, let last = stars.last else {
            return items.count == columnCount ? items : nil
        }
        let starCount = columnCount - (items.count - stars.count)
        guard last - first + 1 == stars.count, starCount >= stars.count else { return nil }
        var all: [Tokens?] = Array(items[..<first])
        all.append(contentsOf: repeatElement(nil, count: starCount))
        all.append(contentsOf: items[(last + 1)...].map(Optional.some))
        return all
    }

    private static func isStar(_ item: Tokens) -> Bool {
        guard item.last?.isSymbol("*") == true else { return false }
        let before = item.dropLast()
        return before.isEmpty
            || before.last?.isSymbol(".") == true && path(before.dropLast()) != nil
    }

    /// The names of `schema.table.column`, however much of it stands there; nil for anything else.
    static func path(_ tokens: Tokens) -> [Name]? {
        guard tokens.count % 2 == 1 else { return nil }
        var names: [Name] = []
        for (place, token) in tokens.enumerated() {
            if place % 2 == 1 {
                guard token.isSymbol(".") else { return nil }
            } else {
                guard token.isName else { return nil }
                names.append(token.text)
            }
        }
        return names
    }

    /// As `path`, of an item that may also rename its column.
    static func pathOfItem(_ item: Tokens) -> [Name]? {
        if let path = path(item) { return path }
        guard item.last?.isName == true else { return nil }
        let before = item.dropLast()
        return path(before.last?.isWord("as") == true ? before.dropLast() : before)
    }
}

/// What orders and groups.
extension SQLiteSelect {
    var groupTerms: [Tokens] { clause("group").map { Self.split($0.dropFirst()) } ?? [] }

    var isGrouped: Bool { clause("group") != nil }

    /// The output columns that GROUP BY and ORDER BY name by number, from 0; all of them for a
    /// number that is not spelled plainly.
    func numberedColumns(of columnCount: Int) -> Set<Int> {
        var numbered: Set<Int> = []
        for token in (clause("group") ?? []) + (clause("order") ?? []) {
            guard token.kind == .word, let byte = token.text.text.utf8.first,
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            else { continue }
            guard let number = Int(token.text.text) else { return Set(0..<columnCount) }
            if (1...max(1, columnCount)).contains(number) { numbered.insert(number - 1) }
        }
        return numbered
    }

    /// From the word after `opener`, which stands outside of parentheses, to the next clause.
    private func clause(_ opener: Name) -> Tokens? {
        guard let depths = Self.depths(rest) else { return rest }
        var start: Int?
        for (index, depth) in zip(rest.indices, depths) where depth == 0 {
            let token = rest[index]
            if start == nil, token.isWord(opener) {
                start = index + 1
            } else if let start,
                token.isWord("having") || token.isWord("order")
                    || token.isWord("limit")
            {
                return rest[start..<index]
            }
        }
        return start.map { rest[$0...] }
    }
}
