import Enforcement
import JSON

/// `resources/read`: the documentation of a tool, or the data dictionary of a backend.
enum ResourcesRead {
    static func answer(
        _ request: Request, from peer: Peer, in serving: Serving
    ) async throws(RPCError) -> [UInt8] {
        guard let text = request.params["uri"]?.string else {
            throw RPCError(.invalidParams, "`params.uri` must be a string.", id: request.id)
        }
        let tools = serving.gate.visibleTools(to: peer.caller, via: peer.via)
        switch DocumentURI(text) {
        case .tool(let name)?:
            guard let guarded = tools.first(where: { $0.tool.name == name }) else { break }
            let document = ToolDocument(guarded, for: peer.caller.caller)
            return contents(
                .tool(name), MarkdownText.mediaType, ttlMs: ServerDescription.ttlMs, peer, serving
            ) { $0.value(.string(document.text)) }
        case .data(let backend)?:
            guard
                let dictionary = DataDictionary.all(of: tools).first(where: {
                    $0.backend == backend
                })
            else { break }
            return try await read(dictionary, request, from: peer, in: serving)
        case nil: break
        }
        throw unknown(request, in: peer.version)
    }

    private static func read(
        _ dictionary: DataDictionary, _ request: Request, from peer: Peer, in serving: Serving
    ) async throws(RPCError) -> [UInt8] {
        let uri = DocumentURI.data(backend: dictionary.backend)
        guard let describing = dictionary.describing else {
            let text = dictionary.text(for: peer.caller.caller)
            return contents(
                uri, dictionary.mediaType, ttlMs: ServerDescription.ttlMs, peer, serving
            ) { $0.value(.string(text)) }
        }
        let call = ArrivedCall(
            of: describing.tool.name.text, JSONObject(), by: request, from: peer)
        switch await serving.gate.answer(call) {
        case .refused(let refusal): throw error(refusal, request, in: peer.version)
        case .answered(let result):
            guard let answer = AnswerJSON(result) else {
                preconditionFailure("what describes a backend answers rows")
            }
            // What may be seen of it can change with each call: with its hour, or what was done.
            return contents(uri, dictionary.mediaType, ttlMs: 0, peer, serving) {
                answer.writeText(into: &$0)
            }
        }
    }

    private static func contents(
        _ uri: DocumentURI, _ mediaType: String, ttlMs: Int, _ peer: Peer, _ serving: Serving,
        text: (inout JSONWriter) -> Void
    ) -> [UInt8] {
        var writer = JSONWriter(reserving: 4096)
        writer.beginObject()
        writer.name("contents")
        writer.beginArray()
        writer.beginObject()
        writer.member("uri", uri.text)
        writer.member("mimeType", mediaType)
        writer.name("text")
        text(&writer)
        writer.endObject()
        writer.endArray()
        serving.description.close(&writer, for: peer.version, keptFor: ttlMs)
        return writer.finish()
    }

    /// The same for what is not there and for what is another's. Never with the URI, which is the
    /// client's text.
    private static func unknown(_ request: Request, in version: ProtocolVersion) -> RPCError {
        RPCError(
            version.isStateless ? .invalidParams : .resourceNotFound,
            "No such resource. resources/list says which there are.", id: request.id)
    }

    /// Nothing here is a result of a tool, so what a rule says no to is an error too.
    private static func error(
        _ refusal: Refusal, _ request: Request, in version: ProtocolVersion
    ) -> RPCError {
        if refusal.code == .unknownTool { return unknown(request, in: version) }
        if let error = RPCError(refusal, id: request.id, for: version) { return error }
        return RPCError(
            .internal, refusal.told, id: request.id,
            data: ["code": .string(refusal.code.rawValue)])
    }
}
