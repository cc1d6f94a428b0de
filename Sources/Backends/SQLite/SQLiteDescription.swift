internal import Enforcement
internal import JSON

/// The relations and columns of a file, by SQLite's own account. Not the tables in which virtual
/// tables keep what they hold, nor SQLite's own.
extension SQLiteConnection {
    func describe(_ job: Job) throws(BackendError) -> RawResult {
        var answer = SchemaRows(job)
        try translating { () throws(SQLiteFailure) in
            let outer = authorizer.enter(.setup)
            defer { authorizer.enter(outer) }
            let rows = try SQLiteStatement(
                """
                SELECT t.name, t.type, c.name, c.type,
                    CASE WHEN c.pk > 0 THEN 'primary' ELSE (
                        SELECT 'references ' || f."table" || '.' || f."to"
                        FROM pragma_foreign_key_list(t.name) AS f WHERE f."from" = c.name) END
                FROM pragma_table_list AS t, pragma_table_xinfo(t.name) AS c
                WHERE t.schema = 'main' AND t.type IN ('table', 'view', 'virtual')
                    AND t.name NOT LIKE 'sqlite~_%' ESCAPE '~' AND c.hidden <> 1
                ORDER BY t.name, c.cid
                """, on: self, isKept: false)
            while try rows.step() == .row {
                let isMore = answer.append(
                    "\(SQLiteSchema.main).\(Name(foldedUTF8: rows.text(0).utf8))",
                    kind: rows.text(1), column: Name(foldedUTF8: rows.text(2).utf8).text,
                    type: rows.text(3).utf8.isEmpty ? nil : rows.text(3),
                    key: rows.text(4).utf8.isEmpty ? nil : rows.text(4), comment: nil, count: nil)
                guard isMore else { return }
            }
        }
        return RawResult(rows: answer.rows)
    }
}
