internal import Enforcement
internal import JSON

/// Follows base columns through a statement: views, common tables, queries within others, unions.
///
/// The text is read, since SQLite shows no tree. A name counts for every column that it may mean,
/// so that more may be found than there is, never less; what is not understood throws. What SQLite
/// itself reports is compared with what comes out, in `SQLiteFacts`.
///
/// A column decides where it may tell more than the values that stand in the answer: which rows
/// come, in which order, how many, or an error. A mask covers values, so whoever may ask often can
/// find a masked value out through anything else that depends on it.
struct SQLiteLineage {
    typealias Tokens = ArraySlice<SQLiteTokens.Token>

    var outputs: [SQLiteOutput] = []
    var deciding: Set<ColumnPath> = []
    /// Names in values that may fail, by their places among the tokens, with the columns that each
    /// may mean: where a caller may not see one of these, the value is computed without it.
    var blanks: [Range<Int>: Set<ColumnPath>] = [:]
    /// Every base column of which it is known what it is read for.
    var accounted: Set<ColumnPath> = []
    /// The tables of the file that stand in it.
    var tables: Set<Name> = []
    /// True for one row whose values are the same in whatever order the rows behind it are visited.
    var isOneRowWithoutOrder = false

    /// Of what RETURNING shows.
    var isOfChange = false
    let schema: SQLiteSchema
    /// False where `||` could make a value too long, and so tell by an error what it depends on.
    let mayConcatenate: Bool
    /// True when what comes out may depend on the order of rows within.
    var hasInnerOrder = false
    var views: [Name: [SQLiteOutput]] = [:]
    /// What decides in the views themselves.
    var viewDeciding: Set<ColumnPath> = []
    var viewsInProgress: Set<Name> = []
    /// How many queries may still be read: views of views could be many.
    var budget = 500

    init(schema: SQLiteSchema, mayConcatenate: Bool) {
        self.schema = schema
        self.mayConcatenate = mayConcatenate
    }

    init(_ tokens: SQLiteTokens, expanded: SQLiteTokens, schema: SQLiteSchema)
        throws(SQLiteUnclear)
    {
        self.schema = schema
        mayConcatenate = expanded.queryCount <= 1 || expanded.concatenationCount <= 4
        outputs = try query(tokens.list[...], [], nil, level: 0)
    }

    /// Queries that a name may stand for, those of outer queries behind.
    final class Commons {
        let outer: Commons?
        let scopes: [SQLiteScope]
        var entries: [Name: SQLiteQuery.Common] = [:]
        var done: [Name: [SQLiteOutput]] = [:]
        /// What a common table that reads itself is known to show so far.
        var inProgress: [Name: [SQLiteOutput]?] = [:]

        init(outer: Commons?, scopes: [SQLiteScope]) {
            self.outer = outer
            self.scopes = scopes
        }
    }

    mutating func query(
        _ tokens: Tokens, _ scopes: [SQLiteScope], _ outer: Commons?, level: Int,
        whenFirst: ((inout Self, [SQLiteOutput]) -> Void)? = nil
    ) throws(SQLiteUnclear) -> [SQLiteOutput] {
        budget -= 1
        guard budget > 0, level < 50 else { throw SQLiteUnclear() }
        let query = try SQLiteQuery(tokens)
        var commons = outer
        if !query.commons.isEmpty {
            let own = Commons(outer: outer, scopes: scopes)
            for common in query.commons { own.entries[common.name] = common }
            commons = own
        }
        if level > 0, !query.tail.isEmpty { hasInnerOrder = true }
        var outputs: [SQLiteOutput] = []
        for (index, arm) in query.arms.enumerated() {
            let tail = query.arms.count == 1 ? query.tail : []
            let found = try self.arm(arm, tail: tail, scopes, commons, level: level)
            outputs = index == 0 ? found : try Self.merged(outputs, found)
            if index == 0 { whenFirst?(&self, outputs) }
        }
        if query.arms.count > 1 {
            if !query.keepsAllRows || !query.tail.ordersPlainly { decide(outputs) }
            let scope = SQLiteScope(relations: [SQLiteRelation(name: nil, outputs: outputs)])
            try decideTail(query.tail, outputs, [scope] + scopes, commons, level)
        }
        isOneRowWithoutOrder = isOneRowWithoutOrder && query.arms.count == 1 && !hasInnerOrder
        return outputs
    }

    static func merged(
        _ first: [SQLiteOutput], _ second: [SQLiteOutput]
    ) throws(SQLiteUnclear) -> [SQLiteOutput] {
        guard first.count == second.count else { throw SQLiteUnclear() }
        return zip(first, second).map { one, other in
            var both = one
            both.sources.formUnion(other.sources)
            // ORDER BY may use the names of any arm.
            both.otherNames.formUnion(other.otherNames)
            if let name = other.name, name != one.name { both.otherNames.insert(name) }
            if one.exact != other.exact { both.exact = nil }
            return both
        }
    }

    mutating func decide(_ outputs: [SQLiteOutput]) {
        for output in outputs { deciding.formUnion(output.sources) }
    }

    /// ORDER BY and LIMIT, with the columns that they name by number.
    mutating func decideTail(
        _ tail: Tokens, _ outputs: [SQLiteOutput], _ scopes: [SQLiteScope], _ commons: Commons?,
        _ level: Int
    ) throws(SQLiteUnclear) {
        deciding.formUnion(try sources(in: tail, scopes, commons, level))
        for index in tail.numbered(of: outputs.count) {
            deciding.formUnion(outputs[index].sources)
        }
    }
}
