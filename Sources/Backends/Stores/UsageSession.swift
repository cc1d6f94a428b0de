internal import CSQLite
internal import Enforcement

/// The one connection to the counts, and its statements.
///
/// `@unchecked Sendable`: opened by the thread that starts the store, then used by the pool's only
/// thread, and closed after that thread has ended.
final class UsageSession: @unchecked Sendable {
    private let options: StateOptions
    private var connection: SQLiteConnection?
    private var statements = KeptStatements()

    /// How much of what has expired a transaction clears away, so that none takes long.
    private static let swept = 50

    /// "tsus", so that `file` and we know whose database it is.
    private static let applicationID = "1953723763"

    private enum Query: String {
        case buckets = "select start, amount from buckets where key = ?1 and start >= ?2"
        case add = """
            insert into buckets (key, start, amount, expires) values (?1, ?2, ?3, ?4)
                on conflict do update set amount = amount + excluded.amount
            """
        case see = """
            insert into members (key, member, at, expires) values (?1, ?2, ?3, ?4)
                on conflict do update set at = max(at, excluded.at), expires = excluded.expires
            """
        case seenCount = """
            select count(*) from (select 1 from members where key = ?1 and at >= ?2 limit ?3)
            """
        case isMember = "select 1 from members where key = ?1 and member = ?2"
        case sequence = "select last, step, length from sequences where key = ?1 and expires > ?2"
        case keep = """
            insert or replace into sequences (key, last, step, length, expires)
                values (?1, ?2, ?3, ?4, ?5)
            """
        case sweepBuckets = """
            delete from buckets where (key, start) in
                (select key, start from buckets where expires <= ?1 order by expires limit ?2)
            """
        case sweepMembers = """
            delete from members where (key, member) in
                (select key, member from members where expires <= ?1 order by expires limit ?2)
            """
        case sweepSequences = """
            delete from sequences where key in
                (select key from sequences where expires <= ?1 order by expires limit ?2)
            """
    }

    init(_ options: StateOptions) { self.options = options }

    private func open() throws(StateError) {
        try StateFile.prepare(options.file)
        do throws(SQLiteFailure) {
            let opened = try SQLiteConnection(
                file: options.file, effect: .write, busyTimeout: options.patience)
            // Every statement on this connection is ours.
            opened.authorizer.enter(.setup)
            try Self.configure(opened, bytesMax: options.bytesMax)
            try Self.make(opened)
            connection = opened
        } catch { throw StateError(error) }
    }

    private static func configure(
        _ connection: SQLiteConnection, bytesMax: Int
    ) throws(SQLiteFailure) {
        try StateSchema.useLog(connection)
        // A count need not outlive the machine's own failure.
        try connection.runOurs("PRAGMA synchronous = NORMAL")
        try connection.runOurs("PRAGMA journal_size_limit = 16777216")
        try StateSchema.bound(connection, bytesMax: bytesMax)
    }

    private static func make(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        try connection.waitingForLock { () throws(SQLiteFailure) in try connection.run(.begin) }
        defer { if connection.isInTransaction { try? connection.run(.rollback) } }
        let found = try connection.textOf("PRAGMA application_id")
        let isEmpty = try connection.textOf("select count(*) from sqlite_schema") == "0"
        guard isEmpty || found == applicationID,
            ["0", "1"].contains(try connection.textOf("PRAGMA user_version"))
        else { throw SQLiteFailure("the file holds something else than counts of this version") }
        for text: StaticString in [
            """
            create table if not exists buckets (key blob not null, start integer not null,
                amount integer not null, expires integer not null,
                primary key (key, start)) without rowid
            """,
            "create index if not exists buckets_expiry on buckets (expires)",
            """
            create table if not exists members (key blob not null, member blob not null,
                at integer not null, expires integer not null,
                primary key (key, member)) without rowid
            """,
            "create index if not exists members_expiry on members (expires)",
            """
            create table if not exists sequences (key blob primary key, last integer not null,
                step integer not null, length integer not null,
                expires integer not null) without rowid
            """,
            "create index if not exists sequences_expiry on sequences (expires)",
            "PRAGMA application_id = 1953723763",
            "PRAGMA user_version = 1",
        ] { try connection.runOurs(text) }
        try connection.run(.commit)
    }

