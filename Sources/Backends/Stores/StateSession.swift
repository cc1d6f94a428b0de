internal import CSQLite
internal import Enforcement
internal import JSON

/// The store's one connection and its statements.
///
/// `@unchecked Sendable`: opened by the thread that starts the store, then used by the pool's only
/// thread, and closed after that thread has ended.
final class StateSession: @unchecked Sendable {
    private let options: StateOptions
    private var connection: SQLiteConnection?
    private var statements = KeptStatements()

    /// How much of what has expired a change clears away, so that none takes long.
    private static let noncesSwept = 200
    private static let entriesSwept = 20

    private enum Query: String {
        case spend = "insert into nonces (nonce, expires) values (?1, ?2) on conflict do nothing"
        case sweepNonces = """
            delete from nonces where nonce in
                (select nonce from nonces where expires <= ?1 order by expires limit ?2)
            """
        case sweepEntries = """
            delete from entries where (kind, id) in
                (select kind, id from entries where expires <= ?1 order by expires limit ?2)
            """
        case sweepRevocations = "delete from revocations where expires <= ?1"
        case revocationCount = "select count(*) from revocations"
        case revocations = "select kind, issuer, value, at, expires from revocations"
        case revoke = """
            insert into revocations (kind, issuer, value, at, expires) values (?1, ?2, ?3, ?4, ?5)
                on conflict (kind, issuer, value) do update
                set at = max(at, excluded.at), expires = max(expires, excluded.expires)
            """
        case count = "select count(*) from entries where kind = ?1 and owner = ?2 and expires > ?3"
        case number = "update changes set number = number + 1"
        case insert = """
            insert into entries (kind, id, owner, version, phase, holder, expires, body, topic,
                    changed)
                values (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?8, (select number from changes))
                on conflict (kind, topic) where topic is not null do nothing
            """
        case entry = """
            select id, owner, version, phase, holder, expires, body, topic from entries
                where kind = ?1 and id = ?2 and expires > ?3
            """
        case about = """
            select id, owner, version, phase, holder, expires, body, topic from entries
                where kind = ?1 and topic = ?2 and expires > ?3
            """
        case list = """
            select id, owner, version, phase, holder, expires, body, topic from entries
                where kind = ?1 and expires > ?2 and (?3 is null or phase = ?3)
                order by changed desc limit ?4
            """
        case latest = "select number from changes"
        case changed = "select kind, id from entries where changed > ?1 limit ?2"
        case freeTopic = """
            update entries set topic = null where kind = ?1 and topic = ?2 and expires <= ?3
            """
        case replace = """
            update entries set version = version + 1, phase = ?1, holder = ?2, expires = ?3,
                body = ?4, topic = ?9, changed = (select number from changes)
                where kind = ?5 and id = ?6 and version = ?7 and owner = ?8
            """
    }

    init(_ options: StateOptions) { self.options = options }

    func open() throws(StateError) {
        let opened: SQLiteConnection
        let version: Int
        do throws(SQLiteFailure) {
            opened = try SQLiteConnection(
                file: options.file, effect: .write, busyTimeout: options.patience)
            // Every statement on this connection is ours.
            opened.authorizer.enter(.setup)
            try StateSchema.configure(opened, bytesMax: options.bytesMax)
            version = try StateSchema.upgrade(opened)
        } catch {
            throw StateError(error)
        }
        guard version == StateSchema.version else {
            throw StateError(
                .newer,
                detail:
                    "\(options.file) was made by a newer version (form \(version); this one knows up to \(StateSchema.version))"
            )
        }
        connection = opened
    }

    func close() {
        statements = KeptStatements()
        connection = nil
    }

    /// Opens anew after a failure that may have left the connection in an unknown state.
    func perform<Value>(
        _ body: (StateSession) throws(SQLiteFailure) -> Value
    ) -> Result<Value, StateError> {
        do throws(StateError) {
            if connection == nil { try open() }
            do throws(SQLiteFailure) { return .success(try body(self)) } catch {
                let failure = StateError(error)
                if case .unavailable = failure.reason { close() }
                throw failure
            }
        } catch { return .failure(error) }
    }

    // MARK: What the store does

    func spend(_ nonce: [UInt8], until expires: Int) throws(SQLiteFailure) -> Bool {
        try change { (connection) throws(SQLiteFailure) in
            try run(.spend, .blob(nonce), .integer(expires))
            return connection.changeCount == 1
        }
    }

