import Enforcement
import JSON

/// What a person may choose by themselves, before any model has: a text about their tools, and the
/// tools whose manifests ask for it.
enum OfferedPrompt {
    case guide
    case tool(GuardedTool)

    static let guideName: Name = "how_to_use_these_tools"
    /// The one argument of the guide.
    static let toolArgument = "tool"

    /// By name. Whoever has no tool has no prompt.
    static func all(for peer: Peer, in serving: Serving) -> [OfferedPrompt] {
        let tools = serving.gate.visibleTools(to: peer.caller, via: peer.via)
        guard !tools.isEmpty else { return [] }
        return ([.guide] + tools.filter { $0.tool.prompt != nil }.map { .tool($0) })
            .sorted { $0.name < $1.name }
    }

    var name: Name {
        switch self {
        case .guide: Self.guideName
        case .tool(let guarded): guarded.tool.name
        }
    }

    var title: String {
        switch self {
        case .guide: "How to use these tools"
        case .tool(let guarded): guarded.tool.title
        }
    }

    var description: String {
        switch self {
        case .guide: "What each tool is for, what may be refused, and what to do then."
        case .tool(let guarded): guarded.tool.description
        }
    }

    var arguments: [(name: String, description: String?, isRequired: Bool)] {
        switch self {
        case .guide: [(Self.toolArgument, "One tool; all without.", false)]
        case .tool(let guarded):
            ToolArgument.all(of: guarded.tool).map { ($0.name, $0.description, $0.isRequired) }
        }
    }
}

/// `prompts/list`.
enum PromptsList {
    static func answer(
        _ request: Request, from peer: Peer, in serving: Serving
    ) throws(RPCError) -> [UInt8] {
        let cursor = try ListCursor.read(request)
        let page = ListPage(of: OfferedPrompt.all(for: peer, in: serving), after: cursor) {
            $0.name
        }
        var writer = JSONWriter(reserving: 1024)
        writer.beginObject()
        writer.name("prompts")
        writer.beginArray()
        for prompt in page.entries { write(prompt, for: peer.version, into: &writer) }
        writer.endArray()
        if let next = page.nextCursor { writer.member("nextCursor", next) }
        serving.description.close(
            &writer, for: peer.version, keptFor: ServerDescription.ttlMs)
        return writer.finish()
    }

    private static func write(
        _ prompt: OfferedPrompt, for version: ProtocolVersion, into writer: inout JSONWriter
    ) {
        writer.beginObject()
        writer.member("name", prompt.name.text)
        if version.hasTitles { writer.member("title", prompt.title) }
        writer.member("description", prompt.description)
        writer.name("arguments")
        writer.beginArray()
        for argument in prompt.arguments {
            writer.beginObject()
            writer.member("name", argument.name)
            if let description = argument.description {
                writer.member("description", description)
            }
            writer.member("required", argument.isRequired)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }
}
