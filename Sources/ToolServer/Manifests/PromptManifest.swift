import Enforcement
import JSON

/// `"prompt": true`, or with the queries that complete its arguments:
/// `{"complete": {"plan": {"tool": "plans", "column": "name", "typed": "beginning"}}}`.
struct PromptManifest {
    static let keys = KeySet(required: ["complete"])
    static let sourceKeys = KeySet(required: ["tool", "column"], optional: ["typed"])

    struct Source {
        let argument: Located<Name>
        let tool: Located<Name>
        let column: Located<Name>
        let typed: Located<Name>?
    }

    let sources: [Source]

    var prompt: ToolPrompt {
        ToolPrompt(
            sources: sources.map {
                ToolPrompt.Source(
                    argument: $0.argument.value, tool: $0.tool.value, column: $0.column.value,
                    typed: $0.typed?.value)
            })
    }

    /// Nil where nothing is declared, and after a report.
    static func read(_ object: ObjectReader, tool: Name?) -> PromptManifest? {
        guard let node = object["prompt"] else { return nil }
        if tool == OfferedPrompt.guideName {
            node.report("stands in a tool that bears the name of a built-in prompt; rename it")
        }
        switch node.value.content {
        case .bool(true): return PromptManifest(sources: [])
        case .bool(false):
            node.report("must be true, or left out")
            return nil
        default: break
        }
        guard let members = node.object(keys)?["complete"]?.members() else { return nil }
        return PromptManifest(
            sources: members.compactMap { member in
                guard let source = member.node.object(sourceKeys),
                    let tool = source["tool"]?.located({ $0.name() }),
                    let column = source["column"]?.located({ $0.string().map { Name($0) } })
                else { return nil }
                return Source(
                    argument: Located(value: Name(member.name), place: member.namePlace),
                    tool: tool, column: column,
                    typed: source["typed"]?.located { $0.string().map { Name($0) } })
            })
    }
}

extension Resolver {
    /// What completes an argument must be there, answer at once, and need what is typed alone.
    func checkPrompts(among tools: [Tool]) {
        let byName = Dictionary(uniqueKeysWithValues: tools.map { ($0.name, $0) })
        for manifest in manifests.tools {
            guard let tool = byName[manifest.name.value], let prompt = manifest.prompt else {
                continue
            }
            let arguments = Set(ToolArgument.all(of: tool).map { Name($0.name) })
            for source in prompt.sources {
                if !arguments.contains(source.argument.value) {
                    reportUnknown(source.argument, as: "input", among: arguments)
                }
                // One that is declared and broken has its own report.
                guard let asked = byName[source.tool.value] else {
                    let declared = Set(manifests.tools.map(\.name.value))
                    if !declared.contains(source.tool.value) {
                        reportUnknown(source.tool, as: "tool", among: declared)
                    }
                    continue
                }
                check(source, asking: asked)
            }
        }
    }

    private func check(_ source: PromptManifest.Source, asking tool: Tool) {
        guard tool.effect == .read, tool.operation.isSettledAtLoad, tool.operation.isStatement,
            tool.confirmation == nil, tool.taskUse != .required
        else {
            findings.problem(
                "must be a `read` tool with `sql`, and neither `confirm` nor `\"task\": \"required\"`",
                at: source.tool.place)
            return
        }
        let columns = Set(tool.examination.columns.map { Name($0.name) })
        if !columns.contains(source.column.value) {
            reportUnknown(source.column, as: "column of the answer", among: columns)
        }
        let inputs = ToolArgument.all(of: tool)
        if let typed = source.typed, !inputs.contains(where: { Name($0.name) == typed.value }) {
            reportUnknown(typed, as: "input", among: Set(inputs.map { Name($0.name) }))
        }
        for input in inputs where input.isRequired && Name(input.name) != source.typed?.value {
            findings.problem(
                "needs \(quoted(input.name)), which nobody types here; take a tool without",
                at: source.tool.place)
        }
    }
}
