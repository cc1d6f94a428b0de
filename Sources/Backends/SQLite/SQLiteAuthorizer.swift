internal import CSQLite
internal import Enforcement
internal import JSON

/// What a statement touches, as SQLite's compiler reports it.
struct SQLiteAccess {
    var reads: Set<ColumnPath> = []
    /// Of these, those that a query reads for itself; a view reads all that it could show.
    var ownReads: Set<ColumnPath> = []
    /// Tables and views reported in any role.
    var tables: Set<Name> = []
    /// Of these some column was read; those named alone may be something else of that name.
    var readTables: Set<Name> = []
    var updated: Set<ColumnPath> = []
    var inserted: Set<Name> = []
    var deleted: Set<Name> = []
    var functions: Set<Name> = []

    mutating func forgetSchemaTables() {
        reads = reads.filter { !SQLiteAuthorizer.schemaTables.contains($0.table) }
        ownReads.formIntersection(reads)
        tables.subtract(SQLiteAuthorizer.schemaTables)
        readTables.subtract(SQLiteAuthorizer.schemaTables)
    }
}

/// Decides, deny by default, what SQLite may compile, and records it while examining.
///
/// Installed for the whole life of a connection: SQLite compiles again after a schema change, and
/// VACUUM INTO asks only while it runs. Used by the thread that uses the connection.
final class SQLiteAuthorizer {
    enum Mode {
        /// Our own constant statements about settings and schema.
        case setup
        /// Our own BEGIN, COMMIT and ROLLBACK.
        case transaction
        case tool(Tool.Effect)
    }

    private(set) var mode = Mode.setup
    /// Non-nil while a statement is examined.
    var access: SQLiteAccess?
    /// The names that mean a view to the statement that is examined.
    var views: Set<Name> = []
    /// What was refused last, for the operator. Names only.
    private(set) var refused: String?

    /// Answers the mode before, to which the caller goes back.
    @discardableResult
    func enter(_ mode: Mode) -> Mode {
        defer { self.mode = mode }
        refused = nil
        return self.mode
    }

    /// The connection keeps the authorizer alive for as long as it is installed.
    func install(on connection: OpaquePointer) -> Int32 {
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        return unsafe sqlite3_set_authorizer(
            connection,
            { context, action, first, second, schema, reader in
                guard let context = unsafe context else { return SQLITE_DENY }
                let authorizer = unsafe Unmanaged<SQLiteAuthorizer>.fromOpaque(context)
                    .takeUnretainedValue()
                let request = unsafe Request(
                    action: action, first: first, second: second, schema: schema, reader: reader)
                return authorizer.isAllowed(request) ? SQLITE_OK : SQLITE_DENY
            }, context)
    }

    /// The names stay C strings until someone needs them.
    @safe fileprivate struct Request {
        let action: Int32
        private let firstText: UnsafePointer<CChar>?
        private let secondText: UnsafePointer<CChar>?
        private let schemaText: UnsafePointer<CChar>?
        private let readerText: UnsafePointer<CChar>?

        @unsafe init(
            action: Int32, first: UnsafePointer<CChar>?, second: UnsafePointer<CChar>?,
            schema: UnsafePointer<CChar>?, reader: UnsafePointer<CChar>?
        ) {
            self.action = action
            unsafe firstText = first
            unsafe secondText = second
            unsafe schemaText = schema
            unsafe readerText = reader
        }

        var first: Name { unsafe Name(folded: firstText) }
        var second: Name { unsafe Name(folded: secondText) }
        var schema: Name { unsafe Name(folded: schemaText) }
        /// The view, trigger or common table whose text asks; empty for the statement's own.
        var reader: Name { unsafe Name(folded: readerText) }
        var column: ColumnPath { ColumnPath(schema: schema, table: first, column: second) }
    }

    private func isAllowed(_ request: Request) -> Bool {
        switch mode {
        case .setup: true
        case .transaction: request.action == SQLITE_TRANSACTION
        case .tool(let effect): isAllowed(request, effect) || refuse(request)
        }
    }

