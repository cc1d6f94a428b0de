import Backends
import Enforcement
import JSON

/// What the recorded calls of a time used of what the manifests give.
struct UsageSurvey {
    let catalog: Catalog
    private let use: GrantUse
    private(set) var calls = 0
    private(set) var callers: Set<Name> = []
    private(set) var tools: Set<Name> = []
    private(set) var grants: [Int: GrantNeed] = [:]
    /// What statements of callers touched, by tool.
    private(set) var touched: [Name: Set<RelationPrivilege>] = [:]
    /// Tools of which some statement touched more than the record says.
    private(set) var unclear: Set<Name> = []
    /// Calls that no grant gives any more, or whose tool is gone.
    private(set) var without = 0

    /// What of one grant somebody used.
    struct GrantNeed {
        var tools: Set<Name> = []
        var groups: Set<Name> = []
        var subjects: Set<Name> = []
    }

    init(_ catalog: Catalog) {
        self.catalog = catalog
        use = GrantUse(catalog.policy.grants, tools: catalog.tools)
    }

    /// Only calls that the rules let pass, or held for a person.
    mutating func take(_ call: RecordedCall) {
        calls += 1
        callers.insert(Name("\(call.caller.issuer)\u{0}\(call.caller.subject)"))
        let name = Name(call.tool)
        let giving = use.giving(call)
        // Asking, and what was granted for a while on that, is of no grant of the policy.
        let isLent = call.line["grant"] != nil || name == AccessTool.name
        guard let tool = catalog.toolsByName[name], !giving.isEmpty || isLent else {
            without += 1
            return
        }
        tools.insert(name)
        for place in giving { note(call, tool, at: place) }
        if case .freeSQL = tool.operation { touch(call, tool) }
    }

    private mutating func note(_ call: RecordedCall, _ tool: Tool, at place: Int) {
        let to = catalog.policy.grants[place].to
        var need = grants[place] ?? GrantNeed()
        need.tools.insert(tool.name)
        // Whoever has several of them may lose any of them later.
        need.groups.formUnion(to.groups.filter { call.caller.groups.contains($0) })
        need.subjects.formUnion(
            to.subjects.filter { $0.text.isByteEqual(to: call.caller.subject) })
        grants[place] = need
    }

    private mutating func touch(_ call: RecordedCall, _ tool: Tool) {
        guard let privileges = StatementPrivileges.of(call.line) else {
            unclear.insert(tool.name)
            return
        }
        touched[tool.name, default: []].formUnion(privileges)
    }

    // MARK: What nobody used

    var unusedTools: [Tool] {
        declared.filter { !tools.contains($0.name) }.sorted { $0.name < $1.name }
    }

    var unusedScopes: [Name] {
        let used = Set(catalog.tools.filter { tools.contains($0.name) }.map(\.scope))
        return Set(declared.map(\.scope)).subtracting(used).sorted()
    }

    /// Without the tool that asks, which is there for what it may be needed for.
    private var declared: [Tool] { catalog.tools.filter { !$0.operation.isAccess } }

    /// What the used tools of a backend read and change, by declaration or as it was seen.
    func needs(of backend: Name) -> BackendNeeds {
        BackendNeeds(
            backend, catalog.tools.filter { tools.contains($0.name) },
            observed: touched.filter { !unclear.contains($0.key) })
    }

    /// Columns that a tool of the backend may read and nobody read. Nil where that is not known.
    func unusedColumns(of backend: Name) -> Set<ColumnPath>? {
        let here = catalog.tools.filter { $0.backend == backend }
        let used = needs(of: backend)
        guard used.free.isEmpty, used.unknown.isEmpty else { return nil }
        let read = Set(
            used.all.filter { $0.action == .select }.compactMap { need in
                need.column.map {
                    ColumnPath(schema: need.schema, table: need.relation, column: $0)
                }
            })
        var open: Set<ColumnPath> = []
        for tool in here {
            if case .freeSQL = tool.operation {
                guard let all = try? catalog.backends[backend]?.columns() else { return nil }
                open.formUnion(all.stored.union(all.viewed))
            } else {
                open.formUnion(tool.examination.reads ?? [])
            }
        }
        let declared = here.filter { tools.contains($0.name) }
            .flatMap { $0.examination.reads ?? [] }
        return open.subtracting(read).subtracting(declared)
    }
}

/// What a recorded statement needs of the role that runs it.
enum StatementPrivileges {
    /// Nil where the record does not say all of it.
    static func of(_ line: RecordedLine) -> Set<RelationPrivilege>? {
        guard let sql = line["sql"] else { return nil }
        func names(_ fact: StatementFact) -> [[Name]] {
            (sql[fact.rawValue]?.array ?? []).compactMap(\.string)
                .map { SQLNames.parts(of: $0).map { Name($0) } }
        }
        let partial = (sql["partial"]?.array ?? []).compactMap(\.string)
        let asked: [StatementFact] = [.kind, .reads, .writes, .columns]
        guard
            !asked.contains(where: { fact in
                partial.contains { $0.isByteEqual(to: fact.rawValue) }
            })
        else { return nil }
        var privileges: Set<RelationPrivilege> = []
        for column in names(.columns) {
            guard column.count == 3 else { return nil }
            privileges.insert(
                RelationPrivilege(
                    schema: column[0], relation: column[1], action: .select, column: column[2]))
        }
        for relation in names(.reads) {
            guard relation.count == 2 else { return nil }
            privileges.insert(
                RelationPrivilege(schema: relation[0], relation: relation[1], action: .select))
        }
        let kinds = (sql["kind"]?.array ?? []).compactMap(\.string)
        let actions = kinds.compactMap { RelationPrivilege.Action(rawValue: $0) }
            .filter(\.changes)
        for relation in names(.writes) {
            // What is neither of these, such as `merge`, is granted by hand.
            guard relation.count == 2, !actions.isEmpty,
                actions.count
                    == kinds.filter({
                        !$0.isByteEqual(to: "select")
                    }).count
            else { return nil }
            for action in actions {
                privileges.insert(
                    RelationPrivilege(schema: relation[0], relation: relation[1], action: action))
            }
        }
        return privileges
    }
}
