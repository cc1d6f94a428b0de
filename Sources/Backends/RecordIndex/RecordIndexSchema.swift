internal import CSQLite
internal import Enforcement

/// The tables of the index. It is derived: one of another form is made anew.
enum RecordIndexSchema {
    static let version = 3

    private static let tables: [StaticString] = [
        """
        create table logs (id integer primary key, name text not null unique, key text not null,
            segment integer not null, offset integer not null, sequence integer not null)
        """,
        """
        create table entries (id integer primary key, log integer not null, at text not null,
            event text not null, call text, caller text, person text, client text, tool text,
            backend text, decision text, code text, session text, approval text,
            grant text)
        """,
        """
        create table lines (entry integer not null, sequence integer not null,
            segment integer not null, offset integer not null,
            primary key (entry, sequence)) without rowid
        """,
        """
        create table touched (name text not null, entry integer not null,
            primary key (name, entry)) without rowid
        """,
        "create table relations (name text primary key) without rowid",
        """
        create table ruled (name text not null, entry integer not null,
            primary key (name, entry)) without rowid
        """,
        "create index entries_at on entries (at)",
        "create index entries_call on entries (call, log) where call is not null",
        // With what they are most often asked together with, so that what does not fit is told from
        // the index alone.
        "create index entries_caller on entries (caller, at, tool, decision, code)",
        "create index entries_tool on entries (tool, at, caller, decision, code)",
        "create index entries_person on entries (person, at) where person is not null",
        "create index entries_client on entries (client, at) where client is not null",
        "create index entries_approval on entries (approval, at) where approval is not null",
        "create index entries_backend on entries (backend, at)",
        "create index entries_decision on entries (decision, at)",
        "create index entries_code on entries (code, at)",
        "create index entries_session on entries (session, at)",
        "create index entries_grant on entries (grant, at) where grant is not null",
        "create index entries_event on entries (event, at)",
        "create virtual table words using fts5 (text, content = '', detail = none)",
        "PRAGMA user_version = 3",
    ]

    /// All of what an index of another form held is dropped with its file by the caller.
    static func create(on connection: SQLiteConnection) throws(SQLiteFailure) {
        for text in tables { try connection.runOurs(text) }
    }

    /// What may be lost may be written fast: the record is the truth.
    static func configure(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        for text: StaticString in [
            "PRAGMA page_size = 4096", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = OFF",
            "PRAGMA cache_size = -65536", "PRAGMA temp_store = MEMORY",
        ] { try connection.runOurs(text) }
    }
}
