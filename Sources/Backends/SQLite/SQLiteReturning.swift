internal import Enforcement
internal import JSON

/// The parts of a change that shows the rows which it changed.
struct SQLiteReturning {
    typealias Tokens = ArraySlice<SQLiteTokens.Token>

    let target: Name
    let items: [Tokens]
    /// The same change, which shows nothing.
    let textBefore: String

    /// Nil for any other statement, and where something is unclear: no table of a query in
    /// RETURNING is followed.
    init?(_ tokens: SQLiteTokens, _ text: String) {
        guard let word = tokens.mainWord, Self.changes.contains(word) else { return nil }
        let list = tokens.list[...]
        guard let depths = try? list.depths() else { return nil }
        let outside = zip(list.indices, depths).filter { $1 == 0 }.map(\.0)
        let ends = outside.filter { list[$0].isWord("returning") }
        guard ends.count == 1, let end = ends.first,
            let start = outside.first(where: { list[$0].isWord(word) }), start < end
        else { return nil }
        var shown = list[(end + 1)...]
        while shown.last?.isSymbol(";") == true { shown = shown.dropLast() }
        guard let items = try? shown.split(at: ","), items.allSatisfy({ !$0.isEmpty }),
            !shown.contains(where: \.beginsQuery)
        else { return nil }
        let places = SQLiteTokens.places(in: text)
        guard places.count == list.count else { return nil }
        var rest = list[(start + 1)..<end]
        while let word = rest.first, Self.before.contains(where: word.isWord) {
            rest = rest.dropFirst()
        }
        // In `main.t` the last name is the table's.
        while rest.dropFirst().first?.isSymbol(".") == true { rest = rest.dropFirst(2) }
        guard let target = rest.first, target.isName else { return nil }
        self.target = target.text
        self.items = items
        textBefore = String(
            decoding: text.utf8.prefix(places[end].lowerBound), as: UTF8.self)
    }

    private static let changes: Set<Name> = ["insert", "replace", "update", "delete"]
    private static let before: [Name] = [
        "or", "rollback", "abort", "replace", "fail", "ignore", "into", "from",
    ]
}

extension SQLiteLineage {
    /// Of the rows that a change shows. What it wrote there may be made of all that it read.
    init(
        _ change: SQLiteReturning, before: SQLiteAccess, expanded: SQLiteTokens,
        schema: SQLiteSchema
    ) throws(SQLiteUnclear) {
        self.init(schema: schema, mayConcatenate: expanded.concatenationCount <= 4)
        isOfChange = true
        guard let table = schema.relation(change.target, alias: nil),
            schema.ordinaryTables.contains(change.target)
        else { throw SQLiteUnclear() }
        let read = schema.made(before.reads)
        let scope = SQLiteScope(relations: [written(table, of: change.target, by: before, read)])
        for item in change.items {
            if SQLiteSelect.isStar(item) {
                guard item.count == 1 else { throw SQLiteUnclear() }
                outputs.append(contentsOf: try star(item, scope))
            } else {
                outputs.append(try output(of: item, [scope], nil, 0))
            }
        }
        deciding.formUnion(read)
    }

    private func written(
        _ table: SQLiteRelation, of target: Name, by before: SQLiteAccess,
        _ read: Set<ColumnPath>
    ) -> SQLiteRelation {
        let isInserted = before.inserted.contains(target)
        var table = table
        for index in table.outputs.indices {
            let isWritten = !before.updated.isDisjoint(with: table.outputs[index].sources)
            guard isInserted || isWritten else { continue }
            table.outputs[index].sources.formUnion(read)
            table.outputs[index].exact = nil
        }
        return table
    }
}
