internal import JSON

extension SQLiteTokens.Token {
    var beginsQuery: Bool { isWord("select") || isWord("values") || isWord("with") }

    var isNumber: Bool {
        kind == .word
            && text.text.utf8.first.map { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
                == true
    }
}

extension ArraySlice<SQLiteTokens.Token> {
    /// Takes a name with the table before it; false for a literal, a number and a function's name.
    mutating func takePath() -> (path: [Name], isName: Bool) {
        guard let first else { return ([], false) }
        var path = [first.text]
        self = dropFirst()
        while self.first?.isSymbol(".") == true, let name = dropFirst().first, name.isName {
            path.append(name.text)
            self = dropFirst(2)
        }
        if path.count > 1 { return (path, !first.isNumber) }
        let isCall = self.first?.isSymbol("(") == true
        return (path, !first.isLiteral && !first.isNumber && !isCall)
    }

    /// What an item is called for sure.
    var alias: Name? {
        if let path { return path.last }
        guard let last, last.isName, withoutAlias.count < count else { return nil }
        return last.text
    }

    /// Without AS and what stands behind it, and without an alias behind a plain column.
    var withoutAlias: Self {
        guard let last, last.isName, path == nil else { return self }
        let before = dropLast()
        if before.last?.isWord("as") == true { return before.dropLast() }
        let isTest = last.isWord("isnull") || last.isWord("notnull")
        return before.path == nil || before.first?.isWord("not") == true || isTest ? self : before
    }

    /// What an item may be called by a name right behind it.
    var impliedAlias: Name? {
        guard count > 1, let last, last.isName else { return nil }
        let before = self[endIndex - 2]
        return before.kind != .symbol || before.isSymbol(")") ? last.text : nil
    }

    /// False for what is made of literals only.
    var namesAnything: Bool {
        withoutAlias.contains { $0.isName && !$0.isLiteral && !$0.isNumber }
    }

    /// True for no order, and for one by numbers and single names.
    var ordersPlainly: Bool {
        orderTerms?.allSatisfy { $0.count == 1 && $0.first?.isName == true } ?? true
    }

    /// What ORDER BY names, without ASC, DESC and NULLS; nil where nothing is ordered.
    var orderTerms: [Self]? {
        var rest = self
        guard rest.takeWord("order"), rest.takeWord("by") else { return nil }
        let depths = (try? rest.depths()) ?? []
        let end = zip(rest.indices, depths).first { $1 == 0 && rest[$0].isWord("limit") }?.0
        let terms = (try? rest[..<(end ?? rest.endIndex)].split(at: ",")) ?? [rest]
        return terms.map { term in
            var term = term
            while term.count > 1, let last = term.last, last.kind == .word,
                Self.orderWords.contains(last.text)
            {
                term = term.dropLast()
            }
            return term
        }
    }

    private static var orderWords: Set<Name> { ["asc", "desc", "nulls", "first", "last"] }

    /// Without what stands in parentheses that hold a query: that is judged on its own.
    var withoutQueries: Self {
        var kept: [Element] = []
        var rest = self
        while let token = rest.first {
            if token.isSymbol("("), rest.dropFirst().first?.beginsQuery == true,
                (try? rest.takeGroup()) != nil
            {
                continue
            }
            kept.append(token)
            rest = rest.dropFirst()
        }
        return kept[...]
    }

    /// The query that is all of it, in parentheses.
    var onlyQuery: Self? {
        var rest = self
        guard let inside = try? rest.takeGroup(), rest.isEmpty, inside.first?.beginsQuery == true
        else { return nil }
        return inside
    }

    /// What the parentheses behind OVER hold.
    var windows: [Self] {
        var found: [Self] = []
        for index in indices where self[index].isWord("over") {
            var rest = self[(index + 1)...]
            if let inside = try? rest.takeGroup() { found.append(inside) }
        }
        return found
    }

    /// The columns that stand in it by number, from 0; all for a number not spelled plainly.
    func numbered(of count: Int) -> Set<Int> {
        var numbered: Set<Int> = []
        for token in self where token.isNumber {
            guard let number = Int(token.text.text) else { return Set(0..<count) }
            if (1...Swift.max(1, count)).contains(number), number <= count {
                numbered.insert(number - 1)
            }
        }
        return numbered
    }
}
