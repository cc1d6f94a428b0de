internal import CSQLite
internal import Enforcement

/// The form of the file, by number. A build reads what older ones made and refuses what newer ones
/// made: to guess at a table would be to lose an approval.
enum StateSchema {
    /// "tsst", so that `file` and we know whose database it is.
    static let applicationID = 0x7473_7374

    /// SQLite's own; written down, since the bounds are counted in it.
    static let pageBytes = 4_096

    /// Each step takes a file from the version before it, in one transaction.
    private static let steps: [[StaticString]] = [
        [
            "create table nonces (nonce blob primary key, expires integer not null) without rowid",
            "create index nonces_expiry on nonces (expires)",
            """
            create table entries (kind text not null, id text not null, owner blob not null,
                version integer not null, phase text not null, holder text,
                expires integer not null, body blob not null,
                primary key (kind, id)) without rowid
            """,
            "create index entries_owner on entries (kind, owner)",
            "create index entries_expiry on entries (expires)",
            "PRAGMA application_id = 1953723252",
            "PRAGMA user_version = 1",
        ],
        [
            """
            create table revocations (kind text not null, issuer text not null,
                value text not null, at integer not null, expires integer not null,
                primary key (kind, issuer, value)) without rowid
            """,
            "create index revocations_expiry on revocations (expires)",
            "PRAGMA user_version = 2",
        ],
        [
            // What an entry is about, and the number of its last change over all entries.
            "alter table entries add column topic blob",
            "alter table entries add column changed integer not null default 0",
            "create unique index entries_topic on entries (kind, topic) where topic is not null",
            "create index entries_changed on entries (changed)",
            "create table changes (number integer not null)",
            "insert into changes values (0)",
            "PRAGMA user_version = 3",
        ],
    ]

    static var version: Int { steps.count }

    /// Settings of the connection; those of the file come with the first.
    static func configure(
        _ connection: SQLiteConnection, bytesMax: Int
    ) throws(SQLiteFailure) {
        try useLog(connection)
        for text: StaticString in [
            "PRAGMA synchronous = FULL", "PRAGMA secure_delete = ON",
            "PRAGMA journal_size_limit = 16777216",
        ] { try connection.runOurs(text) }
        try bound(connection, bytesMax: bytesMax)
    }

    /// A write-ahead log, in pages whose number can be bounded.
    static func useLog(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        try connection.runOurs("PRAGMA page_size = 4096")
        try connection.waitingForLock { () throws(SQLiteFailure) in
            // Asking for WAL takes the whole file, so only where it is not WAL yet.
            if try connection.textOf("PRAGMA journal_mode") != "wal" {
                guard try connection.textOf("PRAGMA journal_mode = WAL") == "wal" else {
                    throw SQLiteFailure("the file system does not allow a write-ahead log")
                }
            }
        }
    }

    static func bound(_ connection: SQLiteConnection, bytesMax: Int) throws(SQLiteFailure) {
        let statement = try SQLiteStatement(
            "PRAGMA max_page_count = \(bytesMax / pageBytes)", on: connection, isKept: false)
        _ = try statement.step()
    }

    /// Throws the version found where it is newer than ours.
    static func upgrade(_ connection: SQLiteConnection) throws(SQLiteFailure) -> Int {
        try connection.waitingForLock { () throws(SQLiteFailure) in try connection.run(.begin) }
        defer { if connection.isInTransaction { try? connection.run(.rollback) } }
        let found = Int(try connection.textOf("PRAGMA user_version")) ?? 0
        if found == 0, try connection.textOf("select count(*) from sqlite_schema") != "0" {
            throw SQLiteFailure("the file holds something else than state")
        }
        guard (0..<version).contains(found) else { return found }
        for step in steps[found...] {
            for text in step { try connection.runOurs(text) }
        }
        try connection.run(.commit)
        return version
    }
}

extension SQLiteConnection {
    /// The first column of the only row.
    func textOf(_ text: StaticString) throws(SQLiteFailure) -> String {
        let statement = try SQLiteStatement(text.description, on: self, isKept: false)
        return try statement.step() == .row ? statement.text(0) : ""
    }
}
