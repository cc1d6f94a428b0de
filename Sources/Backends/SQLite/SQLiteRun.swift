internal import CSQLite
internal import Enforcement
internal import JSON

/// One call on one connection, from the lookup of its statement to the last row.
extension SQLiteConnection {
    func run(_ job: Job, _ cancellation: SQLiteCancellation) throws(BackendError) -> RawResult {
        watch.start(deadline: job.deadline, cancellation: cancellation)
        defer { watch.stop() }
        try watch.check()
        if case .describe = job.tool.operation { return try describe(job) }
        let text = job.statementText
        let whole = try translating { () throws(SQLiteFailure) in
            try self.prepared(text, job.author)
        }
        guard whole.agrees(with: job.examination) else {
            statements.remove(Name(text))
            throw BackendError(.outdated, detail: "the schema is not the one examined at load")
        }
        let prepared = job.blank.isEmpty ? whole : try blanked(whole, job)
        defer { prepared.statement.reset() }
        return try effect == .read ? read(job, prepared) : write(job, prepared)
    }

    /// What a caller's own statement would touch.
    func examine(
        _ text: String, _ job: Job, _ cancellation: SQLiteCancellation
    ) throws(BackendError) -> Examination {
        watch.start(deadline: job.deadline, cancellation: cancellation)
        defer { watch.stop() }
        do throws(SQLiteFailure) {
            return try prepared(text, .caller).examination
        } catch {
            if error.breaksConnection { isBroken = true }
            throw BackendError(judging: error, stopped: watch.stopReason)
        }
    }

    private func prepared(
        _ text: String, _ author: SQLiteAuthor
    ) throws(SQLiteFailure) -> SQLitePrepared {
        let key = Name(text)
        if let entry = statements.find(key) { return entry }
        let entry = try waitingForLock { () throws(SQLiteFailure) in
            try SQLiteExaminer(connection: self, effect: effect, author: author).prepare(text)
        }
        statements.insert(entry, for: key)
        return entry
    }

    /// The statement that runs for a caller who may not see some of its columns.
    private func blanked(
        _ whole: SQLitePrepared, _ job: Job
    ) throws(BackendError) -> SQLitePrepared {
        let text = whole.blanks.text(job.statementText, without: job.blank)
        let prepared = try translating { () throws(SQLiteFailure) in
            try self.prepared(text, job.author)
        }
        guard whole.examination.blankable.isSuperset(of: job.blank),
            prepared.examination.isBlanked(whole.examination),
            prepared.examination.blankable.isDisjoint(with: job.blank)
        else {
            statements.remove(Name(text))
            throw BackendError(.outdated, detail: "a masked column cannot be left out")
        }
        return prepared
    }

    private func read(_ job: Job, _ prepared: SQLitePrepared) throws(BackendError) -> RawResult {
        try prepared.bind(job)
        return RawResult(rows: try rows(job, prepared, mayCut: true))
    }

    /// Takes the write lock first: a transaction that read before it wrote could fail for another
    /// writer's sake with no way to wait (SQLITE_BUSY_SNAPSHOT).
    private func write(_ job: Job, _ prepared: SQLitePrepared) throws(BackendError) -> RawResult {
        try prepared.bind(job)
        try translating { () throws(SQLiteFailure) in
            try waitingForLock { () throws(SQLiteFailure) in try run(.begin) }
        }
        do throws(BackendError) {
            let rows = try rows(job, prepared, mayCut: false)
            // SQLite keeps the count of the last change while statements that change nothing run.
            let changed = prepared.statement.isReadOnly ? 0 : changeCount
            prepared.statement.reset()
            try watch.check()
            try translating { () throws(SQLiteFailure) in
                try waitingForLock { () throws(SQLiteFailure) in try run(.commit) }
            }
            return RawResult(rows: rows, changed: changed)
        } catch {
            prepared.statement.reset()
            rollBack()
            throw error
        }
    }

    private func rows(
        _ job: Job, _ prepared: SQLitePrepared, mayCut: Bool
    ) throws(BackendError) -> Rows {
        let statement = prepared.statement
        var cells = SQLiteCells(prepared, within: job.bounds)
        var step = try translating { () throws(SQLiteFailure) in
            try waitingForLock { () throws(SQLiteFailure) in try statement.step() }
        }
        if statement.takeReprepared() { try examineAgain(job, prepared) }
        while step == .row {
            guard try cells.appendRow() else {
                if mayCut { break }
                throw BackendError(.result, detail: "a change returns more than the tool's limits")
            }
            step = try translating { () throws(SQLiteFailure) in try statement.step() }
        }
        return cells.rows
    }

