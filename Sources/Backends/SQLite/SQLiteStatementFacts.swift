internal import Enforcement
internal import JSON

/// What rules can ask of a statement, from the three judges together: the authorizer names columns
/// and functions, the program every table that it opens, the tokens what is joined by name.
struct SQLiteStatementFacts {
    let access: SQLiteAccess
    let program: SQLiteProgram
    let schema: SQLiteSchema
    let tokens: SQLiteTokens
    /// Nil for a statement that changes data, and where the text is not understood.
    let lineage: SQLiteLineage?

    var facts: StatementFacts {
        StatementFacts(
            kinds: kinds, reads: relations(read), writes: relations(written), columns: columns,
            functions: StatementFacts.Finding(
                Set(access.functions.map { Name("\(SQLiteSchema.main).\($0)") })),
            whereless: StatementFacts.Finding(SQLiteCondition(tokens, schema).whereless),
            foldsNames: true)
    }

    private typealias Finding = StatementFacts.Finding

    private var kinds: StatementFacts.Finding {
        var kinds: Set<Name> = []
        if tokens.mainWord == "values" || tokens.list.contains(where: { $0.isWord("select") }) {
            kinds.insert("select")
        }
        if !access.inserted.isEmpty { kinds.insert("insert") }
        if !access.updated.isEmpty { kinds.insert("update") }
        if !access.deleted.isEmpty || program.deletes || replaces { kinds.insert("delete") }
        // A row that is to be updated may have no column that is.
        if tokens.mainWord == "update" { kinds.insert("update") }
        return Finding(kinds)
    }

    /// REPLACE and OR REPLACE take away the rows that are in the way.
    private var replaces: Bool {
        tokens.mainWord == "replace"
            || zip(tokens.list, tokens.list.dropFirst()).contains {
                $0.isWord("or") && $1.isWord("replace")
            }
    }

    private func relations(_ tables: (Set<Name>, isComplete: Bool)) -> Finding {
        Finding(
            Set(tables.0.map { Name("\(SQLiteSchema.main).\($0)") }),
            isComplete: tables.isComplete)
    }

    private func tables(of roots: Set<Int64>) -> (Set<Name>, isComplete: Bool) {
        let known = roots.compactMap { schema.tableByRoot[$0] }
        return (Set(known), known.count == roots.count)
    }

    /// A name of which no column is read may be that of a common table: then the program knows.
    private var read: (Set<Name>, isComplete: Bool) {
        let opened = tables(of: program.readRoots)
        let written = written.0
        var all = access.readTables.union(opened.0)
        let onlyNamed = access.tables.subtracting(all).subtracting(written)
        all.formUnion(onlyNamed.subtracting(tokens.commonTables))
        // What stands beside a condition that is never true is not even compiled.
        all.formUnion(lineage?.tables ?? [])
        return (all, opened.isComplete && isOpenKnown)
    }

    /// What is opened without a page of its own is a virtual table, which the authorizer names.
    private var isOpenKnown: Bool {
        !program.opensUnknown || !access.tables.isDisjoint(with: schema.virtualTables)
            || access.tables.contains { Self.tableFunctions.contains($0) }
    }

    private static let tableFunctions: Set<Name> = ["json_each", "json_tree", "generate_series"]

    private var written: (Set<Name>, isComplete: Bool) {
        let opened = tables(of: program.writtenRoots)
        let named = access.inserted.union(access.deleted).union(access.updated.map(\.table))
        return (named.union(opened.0), opened.isComplete)
    }

    private var columns: StatementFacts.Finding {
        var columns = usedColumns.union(access.updated)
        for table in access.inserted {
            let all = schema.columnsByTable[table] ?? []
            let named = tokens.insertedColumns(into: table)
            for column in named.map({ all.intersection($0.union(tokens.upsertedNames)) }) ?? all {
                columns.insert(path(table, column))
            }
        }
        for table in read.0.union(written.0) {
            let all = schema.columnsByTable[table] ?? []
            for column in all.intersection(tokens.joiningNames) {
                columns.insert(path(table, column))
            }
            if tokens.joinsNaturally {
                for column in all where isShared(column, by: table) {
                    columns.insert(path(table, column))
                }
            }
        }
        let names = columns.map { Name("\($0.schema).\($0.table).\($0.column)") }
        return Finding(
            Set(names), isComplete: columns.isDisjoint(with: schema.generatedColumns))
    }

