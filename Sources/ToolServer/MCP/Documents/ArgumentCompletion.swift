import Enforcement
import JSON

/// `completion/complete`: values for an argument of a prompt, or for the name in a resource's URI.
///
/// They come from the names that the caller may know, from an argument's schema, or from the query
/// that a manifest declares for it. That one is a call of the caller's: identity, scope, rules,
/// masks and record are those of any other, and what it refuses completes nothing.
enum ArgumentCompletion {
    static let valuesMax = 100
    /// Longer ones are not what a person means to pick.
    private static let valueBytesMax = 1_024

    static func answer(
        _ request: Request, from peer: Peer, in serving: Serving
    ) async throws(RPCError) -> [UInt8] {
        guard let argument = request.params["argument"]?.object,
            let name = argument["name"]?.string, let typed = argument["value"]?.string
        else {
            throw RPCError(
                .invalidParams, "`params.argument` must have a `name` and a `value`, both strings.",
                id: request.id)
        }
        let found = try await values(for: name, typed, request, from: peer, in: serving)
        var writer = JSONWriter()
        writer.beginObject()
        writer.name("completion")
        writer.beginObject()
        writer.member("values", .array(found.values.prefix(valuesMax).map { .string($0) }))
        if !found.isCut { writer.member("total", found.values.count) }
        writer.member("hasMore", found.isCut || found.values.count > valuesMax)
        writer.endObject()
        serving.description.close(&writer, for: peer.version)
        return writer.finish()
    }

    private struct Found {
        var values: [String] = []
        /// There are more than anybody counted.
        var isCut = false
    }

    private static func values(
        for name: String, _ typed: String, _ request: Request, from peer: Peer, in serving: Serving
    ) async throws(RPCError) -> Found {
        let reference = request.params["ref"]
        switch reference?["type"]?.string.map({ Name($0) }) {
        case "ref/prompt":
            let prompt = try PromptsGet.prompt(
                reference?["name"], of: request, from: peer, in: serving)
            guard prompt.arguments.contains(where: { $0.name.isByteEqual(to: name) }) else {
                throw unknownArgument(of: request)
            }
            guard case .tool(let guarded) = prompt else {
                return Found(values: tools(for: peer, in: serving, beginning: typed))
            }
            return try await values(
                of: guarded, name, typed, request, from: peer, in: serving)
        case "ref/resource":
            switch (reference?["uri"]?.string.map { Name($0) }, Name(name)) {
            case (Name(DocumentURI.toolTemplate), "tool"):
                return Found(values: tools(for: peer, in: serving, beginning: typed))
            case (Name(DocumentURI.dataTemplate), "backend"):
                let visible = serving.gate.visibleTools(to: peer.caller, via: peer.via)
                let all = DataDictionary.all(of: visible).map(\.backend.text)
                return Found(values: all.filter { begins($0, with: typed) })
            case (Name(DocumentURI.toolTemplate), _), (Name(DocumentURI.dataTemplate), _):
                throw unknownArgument(of: request)
            default:
                throw RPCError(
                    .invalidParams,
                    "No such template. resources/templates/list says which there are.",
                    id: request.id)
            }
        default:
            throw RPCError(
                .invalidParams, "`params.ref.type` must be `ref/prompt` or `ref/resource`.",
                id: request.id)
        }
    }

    private static func unknownArgument(of request: Request) -> RPCError {
        RPCError(
            .invalidParams, "`params.argument.name` is none of what `params.ref` takes.",
            id: request.id)
    }

    private static func tools(
        for peer: Peer, in serving: Serving, beginning typed: String
    ) -> [String] {
        serving.gate.visibleTools(to: peer.caller, via: peer.via).map(\.tool.name.text).filter {
            begins($0, with: typed)
        }
    }

    private static func values(
        of guarded: GuardedTool, _ name: String, _ typed: String, _ request: Request,
        from peer: Peer, in serving: Serving
    ) async throws(RPCError) -> Found {
        let argument = ToolArgument.all(of: guarded.tool).first { $0.name.isByteEqual(to: name) }
        let declared = (argument?.values ?? []).map { $0.string ?? $0.text }
        if !declared.isEmpty { return Found(values: declared.filter { begins($0, with: typed) }) }
        guard let source = guarded.tool.prompt?.sources.first(where: { $0.argument == Name(name) })
        else { return Found() }
        return try await asked(source, typed, request, from: peer, in: serving)
    }

    /// Letters of ASCII in either case.
    private static func begins(_ value: String, with typed: String) -> Bool {
        value.utf8.count >= typed.utf8.count
            && zip(value.utf8, typed.utf8).allSatisfy { lowered($0) == lowered($1) }
    }

    private static func lowered(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}

/// The values that a declared query answers with.
extension ArgumentCompletion {
    private static func asked(
        _ source: ToolPrompt.Source, _ typed: String, _ request: Request, from peer: Peer,
        in serving: Serving
    ) async throws(RPCError) -> Found {
        // A caller without it completes nothing, and the record is spared a line a keystroke.
        let visible = serving.gate.visibleTools(to: peer.caller, via: peer.via)
        guard let guarded = visible.first(where: { $0.tool.name == source.tool }),
            guarded.answersAtOnce
        else { return Found() }
        var arguments = JSONObject()
        if let name = source.typed { arguments[name.text] = .string(typed) }
        let call = ArrivedCall(of: source.tool.text, arguments, by: request, from: peer)
        switch await serving.gate.answer(call) {
        case .refused(let refusal):
            guard refusal.code != .unknownTool,
                let error = RPCError(refusal, id: request.id, for: peer.version)
            else { return Found() }
            throw error
        case .answered(let result):
            let column = guarded.tool.examination.columns.firstIndex {
                $0.name.isByteEqual(to: source.column.text)
            }
            return column.map {
                found(in: result.rows, column: $0, beginning: source.typed == nil ? typed : "")
            } ?? Found()
        }
    }

    /// Each once, in the order of the answer.
    private static func found(in rows: Rows, column: Int, beginning typed: String) -> Found {
        var found = Found(isCut: rows.isTruncated)
        var seen: Set<Name> = []
        for row in 0..<rows.rowCount {
            let cell = rows[row: row, column: column]
            guard [.text, .number, .bool].contains(cell.kind), cell.count <= valueBytesMax else {
                continue
            }
            let value = String(decoding: rows.content(of: cell), as: UTF8.self)
            if begins(value, with: typed), seen.insert(Name(value)).inserted {
                found.values.append(value)
            }
        }
        return found
    }
}
