import Backends
import Enforcement
import JSON

/// From the schema of a database to manifests: for each table one tool that finds rows and one that
/// gets a row by its key, masks for what looks sensitive, and grants.
///
/// What would not load, since a mask could not hide what decides which rows come, is left out
/// and said so.
struct PostgresImport {
    static let relationsMax = 1_000

    let backend: Name
    let relations: [SchemaRelation]

    private(set) var result: ImportResult
    private var tables: [Name: ImportedTable] = [:]

    init(
        backend: Name, relations: [SchemaRelation], schemas: [Name]
    ) throws(CommandFailure) {
        self.backend = backend
        result = ImportResult(backend: backend)
        self.relations = relations.filter { schemas.isEmpty || schemas.contains($0.schema) }
        guard self.relations.count <= Self.relationsMax else {
            throw CommandFailure(
                "the database has more than \(Self.relationsMax) tables and views; name some of its schemas with --schema A,B"
            )
        }
        addTools()
        guard result.toolCount > 0 else {
            throw CommandFailure(
                "the login can read no table\(schemas.isEmpty ? "" : " of these schemas"); grant it SELECT on those that tools should read"
            )
        }
    }

    private mutating func addTools() {
        let labelled = labelled()
        let getters = getters(labelled)
        var names = UniqueNames()
        for name in getters.values { _ = names.unique(name.text) }
        for (relation, label) in labelled {
            let table = ImportedTable(relation, backend: backend, label: label, getters: getters)
            result.notes += table.notes
            guard !table.shown.isEmpty else {
                result.notes.append("\(relation.spelled): left out, nothing of it can be shown")
                continue
            }
            add(table, names.unique(table.findName), table.findTool)
            if let name = getters[ImportedTable.key(relation.schema, relation.name)] {
                add(table, name, table.getTool)
            }
        }
    }

    private mutating func add(
        _ table: ImportedTable, _ name: Name, _ make: (Name) -> [ImportedFile]
    ) {
        result.files += make(name)
        result.toolCount += 1
        tables[name] = table
    }

    /// Relations that can be read, with what they are called.
    private mutating func labelled() -> [(SchemaRelation, String)] {
        var labels = UniqueNames()
        return relations.compactMap { relation in
            guard relation.isReadable else {
                result.notes.append("\(relation.spelled): left out, the login may not read it")
                return nil
            }
            let plain = ImportedName.snake(relation.name.text, atMost: 40)
            let isPublic = relation.schema == "public"
            let label =
                isPublic
                ? plain : "\(ImportedName.snake(relation.schema.text, atMost: 14))_\(plain)"
            return (relation, labels.unique(label).text)
        }
    }

    private func getters(_ labelled: [(SchemaRelation, String)]) -> [Name: Name] {
        var names = UniqueNames()
        var getters: [Name: Name] = [:]
        for (relation, label) in labelled {
            let table = ImportedTable(relation, backend: backend, label: label, getters: [:])
            guard table.key != nil else { continue }
            getters[ImportedTable.key(relation.schema, relation.name)] = names.unique(
                table.getName)
        }
        return getters
    }

    // MARK: What loads

    /// The columns that should not be shown as they are.
    private var masked: [(path: ColumnPath, proposal: SensitiveColumns.Proposal)] {
        var seen: Set<ColumnPath> = []
        return tables.values.flatMap { table in
            table.relation.columns.compactMap { column in
                let path = ColumnPath(
                    schema: table.relation.schema, table: table.relation.name,
                    column: column.name)
                guard let proposal = table.sensitive.proposals[column.name],
                    table.canBeMasked(column), seen.insert(path).inserted
                else { return nil }
                return (path, proposal)
            }
        }.sorted { Self.spelled($0.path) < Self.spelled($1.path) }
    }

    private static func spelled(_ path: ColumnPath) -> Name {
        Name("\(path.schema).\(path.table).\(path.column)")
    }

    /// `problems` are those of the manifests as they stand, with the masks left away.
    mutating func leaveOut(problems: [Problem]) {
        for problem in problems {
            let file = problem.file.split(separator: "/").last?.split(separator: ".").first
            guard let name = file.map({ Name(String($0)) }), tables[name] != nil else { continue }
            leaveOut(name, since: problem.message)
        }
    }

    /// Views may take their rows by what a mask should hide.
    mutating func leaveOut(deciding tools: [Tool]) {
        let hidden = Set(masked.map(\.path))
        for tool in tools where tables[tool.name] != nil {
            guard let deciding = tool.examination.deciding ?? tool.examination.reads else {
                if !hidden.isEmpty { leaveOut(tool.name, since: "what it reads is unknown") }
                continue
            }
            guard let column = deciding.intersection(hidden).map(Self.spelled).min() else {
                continue
            }
            leaveOut(tool.name, since: "`\(column)`, which is masked, decides which rows it has")
        }
    }

    private mutating func leaveOut(_ name: Name, since reason: String) {
        guard tables.removeValue(forKey: name) != nil else { return }
        result.files.removeAll { file in
            ["tools/\(name).json", "tools/\(name).sql"].contains { $0.isByteEqual(to: file.name) }
        }
        result.toolCount -= 1
        result.notes.append("\(name): left out, \(reason)")
    }

    // MARK: Who may, and what they see

    func policyFile() -> ImportedFile {
        let scopes = Set(tables.values.map(\.scope)).sorted()
        let grants = scopes.map { scope -> JSONValue in
            let group = scope.text.replacing(".", with: "-")
            return ["grant": [.string(scope.text)], "to": ["groups": [.string(group)]]]
        }
        var names = UniqueNames()
        // What no tool reads needs no rule, and a later tool's secrets are masked by their name.
        let rules = masked.filter { !$0.proposal.isSecret }.map { path, proposal -> JSONValue in
            let id = names.unique(ImportedName.snake("\(path.table)_\(path.column)"))
            return [
                "rule": .string(id.text), "effect": "mask",
                "column": .string("\(backend).\(Self.spelled(path))"),
                "with": .string(proposal.strategy.rawValue),
                "reason": .string("by its \(proposal.sign)"),
            ]
        }
        return ImportedFile(
            name: "policy/\(backend).json",
            comments: [
                "A proposal: name the groups that may read, and those that may read about people."
            ],
            manifest: ["grants": .array(grants), "rules": .array(rules)])
    }
}
