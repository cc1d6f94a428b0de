internal import Enforcement
internal import JSON

/// Does the condition of an UPDATE or DELETE depend on a column of what it changes?
///
/// SQLite shows no tree, so the tokens are judged, on the side of caution: what is not understood
/// limits nothing.
struct SQLiteCondition {
    private typealias Tokens = ArraySlice<SQLiteTokens.Token>

    private let tokens: SQLiteTokens
    private let schema: SQLiteSchema

    init(_ tokens: SQLiteTokens, _ schema: SQLiteSchema) {
        self.tokens = tokens
        self.schema = schema
    }

    /// The kinds that nothing limits.
    var whereless: Set<Name> {
        guard let word = tokens.mainWord, word == "update" || word == "delete" else { return [] }
        guard let condition, let target else { return [word] }
        return limits(condition, target, negated: false) ? [] : [word]
    }

    private struct Target {
        /// Its name and its alias.
        let names: Set<Name>
        let columns: Set<Name>
    }

    private var target: Target? {
        guard let start = mainIndex else { return nil }
        var index = start + 1
        while index < tokens.list.count, Self.before.contains(tokens.list[index].text) {
            index += 1
        }
        while index + 2 < tokens.list.count, tokens.list[index + 1].isSymbol(".") { index += 2 }
        guard index < tokens.list.count, tokens.list[index].isName else { return nil }
        let table = tokens.list[index].text
        var names: Set<Name> = [table]
        if index + 2 < tokens.list.count, tokens.list[index + 1].isWord("as") {
            names.insert(tokens.list[index + 2].text)
        }
        guard let columns = schema.columnsByTable[table] else { return nil }
        return Target(names: names, columns: columns.union(["rowid", "_rowid_", "oid"]))
    }

    private static let before: Set<Name> = [
        "from", "or", "rollback", "abort", "replace", "fail", "ignore",
    ]

    private var mainIndex: Int? {
        guard let word = tokens.mainWord else { return nil }
        var depth = 0
        return tokens.list.firstIndex { token in
            if token.isSymbol("(") { depth += 1 }
            if token.isSymbol(")") { depth -= 1 }
            return depth == 0 && token.isWord(word)
        }
    }

    /// From WHERE to the next clause.
    private var condition: Tokens? {
        guard let start = mainIndex else { return nil }
        let rest = tokens.list[start...]
        guard let at = Self.outer(rest).first(where: { rest[$0].isWord("where") }) else {
            return nil
        }
        let after = rest[(at + 1)...]
        let end = Self.outer(after).first { index in
            ["returning", "order", "limit"].contains { after[index].isWord($0) }
        }
        return after[..<(end ?? after.endIndex)]
    }

    /// The places that no parenthesis and no CASE holds.
    private static func outer(_ tokens: Tokens) -> [Int] {
        var depth = 0
        var places: [Int] = []
        for index in tokens.indices {
            let token = tokens[index]
            if token.isSymbol(")") || token.isWord("end") { depth -= 1 }
            if depth == 0, !token.isSymbol(")"), !token.isWord("end") { places.append(index) }
            if token.isSymbol("(") || token.isWord("case") { depth += 1 }
        }
        return places
    }

    private func limits(_ tokens: Tokens, _ target: Target, negated: Bool) -> Bool {
        let arms = Self.split(tokens, at: "or")
        if arms.count > 1 {
            if negated { return arms.contains { limits($0, target, negated: true) } }
            // An arm that never holds adds no row.
            let holding = arms.filter { !Self.isNever($0) }
            return holding.allSatisfy { limits($0, target, negated: false) } && !holding.isEmpty
        }
        let parts = Self.split(tokens, at: "and")
        if parts.count > 1 {
            return negated
                ? parts.allSatisfy { limits($0, target, negated: true) }
                : parts.contains { limits($0, target, negated: false) }
        }
        if tokens.first?.isWord("not") == true {
            return limits(tokens.dropFirst(), target, negated: !negated)
        }
        if let inner = Self.unwrapped(tokens) { return limits(inner, target, negated: negated) }
        return depends(tokens, on: target) && !Self.isSameOnBothSides(tokens)
    }

    private static func isNever(_ tokens: Tokens) -> Bool {
        guard tokens.count == 1, let token = tokens.first else { return false }
        return token.isNumber && token.text == "0" || token.isWord("false") || token.isWord("null")
    }

    private static func split(_ tokens: Tokens, at word: Name) -> [Tokens] {
        var parts: [Tokens] = []
        var start = tokens.startIndex
        var betweens = 0
        for index in outer(tokens) {
            if tokens[index].isWord("between") { betweens += 1 }
            guard tokens[index].isWord(word) else { continue }
            if word == "and", betweens > 0 {
                betweens -= 1
                continue
            }
            parts.append(tokens[start..<index])
            start = index + 1
        }
        return parts + [tokens[start...]]
    }

    /// What a pair of parentheses around everything holds.
    private static func unwrapped(_ tokens: Tokens) -> Tokens? {
        guard tokens.count > 2, tokens.first?.isSymbol("(") == true,
            outer(tokens) == [tokens.startIndex]
        else { return nil }
        let inner = tokens.dropFirst().dropLast()
        guard tokens.last?.isSymbol(")") == true, inner.first?.isWord("select") == false else {
            return nil
        }
        return inner
    }

    /// A column counts where it stands for the target's: within a query of its own only with the
    /// target's name before it.
    private func depends(_ tokens: Tokens, on target: Target) -> Bool {
        var depth = 0
        var queryDepths: [Int] = []
        for index in tokens.indices {
            let token = tokens[index]
            if token.isSymbol("(") { depth += 1 }
            if token.isSymbol(")") {
                depth -= 1
                while let last = queryDepths.last, last > depth { queryDepths.removeLast() }
            }
            if token.isWord("select") || token.isWord("values") { queryDepths.append(depth) }
            guard token.isName, !token.isLiteral, target.columns.contains(token.text) else {
                continue
            }
            let isCalled = index + 1 < tokens.endIndex && tokens[index + 1].isSymbol("(")
            guard !isCalled else { continue }
            if index >= tokens.startIndex + 2, tokens[index - 1].isSymbol(".") {
                if target.names.contains(tokens[index - 2].text) { return true }
            } else if queryDepths.isEmpty {
                return true
            }
        }
        return false
    }

    private static func isSameOnBothSides(_ tokens: Tokens) -> Bool {
        let comparison: Set<Name> = ["=", "<", ">", "!"]
        let places = outer(tokens).filter {
            tokens[$0].kind == .symbol && comparison.contains(tokens[$0].text)
                || tokens[$0].isWord("is") || tokens[$0].isWord("like")
        }
        guard let first = places.first, let last = places.last else { return false }
        var right = tokens[(last + 1)...]
        while right.first?.isWord("not") == true || right.first?.isWord("distinct") == true
            || right.first?.isWord("from") == true
        {
            right = right.dropFirst()
        }
        return Self.plain(tokens[..<first]) == Self.plain(right)
    }

    /// Without the name of a table before a column.
    private static func plain(_ tokens: Tokens) -> [Name] {
        guard let last = tokens.last, tokens.count % 2 == 1 else { return tokens.map(\.text) }
        let isPath = tokens.dropLast().enumerated().allSatisfy { place, token in
            place % 2 == 0 ? token.isName : token.isSymbol(".")
        }
        return isPath ? [last.text] : tokens.map(\.text)
    }
}
