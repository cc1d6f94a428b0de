internal import Enforcement
internal import JSON

/// A connection that is ready for calls.
struct PostgresMade: Sendable {
    let link: PostgresLink
    /// The roles that its login may take on, its own not among them.
    let roles: Set<Name>
    /// What its transactions are known by; nil where that cannot be known.
    let cluster: String?
}

/// Connecting, and what every connection is prepared for. Blocks; for a worker.
enum PostgresMaking {
    /// From 14 on a server can be told to stop working for a client that is gone.
    static let versionMin = 14_00_00

    /// What a change may have left in the session. RESET returns to the settings of the start.
    static let reset: StaticString =
        "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES"

    static func make(_ options: PostgresOptions) throws(PostgresFailure) -> PostgresMade {
        let link = try connect(options)
        let settings = options.asCaller.map { ($0.role == nil ? 0 : 1) + $0.settings.count } ?? 0
        try link.prepare(PostgresStatementName.beginReading.text, "BEGIN READ ONLY")
        try link.prepare(PostgresStatementName.beginWriting.text, "BEGIN READ WRITE")
        try link.prepare(PostgresStatementName.commit.text, "COMMIT")
        try link.prepare(PostgresStatementName.rollback.text, "ROLLBACK")
        try link.prepare(PostgresStatementName.open.text, opening(settings: settings))
        try link.prepare(PostgresStatementName.mark.text, PostgresTransactions.mark)
        return PostgresMade(
            link: link, roles: try roles(link), cluster: PostgresTransactions.cluster(link))
    }

    /// A connection that speaks as this product reads: for loading, no more than this is needed.
    static func connect(_ options: PostgresOptions) throws(PostgresFailure) -> PostgresLink {
        let link = try PostgresLink(options)
        guard link.serverVersion >= versionMin else {
            throw PostgresFailure(message: "PostgreSQL 14 or later is needed", isFatal: true)
        }
        guard link.setting("client_encoding") == "UTF8",
            link.setting("standard_conforming_strings") == "on"
        else {
            throw PostgresFailure(
                message: "the server does not take UTF8 and standard strings", isFatal: true)
        }
        return link
    }

    /// One statement for all settings of a transaction. It takes the transaction's snapshot too:
    /// from then on nothing can make a reading transaction a writing one (SQLSTATE 25001). And what
    /// an earlier call locked for its session is free again. The role comes last, since it may be
    /// allowed less.
    private static func opening(settings: Int) -> String {
        var parts = [
            "pg_catalog.pg_advisory_unlock_all()",
            "pg_catalog.set_config('statement_timeout', $1, true)",
        ]
        for index in 0..<settings {
            parts.append("pg_catalog.set_config($\(2 * index + 2), $\(2 * index + 3), true)")
        }
        return "SELECT " + parts.joined(separator: ", ")
    }

    private static func roles(_ link: PostgresLink) throws(PostgresFailure) -> Set<Name> {
        let rows = try link.rows(
            """
            SELECT rolname FROM pg_catalog.pg_roles
            WHERE rolname <> session_user AND pg_catalog.pg_has_role(session_user, oid, 'member')
            """)
        return Set(rows.compactMap { $0.first ?? nil }.map { Name($0) })
    }
}