    func close() {
        statements = KeptStatements()
        connection = nil
    }

    /// Opens anew after a failure that may have left the connection in an unknown state.
    func perform<Value>(
        _ body: (any UsageLedger) throws(StateError) -> Value
    ) -> Result<Value, StateError> {
        do throws(StateError) {
            if connection == nil { try open() }
            do throws(StateError) { return .success(try change(body)) } catch {
                if case .unavailable = error.reason { close() }
                throw error
            }
        } catch { return .failure(error) }
    }

    private func change<Value>(
        _ body: (any UsageLedger) throws(StateError) -> Value
    ) throws(StateError) -> Value {
        guard let connection else { throw StateError(.unavailable, detail: "closed") }
        try counted { () throws(SQLiteFailure) in
            try connection.waitingForLock { () throws(SQLiteFailure) in try connection.run(.begin) }
        }
        defer { if connection.isInTransaction { try? connection.run(.rollback) } }
        let now = Field.integer(options.now())
        for sweep in [Query.sweepBuckets, .sweepMembers, .sweepSequences] {
            try run(sweep, now, .integer(Self.swept))
        }
        let value = try body(self)
        try counted { () throws(SQLiteFailure) in
            try connection.waitingForLock { () throws(SQLiteFailure) in
                try connection.run(.commit)
            }
        }
        return value
    }

    // MARK: Statements

    private typealias Field = KeptStatements.Value

    private func counted<Result>(
        _ body: () throws(SQLiteFailure) -> Result
    ) throws(StateError) -> Result {
        do throws(SQLiteFailure) { return try body() } catch { throw StateError(error) }
    }

    private func run(_ query: Query, _ values: Field...) throws(StateError) {
        try rows(query, values) { _ in }
    }

    private func rows(
        _ query: Query, _ values: [Field], read: (SQLiteStatement) -> Void
    ) throws(StateError) {
        try counted { () throws(SQLiteFailure) in
            let statement = try prepared(query, values)
            defer { statement.reset() }
            while try statement.step() == .row { read(statement) }
        }
    }

    private func prepared(
        _ query: Query, _ values: [Field]
    ) throws(SQLiteFailure) -> SQLiteStatement {
        guard let connection else { throw SQLiteFailure("the counts are closed") }
        return try statements.prepared(query.rawValue, values, on: connection)
    }
}

extension UsageSession: UsageLedger {
    func buckets(of key: Digest32, from first: Int) throws(StateError) -> [UsageBucket] {
        var found: [UsageBucket] = []
        try rows(.buckets, [Field(key), .integer(first)]) {
            found.append(UsageBucket(start: Int($0.integer(0)), amount: Int($0.integer(1))))
        }
        return found
    }

    func add(
        _ amount: Int, to key: Digest32, bucket start: Int, until expires: Int
    ) throws(StateError) {
        try run(.add, Field(key), .integer(start), .integer(amount), .integer(expires))
    }

    func see(
        _ member: Digest32, in key: Digest32, at now: Int, until expires: Int
    ) throws(StateError) {
        var isKnown = false
        try rows(.isMember, [Field(key), Field(member)]) { _ in isKnown = true }
        if !isKnown {
            let count = try seenCount(in: key, since: 0)
            guard count < UsageLimits.membersMax else { return }
        }
        try run(.see, Field(key), Field(member), .integer(now), .integer(expires))
    }

    func seenCount(in key: Digest32, since: Int) throws(StateError) -> Int {
        var count = 0
        let most = Field.integer(UsageLimits.membersMax)
        try rows(.seenCount, [Field(key), .integer(since), most]) { count = Int($0.integer(0)) }
        return count
    }

    func sequence(of key: Digest32) throws(StateError) -> UsageSequence? {
        var found: UsageSequence?
        try rows(.sequence, [Field(key), .integer(options.now())]) {
            found = UsageSequence(
                last: Int($0.integer(0)), step: Int($0.integer(1)), length: Int($0.integer(2)))
        }
        return found
    }

    func keep(
        _ sequence: UsageSequence, for key: Digest32, until expires: Int
    ) throws(StateError) {
        try run(
            .keep, Field(key), .integer(sequence.last), .integer(sequence.step),
            .integer(sequence.length), .integer(expires))
    }
}
