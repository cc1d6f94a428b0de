internal import Enforcement
internal import JSON

/// One column of a query or table, and what its values are made of.
struct SQLiteOutput: Equatable {
    /// What it is surely called; nil where SQLite makes up a name.
    var name: Name?
    /// What it may be called besides.
    var otherNames: Set<Name> = []
    /// The base columns whose values may stand in it or be told by it.
    var sources: Set<ColumnPath>
    /// The base column whose value it is, unchanged.
    var exact: ColumnPath?

    var allNames: Set<Name> { name.map { otherNames.union([$0]) } ?? otherNames }
}

/// What stands in FROM under one name.
struct SQLiteRelation {
    let name: Name?
    var outputs: [SQLiteOutput]
    /// The column that `rowid` names; nil for what is no table.
    var rowID: SQLiteOutput?
    var isTable = false
    /// Columns that `*` leaves out, as they are those of a table before.
    var hidden: Set<Int> = []
}

/// The relations that a name may come from, the innermost first.
struct SQLiteScope {
    var relations: [SQLiteRelation]

    static let rowIDWords: Set<Name> = ["rowid", "_rowid_", "oid"]

    /// What a name may stand for. Errs on the side of more: where it is not sure that the name
    /// means a column of an inner query, those of the outer ones count too.
    static func resolve(
        _ path: [Name], isQuoted: Bool, in scopes: [SQLiteScope]
    ) -> Set<ColumnPath> {
        guard let column = path.last else { return [] }
        // No name is written so without quotes.
        if !isQuoted, path.count == 1, column == "null" { return [] }
        let table = path.count > 1 ? path[path.count - 2] : nil
        var found: Set<ColumnPath> = []
        var isKnown = false
        for scope in scopes {
            var isSure = false
            for relation in scope.relations where table == nil || relation.name == table {
                isSure = relation.collect(column, into: &found, isKnown: &isKnown) || isSure
            }
            if isSure { return found }
        }
        // SQLite calls columns of queries by their text, or numbers what would be called the same.
        if !isKnown, isQuoted || table != nil {
            for scope in scopes {
                for relation in scope.relations
                where !relation.isTable && (table == nil || relation.name == table) {
                    for output in relation.outputs { found.formUnion(output.sources) }
                }
            }
        }
        return found
    }
}

extension SQLiteRelation {
    /// True when the name surely means a column of this relation.
    fileprivate func collect(
        _ column: Name, into found: inout Set<ColumnPath>, isKnown: inout Bool
    ) -> Bool {
        var isSure = false
        for output in outputs {
            if output.name == column {
                found.formUnion(output.sources)
                isSure = true
            } else if output.otherNames.contains(column) {
                found.formUnion(output.sources)
                isKnown = true
            }
        }
        if !isSure, SQLiteScope.rowIDWords.contains(column), isTable {
            if let rowID { found.formUnion(rowID.sources) }
            isSure = true
        }
        if isSure { isKnown = true }
        return isSure
    }

    /// The one column that a plain name means; nil where there are several.
    func only(_ column: Name) -> SQLiteOutput? {
        let named = outputs.filter { $0.name == column }
        if named.count == 1 { return named.first }
        guard named.isEmpty, isTable, SQLiteScope.rowIDWords.contains(column) else { return nil }
        return rowID
    }
}
