internal import Enforcement
internal import JSON

/// The whole schema by the catalogue, in five statements however many tables there are.
extension PostgresAnalysisSession {
    mutating func relations() throws(PostgresAnalysisError) -> [SchemaRelation] {
        do throws(PostgresFailure) {
            var found = FoundRelations()
            for row in try link.rows(Self.relationsQuery) { found.addRelation(row) }
            let statistics = FoundStatistics(try link.rows(Self.statisticsQuery))
            for row in try link.rows(Self.columnsQuery) { found.addColumn(row, statistics) }
            for row in try link.rows(Self.indexesQuery) { found.addIndexColumn(row) }
            for row in try link.rows(Self.referencesQuery) { found.addReference(row) }
            return found.relations
        } catch { throw .server(error) }
    }

    /// Relations that somebody may have made tools for; `c` and `n` are theirs.
    private static let ofUsers = """
        n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
        """

    private static let relationsQuery = """
        SELECT n.nspname, c.relname, quote_ident(n.nspname) || '.' || quote_ident(c.relname),
            CASE WHEN c.relkind IN ('r', 'p') THEN 't' WHEN c.relkind = 'f' THEN 'f' ELSE 'v' END,
            obj_description(c.oid, 'pg_class'), c.relrowsecurity,
            has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND \(ofUsers)
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                AND d.objid = c.oid AND d.deptype = 'e')
        ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
        """

    /// Labels stand behind each other with a byte between that no label should have.
    private static let columnsQuery = """
        SELECT n.nspname, c.relname, a.attname, quote_ident(a.attname),
            format_type(coalesce(nullif(t.typbasetype, 0), t.oid), NULL),
            CASE WHEN t.typtype = 'd' THEN t.typname END,
            (SELECT string_agg(e.enumlabel, E'\\x1f' ORDER BY e.enumsortorder)
                FROM pg_enum e WHERE e.enumtypid = t.oid),
            col_description(c.oid, a.attnum), has_column_privilege(c.oid, a.attnum, 'SELECT')
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            JOIN pg_type t ON t.oid = a.atttypid
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND \(ofUsers)
        ORDER BY c.oid, a.attnum
        """

    /// Without what the statistics keep of the values themselves.
    private static let statisticsQuery = """
        SELECT n.nspname, c.relname, s.attname,
            CASE WHEN s.n_distinct < 0 THEN -s.n_distinct
                WHEN c.reltuples > 0 THEN least(1, s.n_distinct / c.reltuples) END, s.avg_width
        FROM pg_stats s JOIN pg_namespace n ON n.nspname = s.schemaname
            JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = s.tablename
        WHERE \(ofUsers) ORDER BY s.inherited
        """

    private static let indexesQuery = """
        SELECT n.nspname, c.relname, i.indexrelid, i.indisprimary,
            i.indisunique AND i.indimmediate
                AND bool_and(coalesce(a.attnotnull, false)) OVER (PARTITION BY i.indexrelid),
            a.attname
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
            JOIN pg_namespace n ON n.oid = c.relnamespace
            CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
            LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
        WHERE i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
            AND k.place <= i.indnkeyatts AND NOT c.relispartition AND \(ofUsers)
        ORDER BY c.oid, i.indisprimary DESC, i.indisunique DESC, i.indexrelid, k.place
        """

    /// Of one column: what a tool can be asked by.
    private static let referencesQuery = """
        SELECT n.nspname, c.relname, a.attname, fn.nspname, f.relname
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
            JOIN pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
            JOIN pg_class f ON f.oid = k.confrelid JOIN pg_namespace fn ON fn.oid = f.relnamespace
        WHERE k.contype = 'f' AND cardinality(k.conkey) = 1 AND NOT c.relispartition
            AND NOT f.relispartition AND \(ofUsers)
        ORDER BY c.oid, k.conkey[1], k.oid
        """
}

/// Rows of the catalogue, put together.
private struct FoundRelations {
    private(set) var relations: [SchemaRelation] = []
    private var places: [Name: Int] = [:]
    private var lastIndex: String?

    private static func key(_ schema: String, _ name: String) -> Name { Name("\(schema)\0\(name)") }

    private func place(_ row: [String?]) -> Int? {
        guard let schema = row[0], let name = row[1] else { return nil }
        return places[Self.key(schema, name)]
    }

    mutating func addRelation(_ row: [String?]) {
        guard let schema = row[0], let name = row[1], let spelled = row[2] else { return }
        let kind: SchemaRelation.Kind =
            switch row[3]?.utf8.first {
            case UInt8(ascii: "t"): .table
            case UInt8(ascii: "f"): .foreignTable
            default: .view
            }
        places[Self.key(schema, name)] = relations.count
        relations.append(
            SchemaRelation(
                schema: Name(schema), name: Name(name), spelled: spelled, kind: kind,
                comment: row[4], hasRowSecurity: isTrue(row[5]), isReadable: isTrue(row[6])))
    }

    mutating func addColumn(_ row: [String?], _ statistics: FoundStatistics) {
        guard let place = place(row), let name = row[2], let spelled = row[3], let type = row[4]
        else { return }
        let known = statistics.of(row)
        relations[place].columns.append(
            SchemaColumn(
                name: Name(name), spelled: spelled, type: Name(type),
                domain: row[5].map { Name($0) },
                labels: (row[6] ?? "").split(separator: "\u{1F}").map(String.init),
                comment: row[7], isReadable: isTrue(row[8]), distinctPart: known?.distinct,
                meanBytes: known?.bytes))
    }

    mutating func addIndexColumn(_ row: [String?]) {
        guard let place = place(row), let index = row[2], let column = row[5] else { return }
        if lastIndex?.isByteEqual(to: index) == true, !relations[place].indexes.isEmpty {
            relations[place].indexes[relations[place].indexes.count - 1].columns
                .append(Name(column))
        } else {
            lastIndex = index
            relations[place].indexes.append(
                SchemaRelation.Key(
                    columns: [Name(column)], isPrimary: isTrue(row[3]), isUnique: isTrue(row[4])))
        }
    }

    mutating func addReference(_ row: [String?]) {
        guard let place = place(row), let column = row[2], let schema = row[3], let other = row[4]
        else { return }
        relations[place].references.append(
            SchemaRelation.Reference(
                column: Name(column), schema: Name(schema), relation: Name(other)))
    }
}

private struct FoundStatistics {
    private var known: [Name: (distinct: Double?, bytes: Int?)] = [:]

    /// Of a partitioned table what holds for all of it comes last.
    init(_ rows: [[String?]]) {
        for row in rows {
            known[Self.key(row)] = (row[3].flatMap { Double($0) }, row[4].flatMap { Int($0) })
        }
    }

    func of(_ row: [String?]) -> (distinct: Double?, bytes: Int?)? { known[Self.key(row)] }

    private static func key(_ row: [String?]) -> Name {
        Name(row.prefix(3).map { $0 ?? "" }.joined(separator: "\0"))
    }
}

private func isTrue(_ text: String?) -> Bool { text?.isByteEqual(to: "t") == true }
