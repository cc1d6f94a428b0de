internal import Enforcement
internal import JSON

/// The relations and columns that the caller's role may read, by the catalogue, with its comments
/// and its estimate of rows.
extension PostgresAnalysisSession {
    mutating func describe(
        _ job: Job, as role: String?
    ) throws(PostgresAnalysisError) -> RawResult {
        var answer = SchemaRows(job)
        let rows: [[String?]]
        do throws(PostgresFailure) {
            // One more than may be told, so that it is seen that there is more.
            rows = try link.rows(
                Self.schemaQuery,
                [role, answer.relation, answer.after, String(job.tool.limits.rows + 1)])
        } catch { throw .server(error) }
        for row in rows {
            guard let name = row[0], let kind = row[1], let column = row[2] else { continue }
            let comment = [row[5], row[6]].compactMap { $0 }.first
            let isMore = answer.append(
                name, kind: kind, column: column, type: row[3], key: row[4], comment: comment,
                count: row[7].flatMap { Int($0) })
            guard isMore else { break }
        }
        return RawResult(rows: answer.rows)
    }

    private static let schemaQuery = """
        SELECT n.nspname || '.' || c.relname,
            CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table'
                WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'foreign table' END,
            a.attname, format_type(a.atttypid, a.atttypmod),
            (SELECT CASE k.contype WHEN 'p' THEN 'primary' WHEN 'u' THEN 'unique'
                    ELSE 'references ' || fn.nspname || '.' || f.relname END
                FROM pg_constraint k LEFT JOIN pg_class f ON f.oid = k.confrelid
                    LEFT JOIN pg_namespace fn ON fn.oid = f.relnamespace
                WHERE k.conrelid = c.oid AND k.contype IN ('p', 'u', 'f')
                    AND a.attnum = ANY (k.conkey)
                ORDER BY k.contype = 'p' DESC, k.contype LIMIT 1),
            col_description(c.oid, a.attnum),
            CASE WHEN a.attnum = 1 THEN obj_description(c.oid, 'pg_class') END,
            CASE WHEN c.reltuples >= 0 AND c.relkind IN ('r', 'm') THEN c.reltuples::bigint END
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
            AND n.nspname NOT IN ('pg_catalog', 'information_schema')
            AND n.nspname !~ '^pg_(toast|temp)' AND has_schema_privilege(coalesce($1::name, current_user), n.oid, 'USAGE')
            AND has_column_privilege(coalesce($1::name, current_user), c.oid, a.attnum, 'SELECT')
            AND ($2::text IS NULL OR $2 IN (n.nspname || '.' || c.relname, c.relname))
            AND ($3::text IS NULL OR (n.nspname || '.' || c.relname) COLLATE "C" > $3)
        ORDER BY (n.nspname || '.' || c.relname) COLLATE "C", a.attnum
        LIMIT $4::bigint
        """
}