    /// SQLite compiled the statement again within the step, so what was examined may be another
    /// shape: no row leaves before that is settled.
    private func examineAgain(_ job: Job, _ prepared: SQLitePrepared) throws(BackendError) {
        let text = job.statementText
        let examiner = SQLiteExaminer(connection: self, effect: effect, author: job.author)
        let blanks = statements.find(Name(text))?.blanks
        let isSame = try translating { () throws(SQLiteFailure) in
            let found = try examiner.prepare(text)
            guard found.examination.agrees(with: job.examination) else { return false }
            if job.blank.isEmpty { return true }
            guard found.blanks == blanks else { return false }
            return try examiner.prepare(found.blanks.text(text, without: job.blank)).examination
                .agrees(with: prepared.examination)
        }
        guard isSame else {
            statements.remove(Name(text))
            throw BackendError(.outdated, detail: "the schema changed since load")
        }
    }

    private func rollBack() {
        // Some errors (full disk, interrupted write) have rolled back already.
        guard isInTransaction else { return }
        let outer = watch.suspend()
        defer { watch.resume(outer) }
        do throws(SQLiteFailure) { try run(.rollback) } catch { isBroken = true }
    }

    func translating<Value>(
        _ body: () throws(SQLiteFailure) -> Value
    ) throws(BackendError) -> Value {
        do throws(SQLiteFailure) {
            return try body()
        } catch {
            let translated = BackendError(running: error, stopped: watch.stopReason)
            if error.breaksConnection { isBroken = true }
            throw translated
        }
    }
}

/// Who wrote a statement: the manifests, or whoever calls.
enum SQLiteAuthor { case operation, caller }

extension Job {
    var author: SQLiteAuthor {
        switch tool.operation {
        case .sql: .operation
        // What is no statement at all is trusted no more than a caller's.
        case .freeSQL, .http, .describe, .access: .caller
        }
    }
}

extension SQLitePrepared {
    /// Masks and rules were computed for the tool's examination; a statement that is now something
    /// else must not run under them.
    func agrees(with wanted: Examination) -> Bool {
        if let agreed, agreed.isSame(as: wanted) { return true }
        guard examination.agrees(with: wanted) else { return false }
        agreed = wanted
        return true
    }
}

extension Examination {
    func agrees(with other: Examination) -> Bool {
        columns.count == other.columns.count
            && zip(columns, other.columns).allSatisfy { $0.agrees(with: $1) }
            && parameters == other.parameters && isReadOnly == other.isReadOnly
            && reads == other.reads && deciding == other.deciding
            && blankable == other.blankable && statement?.touches == other.statement?.touches
    }
}

extension Column {
    fileprivate func agrees(with other: Column) -> Bool {
        name.isByteEqual(to: other.name) && origin == other.origin && kind == other.kind
            && sources == other.sources
    }
}

extension SQLiteFailure {
    /// The file may have been replaced or be damaged: the next call opens it anew.
    var breaksConnection: Bool {
        switch code & 0xFF {
        case SQLITE_IOERR, SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_CANTOPEN, SQLITE_FULL: true
        default: false
        }
    }
}

extension BackendError {
    /// At a call: SQLite's message may quote values, so only its code goes on.
    init(running failure: SQLiteFailure, stopped: Reason?) {
        self.init(Self.reason(failure.code, stopped), detail: "SQLite \(failure.code)")
    }

    /// Of a caller's own statement: our words are told, SQLite's may quote it.
    init(judging failure: SQLiteFailure, stopped: Reason?) {
        let reason = Self.reason(failure.code, stopped)
        switch reason {
        case .failed where failure.isOurs, .invalid where failure.isOurs:
            self.init(.refused, detail: failure.message)
        case .failed, .invalid, .result, .outdated:
            self.init(.statement, detail: "the database does not take it (SQLite \(failure.code))")
        default: self.init(reason, detail: "SQLite \(failure.code)")
        }
    }

    /// At load: an operator reads it, and it speaks of the operator's own statement.
    init(examining failure: SQLiteFailure) {
        let reason = Self.reason(failure.code, nil)
        self.init(reason == .failed ? .invalid : reason, detail: failure.message)
    }

    private static func reason(_ code: Int32, _ stopped: Reason?) -> Reason {
        switch code & 0xFF {
        case SQLITE_BUSY, SQLITE_LOCKED: stopped ?? .busy
        case SQLITE_INTERRUPT: stopped ?? .cancelled
        case SQLITE_CONSTRAINT, SQLITE_MISMATCH: .constraint
        case SQLITE_AUTH, SQLITE_READONLY: .invalid
        case SQLITE_TOOBIG: .result
        case SQLITE_SCHEMA: .outdated
        case SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN, SQLITE_NOTADB, SQLITE_NOMEM,
            SQLITE_CORRUPT, SQLITE_PROTOCOL, SQLITE_PERM:
            .unavailable
        default: .failed
        }
    }
}
