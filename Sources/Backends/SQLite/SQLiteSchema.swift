internal import CSQLite
internal import Enforcement
internal import JSON

/// What an examination needs to know of the file's schema, read anew each time.
struct SQLiteSchema {
    private(set) var tableByRoot: [Int64: Name] = [:]
    private(set) var ordinaryTables: Set<Name> = []
    private(set) var virtualTables: Set<Name> = []
    /// Those in which virtual tables keep what they hold.
    private(set) var shadowTables: Set<Name> = []
    private(set) var views: Set<Name> = []
    private(set) var strictTables: Set<Name> = []
    private(set) var generatedColumns: Set<ColumnPath> = []
    /// The columns of each table, those that are generated too.
    private(set) var columnsByTable: [Name: Set<Name>] = [:]
    /// In their order.
    private(set) var columnLists: [Name: [Name]] = [:]
    /// The column that is the row's number, of tables that have one.
    private(set) var rowIDs: [Name: ColumnPath] = [:]
    private(set) var viewBodies: [Name: ViewBody] = [:]
    /// The CREATE TABLE of each table.
    private(set) var definitions: [Name: SQLiteTokens] = [:]
    /// What orders the entries of each table and index.
    private(set) var keysByRoot: [Int64: Key] = [:]
    /// What views and triggers say, by the name of the view or of the trigger's table.
    private(set) var bodies: [Name: [SQLiteTokens]] = [:]

    static let main: Name = "main"

    struct Key {
        let table: Name
        var isUnique: Bool
        /// All that it may order by: of an index on expressions or of a part of the rows, the
        /// columns that its text names.
        var columns: Set<ColumnPath> = []
    }

    init(of connection: SQLiteConnection) throws(SQLiteFailure) {
        let outer = connection.authorizer.enter(.setup)
        defer { connection.authorizer.enter(outer) }
        try readObjects(connection)
        try readKindsOfTables(connection)
        try readColumns(connection)
        try readTableKeys(connection)
        try readIndexKeys(connection)
        keysByRoot = keysByRoot.mapValues { key in
            var key = key
            key.columns = made(key.columns)
            return key
        }
    }

    private mutating func readObjects(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        let rows = try SQLiteStatement(
            "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema",
            on: connection, isKept: false)
        tableByRoot[1] = "sqlite_master"
        keysByRoot[1] = Key(table: "sqlite_master", isUnique: false)
        while try rows.step() == .row {
            let name = Name(foldedUTF8: rows.text(1).utf8)
            let table = Name(foldedUTF8: rows.text(2).utf8)
            let root = rows.integer(3)
            if root > 0 {
                tableByRoot[root] = table
                keysByRoot[root] = Key(table: table, isUnique: false)
            }
            switch rows.text(0) {
            case "table" where root > 0:
                ordinaryTables.insert(name)
                definitions[name] = SQLiteTokens(rows.text(4).utf8)
            case "table": virtualTables.insert(name)
            case "view":
                views.insert(name)
                let body = SQLiteTokens(rows.text(4).utf8)
                viewBodies[name] = ViewBody(body)
                bodies[name, default: []].append(body)
            case "trigger": bodies[table, default: []].append(SQLiteTokens(rows.text(4).utf8))
            default: break
            }
        }
    }

    private mutating func readKindsOfTables(
        _ connection: SQLiteConnection
    ) throws(SQLiteFailure) {
        let rows = try SQLiteStatement(
            "SELECT name, type, strict FROM pragma_table_list WHERE schema = 'main'",
            on: connection, isKept: false)
        while try rows.step() == .row {
            let name = Name(foldedUTF8: rows.text(0).utf8)
            if rows.text(1).isByteEqual(to: "shadow") { shadowTables.insert(name) }
            if rows.integer(2) == 1 { strictTables.insert(name) }
        }
    }

