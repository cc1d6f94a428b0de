internal import JSON

/// How the values of a type become JSON, for types that only this database knows.
struct PostgresTypes {
    /// Arrays of rows of arrays of …: deeper than anybody writes.
    private static let depthMax = 16

    private let link: PostgresLink

    init(_ link: PostgresLink) { self.link = link }

    /// Types that are not understood are shown as the text that the server writes.
    func form(of type: UInt32, depth: Int = 0) throws(PostgresFailure) -> PostgresForm {
        if let known = PostgresForm.builtIn(type) { return known }
        guard depth < Self.depthMax else { return .text }
        let rows = try link.rows(
            """
            SELECT t.typtype, t.typbasetype, t.typrelid,
                CASE WHEN t.typsubscript = 'pg_catalog.array_subscript_handler'::pg_catalog.regproc
                    THEN t.typelem ELSE 0 END,
                e.typdelim
            FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem
            WHERE t.oid = $1::pg_catalog.oid
            """, [String(type)])
        guard let row = rows.first, let kind = row[0] else { return .text }
        if kind == "d", let base = row[1].flatMap({ UInt32($0) }) {
            return try form(of: base, depth: depth + 1)
        }
        if kind == "c", let relation = row[2] { return try composite(relation, depth: depth) }
        if let element = row[3].flatMap({ UInt32($0) }), element != 0,
            let delimiter = row[4]?.utf8.first
        {
            return .array(of: try form(of: element, depth: depth + 1), delimiter: delimiter)
        }
        return .text
    }

    private func composite(_ relation: String, depth: Int) throws(PostgresFailure) -> PostgresForm {
        let rows = try link.rows(
            """
            SELECT attname, atttypid FROM pg_catalog.pg_attribute
            WHERE attrelid = $1::pg_catalog.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum
            """, [relation])
        var fields: [PostgresField] = []
        for row in rows {
            guard let name = row[0], let type = row[1].flatMap({ UInt32($0) }) else { return .text }
            fields.append(
                PostgresField(name: name, form: try form(of: type, depth: depth + 1)))
        }
        return .composite(fields)
    }
}