    /// Of a view only what is used of it, and by what it decides; all that it could show where the
    /// text is not understood.
    private var usedColumns: Set<ColumnPath> {
        guard let lineage else { return access.reads }
        var columns = access.ownReads.union(lineage.viewDeciding)
        for (view, outputs) in lineage.views {
            for output in outputs where isUsed(output, of: view) {
                columns.formUnion(output.sources)
            }
        }
        return columns
    }

    private func isUsed(_ output: SQLiteOutput, of view: Name) -> Bool {
        guard output.name != nil, !tokens.joinsNaturally else { return true }
        return output.allNames.contains { name in
            access.ownReads.contains(path(view, name)) || tokens.joiningNames.contains(name)
        }
    }

    /// NATURAL joins by every name that both sides have; the other side may be a query.
    private func isShared(_ column: Name, by table: Name) -> Bool {
        tokens.names.contains(column)
            || read.0.contains { other in
                other != table && schema.columnsByTable[other]?.contains(column) == true
            }
    }

    private func path(_ table: Name, _ column: Name) -> ColumnPath {
        ColumnPath(schema: SQLiteSchema.main, table: table, column: column)
    }
}

extension SQLiteTokens {
    /// The word that says what a statement does, behind `WITH` and its common tables.
    var mainWord: Name? {
        guard firstWord == "with" else { return firstWord }
        var depth = 0
        for token in list.dropFirst() {
            if token.isSymbol("(") { depth += 1 }
            if token.isSymbol(")") { depth -= 1 }
            guard depth == 0, token.kind == .word else { continue }
            let mains: Set<Name> = ["select", "values", "insert", "replace", "update", "delete"]
            if mains.contains(token.text) { return token.text }
        }
        return nil
    }

    /// Names before `AS (`, with or without a list of columns between.
    var commonTables: Set<Name> {
        guard list.contains(where: { $0.isWord("with") }) else { return [] }
        var found: Set<Name> = []
        for index in list.indices where list[index].isName {
            var next = index + 1
            if next < list.count, list[next].isSymbol("(") {
                next = (list[next...].firstIndex { $0.isSymbol(")") } ?? list.count) + 1
            }
            if next < list.count, list[next].isWord("as") { found.insert(list[index].text) }
        }
        return found
    }

    /// What `excluded.` names, and the columns of a conflict: the authorizer reports neither.
    var upsertedNames: Set<Name> {
        var found: Set<Name> = []
        for index in list.indices.dropLast(2) {
            if list[index].text == "excluded", list[index + 1].isSymbol(".") {
                found.insert(list[index + 2].text)
            }
            guard list[index].isWord("conflict"), list[index + 1].isSymbol("(") else { continue }
            for token in list[(index + 2)...] {
                if token.isSymbol(")") { break }
                if token.isName { found.insert(token.text) }
            }
        }
        return found
    }

    /// The columns that `INSERT INTO table (…)` lists; nil where it lists none, or where a trigger
    /// inserts.
    func insertedColumns(into table: Name) -> Set<Name>? {
        guard let into = list.firstIndex(where: { $0.isWord("into") }) else { return nil }
        var index = into + 1
        while index + 2 < list.count, list[index + 1].isSymbol(".") { index += 2 }
        guard index < list.count, list[index].text == table else { return nil }
        index += 1
        if index < list.count, list[index].isWord("as") { index += 2 }
        guard index < list.count, list[index].isSymbol("(") else { return nil }
        let end = list[index...].firstIndex { $0.isSymbol(")") } ?? list.count
        let inside = list[(index + 1)..<end]
        guard !inside.contains(where: { $0.isWord("select") || $0.isWord("values") }) else {
            return nil
        }
        return Set(inside.filter(\.isName).map(\.text))
    }
}
