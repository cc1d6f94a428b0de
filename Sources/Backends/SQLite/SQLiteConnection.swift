internal import CSQLite
internal import Enforcement
internal import JSON

/// One open file, hardened. Opened without SQLite's own mutex: one thread uses it at a time.
///
/// The file may be hostile, and a statement may be: views and triggers are not trusted, nothing can
/// be attached or loaded, and whatever a statement builds is bounded. READONLY alone is not enough,
/// since VACUUM INTO writes a copy through such a handle; the authorizer refuses it.
@safe final class SQLiteConnection {
    let handle: OpaquePointer
    let effect: Tool.Effect
    let authorizer = SQLiteAuthorizer()
    let watch = SQLiteWatch()
    var statements = SQLiteStatementCache()
    /// Set when the next call needs a new connection.
    var isBroken = false
    private var bounds: [Bound: SQLiteStatement] = [:]
    private let busyTimeout: Duration

    /// The bounds of a transaction.
    enum Bound: String { case begin = "BEGIN IMMEDIATE", commit = "COMMIT", rollback = "ROLLBACK" }

    /// How long SQLite itself may wait for a lock before cancellation is looked at again.
    static let busySlice = Duration.milliseconds(20)

    init(file: String, effect: Tool.Effect, busyTimeout: Duration) throws(SQLiteFailure) {
        Self.setUp
        var opened: OpaquePointer?
        let access = effect == .read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE
        let flags = access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        let code = unsafe sqlite3_open_v2(file, &opened, flags, nil)
        guard code == SQLITE_OK, let opened = unsafe opened else {
            // SQLite hands out a handle for the message even when it fails.
            let failure = unsafe opened.map { unsafe SQLiteFailure(code, on: $0) }
            unsafe sqlite3_close_v2(opened)
            throw failure ?? SQLiteFailure("out of memory")
        }
        unsafe handle = opened
        self.effect = effect
        self.busyTimeout = busyTimeout
        try harden()
    }

    deinit {
        statements.removeAll()
        bounds = [:]
        unsafe sqlite3_close_v2(handle)
    }

    /// Once for the process. Where nothing is sought, rows come as the table has them, not in the
    /// order of an index that happens to hold all that is asked: that order would tell of columns
    /// which the statement does not name. A plan that goes through such an index all the same is
    /// found by the examination.
    static let setUp: Void = {
        _ = csqlite_no_covering_scans()
    }()

    private func harden() throws(SQLiteFailure) {
        for (option, isOn) in Self.switches {
            let code = unsafe csqlite_db_switch(handle, option, isOn ? 1 : 0)
            guard code == SQLITE_OK else { throw unsafe SQLiteFailure(code, on: handle) }
        }
        for (category, value) in Self.limits { unsafe sqlite3_limit(handle, category, value) }
        let code = unsafe authorizer.install(on: handle)
        guard code == SQLITE_OK else { throw unsafe SQLiteFailure(code, on: handle) }
        unsafe watch.install(on: handle)
        let wait = min(busyTimeout, Self.busySlice)
        if wait > .zero { unsafe sqlite3_busy_timeout(handle, Self.milliseconds(wait)) }
        if effect == .read { try runOurs("PRAGMA query_only = 1") }
        authorizer.enter(.tool(effect))
    }

    private static let switches: [(option: Int32, isOn: Bool)] = [
        (SQLITE_DBCONFIG_DEFENSIVE, true),
        (SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, false),
        (SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false),
        (SQLITE_DBCONFIG_ENABLE_FKEY, true),
        // A plan made anew for the caller's values could order rows by a key that was not examined.
        (SQLITE_DBCONFIG_ENABLE_QPSG, true),
        (SQLITE_DBCONFIG_DQS_DML, false),
        (SQLITE_DBCONFIG_DQS_DDL, false),
    ]

    private static let limits: [(category: Int32, value: Int32)] = [
        (SQLITE_LIMIT_LENGTH, 16 << 20),
        (SQLITE_LIMIT_SQL_LENGTH, 64 << 10),
        (SQLITE_LIMIT_COLUMN, 500),
        (SQLITE_LIMIT_EXPR_DEPTH, 200),
        (SQLITE_LIMIT_COMPOUND_SELECT, 50),
        (SQLITE_LIMIT_VDBE_OP, 25_000),
        (SQLITE_LIMIT_FUNCTION_ARG, 100),
        (SQLITE_LIMIT_ATTACHED, 0),
        (SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1_000),
        (SQLITE_LIMIT_VARIABLE_NUMBER, 500),
        (SQLITE_LIMIT_TRIGGER_DEPTH, 50),
        (SQLITE_LIMIT_WORKER_THREADS, 0),
    ]

    /// For constant text of ours only.
    func runOurs(_ text: StaticString) throws(SQLiteFailure) {
        let outer = authorizer.enter(.setup)
        defer { authorizer.enter(outer) }
        let statement = try SQLiteStatement(text.description, on: self, isKept: false)
        while try statement.step() == .row {}
    }

    func run(_ bound: Bound) throws(SQLiteFailure) {
        let outer = authorizer.enter(.transaction)
        defer { authorizer.enter(outer) }
        let statement: SQLiteStatement
        if let kept = bounds[bound] {
            statement = kept
        } else {
            statement = try SQLiteStatement(bound.rawValue, on: self, isKept: true)
            bounds[bound] = statement
        }
        defer { statement.reset() }
        _ = try statement.step()
    }

    /// Tries again while another connection holds the lock, as long as the deadline, the busy
    /// timeout and the caller allow.
    func waitingForLock<Value>(
        _ body: () throws(SQLiteFailure) -> Value
    ) throws(SQLiteFailure) -> Value {
        var start: ContinuousClock.Instant?
        while true {
            do throws(SQLiteFailure) {
                return try body()
            } catch {
                guard error.isBusy, !watch.shouldStop() else { throw error }
                watch.whenLong?()
                let now = ContinuousClock.now
                let waited = now - (start ?? now)
                if start == nil { start = now }
                let left = min(busyTimeout - waited, watch.remaining)
                guard left > .zero else { throw error }
                unsafe sqlite3_busy_timeout(handle, Self.milliseconds(min(left, Self.busySlice)))
            }
        }
    }

    private static func milliseconds(_ duration: Duration) -> Int32 {
        let (seconds, attoseconds) = duration.components
        return Int32(clamping: seconds * 1_000 + attoseconds / 1_000_000_000_000_000 + 1)
    }

    var isInTransaction: Bool { unsafe sqlite3_get_autocommit(handle) == 0 }

    var changeCount: Int { Int(clamping: unsafe sqlite3_changes64(handle)) }
}

extension SQLiteFailure {
    var isBusy: Bool { code & 0xFF == SQLITE_BUSY || code & 0xFF == SQLITE_LOCKED }
}
