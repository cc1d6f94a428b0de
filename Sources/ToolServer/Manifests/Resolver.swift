import Enforcement
import JSON

/// The second phase: ties names to what they name and examines every statement.
///
/// It touches no backend itself; `examine` is handed in, so that resolution is tested without one.
struct Resolver {
    typealias Examine =
        (_ backend: Name, Operation, Tool.Effect) throws(BackendError) -> Examination

    let manifests: ParsedManifests
    let findings: Findings
    private let examine: Examine

    init(manifests: ParsedManifests, findings: Findings, examine: @escaping Examine) {
        self.manifests = manifests
        self.findings = findings
        self.examine = examine
    }

    /// The tools without problems, by the bytes of their names.
    func tools(on backends: Set<Name>) -> [Tool] {
        manifests.tools.compactMap { tool($0, on: backends) }.sorted { $0.name < $1.name }
    }

    private func tool(_ manifest: ToolManifest, on backends: Set<Name>) -> Tool? {
        let backend = manifest.backend
        guard backends.contains(backend.value) else {
            // A backend that is declared and broken has its own report.
            if !manifests.declaredBackends.contains(backend.value) {
                reportUnknown(backend, as: "backend", among: manifests.declaredBackends)
            }
            return nil
        }
        let operation: Operation =
            switch manifest.action {
            case .sql(let text):
                .sql(
                    SQLOperation(
                        text: text.value,
                        bound: manifest.bind.map { ($0.name.value, $0.value) },
                        next: manifest.next.map { ($0.argument.value, $0.column.value) }))
            case .freeSQL(let argument):
                .freeSQL(
                    FreeSQLOperation(
                        argument: argument.value,
                        wantsEstimate: manifests.policy.rules.contains { $0.value.when.asksPlanner }
                    ))
            case .http(let http): .http(bound(http.value, manifest.bind))
            case .describe: .describe
            }
        let examination: Examination
        do {
            examination = try examine(backend.value, operation, manifest.effect.value)
        } catch {
            findings.problem(printable(error.detail, limit: 300), at: manifest.action.place)
            return nil
        }
        checkBinding(of: manifest)
        if case .http(let http) = operation {
            HTTPToolCheck(findings: findings).check(
                manifest, http, used: examination.parameters)
        }
        if operation.isSettledAtLoad {
            checkParameters(of: manifest, examination)
            checkEffect(of: manifest, examination)
            checkColumns(of: manifest, examination)
            checkNext(of: manifest, examination)
        }
        return Tool(
            name: manifest.name.value, title: manifest.title, description: manifest.description,
            backend: backend.value, scope: manifest.scope.value, effect: manifest.effect.value,
            tags: manifest.tags, inputSchema: manifest.input.schema, input: manifest.input.check,
            operation: operation, limits: manifest.limits, examination: examination,
            confirmation: manifest.confirmation, taskUse: manifest.taskUse,
            rowForm: manifest.rowForm, prompt: manifest.prompt?.prompt)
    }

    private func bound(_ http: HTTPOperation, _ bind: [BoundParameter]) -> HTTPOperation {
        var http = http
        http.bound = bind.map { ($0.name.value, $0.value) }
        return http
    }

    private func checkBinding(of manifest: ToolManifest) {
        let inputs = manifest.input.properties
        for bound in manifest.bind where inputs.contains(where: { $0.value == bound.name.value }) {
            findings.problem(
                "is an input too; who could set it must not be the model", at: bound.name.place)
        }
    }

    private func checkParameters(of manifest: ToolManifest, _ examination: Examination) {
        let inputs = manifest.input.properties
        let declared = inputs + manifest.bind.map(\.name)
        let names = declared.map(\.value)
        for parameter in Set(examination.parameters).subtracting(names).sorted() {
            let near = nearest(parameter.text, among: names.map(\.text))
            let hint = near.map { "; did you mean \(quoted(":" + $0))?" } ?? ""
            findings.problem(
                "\(quoted(":" + parameter.text)) is neither an input nor bound\(hint)",
                at: manifest.action.place)
        }
        for property in declared where !examination.parameters.contains(property.value) {
            findings.problem(
                "is never used: the statement has no \(quoted(":" + property.value.text))",
                at: property.place)
        }
    }

    /// Each row becomes an object, whose members have distinct names.
    private func checkColumns(of manifest: ToolManifest, _ examination: Examination) {
        var seen: Set<Name> = []
        for column in examination.columns where !seen.insert(Name(column.name)).inserted {
            findings.problem(
                "answers two columns named \(quoted(column.name)); rename one with `as`",
                at: manifest.action.place)
        }
    }

    private func checkNext(of manifest: ToolManifest, _ examination: Examination) {
        let inputs = Set(manifest.input.properties.map(\.value))
        let columns = Set(examination.columns.map { Name($0.name) })
        for next in manifest.next {
            if !inputs.contains(next.argument.value) {
                reportUnknown(next.argument, as: "input", among: inputs)
            }
            if !columns.contains(next.column.value) {
                reportUnknown(next.column, as: "column of the answer", among: columns)
            }
        }
    }

    private func checkEffect(of manifest: ToolManifest, _ examination: Examination) {
        switch (manifest.effect.value, examination.isReadOnly) {
        case (.read, false):
            findings.problem(
                "is `read`, but the statement changes something", at: manifest.effect.place)
        case (.write, true):
            findings.warning(
                "is `write`, but the statement changes nothing", at: manifest.effect.place)
        default: break
        }
    }

    func reportUnknown(_ name: Located<Name>, as kind: String, among known: Set<Name>) {
        let known = known.sorted().map(\.text)
        let near = nearest(name.value.text, among: known).map { "; did you mean \(quoted($0))?" }
        findings.problem("no \(kind) \(quoted(name.value.text))\(near ?? "")", at: name.place)
    }

    func policy(
        for tools: [Tool],
        columns: @escaping (_ backend: Name) throws(BackendError) -> BackendColumns?
    ) -> Policy {
        PolicyResolver(manifests: manifests, tools: tools, findings: findings, columns: columns)
            .policy()
    }
}
