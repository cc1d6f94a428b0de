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
    var author = SQLiteAuthor.operation
    /// How often columns were left out of what is examined.
    var blankCount = 0

    private static let allowedWords: [Tool.Effect: Set<Name>] = [
        .read: ["select", "values", "with"],
        .write: ["select", "values", "with", "insert", "replace", "update", "delete"],
    ]

    /// Prepares `text` for keeping, with its examination.
    func prepare(_ text: String) throws(SQLiteFailure) -> SQLitePrepared {
        let inner = author == .caller ? SQLiteTokens.explained(text) : nil
        let tokens = SQLiteTokens((inner ?? text).utf8)
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
        try checkShadows(tokens, schema)
        // A common table of a view's name hides it.
        authorizer.views = schema.views.subtracting(tokens.commonTables)
        var (statement, access) = try recordingAccess(text)
        // A virtual table that is met for the first time declares its columns, and SQLite reports
        // its own look into the schema; the statement's name for it always stands in a text.
        let all = schema.expanded(tokens)
        if all.names.isDisjoint(with: SQLiteAuthorizer.schemaTables) { access.forgetSchemaTables() }
        if author == .caller, !access.tables.isDisjoint(with: SQLiteAuthorizer.schemaTables) {
            throw SQLiteFailure(
                "not allowed: the schema table shows relations that may not be the caller's")
        }
        let program = try SQLiteProgram(inner ?? text, on: connection)
        let facts = SQLiteFacts(
            statement: statement, access: access, program: program, schema: schema,
            tokens: all, author: author, lineage: try lineage(tokens, text, all, schema))
        var examination = try facts.examination()
        let blanks = SQLiteBlanks(
            inner == nil ? facts.agreedLineage?.blanks ?? [:] : [:], of: text)
        try settle(blanks, of: text, &examination)
        if inner != nil {
            examination.statement?.kinds.insert("explain")
            // A plan may show anything that it was made with.
            examination.deciding = examination.reads
        }
        if author == .caller { examination = examination.withDistinctNames }
        return SQLitePrepared(statement, examination, blanks)
    }

    /// Nil where the text is not understood.
    private func lineage(
        _ tokens: SQLiteTokens, _ text: String, _ all: SQLiteTokens, _ schema: SQLiteSchema
    ) throws(SQLiteFailure) -> SQLiteLineage? {
        guard let change = SQLiteReturning(tokens, text) else {
            return try? SQLiteLineage(tokens, expanded: all, schema: schema)
        }
        let (_, before) = try recordingAccess(change.textBefore)
        return try? SQLiteLineage(change, before: before, expanded: all, schema: schema)
    }

    /// What cannot be left out after all decides.
    private func settle(
        _ blanks: SQLiteBlanks, of text: String, _ examination: inout Examination
    ) throws(SQLiteFailure) {
        let columns = blanks.columns
        guard !columns.isEmpty else { return }
        var inner = self
        inner.blankCount += 1
        if inner.blankCount <= 2,
            let blanked = try? inner.prepare(blanks.text(text, without: columns)).examination,
            blanked.blankable.isEmpty, blanked.isBlanked(examination)
        {
            examination.blankable = columns
        } else {
            examination.deciding?.formUnion(columns)
        }
    }

    /// Masks name the columns of the virtual table, not those in which it keeps its content.
    private func checkShadows(
        _ tokens: SQLiteTokens, _ schema: SQLiteSchema
    ) throws(SQLiteFailure) {
        let named = schema.expanded(tokens).names.intersection(schema.shadowTables)
        guard let table = named.min() else { return }
        throw SQLiteFailure(
            "not allowed: `\(table)` is inside a virtual table; use that table")
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
            guard let refused = authorizer.refused else { throw error }
            throw SQLiteFailure("not allowed: \(refused)", code: error.code)
        }
    }
}

/// The tables a compiled program opens, and whether it writes.
struct SQLiteProgram {
    private(set) var roots: Set<Int64> = []
    /// True when it opens something that is not a table of the main file.
    private(set) var opensUnknown = false
    private(set) var writes = false
    private(set) var writtenRoots: Set<Int64> = []
    private(set) var readRoots: Set<Int64> = []
    /// What it goes through row by row.
    var walkedRoots: Set<Int64> { Set(walked.compactMap { rootByCursor[$0] }) }
    private var rootByCursor: [Int64: Int64] = [:]
    private var walked: Set<Int64> = []
    /// Cursors of which rows go that are not those of an update.
    private var deletingCursors: Set<Int64> = []
    private var writingCursors: Set<Int64> = []
    /// Of rows that the program keeps for itself: to sort, to tell apart.
    private var ownCursors: Set<Int64> = []
    private var clears = false
    /// True when it makes an index of its own: its rows come in the order of whatever that holds.
    private(set) var makesIndex = false