    func insert(_ entry: StateEntry, most: Int) throws(SQLiteFailure) -> Bool {
        try change { (connection) throws(SQLiteFailure) in
            let kind = Value.text(entry.kind.rawValue)
            let owner = Value.blob(entry.owner.bytes)
            let now = Value.integer(options.now())
            let count = try first(.count, kind, owner, now) { $0.integer(0) }
            guard Int(count ?? 0) < most else { return false }
            try leaveRoom(beside: entry.body)
            if let topic = entry.topic { try run(.freeTopic, kind, .blob(topic.bytes), now) }
            try run(.number)
            try run(
                .insert, kind, .text(entry.id.text), owner, .text(entry.phase.text),
                Value(entry.holder), .integer(entry.expires), .blob(entry.body),
                Value(entry.topic))
            return connection.changeCount == 1
        }
    }

    func entry(_ kind: StateEntry.Kind, _ id: Name) throws(SQLiteFailure) -> StateEntry? {
        try read(.entry, kind, .text(kind.rawValue), .text(id.text), .integer(options.now())).first
    }

    func entry(
        _ kind: StateEntry.Kind, about topic: Digest32
    ) throws(SQLiteFailure) -> StateEntry? {
        let now = Value.integer(options.now())
        return try read(.about, kind, .text(kind.rawValue), .blob(topic.bytes), now).first
    }

    func entries(
        _ kind: StateEntry.Kind, in phase: Name?, most: Int
    ) throws(SQLiteFailure) -> [StateEntry] {
        let now = Value.integer(options.now())
        return try read(
            .list, kind, .text(kind.rawValue), now, Value(phase), .integer(most))
    }

    /// The number of the last change, and what was changed after `number`; nil instead when that is
    /// more than `most`.
    func changes(
        after number: Int, most: Int
    ) throws(SQLiteFailure) -> (last: Int, keys: [StateWaits.Key]?) {
        guard let connection else { throw SQLiteFailure("the store is closed") }
        return try connection.waitingForLock { () throws(SQLiteFailure) in
            // Asked before the entries: what changes in between is found once more, not lost.
            let last = Int(try first(.latest) { $0.integer(0) } ?? 0)
            let keys = try all(.changed, .integer(number), .integer(most + 1)) {
                StateWaits.Key(kind: Name($0.text(0)), id: Name($0.text(1)))
            }
            return (last, keys.count > most ? nil : keys)
        }
    }

    private func read(
        _ query: Query, _ kind: StateEntry.Kind, _ values: Value...
    ) throws(SQLiteFailure) -> [StateEntry] {
        guard let connection else { throw SQLiteFailure("the store is closed") }
        return try connection.waitingForLock { () throws(SQLiteFailure) in
            try all(query, values) {
                StateEntry(
                    kind: kind, id: Name($0.text(0)), owner: Digest32($0.blob(1)) ?? Digest32(),
                    version: Int($0.integer(2)), phase: Name($0.text(3)),
                    holder: $0.type(4) == .null ? nil : Name($0.text(4)),
                    expires: Int($0.integer(5)), body: $0.blob(6),
                    topic: $0.type(7) == .null ? nil : Digest32($0.blob(7)))
            }
        }
    }

    func replace(_ entry: StateEntry) throws(SQLiteFailure) -> Bool {
        try change { (connection) throws(SQLiteFailure) in
            try leaveRoom(beside: entry.body)
            try run(.number)
            try run(
                .replace, .text(entry.phase.text), Value(entry.holder), .integer(entry.expires),
                .blob(entry.body), .text(entry.kind.rawValue), .text(entry.id.text),
                .integer(entry.version), .blob(entry.owner.bytes), Value(entry.topic))
            return connection.changeCount == 1
        }
    }

    /// Every process holds all of them in memory.
    private static let revocationsMax = 10_000

    func revoke(_ revocation: Revocation) throws(SQLiteFailure) {
        try change { (_) throws(SQLiteFailure) in
            try run(.sweepRevocations, .integer(options.now()))
            let count = try first(.revocationCount) { $0.integer(0) }
            guard Int(count ?? 0) < Self.revocationsMax else {
                var failure = SQLiteFailure("as many revocations as are kept")
                failure.code = SQLITE_FULL
                throw failure
            }
            try run(
                .revoke, .text(revocation.kind.rawValue), .text(revocation.issuer?.text ?? ""),
                .text(revocation.value.text), .integer(revocation.at),
                .integer(revocation.expires))
        }
    }