    private func isAllowed(_ request: Request, _ effect: Tool.Effect) -> Bool {
        switch request.action {
        case SQLITE_SELECT, SQLITE_RECURSIVE: true
        case SQLITE_READ: isReadable(request)
        case SQLITE_FUNCTION: isCallable(request.second)
        // A virtual table, json_each too, declares its columns by a CREATE TABLE that SQLite only
        // parses, when it is first used. A tool's text cannot begin with CREATE, and a change of
        // the schema table by its own words is refused by SQLite before anyone is asked.
        case SQLITE_INSERT where Self.schemaTables.contains(request.first),
            SQLITE_UPDATE where Self.schemaTables.contains(request.first), SQLITE_CREATE_TABLE:
            true
        case SQLITE_INSERT, SQLITE_UPDATE, SQLITE_DELETE:
            effect == .write && isWritable(request)
        // Full-text tables ask these of themselves while they run; a tool's own statement cannot
        // be a PRAGMA, since its first word is checked.
        case SQLITE_PRAGMA:
            Self.harmlessPragmas.contains(request.first) && request.second.text.isEmpty
        default: false
        }
    }

    private func isCallable(_ function: Name) -> Bool {
        access?.functions.insert(function)
        return !Self.refusedFunctions.contains(function)
    }

    private func isReadable(_ request: Request) -> Bool {
        let table = request.first
        guard !Self.refusedTables.contains(table) else { return false }
        guard !table.text.utf8.starts(with: "pragma_".utf8) else { return false }
        guard !Self.isInternal(table) || Self.schemaTables.contains(table) else { return false }
        if access != nil {
            access?.tables.insert(table)
            // A table of which no column is used is reported with an empty column.
            if !request.second.text.isEmpty {
                access?.reads.insert(request.column)
                if !views.contains(request.reader) { access?.ownReads.insert(request.column) }
                access?.readTables.insert(table)
            }
        }
        return true
    }

    private func isWritable(_ request: Request) -> Bool {
        let table = request.first
        guard !Self.isInternal(table), !Self.refusedTables.contains(table) else { return false }
        if access != nil {
            access?.tables.insert(table)
            if request.action == SQLITE_INSERT { access?.inserted.insert(table) }
            if request.action == SQLITE_DELETE { access?.deleted.insert(table) }
            if request.action == SQLITE_UPDATE { access?.updated.insert(request.column) }
        }
        return true
    }

    private func refuse(_ request: Request) -> Bool {
        refused =
            switch request.action {
            case SQLITE_READ: "reading table `\(request.first)`"
            case SQLITE_FUNCTION: "function `\(request.second)`"
            case SQLITE_INSERT, SQLITE_UPDATE, SQLITE_DELETE: "changing table `\(request.first)`"
            case SQLITE_PRAGMA: "PRAGMA"
            case SQLITE_ATTACH: "ATTACH or VACUUM INTO"
            case SQLITE_TRANSACTION, SQLITE_SAVEPOINT: "transaction control"
            default: "SQLite action \(request.action)"
            }
        return false
    }

    private static func isInternal(_ table: Name) -> Bool {
        table.text.utf8.starts(with: "sqlite_".utf8)
    }

    static let schemaTables: Set<Name> = ["sqlite_schema", "sqlite_master"]
    /// Virtual tables that show pages of the file, other statements or tokenizers.
    private static let refusedTables: Set<Name> = [
        "dbstat", "fts3tokenize", "fts5vocab", "bytecode", "tables_used", "fsdir", "zipfile",
        "csv", "completion",
    ]
    private static let refusedFunctions: Set<Name> = [
        "load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "fts5", "lsmode",
        "fsdir", "zipfile", "sqlite_log", "sqlite_offset", "zeroblob",
        "last_insert_rowid", "changes", "total_changes", "eval", "sha3_query", "sqlar_compress",
        "sqlar_uncompress", "shell_add_schema", "shell_module_schema", "shell_escape_crnl",
    ]
    private static let harmlessPragmas: Set<Name> = ["data_version", "page_size"]
}

extension Name {
    @unsafe init(folded text: UnsafePointer<CChar>?) {
        if let text = unsafe text {
            unsafe self.init(foldedUTF8: String(cString: text).utf8)
        } else {
            self.init("")
        }
    }
}
