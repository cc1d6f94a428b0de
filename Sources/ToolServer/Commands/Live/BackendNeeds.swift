import Enforcement
import JSON

/// What the tools of one backend need of its role, by their statements.
struct BackendNeeds {
    let backend: Name
    /// Declared statements whose needs are known.
    private(set) var settled: [(tool: Tool, needs: Set<RelationPrivilege>)] = []
    /// Their callers write the statements.
    private(set) var free: [Tool] = []
    /// What they touch could not be found out.
    private(set) var unknown: [Tool] = []

    /// `observed`: what statements of callers touched, by tool, where that is to be enough.
    init(
        _ backend: Name, _ tools: [Tool], observed: [Name: Set<RelationPrivilege>] = [:]
    ) {
        self.backend = backend
        for tool in tools where tool.backend == backend {
            switch tool.operation {
            case .sql:
                if let needs = tool.examination.needs {
                    settled.append((tool, needs))
                } else {
                    unknown.append(tool)
                }
            case .freeSQL:
                if let needs = observed[tool.name] {
                    settled.append((tool, needs))
                } else {
                    free.append(tool)
                }
            case .describe, .http, .access: break
            }
        }
    }

    var all: Set<RelationPrivilege> { settled.reduce(into: []) { $0.formUnion($1.needs) } }

    /// Whether some tool may change what nobody has listed.
    var mayChangeAnything: Bool { (free + unknown).contains { $0.effect == .write } }

    /// Whether some tool may read what nobody has listed.
    var mayReadAnything: Bool { !free.isEmpty || !unknown.isEmpty }
}

/// Privileges in the words of `GRANT`, columns together.
struct PrivilegeList {
    private var columns: [Key: Set<Name>] = [:]
    private var whole: Set<Key> = []

    struct Key: Hashable, Comparable {
        let relation: String
        let action: RelationPrivilege.Action

        static func < (left: Key, right: Key) -> Bool {
            left.relation.isByteEqual(to: right.relation)
                ? left.action < right.action : Name(left.relation) < Name(right.relation)
        }
    }

    /// `spell` writes a relation's two names.
    init(
        _ privileges: Set<RelationPrivilege>,
        spell: (RelationPrivilege) -> String = { $0.qualified }
    ) {
        for privilege in privileges {
            let key = Key(relation: spell(privilege), action: privilege.action)
            if let column = privilege.column {
                columns[key, default: []].insert(column)
            } else {
                whole.insert(key)
            }
        }
    }

    /// `SELECT (id, name) ON public.customers`.
    func lines(quoting quote: (Name) -> String = { $0.text }) -> [String] {
        Set(columns.keys).union(whole).sorted().map { key in
            let action = key.action.rawValue.uppercased()
            guard let columns = columns[key], !whole.contains(key) else {
                return "\(action) ON \(key.relation)"
            }
            return
                "\(action) (\(columns.sorted().map(quote).joined(separator: ", "))) ON \(key.relation)"
        }
    }
}

extension Set<RelationPrivilege> {
    /// What is here and not among `granted`, where the whole relation is all of its columns. A
    /// privilege on no column in particular is there with any.
    func missing(from granted: Set<RelationPrivilege>) -> Set<RelationPrivilege> {
        filter { need in
            var wanted = need
            wanted.column = nil
            if granted.contains(wanted) || granted.contains(need) { return false }
            guard need.column == nil, need.action == .select else { return true }
            return !granted.contains { $0.isOf(need) }
        }
    }

    /// What is here and that nothing in `needs` asks for.
    func beyond(
        _ needs: Set<RelationPrivilege>, columns: [Name: Set<Name>]
    ) -> Set<RelationPrivilege> {
        reduce(into: []) { beyond, granted in
            let asked = needs.filter { $0.isOf(granted) }
            guard !asked.isEmpty else {
                beyond.insert(granted)
                return
            }
            // Asked for as a whole, or for exactly this column.
            if asked.contains(where: { $0.column == nil && $0.action != .select }) { return }
            let named = Swift.Set(asked.compactMap(\.column))
            let has =
                granted.column.map { [$0] } ?? columns[Name(granted.qualified)] ?? []
            // What is only counted needs some column.
            let spare = named.isEmpty ? [] : has.subtracting(named)
            for column in spare {
                var one = granted
                one.column = column
                beyond.insert(one)
            }
        }
    }
}

extension RelationPrivilege {
    func isOf(_ other: RelationPrivilege) -> Bool {
        schema == other.schema && relation == other.relation && action == other.action
    }
}