    func revocations() throws(SQLiteFailure) -> [Revocation] {
        guard let connection else { throw SQLiteFailure("the store is closed") }
        return try connection.waitingForLock { () throws(SQLiteFailure) in
            let statement = try prepared(.revocations, [])
            defer { statement.reset() }
            var found: [Revocation] = []
            while try statement.step() == .row {
                // One that is not understood ends everybody's tokens rather than nobody's.
                guard let kind = Revocation.Kind(rawValue: statement.text(0)) else {
                    throw SQLiteFailure("a revocation of an unknown kind")
                }
                let issuer = statement.text(1)
                found.append(
                    Revocation(
                        kind: kind, issuer: issuer.utf8.isEmpty ? nil : Name(issuer),
                        value: Name(statement.text(2)), at: Int(statement.integer(3)),
                        expires: Int(statement.integer(4))))
            }
            return found
        }
    }

    /// Entries may fill seven eighths of the store: however many there are, an answer that must not
    /// be used twice finds its place.
    private func leaveRoom(beside body: [UInt8]) throws(SQLiteFailure) {
        guard let connection else { throw SQLiteFailure("the store is closed") }
        let pages = Int(try connection.textOf("PRAGMA page_count")) ?? 0
        let free = Int(try connection.textOf("PRAGMA freelist_count")) ?? 0
        let used = (pages - free) * StateSchema.pageBytes + body.count
        guard used > options.bytesMax / 8 * 7 else { return }
        var failure = SQLiteFailure("entries fill the store")
        failure.code = SQLITE_FULL
        throw failure
    }

    // MARK: Statements

    private typealias Value = KeptStatements.Value

    /// One transaction, on disk when this returns; it also clears away some of what has expired.
    private func change<Result>(
        _ body: (SQLiteConnection) throws(SQLiteFailure) -> Result
    ) throws(SQLiteFailure) -> Result {
        guard let connection else { throw SQLiteFailure("the store is closed") }
        try connection.waitingForLock { () throws(SQLiteFailure) in try connection.run(.begin) }
        defer { if connection.isInTransaction { try? connection.run(.rollback) } }
        let now = Value.integer(options.now())
        try run(.sweepNonces, now, .integer(Self.noncesSwept))
        try run(.sweepEntries, now, .integer(Self.entriesSwept))
        let result = try body(connection)
        try connection.waitingForLock { () throws(SQLiteFailure) in try connection.run(.commit) }
        return result
    }

    private func run(_ query: Query, _ values: Value...) throws(SQLiteFailure) {
        let statement = try prepared(query, values)
        defer { statement.reset() }
        while try statement.step() == .row {}
    }

    private func first<Result>(
        _ query: Query, _ values: Value..., read: (SQLiteStatement) -> Result
    ) throws(SQLiteFailure) -> Result? {
        let statement = try prepared(query, values)
        defer { statement.reset() }
        return try statement.step() == .row ? read(statement) : nil
    }

    private func all<Result>(
        _ query: Query, _ values: Value..., read: (SQLiteStatement) -> Result
    ) throws(SQLiteFailure) -> [Result] { try all(query, values, read: read) }

    private func all<Result>(
        _ query: Query, _ values: [Value], read: (SQLiteStatement) -> Result
    ) throws(SQLiteFailure) -> [Result] {
        let statement = try prepared(query, values)
        defer { statement.reset() }
        var found: [Result] = []
        while try statement.step() == .row { found.append(read(statement)) }
        return found
    }

    private func prepared(
        _ query: Query, _ values: [Value]
    ) throws(SQLiteFailure) -> SQLiteStatement {
        guard let connection else { throw SQLiteFailure("the store is closed") }
        return try statements.prepared(query.rawValue, values, on: connection)
    }
}

extension StateError {
    init(_ failure: SQLiteFailure) {
        let reason: Reason =
            switch failure.code & 0xFF {
            case SQLITE_BUSY, SQLITE_LOCKED: .busy
            case SQLITE_FULL, SQLITE_TOOBIG: .full
            default: .unavailable
            }
        self.init(reason, detail: "SQLite \(failure.code): \(failure.message)")
    }
}
