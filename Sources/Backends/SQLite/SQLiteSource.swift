internal import JSON

/// One entry of FROM.
struct SQLiteSource {
    typealias Tokens = ArraySlice<SQLiteTokens.Token>

    enum Kind {
        case named(Name)
        case function(Name, Tokens)
        case query(Tokens)
    }

    let kind: Kind
    let alias: Name?
    /// What it shares with those before it, by USING or NATURAL.
    fileprivate(set) var joined: Joined = .byNothing

    enum Joined {
        case byNothing, byAllNames
        case by([Name])

        /// Whether the join compares these columns of its two sides; a name that is not sure may.
        func shares(_ one: SQLiteOutput, _ other: SQLiteOutput) -> Bool {
            let names = one.allNames.intersection(other.allNames)
            return switch self {
            case .byNothing: false
            case .byAllNames: !names.isEmpty
            case .by(let listed): !names.isDisjoint(with: listed)
            }
        }
    }

    /// Words that come behind a table and are no alias without quotes or AS.
    private static let joinWords: Set<Name> = [
        "on", "using", "join", "natural", "left", "right", "full", "inner", "outer", "cross",
        "indexed", "not",
    ]

    /// The entries of FROM, those in parentheses too. What ON says goes to `conditions`.
    static func list(
        _ tokens: Tokens, conditions: inout [Tokens]
    ) throws(SQLiteUnclear) -> [Self] {
        var rest = tokens
        var all: [Self] = []
        var isNatural = false
        while true {
            var taken = try take(&rest, conditions: &conditions)
            if isNatural {
                guard taken.count == 1 else { throw SQLiteUnclear() }
                taken[0].joined = .byAllNames
            }
            if rest.takeWord("using") {
                guard taken.count == 1 else { throw SQLiteUnclear() }
                taken[0].joined = .by(try rest.takeGroup().filter(\.isName).map(\.text))
            }
            if rest.takeWord("on") { conditions.append(try takeCondition(&rest)) }
            all.append(contentsOf: taken)
            guard !rest.isEmpty else { return all }
            isNatural = try takeJoin(&rest)
        }
    }

    /// One table, call, query or list in parentheses.
    private static func take(
        _ rest: inout Tokens, conditions: inout [Tokens]
    ) throws(SQLiteUnclear) -> [Self] {
        guard let first = rest.first else { throw SQLiteUnclear() }
        if first.isSymbol("(") {
            let inside = try rest.takeGroup()
            guard let word = inside.first else { throw SQLiteUnclear() }
            if word.isWord("select") || word.isWord("values") || word.isWord("with") {
                return [Self(kind: .query(inside), alias: try takeAlias(&rest))]
            }
            guard try takeAlias(&rest) == nil else { throw SQLiteUnclear() }
            return try list(inside, conditions: &conditions)
        }
        guard first.isName else { throw SQLiteUnclear() }
        var name = first.text
        rest = rest.dropFirst()
        if rest.first?.isSymbol(".") == true {
            guard name == SQLiteSchema.main, let table = rest.dropFirst().first, table.isName else {
                throw SQLiteUnclear()
            }
            name = table.text
            rest = rest.dropFirst(2)
        }
        if rest.first?.isSymbol("(") == true {
            let arguments = try rest.takeGroup()
            return [Self(kind: .function(name, arguments), alias: try takeAlias(&rest))]
        }
        let alias = try takeAlias(&rest)
        if rest.takeWord("not") {
            guard rest.takeWord("indexed") else { throw SQLiteUnclear() }
        } else if rest.takeWord("indexed") {
            guard rest.takeWord("by"), rest.first?.isName == true else { throw SQLiteUnclear() }
            rest = rest.dropFirst()
        }
        return [Self(kind: .named(name), alias: alias)]
    }

    private static func takeAlias(_ rest: inout Tokens) throws(SQLiteUnclear) -> Name? {
        let isSaid = rest.takeWord("as")
        guard let token = rest.first, token.isName, isSaid || !isJoinWord(token) else {
            if isSaid { throw SQLiteUnclear() }
            return nil
        }
        rest = rest.dropFirst()
        return token.text
    }

    private static func isJoinWord(_ token: SQLiteTokens.Token) -> Bool {
        token.kind == .word && joinWords.contains(token.text)
    }

    /// Up to the next comma or JOIN; words before JOIN stay with the condition and name nothing.
    private static func takeCondition(_ rest: inout Tokens) throws(SQLiteUnclear) -> Tokens {
        let end =
            zip(rest.indices, try rest.depths()).first { index, depth in
                depth == 0 && (rest[index].isSymbol(",") || rest[index].isWord("join"))
            }?.0 ?? rest.endIndex
        var start = end
        while start > rest.startIndex, end < rest.endIndex, rest[end].isWord("join"),
            isJoinWord(rest[start - 1])
        {
            start -= 1
        }
        defer { rest = rest[start...] }
        return rest[..<end]
    }

    /// True for a natural join.
    private static func takeJoin(_ rest: inout Tokens) throws(SQLiteUnclear) -> Bool {
        if rest.first?.isSymbol(",") == true {
            rest = rest.dropFirst()
            return false
        }
        var isNatural = false
        while let word = rest.first, isJoinWord(word) {
            rest = rest.dropFirst()
            if word.isWord("natural") { isNatural = true }
            if word.isWord("join") { return isNatural }
        }
        throw SQLiteUnclear()
    }
}
