internal import Enforcement
internal import JSON

/// What the catalogue says about the role of this link.
extension PostgresAnalysisSession {
    mutating func privileges() throws(PostgresAnalysisError) -> RolePrivileges {
        do throws(PostgresFailure) {
            var found = try role()
            try addRelations(to: &found)
            try addSequences(to: &found)
            try addOwnCode(to: &found)
            return found
        } catch { throw .server(error) }
    }

    private func role() throws(PostgresFailure) -> RolePrivileges {
        guard let row = try link.rows(Self.roleQuery).first else {
            throw PostgresFailure(message: "the server does not know its own role")
        }
        func isTrue(_ index: Int) -> Bool { row[index]?.isByteEqual(to: "t") == true }
        var found = RolePrivileges()
        found.role = Name(row[0] ?? "")
        found.database = Name(row[1] ?? "")
        found.isSuperuser = isTrue(2)
        found.bypassesRowSecurity = isTrue(3)
        let powers = [(4, "CREATEROLE"), (5, "CREATEDB"), (6, "REPLICATION")]
        found.administers = powers.filter { isTrue($0.0) }.map(\.1)
        found.mayMakeTemporary = isTrue(7)
        found.isStandby = isTrue(8)
        found.memberships = try names(
            """
            SELECT r.rolname FROM pg_roles r
            WHERE r.rolname ~ '^pg_' AND pg_has_role(r.oid, 'MEMBER') AND r.rolname <> current_user
            ORDER BY 1
            """)
        found.owned = try names(
            """
            SELECT n.nspname || '.' || c.relname FROM pg_class c
                JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND pg_has_role(c.relowner, 'USAGE')
                AND n.nspname NOT IN ('pg_catalog', 'information_schema')
                AND n.nspname !~ '^pg_(toast|temp)' ORDER BY 1 LIMIT 20
            """)
        found.mayCreateInSchemas = try names(
            """
            SELECT nspname FROM pg_namespace WHERE has_schema_privilege(oid, 'CREATE')
                AND nspname NOT IN ('pg_catalog', 'information_schema')
                AND nspname !~ '^pg_(toast|temp)' ORDER BY 1 LIMIT 20
            """)
        return found
    }

    private static let roleQuery = """
        SELECT rolname, current_database(), rolsuper, rolbypassrls, rolcreaterole, rolcreatedb,
            rolreplication, has_database_privilege(current_database(), 'TEMP'),
            pg_is_in_recovery()
        FROM pg_roles WHERE rolname = current_user
        """

    private func names(_ query: String) throws(PostgresFailure) -> [Name] {
        try link.rows(query).compactMap { $0[0].map { Name($0) } }
    }

    /// Of the whole relation where it has that, of single columns where not.
    private func addRelations(to found: inout RolePrivileges) throws(PostgresFailure) {
        for row in try link.rows(Self.relationQuery) {
            guard let schema = row[0], let relation = row[1], let column = row[2] else { continue }
            found.columns[Name("\(schema).\(relation)"), default: []].insert(Name(column))
            for (place, action) in RelationPrivilege.Action.allCases.enumerated() {
                let isWhole: Bool
                switch row[3 + place]?.utf8.first {
                case UInt8(ascii: "w"): isWhole = true
                case UInt8(ascii: "c"): isWhole = false
                default: continue
                }
                found.granted.insert(
                    RelationPrivilege(
                        schema: Name(schema), relation: Name(relation), action: action,
                        column: isWhole ? nil : Name(column)))
            }
        }
    }

    /// `w` for the whole relation, `c` for the column alone.
    private static let relationQuery: String = {
        let actions = RelationPrivilege.Action.allCases.map { action in
            let name = action.rawValue.uppercased()
            let ofColumn =
                switch action {
                case .select, .insert, .update, .references:
                    " WHEN has_column_privilege(c.oid, a.attnum, '\(name)') THEN 'c'"
                case .delete, .truncate, .trigger: ""
                }
            return "CASE WHEN has_table_privilege(c.oid, '\(name)') THEN 'w'\(ofColumn) END"
        }
        return """
            SELECT n.nspname, c.relname, a.attname, \(actions.joined(separator: ", "))
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
                AND n.nspname NOT IN ('pg_catalog', 'information_schema')
                AND n.nspname !~ '^pg_(toast|temp)'
            """
    }()

    /// Of `serial` columns: their default takes from a sequence of its own.
    private func addSequences(to found: inout RolePrivileges) throws(PostgresFailure) {
        let rows = try link.rows(
            """
            SELECT n.nspname || '.' || t.relname, m.nspname || '.' || s.relname
            FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
                JOIN pg_class t ON t.oid = d.refobjid
                JOIN pg_namespace n ON n.oid = t.relnamespace
                JOIN pg_namespace m ON m.oid = s.relnamespace
            WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
                AND d.deptype = 'a' ORDER BY 1, 2
            """)
        for row in rows {
            guard let relation = row[0], let sequence = row[1] else { continue }
            found.sequences[Name(relation), default: []].append(Name(sequence))
        }
    }

    private func addOwnCode(to found: inout RolePrivileges) throws(PostgresFailure) {
        for row in try link.rows(Self.ownCodeQuery) {
            guard let relation = row[0], let kind = row[1].flatMap(OwnCode.Kind.init(rawValue:)),
                let name = row[2]
            else { continue }
            found.ownCode.append(OwnCode(relation: Name(relation), kind: kind, name: Name(name)))
        }
    }

    /// Of columns and policies those that call what does not come with the server.
    private static let ownCodeQuery = """
        WITH calls AS (
            SELECT classid, objid FROM pg_depend
            WHERE refclassid = 'pg_proc'::regclass
                AND classid IN
                    ('pg_attrdef'::regclass, 'pg_policy'::regclass, 'pg_type'::regclass)
        ), code (relation, kind, name) AS (
            SELECT tgrelid, 'trigger', tgname FROM pg_trigger
            WHERE NOT tgisinternal AND tgenabled <> 'D'
            UNION SELECT ev_class, 'rule', rulename FROM pg_rewrite
            WHERE ev_type <> '1' AND ev_enabled <> 'D'
            UNION SELECT polrelid, 'policy', polname FROM pg_policy
                JOIN calls ON classid = 'pg_policy'::regclass AND objid = pg_policy.oid
            UNION SELECT adrelid, 'column', attname FROM pg_attrdef
                JOIN calls ON classid = 'pg_attrdef'::regclass AND objid = pg_attrdef.oid
                JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
            UNION SELECT attrelid, 'column', attname FROM pg_attribute
                JOIN calls ON classid = 'pg_type'::regclass AND objid = atttypid
                JOIN pg_type ON pg_type.oid = atttypid
            WHERE typtype = 'd' AND typdefaultbin IS NOT NULL AND attnum > 0
        )
        SELECT DISTINCT n.nspname || '.' || c.relname, kind, code.name
        FROM code JOIN pg_class c ON c.oid = coalesce(pg_partition_root(relation), relation)
            JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
            AND n.nspname !~ '^pg_(toast|temp)'
        ORDER BY 1, 2, 3
        """
}
