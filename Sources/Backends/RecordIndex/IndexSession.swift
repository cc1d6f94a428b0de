internal import CSQLite
internal import Enforcement
internal import JSON

/// The index's connection and its statements. One thread at a time.
final class IndexSession {
    private var connection: SQLiteConnection?
    private var statements = KeptStatements()
    private var nextEntry = 1

    struct Fields {
        var at: String
        var event: String
        var call, caller, person, client, tool, backend, decision, code, session: String?
        var approval, grant: String?
    }

    typealias Value = KeptStatements.Value

    init(_ file: String) throws(SQLiteFailure) {
        let opened = try SQLiteConnection(
            file: file, effect: .write, busyTimeout: .seconds(2))
        // Every statement on this connection is ours.
        opened.authorizer.enter(.setup)
        try RecordIndexSchema.configure(opened)
        connection = opened
    }

    func close() {
        statements = KeptStatements()
        connection = nil
    }

    func version() throws(SQLiteFailure) -> Int {
        Int(try open().textOf("PRAGMA user_version")) ?? 0
    }

    func create() throws(SQLiteFailure) { try RecordIndexSchema.create(on: open()) }

    func begin() throws(SQLiteFailure) {
        let connection = try open()
        try connection.waitingForLock { () throws(SQLiteFailure) in
            try run("begin immediate")
        }
        nextEntry =
            try first("select coalesce(max(id), 0) + 1 from entries") { Int($0.integer(0)) } ?? 1
    }

    func commit() throws(SQLiteFailure) { try run("commit") }

    func rollback() {
        if connection?.isInTransaction == true { try? run("rollback") }
    }

    func clear() throws(SQLiteFailure) {
        for table in ["logs", "entries", "lines", "relations", "touched", "ruled"] {
            try run("delete from \(table)")
        }
        try run("insert into words (words) values ('delete-all')")
        nextEntry = 1
    }

    // MARK: Logs

    /// A log of another identity under the name begins anew.
    func log(
        _ name: String, _ identity: String
    ) throws(SQLiteFailure) -> (id: Int, place: RecordTail.Place) {
        let found = try first(
            "select id, key, segment, offset, sequence from logs where name = ?1", .text(name)
        ) { row in
            (
                Int(row.integer(0)), row.text(1),
                RecordTail.Place(
                    segment: Int(row.integer(2)), offset: Int(row.integer(3)),
                    sequence: Int(row.integer(4)))
            )
        }
        if let found, found.1.isByteEqual(to: identity) { return (found.0, found.2) }
        if found != nil { try clear() }
        let id = try first("select coalesce(max(id), 0) + 1 from logs") { Int($0.integer(0)) } ?? 1
        try run(
            "insert into logs values (?1, ?2, ?3, 1, 0, 0)", .integer(id), .text(name),
            .text(identity))
        return (id, RecordTail.Place())
    }

    func move(log: Int, to place: RecordTail.Place) throws(SQLiteFailure) {
        try run(
            "update logs set segment = ?2, offset = ?3, sequence = ?4 where id = ?1",
            .integer(log), .integer(place.segment), .integer(place.offset),
            .integer(place.sequence))
    }

    // MARK: Entries

    func insert(_ fields: Fields, log: Int) throws(SQLiteFailure) -> Int {
        let id = nextEntry
        nextEntry += 1
        try run(
            "insert into entries values (\(Self.places(15)))",
            .integer(id), .integer(log), .text(fields.at), .text(fields.event), .text(fields.call),
            .text(fields.caller), .text(fields.person), .text(fields.client), .text(fields.tool),
            .text(fields.backend), .text(fields.decision), .text(fields.code),
            .text(fields.session), .text(fields.approval), .text(fields.grant))
        return id
    }

    private static func places(_ count: Int) -> String {
        (1...count).map { "?\($0)" }.joined(separator: ", ")
    }

    /// What the call's further lines add.
    func complete(_ entry: Int, with fields: Fields) throws(SQLiteFailure) {
        try run(
            """
            update entries set code = coalesce(?2, code), decision = coalesce(?3, decision),
                backend = coalesce(?4, backend), approval = coalesce(?5, approval),
                grant = coalesce(?6, grant) where id = ?1
            """, .integer(entry), .text(fields.code), .text(fields.decision),
            .text(fields.backend), .text(fields.approval), .text(fields.grant))
    }

    func entry(ofCall call: String, log: Int) throws(SQLiteFailure) -> Int? {
        try first(
            "select id from entries where call = ?1 and log = ?2", .text(call), .integer(log)
        ) { Int($0.integer(0)) }
    }

    func addLine(
        _ entry: Int, _ sequence: Int, _ segment: Int, _ offset: Int
    ) throws(SQLiteFailure) {
        try run(
            "insert or ignore into lines values (?1, ?2, ?3, ?4)", .integer(entry),
            .integer(sequence), .integer(segment), .integer(offset))
    }

    func addTouched(_ name: String, _ entry: Int) throws(SQLiteFailure) {
        try run("insert or ignore into relations values (?1)", .text(name))
        try run("insert or ignore into touched values (?1, ?2)", .text(name), .integer(entry))
    }

    func addRuled(_ name: String, _ entry: Int) throws(SQLiteFailure) {
        try run("insert or ignore into ruled values (?1, ?2)", .text(name), .integer(entry))
    }

    /// The words of several lines of one entry stand under several numbers that lead to it.
    func addWords(_ text: String, line: Int, _ entry: Int) throws(SQLiteFailure) {
        try run(
            "insert into words (rowid, text) values (?1, ?2)",
            .integer(entry << 8 | line & 0xFF), .text(text))
    }

    func lastSession(
        caller: String, client: String?, log: Int
    ) throws(SQLiteFailure) -> (id: String, at: String)? {
        try first(
            """
            select session, at from entries where caller = ?1 and client is ?2 and log = ?3
                and session like '%:%' order by at desc limit 1
            """, .text(caller), .text(client), .integer(log)
        ) { ($0.text(0), $0.text(1)) }
    }

    // MARK: Statements

    func run(_ text: String, _ values: Value...) throws(SQLiteFailure) {
        let statement = try prepared(text, values)
        defer { statement.reset() }
        while try statement.step() == .row {}
    }

    func first<Result>(
        _ text: String, _ values: Value..., read: (SQLiteStatement) -> Result
    ) throws(SQLiteFailure) -> Result? {
        try all(text, values, most: 1, read: read).first
    }

    func all<Result>(
        _ text: String, _ values: [Value], most: Int = .max, read: (SQLiteStatement) -> Result
    ) throws(SQLiteFailure) -> [Result] {
        let statement = try prepared(text, values)
        defer { statement.reset() }
        var found: [Result] = []
        while found.count < most, try statement.step() == .row { found.append(read(statement)) }
        return found
    }

    private func prepared(
        _ text: String, _ values: [Value]
    ) throws(SQLiteFailure) -> SQLiteStatement {
        return try statements.prepared(text, values, on: open())
    }

    private func open() throws(SQLiteFailure) -> SQLiteConnection {
        guard let connection else { throw SQLiteFailure("the index is closed") }
        return connection
    }
}
