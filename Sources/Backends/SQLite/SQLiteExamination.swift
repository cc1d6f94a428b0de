internal import CSQLite
internal import Enforcement
internal import JSON

/// Establishes what a statement touches without running it. Three judges, none believed alone:
/// SQLite's authorizer sees columns and functions but not those of USING and NATURAL joins; the
/// compiled program shows every table it opens and every write; the token scan finds where origins
/// of output columns lie. Where they disagree the answer is "unknown", never "none".
struct SQLiteExaminer {
    let connection: SQLiteConnection
    let effect: Tool.Effect

    private static let allowedWords: [Tool.Effect: Set<Name>] = [
        .read: ["select", "values", "with"],
        .write: ["select", "values", "with", "insert", "replace", "update", "delete"],
    ]

    /// Prepares `text` for keeping, with its examination.
    func prepare(_ text: String) throws(SQLiteFailure) -> SQLitePrepared {
        let tokens = SQLiteTokens(text.utf8)
        let allowed = Self.allowedWords[effect] ?? []
        guard let word = tokens.firstWord, allowed.contains(word) else {
            let words = allowed.sorted().map { $0.text.uppercased() }.joined(separator: ", ")
            throw SQLiteFailure("a \(effect.rawValue) tool's statement starts with one of \(words)")
        }
        let authorizer = connection.authorizer
        let outer = authorizer.enter(.tool(effect))
        defer { authorizer.enter(outer) }
        // First: compiling alone does not notice that another connection changed the schema.
        let schema = try SQLiteSchema(of: connection)
        let (statement, access) = try recordingAccess(text)
        let program = try SQLiteProgram(text, on: connection)
        let facts = SQLiteFacts(
            statement: statement, access: access, program: program, schema: schema,
            tokens: schema.expanded(tokens))
        return SQLitePrepared(statement, try facts.examination())
    }

    private func recordingAccess(
        _ text: String
    ) throws(SQLiteFailure) -> (SQLiteStatement, SQLiteAccess) {
        let authorizer = connection.authorizer
        authorizer.access = SQLiteAccess()
        defer { authorizer.access = nil }
        do throws(SQLiteFailure) {
            let statement = try SQLiteStatement(text, on: connection, isKept: true)
            return (statement, authorizer.access ?? SQLiteAccess())
        } catch {
            var failure = error
            if let refused = authorizer.refused { failure.message = "not allowed: \(refused)" }
            throw failure
        }
    }
}

/// The tables a compiled program opens, and whether it writes.
struct SQLiteProgram {
    private(set) var roots: Set<Int64> = []
    /// True when it opens something that is not a table of the main file.
    private(set) var opensUnknown = false
    private(set) var writes = false

    init(_ text: String, on connection: SQLiteConnection) throws(SQLiteFailure) {
        let rows = try SQLiteStatement("EXPLAIN " + text, on: connection, isKept: false)
        while try rows.step() == .row {
            take(
                opcode: rows.text(1), second: rows.integer(3), third: rows.integer(4),
                flags: rows.integer(6))
        }
    }

    private mutating func take(opcode: String, second: Int64, third: Int64, flags: Int64) {
        switch opcode {
        case "OpenRead", "OpenWrite", "ReopenIdx":
            // 0x10 is OPFLAG_P2ISREG: the page is known only while it runs.
            if third == 0, flags & 0x10 == 0 { roots.insert(second) } else { opensUnknown = true }
            if opcode == "OpenWrite" { writes = true }
        case "VOpen":
            opensUnknown = true
        case "Transaction":
            if second != 0 { writes = true }
        case "Clear", "Destroy", "CreateBtree", "SqlExec", "ParseSchema", "SetCookie", "Vacuum",
            "VUpdate", "VCreate", "VDestroy", "VRename", "JournalMode", "IncrVacuum", "Checkpoint",
            "DropTable", "DropIndex", "DropTrigger", "AutoCommit", "Savepoint":
            writes = true
        default: break
        }
    }
}

private struct SQLiteFacts {
    let statement: SQLiteStatement
    let access: SQLiteAccess
    let program: SQLiteProgram
    let schema: SQLiteSchema
    let tokens: SQLiteTokens

    func examination() throws(SQLiteFailure) -> Examination {
        Examination(
            columns: (0..<statement.columnCount).map { column(Int32($0)) },
            reads: reads(), parameters: try parameters(),
            isReadOnly: statement.isReadOnly && !program.writes)
    }

    private func column(_ index: Int32) -> Column {
        let origin = origin(index)
        return Column(
            name: statement.columnName(index), origin: origin,
            kind: origin.map { kind(of: $0, index) } ?? .any)
    }

    /// Nil wherever SQLite's answer may be another column than the one whose value comes out.
    private func origin(_ index: Int32) -> ColumnPath? {
        guard !tokens.isCompound, !tokens.joinsByName,
            let origin = statement.columnOrigin(index), origin.schema == SQLiteSchema.main,
            // Virtual tables may show the content of others (json_each, external full text).
            schema.ordinaryTables.contains(origin.table),
            !schema.generatedColumns.contains(origin),
            // What a statement has just written there may come from anywhere.
            !access.updated.contains(origin), !access.inserted.contains(origin.table)
        else { return nil }
        return origin
    }

    private func kind(of origin: ColumnPath, _ index: Int32) -> Column.Kind {
        guard schema.strictTables.contains(origin.table) else { return .any }
        return switch statement.declaredType(index).text {
        case "int", "integer": .integer
        case "real": .number
        case "text", "blob": .string
        default: .any
        }
    }

    private func reads() -> Set<ColumnPath>? {
        guard !tokens.joinsByName, !program.opensUnknown else { return nil }
        guard access.tables.isDisjoint(with: schema.virtualTables),
            access.reads.isDisjoint(with: schema.generatedColumns)
        else { return nil }
        for root in program.roots {
            guard let table = schema.tableByRoot[root], isSeen(table) else { return nil }
        }
        return access.reads
    }

    private func isSeen(_ table: Name) -> Bool {
        access.tables.contains(table)
            || table == "sqlite_master" && access.tables.contains("sqlite_schema")
    }

    private func parameters() throws(SQLiteFailure) -> [Name] {
        var names: [Name] = []
        for index in 0..<statement.parameterCount {
            guard let name = statement.parameterName(index + 1),
                name.utf8.first == UInt8(ascii: ":")
            else { throw SQLiteFailure("parameters are written `:name`") }
            names.append(Name(String(name.utf8.dropFirst()) ?? ""))
        }
        return names
    }
}