    init(_ text: String, on connection: SQLiteConnection) throws(SQLiteFailure) {
        let rows = try SQLiteStatement("EXPLAIN " + text, on: connection, isKept: false)
        while try rows.step() == .row {
            take(
                opcode: rows.text(1), first: rows.integer(2), second: rows.integer(3),
                third: rows.integer(4), flags: rows.integer(6))
        }
    }

    /// True when rows of a table go that are not those of an update.
    var deletes: Bool {
        clears || !deletingCursors.subtracting(ownCursors.subtracting(writingCursors)).isEmpty
    }

    private mutating func take(
        opcode: String, first: Int64, second: Int64, third: Int64, flags: Int64
    ) {
        switch opcode {
        case "OpenRead", "OpenWrite", "ReopenIdx":
            // 0x10 is OPFLAG_P2ISREG: the page is known only while it runs.
            if third == 0, flags & 0x10 == 0 { roots.insert(second) } else { opensUnknown = true }
            rootByCursor[first] = second
            if opcode == "OpenWrite" {
                writes = true
                writingCursors.insert(first)
                writtenRoots.insert(second)
            } else {
                readRoots.insert(second)
            }
        // 0x04 is OPFLAG_ISUPDATE: the old row of one that is written anew.
        case "Delete":
            if second & 0x04 == 0 { deletingCursors.insert(first) }
        case "OpenEphemeral", "SorterOpen", "OpenDup", "OpenPseudo":
            ownCursors.insert(first)
        case "Next", "Prev":
            walked.insert(first)
        case "OpenAutoindex":
            ownCursors.insert(first)
            makesIndex = true
        case "VOpen":
            opensUnknown = true
        case "Transaction":
            if second != 0 { writes = true }
        case "Clear":
            writes = true
            clears = true
        case "Destroy", "CreateBtree", "SqlExec", "ParseSchema", "SetCookie", "Vacuum",
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
    let author: SQLiteAuthor
    /// Of what comes out. Nil where the text is not understood.
    let lineage: SQLiteLineage?

    func examination() throws(SQLiteFailure) -> Examination {
        let isReadOnly = statement.isReadOnly && !program.writes
        let lineage = agreedLineage
        let columns = (0..<statement.columnCount).map { column($0, lineage) }
        let reads = reads(isReadOnly ? lineage : nil)
        var deciding: Set<ColumnPath>?
        if let reads {
            deciding =
                isReadOnly
                ? lineage.map { decidingAnswer($0, reads) } : decidingChange(reads, lineage)
        }
        return Examination(
            columns: columns, reads: reads, deciding: deciding, parameters: try parameters(),
            isReadOnly: isReadOnly,
            statement: SQLiteStatementFacts(
                access: access, program: program, schema: schema, tokens: tokens,
                lineage: isReadOnly ? lineage : nil
            ).facts)
    }

    /// Nil where SQLite's own account of the columns says otherwise.
    var agreedLineage: SQLiteLineage? {
        guard let lineage, lineage.isOfChange != (statement.isReadOnly && !program.writes),
            lineage.outputs.count == statement.columnCount
        else { return nil }
        for (index, output) in lineage.outputs.enumerated() {
            guard let origin = statement.columnOrigin(Int32(index)),
                schema.ordinaryTables.contains(origin.table)
            else { continue }
            guard output.sources.contains(origin) else { return nil }
        }
        return lineage
    }

    /// By the text, and by the plan: without a full ORDER BY, rows come in the order of the keys
    /// through which the plan finds them. A later ANALYZE may change the plan without a change of
    /// the schema; then this holds from the next load on.
    private func decidingAnswer(
        _ lineage: SQLiteLineage, _ reads: Set<ColumnPath>
    ) -> Set<ColumnPath> {
        // An index that the plan makes may hold any column.
        guard !program.makesIndex else { return reads }
        var deciding = lineage.deciding
        // What is not accounted for is read for another purpose.
        deciding.formUnion(
            reads.subtracting(lineage.accounted).filter { schema.ordinaryTables.contains($0.table) }
        )
        guard !lineage.isOneRowWithoutOrder else { return deciding }
        for root in program.roots { deciding.formUnion(schema.keysByRoot[root]?.columns ?? []) }
        return deciding
    }

    /// All that a change reads may end up where it is shown; a key that must be unique tells
    /// whether a value is there already, a CHECK whether it compares so.
    /// What RETURNING alone reads is only shown, in the order in which the rows were found.
    private func decidingChange(
        _ reads: Set<ColumnPath>, _ lineage: SQLiteLineage?
    ) -> Set<ColumnPath> {
        var deciding = lineage.map { $0.deciding } ?? reads
        if statement.columnCount > 0 {
            for root in program.walkedRoots {
                deciding.formUnion(schema.keysByRoot[root]?.columns ?? [])
            }
        }
        for key in schema.keysByRoot.values where key.isUnique {
            let isInserted = access.inserted.contains(key.table)
            let isUpdated = access.updated.contains { $0.table == key.table }
            if isInserted || isUpdated && !access.updated.isDisjoint(with: key.columns) {
                deciding.formUnion(key.columns)
            }
        }
        for table in Set(access.updated.map(\.table)) {
            let checked = schema.checked(table)
            if !access.updated.isDisjoint(with: checked) { deciding.formUnion(checked) }
        }
        return deciding
    }

    private func column(_ index: Int, _ lineage: SQLiteLineage?) -> Column {
        let origin = origin(index, lineage)
        return Column(
            name: statement.columnName(Int32(index)), origin: origin,
            sources: lineage?.outputs[index].sources,
            kind: origin.map { kind(of: $0, Int32(index)) } ?? .any)
    }

    /// Nil wherever SQLite's answer may be another column than the one whose value comes out.
    private func origin(_ index: Int, _ lineage: SQLiteLineage?) -> ColumnPath? {
        guard let origin = statement.columnOrigin(Int32(index)), origin.schema == SQLiteSchema.main,
            // Virtual tables may show the content of others (json_each, external full text).
            schema.ordinaryTables.contains(origin.table),
            !schema.generatedColumns.contains(origin)
        else { return nil }
        if let lineage { return lineage.outputs[index].exact == origin ? origin : nil }
        // What a statement has just written there may come from anywhere.
        guard !tokens.isCompound, !tokens.joinsByName, !access.updated.contains(origin),
            !access.inserted.contains(origin.table)
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

    private func reads(_ lineage: SQLiteLineage?) -> Set<ColumnPath>? {
        guard access.tables.isDisjoint(with: schema.virtualTables) else { return nil }
        if lineage == nil {
            guard !tokens.joinsByName, !program.opensUnknown,
                access.reads.isDisjoint(with: schema.generatedColumns)
            else { return nil }
        } else if program.opensUnknown {
            // Tables that are made of arguments; any other that is not in the file is unknown.
            let known = schema.ordinaryTables.union(schema.views)
                .union(SQLiteAuthorizer.schemaTables).union(SQLiteSchema.functionColumns.keys)
            guard access.tables.isSubset(of: known.union(tokens.commonTables)) else { return nil }
        }
        for root in program.roots {
            guard let table = schema.tableByRoot[root],
                isSeen(table) || lineage?.tables.contains(table) == true
            else { return nil }
        }
        return schema.made(access.reads).union(lineage?.accounted ?? [])
    }

    private func isSeen(_ table: Name) -> Bool {
        access.tables.contains(table)
            || table == "sqlite_master" && access.tables.contains("sqlite_schema")
    }

    private func parameters() throws(SQLiteFailure) -> [Name] {
        // A caller's values come in their order.
        guard author == .operation else {
            return (0..<statement.parameterCount).map { Name("$\($0 + 1)") }
        }
        var names: [Name] = []
        for index in 0..<statement.parameterCount {
            guard let name = statement.parameterName(index + 1),
                name.utf8.first == UInt8(ascii: ":"),
                // SQLite also takes `:a::b` and `:a(…)` for one name; the token scan does not.
                name.utf8.dropFirst().allSatisfy(SQLiteTokens.isWordByte)
            else { throw SQLiteFailure("parameters are written `:name`") }
            names.append(Name(String(name.utf8.dropFirst()) ?? ""))
        }
        return names
    }
}
