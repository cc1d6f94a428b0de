internal import Enforcement
internal import JSON

/// Which base columns may decide more of an answer than the values that stand in it: which rows
/// come, in which order, how many, or an error? A mask covers values, so whoever may ask often can
/// find a masked value out through anything else that depends on it.
///
/// The text is judged here, the compiled plan in `SQLiteFacts`. A column decides unless everything
/// that is read of it is accounted for by items of the select list that cannot tell it; whatever is
/// not understood decides.
struct SQLiteDeciding {
    private let select: SQLiteSelect
    private let reads: Set<ColumnPath>
    private let schema: SQLiteSchema
    private let outputs: [Output]

    private struct Output {
        let column: Column
        /// Nil where a `*` stands for the column.
        let item: SQLiteSelect.Tokens?
        let sources: Set<ColumnPath>
    }

    /// Nil when the text is not one plain SELECT.
    init?(
        _ tokens: SQLiteTokens, columns: [Column], reads: Set<ColumnPath>, schema: SQLiteSchema
    ) {
        guard let select = SQLiteSelect(tokens),
            let items = select.items(of: columns.count)
        else { return nil }
        self.select = select
        self.reads = reads
        self.schema = schema
        var outputs: [Output] = []
        for (column, item) in zip(columns, items) {
            // Only a column of a table stands behind a `*` here.
            guard item != nil || column.origin != nil else { return nil }
            let sources: Set<ColumnPath> =
                if let origin = column.origin {
                    [origin]
                } else {
                    Self.named(item ?? [], among: reads, schema)
                }
            outputs.append(Output(column: column, item: item, sources: sources))
        }
        self.outputs = outputs
    }

    /// What may decide by the words of the statement, whatever the plan.
    var columns: Set<ColumnPath> {
        var deciding = Self.named(select.rest, among: reads, schema)
        // What no item accounts for is read for another purpose.
        deciding.formUnion(outputs.reduce(reads) { $0.subtracting($1.sources) })
        let names = Set(select.rest.lazy.filter(\.isName).map(\.text))
        let numbered = select.numberedColumns(of: outputs.count)
        let showsUngrouped = outputs.indices.contains { isShownUngrouped($0) }
        for (index, output) in outputs.enumerated() {
            let isNamed =
                names.contains(Name(foldedUTF8: output.column.name.utf8))
                || output.item?.last.map { $0.isName && names.contains($0.text) } == true
            let item = output.item ?? []
            if select.isDistinct || isNamed || numbered.contains(index)
                || !SQLiteExpression.isTotal(item)
                || showsUngrouped && SQLiteExpression.holdsExtreme(item)
            {
                deciding.formUnion(output.sources)
                deciding.formUnion(Self.named(item, among: reads, schema))
            }
        }
        return deciding
    }

    /// One row, whose values are the same in whatever order the rows behind them are visited.
    var isOneRowWithoutOrder: Bool {
        !select.isGrouped
            && outputs.allSatisfy { $0.item.map(SQLiteExpression.isOrderlessAggregate) == true }
    }

    /// Beside `max(x)` such a column shows which row holds the greatest x.
    private func isShownUngrouped(_ index: Int) -> Bool {
        let output = outputs[index]
        guard let origin = output.column.origin else { return false }
        guard let path = output.item.flatMap(SQLiteSelect.pathOfItem), let name = path.last,
            name == origin.column
        else { return true }
        let isOnlyOne =
            reads.count { $0.column == name } == 1
            && outputs.count { Name(foldedUTF8: $0.column.name.utf8) == name } <= 1
        return !select.groupTerms.contains { term in
            guard let termPath = SQLiteSelect.path(term) else { return false }
            return termPath == path && path.count > 1 || isOnlyOne && termPath.last == name
        }
    }

    /// The columns among `reads` that tokens may name, through whatever table.
    private static func named(
        _ tokens: SQLiteSelect.Tokens, among reads: Set<ColumnPath>, _ schema: SQLiteSchema
    ) -> Set<ColumnPath> {
        let names = Set(tokens.lazy.filter(\.isName).map(\.text))
        let namesRowID = !names.isDisjoint(with: rowIDWords)
        return reads.filter { column in
            names.contains(column.column) || namesRowID && schema.isRowID(column)
        }
    }

    private static let rowIDWords: Set<Name> = ["rowid", "_rowid_", "oid"]
}

/// What the tokens of one item of a select list say about it.
enum SQLiteExpression {
    private typealias Tokens = SQLiteSelect.Tokens

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

    private static let operators: Set<Name> = [
        "(", ")", "*", ",", ".", "+", "-", "/", "%", "=", "<", ">", "!", "&", "|", "~",
    ]
    /// Without an error for any value; `sum` overflows, `abs` too, `date` may fail on a time zone.
    private static let totalFunctions: Set<Name> = [
        "avg", "coalesce", "count", "ifnull", "iif", "instr", "length", "likelihood", "likely",
        "lower", "ltrim", "max", "min", "nullif", "round", "rtrim", "sign", "substr", "substring",
        "total", "trim", "typeof", "unicode", "unlikely", "upper",
    ]
    /// Words that a parenthesis may follow without being called.
    private static let enclosingWords: Set<Name> = [
        "and", "between", "case", "cast", "distinct", "else", "in", "is", "not", "or", "then",
        "when",
    ]
    /// A pattern can be too long, an escape too; the rest is not expected here.
    private static let failingWords: Set<Name> = [
        "escape", "filter", "glob", "like", "match", "raise", "regexp", "from",
    ]
}
