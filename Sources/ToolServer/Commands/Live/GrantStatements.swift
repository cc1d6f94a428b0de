import Backends
import Enforcement
import JSON

/// `grants --sql`: the statements that give a role what the declared tools of a backend need, and
/// nothing else. For a person to read and run.
struct GrantStatements {
    let lines: [String]

    init(_ needs: BackendNeeds, _ found: RolePrivileges) {
        let role = SQLNames.quoted("toolserver_\(needs.backend)")
        let database = SQLNames.quoted(found.database.text)
        var lines = [
            "-- Backend \(needs.backend): the least that its tools need. Read it before you run it.",
            "CREATE ROLE \(role) LOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB;",
            "-- Give it a password, or a certificate: ALTER ROLE \(role) PASSWORD …",
            "GRANT CONNECT, TEMPORARY ON DATABASE \(database) TO \(role);",
        ]
        let schemas = Set(needs.all.map(\.schema)).sorted()
        for schema in schemas {
            lines.append("GRANT USAGE ON SCHEMA \(SQLNames.quoted(schema.text)) TO \(role);")
        }
        for (tool, wanted) in needs.settled.sorted(by: { $0.tool.name < $1.tool.name }) {
            lines += Self.statements(of: tool, wanted, found, role)
        }
        for tool in needs.free {
            lines += [
                "-- \(tool.name): its callers write the statements. Grant it the columns that they may",
                "-- read, by hand: GRANT SELECT (…) ON … TO \(role);",
            ]
        }
        for tool in needs.unknown {
            lines.append(
                "-- \(tool.name): what it touches could not be found out; grant it by hand.")
        }
        self.lines = lines
    }

    private static func statements(
        of tool: Tool, _ wanted: Set<RelationPrivilege>, _ found: RolePrivileges, _ role: String
    ) -> [String] {
        let exact = Set(wanted.map { Self.exact($0, among: wanted, found) })
        let grants = PrivilegeList(exact) { need in
            SQLNames.quoted(need.schema.text) + "." + SQLNames.quoted(need.relation.text)
        }
        .lines { SQLNames.quoted($0.text) }
        .map { "GRANT \($0) TO \(role);" }
        let filled = Set(wanted.filter { $0.action == .insert }.map { Name($0.qualified) })
        let sequences = filled.sorted().flatMap { found.sequences[$0] ?? [] }
            .map { name in
                let parts = SQLNames.parts(of: name.text).map { SQLNames.quoted($0) }
                return "GRANT USAGE ON SEQUENCE \(parts.joined(separator: ".")) TO \(role);"
            }
        return ["-- \(tool.name)"] + grants + sequences
    }

    /// What names no column needs one, whichever: one that is needed anyway, or the first, so that
    /// it is the same each time.
    private static func exact(
        _ need: RelationPrivilege, among wanted: Set<RelationPrivilege>, _ found: RolePrivileges
    ) -> RelationPrivilege {
        guard need.column == nil, need.action == .select else { return need }
        let named = wanted.filter { $0.isOf(need) }.compactMap(\.column)
        var need = need
        need.column = named.min() ?? found.columns[Name(need.qualified)]?.min()
        return need
    }
}
