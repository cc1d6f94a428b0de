internal import JSON

/// What the tokens of one item of a select list say about it.
enum SQLiteExpression {
    /// True when it has a value for whatever is stored and takes nothing from the caller: an
    /// expression that can fail tells, by failing, what it computes on. A name and a `*` are too.
    static func isTotal(_ item: SQLiteSelect.Tokens) -> Bool {
        for index in item.indices {
            let token = item[index]
            let next = index + 1 < item.endIndex ? item[index + 1] : nil
            let isCalled = next?.isSymbol("(") == true
            switch token.kind {
            case .parameter: return false
            case .quoted: if isCalled { return false }
            case .word:
                let isKnown =
                    isCalled
                    ? totalFunctions.contains(token.text) || enclosingWords.contains(token.text)
                    : !failingWords.contains(token.text)
                guard isKnown else { return false }
            case .symbol:
                guard operators.contains(token.text) else { return false }
                // `->` reads JSON and fails on what is none.
                if token.isSymbol("-"), next?.isSymbol(">") == true { return false }
            }
        }
        return true
    }

    /// True when it calls nothing but what gives one value for each row, by that row alone.
    static func isPlain(_ item: SQLiteSelect.Tokens) -> Bool {
        zip(item, item.dropFirst()).allSatisfy { token, next in
            guard next.isSymbol("("), token.isName else { return true }
            return scalarFunctions.contains(token.text) || enclosingWords.contains(token.text)
        } && !item.contains { $0.beginsQuery }
    }

    /// Whether `min` or `max` stands in it.
    static func holdsExtreme(_ item: SQLiteSelect.Tokens) -> Bool {
        item.contains { $0.isName && ($0.text == "min" || $0.text == "max") }
    }

    /// `count(…)`, `min(x)` or `max(x)`, renamed or not.
    static func isOrderlessAggregate(_ item: SQLiteSelect.Tokens) -> Bool {
        guard let function = item.first, function.kind == .word,
            ["count", "min", "max"].contains(function.text),
            item.dropFirst().first?.isSymbol("(") == true,
            let end = item.firstIndex(where: { $0.isSymbol(")") })
        else { return false }
        let inside = item[(item.startIndex + 2)..<end]
        let after = item[(end + 1)...]
        // No second parenthesis and no comma: `min(a, b)` is another function.
        return !inside.contains { $0.isSymbol("(") || $0.isSymbol(",") }
            && after.allSatisfy(\.isName) && after.count <= 2
    }

    /// One call of an aggregate, of which nothing stands outside.
    static func isAggregate(_ item: SQLiteSelect.Tokens) -> Bool {
        var rest = item
        guard let function = rest.first, function.kind == .word,
            aggregates.contains(function.text)
        else { return false }
        rest = rest.dropFirst()
        return (try? rest.takeGroup()) != nil && rest.isEmpty
    }

    private static let aggregates: Set<Name> = [
        "avg", "count", "group_concat", "json_group_array", "json_group_object", "max", "min",
        "sum", "total",
    ]
    private static let operators: Set<Name> = [
        "(", ")", "*", ",", ".", "+", "-", "/", "%", "=", "<", ">", "!", "&", "|", "~",
    ]
    /// Without an error for any value; `sum` overflows, `abs` too, `date` may fail on a time zone.
    private static let totalFunctions = scalarFunctions.union([
        "avg", "count", "max", "min", "total",
        "cume_dist", "dense_rank", "first_value", "lag", "last_value", "lead", "over",
        "percent_rank", "rank", "row_number",
    ])
    private static let scalarFunctions: Set<Name> = [
        "coalesce", "ifnull", "iif", "instr", "length", "likelihood", "likely", "lower", "ltrim",
        "nullif", "round", "rtrim", "sign", "substr", "substring", "trim", "typeof", "unicode",
        "unlikely", "upper",
    ]
    /// Words that a parenthesis may follow without being called.
    private static let enclosingWords: Set<Name> = [
        "and", "between", "case", "cast", "distinct", "else", "in", "is", "not", "or", "then",
        "when", "exists",
    ]
    /// A pattern can be too long, an escape too; the rest is not expected here.
    private static let failingWords: Set<Name> = [
        "escape", "filter", "glob", "like", "match", "raise", "regexp", "from",
    ]
}
