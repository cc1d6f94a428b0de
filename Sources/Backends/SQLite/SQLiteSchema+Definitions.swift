internal import Enforcement
internal import JSON

/// What the texts of a schema say.
extension SQLiteSchema {
    struct ViewBody {
        /// What its columns are called where it says so.
        let columns: [Name]
        let tokens: ArraySlice<SQLiteTokens.Token>

        /// Nil when it is no `CREATE VIEW name (columns) AS query`.
        init?(_ definition: SQLiteTokens) {
            var rest = definition.list[...]
            guard let view = rest.firstIndex(where: { $0.isWord("view") }) else { return nil }
            rest = rest[(view + 1)...]
            if rest.takeWord("if") { rest = rest.dropFirst(2) }
            guard rest.first?.isName == true else { return nil }
            rest = rest.dropFirst()
            if rest.first?.isSymbol(".") == true { rest = rest.dropFirst(2) }
            var columns: [Name] = []
            if rest.first?.isSymbol("(") == true {
                guard let inside = try? rest.takeGroup() else { return nil }
                columns = inside.filter(\.isName).map(\.text)
            }
            guard rest.takeWord("as") else { return nil }
            self.columns = columns
            tokens = rest
        }
    }

    /// Tables that are made of the arguments of a call alone.
    static let functionColumns: [Name: [Name]] = [
        "json_each": [
            "key", "value", "type", "atom", "id", "parent", "fullkey", "path", "json", "root",
        ],
        "json_tree": [
            "key", "value", "type", "atom", "id", "parent", "fullkey", "path", "json", "root",
        ],
        "generate_series": ["value", "start", "stop", "step"],
    ]

    /// An ordinary table as it stands in FROM; nil for what is none.
    func relation(_ name: Name, alias: Name?) -> SQLiteRelation? {
        if SQLiteAuthorizer.schemaTables.contains(name) {
            return SQLiteRelation(
                name: alias ?? name,
                outputs: ["type", "name", "tbl_name", "rootpage", "sql"].map {
                    SQLiteOutput(name: $0, sources: [], exact: nil)
                }, rowID: nil, isTable: true)
        }
        guard ordinaryTables.contains(name), let columns = columnLists[name] else { return nil }
        let outputs = columns.map { output(ColumnPath(schema: Self.main, table: name, column: $0)) }
        return SQLiteRelation(
            name: alias ?? name, outputs: outputs,
            rowID: rowIDs[name].map(output), isTable: true)
    }

    private func output(_ column: ColumnPath) -> SQLiteOutput {
        SQLiteOutput(
            name: column.column, sources: made([column]),
            exact: generatedColumns.contains(column) ? nil : column)
    }

    /// With the columns of which generated ones are made.
    func made(_ columns: Set<ColumnPath>) -> Set<ColumnPath> {
        var all = columns
        var waiting = Array(all.intersection(generatedColumns))
        while let column = waiting.popLast() {
            for source in expression(of: column) where all.insert(source).inserted {
                if generatedColumns.contains(source) { waiting.append(source) }
            }
        }
        return all
    }

    /// The columns that the expression of a generated one names; all of the table's where its
    /// definition is not found.
    private func expression(of column: ColumnPath) -> Set<ColumnPath> {
        let whole = definitions[column.table]?.list[...] ?? []
        var rest = whole.drop { !$0.isSymbol("(") }
        let parts = (try? rest.takeGroup()).flatMap { try? $0.split(at: ",") } ?? []
        let part = parts.first { $0.first?.text == column.column }
        let start = part?.firstIndex { $0.isWord("as") }
        guard let part, let start else { return columns(of: column.table, namedIn: whole) }
        return columns(of: column.table, namedIn: part[start...])
    }

    func columns(
        of table: Name, namedIn tokens: ArraySlice<SQLiteTokens.Token>
    ) -> Set<ColumnPath> {
        let all = columnsByTable[table] ?? []
        return Set(
            tokens.lazy.filter { $0.isName && all.contains($0.text) }.map {
                ColumnPath(schema: Self.main, table: table, column: $0.text)
            })
    }

    /// The columns that a CHECK of the table compares: whether a change fails tells of them.
    func checked(_ table: Name) -> Set<ColumnPath> {
        guard let definition = definitions[table] else { return [] }
        var found: Set<ColumnPath> = []
        for index in definition.list.indices where definition.list[index].isWord("check") {
            var rest = definition.list[(index + 1)...]
            if let inside = try? rest.takeGroup() {
                found.formUnion(columns(of: table, namedIn: inside))
            }
        }
        return made(found)
    }
}
