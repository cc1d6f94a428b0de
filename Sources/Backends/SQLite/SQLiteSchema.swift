internal import CSQLite
internal import Enforcement
internal import JSON

/// What an examination needs to know of the file's schema, read anew each time.
struct SQLiteSchema {
    private(set) var tableByRoot: [Int64: Name] = [:]
    private(set) var ordinaryTables: Set<Name> = []
    private(set) var virtualTables: Set<Name> = []
    private(set) var strictTables: Set<Name> = []
    private(set) var generatedColumns: Set<ColumnPath> = []
    /// What views and triggers say, by the name of the view or of the trigger's table.
    private(set) var bodies: [Name: [SQLiteTokens]] = [:]

    static let main: Name = "main"

    init(of connection: SQLiteConnection) throws(SQLiteFailure) {
        let outer = connection.authorizer.enter(.setup)
        defer { connection.authorizer.enter(outer) }
        try readObjects(connection)
        try readStrictTables(connection)
        try readGeneratedColumns(connection)
    }

    private mutating func readObjects(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        let rows = try SQLiteStatement(
            "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema",
            on: connection, isKept: false)
        tableByRoot[1] = "sqlite_master"
        while try rows.step() == .row {
            let name = Name(foldedUTF8: rows.text(1).utf8)
            let table = Name(foldedUTF8: rows.text(2).utf8)
            let root = rows.integer(3)
            if root > 0 { tableByRoot[root] = table }
            switch rows.text(0) {
            case "table" where root > 0: ordinaryTables.insert(name)
            case "table": virtualTables.insert(name)
            case "view": bodies[name, default: []].append(SQLiteTokens(rows.text(4).utf8))
            case "trigger": bodies[table, default: []].append(SQLiteTokens(rows.text(4).utf8))
            default: break
            }
        }
    }

    private mutating func readStrictTables(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        let rows = try SQLiteStatement(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND strict = 1",
            on: connection, isKept: false)
        while try rows.step() == .row { strictTables.insert(Name(foldedUTF8: rows.text(0).utf8)) }
    }

    private mutating func readGeneratedColumns(
        _ connection: SQLiteConnection
    ) throws(SQLiteFailure) {
        let rows = try SQLiteStatement(
            """
            SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_xinfo(t.name) AS c
            WHERE t.type = 'table' AND t.rootpage > 0 AND c.hidden IN (2, 3)
            """, on: connection, isKept: false)
        while try rows.step() == .row {
            generatedColumns.insert(
                ColumnPath(
                    schema: Self.main, table: Name(foldedUTF8: rows.text(0).utf8),
                    column: Name(foldedUTF8: rows.text(1).utf8)))
        }
    }

    /// The scan of a statement together with every view and trigger it may involve: those whose
    /// name stands anywhere in it, or in one of them.
    func expanded(_ tokens: SQLiteTokens) -> SQLiteTokens {
        var all = tokens
        var waiting = Array(tokens.names)
        var seen = tokens.names
        while let name = waiting.popLast() {
            for body in bodies[name] ?? [] {
                waiting.append(contentsOf: body.names.subtracting(seen))
                seen.formUnion(body.names)
                all.add(body)
            }
        }
        return all
    }
}
