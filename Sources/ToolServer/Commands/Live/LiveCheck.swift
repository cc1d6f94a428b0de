import Backends
import Enforcement
import JSON

/// `check --live`: proves each tool against the database as it is, and the role against the tools.
///
/// What a role may do beyond what its tools need is what somebody gets who talks around every rule
/// of ours: it is a problem where it is a way around the database's own rules or changes data that
/// no tool changes, else a warning.
struct LiveCheck {
    private(set) var problems: [String] = []
    private(set) var warnings: [String] = []
    /// What was found to be as it should.
    private(set) var notes: [String] = []

    init(_ catalog: Catalog) {
        for name in catalog.backendSettings.map(\.name).sorted() {
            guard let source = catalog.backends[name] as? any PrivilegeSource else {
                if catalog.tools.contains(where: { $0.backend == name }) {
                    notes.append("\(name): has no privileges of its own to prove")
                }
                continue
            }
            do throws(BackendError) {
                check(
                    BackendNeeds(name, catalog.tools), try source.privileges(),
                    asCaller: catalog.switchesRole(name), catalog.policy.masks)
            } catch {
                problems.append("\(name): cannot be asked: \(printable(error.detail))")
            }
        }
    }

    /// For tests: what one role means to the tools of one backend.
    init(
        _ needs: BackendNeeds, _ role: RolePrivileges, asCaller: Bool = false,
        masks: [MaskRule] = []
    ) {
        check(needs, role, asCaller: asCaller, masks)
    }

    private mutating func check(
        _ needs: BackendNeeds, _ role: RolePrivileges, asCaller: Bool, _ masks: [MaskRule]
    ) {
        let masked = MaskedRelations(masks, on: needs.backend, role.columns)
        warnings += masked.risks(of: role.ownCode).map { "\(needs.backend): \($0)" }
        let place = "\(needs.backend): role \(quoted(printable(role.role.text)))"
        checkPowers(role, place)
        checkFree(needs, role, place)
        for (tool, wanted) in needs.settled {
            proveTool(tool, wanted, role, place, asCaller: asCaller)
        }
        for tool in needs.unknown {
            warnings.append(
                "\(needs.backend): tool \(quoted(tool.name.text)): what it touches could not be found out, so its privileges are not compared"
            )
        }
        if asCaller {
            warnings.append(
                "\(place) becomes another role for each caller (`asCaller`): what those may do is not compared"
            )
        }
        // Who may do everything has not been granted it.
        guard !role.isSuperuser else { return }
        checkExcess(needs, role, place)
    }

    private mutating func checkPowers(_ role: RolePrivileges, _ place: String) {
        if role.isSuperuser {
            problems.append(
                "\(place) is a superuser: the database refuses it nothing. Connect as a role of `toolserver grants --sql`"
            )
        }
        if role.bypassesRowSecurity, !role.isSuperuser {
            problems.append(
                "\(place) has BYPASSRLS: row-level security does not hold. Run ALTER ROLE … NOBYPASSRLS"
            )
        }
        let harmless: Set<Name> = ["pg_signal_autovacuum_worker"]
        let groups = role.memberships.filter { !harmless.contains($0) }
        if !groups.isEmpty, !role.isSuperuser {
            problems.append(
                "\(place) is a member of \(quoted(groups.map(\.text))): more than any tool needs. Run REVOKE for each"
            )
        }
        if !role.administers.isEmpty, !role.isSuperuser {
            problems.append(
                "\(place) has \(role.administers.joined(separator: ", ")). Run ALTER ROLE … NO…")
        }
        if !role.owned.isEmpty, !role.isSuperuser {
            problems.append(
                "\(place) owns \(quoted(role.owned.map { printable($0.text) })): an owner may drop them, and row-level security does not hold for it. Give them to another role"
            )
        }
        if !role.mayCreateInSchemas.isEmpty, !role.isSuperuser {
            warnings.append(
                "\(place) may create objects in schema \(quoted(role.mayCreateInSchemas.map { printable($0.text) })). Run REVOKE CREATE ON SCHEMA … FROM PUBLIC"
            )
        }
    }

    private mutating func checkFree(
        _ needs: BackendNeeds, _ role: RolePrivileges, _ place: String
    ) {
        let needing = (needs.free + needs.settled.map(\.tool)).map { quoted($0.name.text) }
        if !role.mayMakeTemporary, !needing.isEmpty {
            problems.append(
                "\(place) lacks TEMPORARY on database \(quoted(printable(role.database.text))), without which statements cannot be analysed. Run GRANT TEMPORARY ON DATABASE …"
            )
        }
        if role.isStandby, !needs.free.isEmpty {
            problems.append(
                "\(place) is on a standby, where statements of callers cannot be analysed. Connect to the primary"
            )
        }
        for tool in needs.free {
            notes.append(
                "\(needs.backend): tool \(quoted(tool.name.text)): its callers write the statements; it reaches what the role reaches, less what rules deny"
            )
        }
    }

    private mutating func proveTool(
        _ tool: Tool, _ wanted: Set<RelationPrivilege>, _ role: RolePrivileges, _ place: String,
        asCaller: Bool
    ) {
        let missing = wanted.missing(from: role.granted)
        let touched = PrivilegeList(wanted).lines().joined(separator: ", ")
        let name = quoted(tool.name.text)
        if missing.isEmpty || role.isSuperuser {
            notes.append(
                "\(tool.backend): tool \(name): \(touched.isEmpty ? "touches no relation" : touched)"
            )
        } else if !asCaller {
            let lines = PrivilegeList(missing).lines().joined(separator: ", ")
            problems.append("\(place) lacks what tool \(name) needs: \(lines)")
        }
    }

    private mutating func checkExcess(
        _ needs: BackendNeeds, _ role: RolePrivileges, _ place: String
    ) {
        let beyond = role.granted.beyond(needs.all, columns: role.columns)
        let changing = beyond.filter(\.action.changes)
        if !needs.mayChangeAnything, !changing.isEmpty {
            let lines = PrivilegeList(changing).lines()
            problems.append(
                "\(place) may change what no tool changes: \(Self.some(lines)). Run REVOKE for each"
            )
        }
        let reading = beyond.subtracting(changing)
        if !needs.mayReadAnything, !reading.isEmpty {
            warnings.append(
                "\(place) has more than its tools need: \(Self.some(PrivilegeList(reading).lines())). `toolserver grants --sql` prints what they need"
            )
        }
    }

    private static func some(_ lines: [String]) -> String {
        let shown = lines.prefix(12).map { printable($0, limit: 400) }.joined(separator: ", ")
        return lines.count > 12 ? "\(shown) and \(lines.count - 12) more" : shown
    }
}

extension LiveCheck {
    var lines: [String] {
        problems.map { "live: PROBLEM: \($0)" } + warnings.map { "live: warning: \($0)" }
            + notes.map { "live: \($0)" }
    }

    var json: JSONObject {
        func list(_ lines: [String]) -> JSONValue { .array(lines.map { .string($0) }) }
        return JSONObject(distinct: [
            ("problems", list(problems)), ("warnings", list(warnings)), ("notes", list(notes)),
        ])
    }
}

extension Catalog {
    fileprivate func switchesRole(_ backend: Name) -> Bool {
        backendSettings.contains { settings in
            guard settings.name == backend, case .postgres(let postgres) = settings.kind else {
                return false
            }
            return postgres.options.asCaller?.role != nil
        }
    }
}