    /// A table is ordered by its primary key where that is its key in the file: a sole integer, or
    /// whatever it is in a table WITHOUT ROWID.
    private mutating func readTableKeys(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        let rows = try SQLiteStatement(
            """
            SELECT t.rootpage, t.name, c.name, l.wr
            FROM sqlite_schema AS t JOIN pragma_table_list AS l
                ON l.schema = 'main' AND l.name = t.name,
                pragma_table_xinfo(t.name) AS c
            WHERE t.type = 'table' AND t.rootpage > 0 AND c.pk > 0 AND (l.wr = 1
                OR lower(c.type) = 'integer'
                    AND (SELECT count(*) FROM pragma_table_xinfo(t.name) WHERE pk > 0) = 1)
            """, on: connection, isKept: false)
        while try rows.step() == .row {
            let column = Self.column(rows.text(1), rows.text(2))
            keysByRoot[rows.integer(0)]?.columns.insert(column)
            keysByRoot[rows.integer(0)]?.isUnique = true
            if rows.integer(3) == 0 { rowIDs[column.table] = column }
        }
    }

    private mutating func readIndexKeys(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        let rows = try SQLiteStatement(
            """
            SELECT i.rootpage, i.tbl_name, l."unique", c.cid, c.name, l.partial, i.sql
            FROM sqlite_schema AS i, pragma_index_list(i.tbl_name) AS l,
                pragma_index_xinfo(i.name) AS c
            WHERE i.type = 'index' AND i.rootpage > 0 AND l.name = i.name
            """, on: connection, isKept: false)
        while try rows.step() == .row {
            let root = rows.integer(0)
            if rows.integer(2) == 1 { keysByRoot[root]?.isUnique = true }
            switch rows.integer(3) {
            case -1: break  // the row's number, which is the table's key
            case 0...: keysByRoot[root]?.columns.insert(Self.column(rows.text(1), rows.text(4)))
            default: break
            }
            guard rows.integer(3) < -1 || rows.integer(5) == 1 else { continue }
            let table = Name(foldedUTF8: rows.text(1).utf8)
            let named = columns(of: table, namedIn: SQLiteTokens(rows.text(6).utf8).list[...])
            keysByRoot[root]?.columns.formUnion(named)
        }
    }

    private static func column(_ table: String, _ column: String) -> ColumnPath {
        ColumnPath(
            schema: main, table: Name(foldedUTF8: table.utf8),
            column: Name(foldedUTF8: column.utf8))
    }

    private mutating func readColumns(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        let rows = try SQLiteStatement(
            """
            SELECT t.name, c.name, c.hidden IN (2, 3)
            FROM sqlite_schema AS t, pragma_table_xinfo(t.name) AS c
            WHERE t.type = 'table' AND t.rootpage > 0
            """, on: connection, isKept: false)
        while try rows.step() == .row {
            let column = Self.column(rows.text(0), rows.text(1))
            columnsByTable[column.table, default: []].insert(column.column)
            columnLists[column.table, default: []].append(column.column)
            if rows.integer(2) == 1 { generatedColumns.insert(column) }
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

extension SQLiteSchema {
    /// What rules may name. Not the columns of shadow tables, which no tool can read; nor those of
    /// a view or virtual table that SQLite cannot make sense of, which no tool can use.
    static func columns(of connection: SQLiteConnection) throws(SQLiteFailure) -> BackendColumns {
        let outer = connection.authorizer.enter(.setup)
        defer { connection.authorizer.enter(outer) }
        let tables = try SQLiteStatement(
            "SELECT name, type FROM pragma_table_list WHERE schema = 'main'",
            on: connection, isKept: false)
        let columns = try SQLiteStatement(
            "SELECT name FROM pragma_table_xinfo(:table, 'main')", on: connection, isKept: false)
        var known = BackendColumns(stored: [])
        while try tables.step() == .row {
            let table = tables.text(0)
            let kind = tables.text(1)
            guard !kind.isByteEqual(to: "shadow") else { continue }
            let found = names(in: columns, of: table).map { column(table, $0) }
            if kind.isByteEqual(to: "view") {
                known.viewed.formUnion(found)
            } else {
                known.stored.formUnion(found)
            }
        }
        return known
    }

    private static func names(in columns: SQLiteStatement, of table: String) -> [String] {
        defer { columns.reset() }
        guard columns.bind(table, 1) == 0 else { return [] }
        var names: [String] = []
        while true {
            do throws(SQLiteFailure) {
                guard try columns.step() == .row else { return names }
                names.append(columns.text(0))
            } catch {
                return []
            }
        }
    }
}
