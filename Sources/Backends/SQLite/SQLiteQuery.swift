internal import JSON

/// One query split into its parts by the words that SQLite reserves: no name is spelled like them
/// without quotes, so the parts are those that SQLite sees. Nothing is resolved here.
struct SQLiteQuery {
    typealias Token = SQLiteTokens.Token
    typealias Tokens = ArraySlice<Token>

    struct Common {
        let name: Name
        /// What its columns are called where it says so.
        let columns: [Name]
        let body: Tokens
    }

    /// What stands between the words UNION, INTERSECT and EXCEPT.
    enum Arm {
        case select(SQLiteSelect)
        case values([[Tokens]])
    }

    private(set) var commons: [Common] = []
    private(set) var arms: [Arm] = []
    /// False when a row may go because another is equal to it.
    private(set) var keepsAllRows = true
    /// ORDER BY and LIMIT.
    private(set) var tail: Tokens = []

    init(_ tokens: Tokens) throws(SQLiteUnclear) {
        guard tokens.allSatisfy(Self.isPlain) else { throw SQLiteUnclear() }
        var body = tokens
        while body.last?.isSymbol(";") == true { body = body.dropLast() }
        if body.first?.isWord("with") == true { body = try takeCommons(body.dropFirst()) }
        let depths = try body.depths()
        var start = body.startIndex
        for (index, depth) in zip(body.indices, depths) where depth == 0 {
            let token = body[index]
            if index < start { continue }
            if token.isWord("order") || token.isWord("limit") {
                try append(body[start..<index])
                tail = body[index...]
                return
            }
            guard ["union", "intersect", "except"].contains(where: { token.isWord($0) }) else {
                continue
            }
            try append(body[start..<index])
            start = index + 1
            if start < body.endIndex, body[start].isWord("all") {
                start += 1
            } else {
                keepsAllRows = false
            }
        }
        try append(body[start...])
    }

    private static func isPlain(_ token: Token) -> Bool {
        // SQLite takes some control characters for blanks, and some only within a blank.
        token.kind != .symbol || token.text.text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    private mutating func takeCommons(_ tokens: Tokens) throws(SQLiteUnclear) -> Tokens {
        var rest = tokens
        if rest.first?.isWord("recursive") == true { rest = rest.dropFirst() }
        while true {
            guard let name = rest.first, name.isName else { throw SQLiteUnclear() }
            rest = rest.dropFirst()
            var columns: [Name] = []
            if rest.first?.isSymbol("(") == true {
                columns = try rest.takeGroup().filter(\.isName).map(\.text)
            }
            guard rest.takeWord("as") else { throw SQLiteUnclear() }
            _ = rest.takeWord("not")
            _ = rest.takeWord("materialized")
            commons.append(
                Common(name: name.text, columns: columns, body: try rest.takeGroup()))
            guard rest.first?.isSymbol(",") == true else { return rest }
            rest = rest.dropFirst()
        }
    }

    private mutating func append(_ tokens: Tokens) throws(SQLiteUnclear) {
        if tokens.first?.isWord("select") == true {
            arms.append(.select(try SQLiteSelect(tokens)))
        } else {
            var rest = tokens
            guard rest.takeWord("values") else { throw SQLiteUnclear() }
            var rows: [[Tokens]] = []
            while true {
                rows.append(try rest.takeGroup().split(at: ","))
                guard rest.first?.isSymbol(",") == true else { break }
                rest = rest.dropFirst()
            }
            guard rest.isEmpty else { throw SQLiteUnclear() }
            arms.append(.values(rows))
        }
    }
}

/// The text may mean what is not understood here.
struct SQLiteUnclear: Error {}

/// One SELECT with what it answers, what it reads and what follows.
struct SQLiteSelect {
    typealias Token = SQLiteTokens.Token
    typealias Tokens = ArraySlice<Token>

    let isDistinct: Bool
    /// The select list, an entry for each comma.
    let items: [Tokens]
    let sources: [SQLiteSource]
    /// What ON says, of all joins.
    let conditions: [Tokens]
    /// From WHERE, GROUP BY, HAVING or WINDOW on.
    let rest: Tokens
    let groupTerms: [Tokens]
    let isGrouped: Bool

    private static let clauses: [Name] = ["where", "group", "having", "window"]

