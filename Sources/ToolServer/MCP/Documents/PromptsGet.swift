import Enforcement
import JSON

/// `prompts/get`: the text that a person's choice stands for. It says what to do with a tool and
/// does nothing: the call that may follow is judged like any other.
enum PromptsGet {
    static func answer(
        _ request: Request, from peer: Peer, in serving: Serving
    ) throws(RPCError) -> [UInt8] {
        let prompt = try prompt(request.params["name"], of: request, from: peer, in: serving)
        let given = try arguments(of: request, for: prompt)
        let text =
            switch prompt {
            case .guide: try guide(given, request, from: peer, in: serving)
            case .tool(let guarded): call(guarded.tool, given, in: serving)
            }
        var writer = JSONWriter(reserving: 4096)
        writer.beginObject()
        writer.member("description", prompt.title)
        writer.member(
            "messages",
            [["role": "user", "content": ["type": "text", "text": .string(text)]]])
        serving.description.close(&writer, for: peer.version)
        return writer.finish()
    }

    /// One that this caller is offered; another's answers as one that is not there, and never with
    /// the name, which is the client's text.
    static func prompt(
        _ name: JSONValue?, of request: Request, from peer: Peer, in serving: Serving
    ) throws(RPCError) -> OfferedPrompt {
        guard let name = name?.string else {
            throw RPCError(.invalidParams, "A prompt's `name` must be a string.", id: request.id)
        }
        let offered = OfferedPrompt.all(for: peer, in: serving)
        guard let prompt = offered.first(where: { $0.name == Name(name) }) else {
            throw RPCError(
                .invalidParams, "No such prompt. prompts/list says which there are.",
                id: request.id)
        }
        return prompt
    }

    private static func arguments(
        of request: Request, for prompt: OfferedPrompt
    ) throws(RPCError) -> JSONObject {
        func wrong(_ fault: String) -> RPCError {
            RPCError(.invalidParams, fault, id: request.id)
        }
        let given: JSONObject
        switch request.params["arguments"] {
        case nil: given = JSONObject()
        case .object(let object): given = object
        default: throw wrong("`params.arguments` must be an object.")
        }
        let known = prompt.arguments
        for member in given.members {
            guard known.contains(where: { $0.name.isByteEqual(to: member.name) }) else {
                throw wrong(
                    "`params.arguments` has one that this prompt does not; prompts/list says which it has."
                )
            }
            guard member.value.string != nil else {
                throw wrong("`params.arguments.\(member.name)` must be a string.")
            }
        }
        for argument in known where argument.isRequired && given[argument.name] == nil {
            throw wrong("`params.arguments.\(argument.name)` is required.")
        }
        return given
    }

    /// As text that people would type.
    private static func call(_ tool: Tool, _ given: JSONObject, in serving: Serving) -> String {
        var arguments = JSONObject()
        for argument in ToolArgument.all(of: tool) {
            if let text = given[argument.name]?.string {
                arguments[argument.name] = argument.value(of: text)
            }
        }
        let name = "the tool `\(tool.name)` of \(serving.description.name)"
        return arguments.members.isEmpty
            ? "Call \(name) and tell me what it answers."
            : "Call \(name) with exactly these arguments and tell me what it answers: \(JSONValue.object(arguments).text)"
    }

    /// Room for about what a skill holds; of the tools beyond it the names alone.
    private static let linesMax = SkillText.linesMax

    private static func guide(
        _ given: JSONObject, _ request: Request, from peer: Peer, in serving: Serving
    ) throws(RPCError) -> String {
        var tools = serving.gate.visibleTools(to: peer.caller, via: peer.via).map {
            $0.outlook(for: peer.caller.caller)
        }
        if let wanted = given[OfferedPrompt.toolArgument]?.string {
            tools = tools.filter { $0.tool.name == Name(wanted) }
            guard !tools.isEmpty else {
                throw RPCError(
                    .invalidParams, "No such tool. tools/list says which there are.",
                    id: request.id)
            }
        }
        let server = Name(serving.description.name)
        var lines = SkillText.opening(server)
        let conduct = Conduct.lines(tools)
        var shown = 0
        for tool in tools {
            let section = ToolSection(server: server, tool).lines
            guard lines.count + section.count + conduct.count <= linesMax else { break }
            lines += section
            shown += 1
        }
        if shown < tools.count {
            let rest = tools.dropFirst(shown).map(\.tool.name.text)
            lines += [
                "There are also \(MarkdownText.quoted(rest)): read \(DocumentURI.toolTemplate) of one before you use it.",
                "",
            ]
        }
        return MarkdownText.joined(lines + conduct)
    }
}