    init(_ tokens: Tokens) throws(SQLiteUnclear) {
        var body = tokens.dropFirst()
        isDistinct = body.takeWord("distinct")
        if !isDistinct { _ = body.takeWord("all") }
        let depths = try body.depths()
        var from: Int?
        var end: Int?
        for (index, depth) in zip(body.indices, depths) where depth == 0 && end == nil {
            let token = body[index]
            // In `x IS DISTINCT FROM y` it begins nothing.
            if token.isWord("from"), index > body.startIndex, !body[index - 1].isWord("distinct") {
                from = from ?? index
            }
            let isClause = Self.clauses.contains { token.isWord($0) }
            // Elsewhere WINDOW is a name.
            let isName =
                token.isWord("window")
                && !(index + 2 < body.endIndex && body[index + 2].isWord("as"))
            if isClause, !isName { end = index }
        }
        let behind = end ?? body.endIndex
        items = try body[..<(from ?? behind)].split(at: ",")
        guard items.allSatisfy({ !$0.isEmpty }) else { throw SQLiteUnclear() }
        rest = body[behind...]
        var conditions: [Tokens] = []
        sources =
            try from.map { start throws(SQLiteUnclear) in
                try SQLiteSource.list(body[(start + 1)..<behind], conditions: &conditions)
            } ?? []
        self.conditions = conditions
        let group = try Self.group(rest)
        isGrouped = group != nil
        groupTerms = try group?.dropFirst().split(at: ",") ?? []
    }

    /// Behind GROUP, up to the next clause.
    private static func group(_ rest: Tokens) throws(SQLiteUnclear) -> Tokens? {
        let depths = try rest.depths()
        var start: Int?
        for (index, depth) in zip(rest.indices, depths) where depth == 0 {
            if start == nil, rest[index].isWord("group") { start = index + 1 }
            if let start, rest[index].isWord("having") || rest[index].isWord("window") {
                return rest[start..<index]
            }
        }
        return start.map { rest[$0...] }
    }

    static func isStar(_ item: Tokens) -> Bool {
        guard item.last?.isSymbol("*") == true else { return false }
        let before = item.dropLast()
        return before.isEmpty
            || before.last?.isSymbol(".") == true && before.dropLast().path != nil
    }
}

extension ArraySlice<SQLiteTokens.Token> {
    /// How many parentheses are open at each token.
    func depths() throws(SQLiteUnclear) -> [Int] {
        var depth = 0
        var depths: [Int] = []
        for token in self {
            if token.isSymbol(")") { depth -= 1 }
            guard depth >= 0 else { throw SQLiteUnclear() }
            depths.append(depth)
            if token.isSymbol("(") { depth += 1 }
        }
        guard depth == 0 else { throw SQLiteUnclear() }
        return depths
    }

    /// At the symbols that no parenthesis holds.
    func split(at symbol: Name) throws(SQLiteUnclear) -> [Self] {
        var parts: [Self] = []
        var start = startIndex
        for (index, depth) in zip(indices, try depths())
        where depth == 0 && self[index].isSymbol(symbol) {
            parts.append(self[start..<index])
            start = index + 1
        }
        return parts + [self[start...]]
    }

    mutating func takeWord(_ word: Name) -> Bool {
        guard first?.isWord(word) == true else { return false }
        self = dropFirst()
        return true
    }

    /// What the parentheses hold that stand first, and goes behind them.
    mutating func takeGroup() throws(SQLiteUnclear) -> Self {
        guard first?.isSymbol("(") == true else { throw SQLiteUnclear() }
        var depth = 0
        for index in indices {
            if self[index].isSymbol("(") { depth += 1 }
            if self[index].isSymbol(")") { depth -= 1 }
            guard depth == 0 else { continue }
            defer { self = self[(index + 1)...] }
            return self[(startIndex + 1)..<index]
        }
        throw SQLiteUnclear()
    }

    /// The names of `schema.table.column`, however much of it stands there; nil for anything else.
    var path: [Name]? {
        guard count % 2 == 1 else { return nil }
        var names: [Name] = []
        for (place, token) in enumerated() {
            if place % 2 == 1 {
                guard token.isSymbol(".") else { return nil }
            } else {
                guard token.isName else { return nil }
                names.append(token.text)
            }
        }
        return names
    }
}
