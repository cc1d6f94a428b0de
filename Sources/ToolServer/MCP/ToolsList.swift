import Enforcement
import JSON
import Synchronization

/// `tools/list`: the tools that this caller may use, a page at a time.
enum ToolsList {
    static func answer(
        _ request: Request, from peer: Peer, in serving: Serving
    ) async throws(RPCError) -> [UInt8] {
        await serving.gate.freshen()
        let cursor = try ListCursor.read(request)
        let key = ToolListCache.Key(
            caller: peer.caller.id, cursor: Name(cursor ?? ""), version: Name(peer.version.text))
        // Where time, place or claims decide, two lists of one caller may differ.
        // Cursors that no page of ours gave are no keys: there are as many as a client likes.
        let isKept =
            serving.gate.isVisibilitySteady(for: peer.caller)
            && cursor.map(serving.gate.knows) ?? true
        if isKept, let known = serving.toolLists[key] { return known }
        let page = page(after: cursor, from: peer, in: serving)
        // Something may have been granted to them while it was written.
        if isKept, serving.gate.isVisibilitySteady(for: peer.caller) {
            serving.toolLists[key] = page
        }
        return page
    }

    private static func page(
        after cursor: String?, from peer: Peer, in serving: Serving
    ) -> [UInt8] {
        let visible = serving.gate.visibleTools(to: peer.caller, via: peer.via)
        let page = ListPage(of: visible, after: cursor) { $0.tool.name }
        var writer = JSONWriter(reserving: 4096)
        writer.beginObject()
        writer.name("tools")
        writer.beginArray()
        for guarded in page.entries {
            let schema = serving.gate.inputSchema(of: guarded, for: peer.caller, via: peer.via)
            write(
                guarded, schema, to: peer.caller.caller, for: peer.version, into: &writer)
        }
        if page.nextCursor == nil, serving.gate.mayHold(peer.caller, via: peer.via) {
            writeBuiltIn(for: peer.version, &writer)
        }
        writer.endArray()
        if let next = page.nextCursor { writer.member("nextCursor", next) }
        serving.description.close(
            &writer, for: peer.version, keptFor: ServerDescription.ttlMs)
        return writer.finish()
    }

    /// All of these, for programs that speak no MCP.
    static func plain(
        _ tools: [(GuardedTool, input: JSONValue)], for caller: Caller
    ) -> [UInt8] {
        var writer = JSONWriter(reserving: 4096)
        writer.beginObject()
        writer.name("tools")
        writer.beginArray()
        for (guarded, schema) in tools {
            write(guarded, schema, to: caller, for: .latestHandshake, into: &writer)
        }
        writer.endArray()
        writer.endObject()
        return writer.finish()
    }

    /// All that a caller may see of their tools somewhere: equal when no list has changed.
    static func whole(
        for caller: IdentifiedCaller, _ version: ProtocolVersion, in serving: Serving
    ) -> [UInt8] {
        var writer = JSONWriter(reserving: 4096)
        writer.beginArray()
        for guarded in serving.gate.visibleTools(to: caller, via: nil) {
            let schema = serving.gate.inputSchema(of: guarded, for: caller, via: nil)
            write(guarded, schema, to: caller.caller, for: version, into: &writer)
        }
        if serving.gate.mayHold(caller, via: nil) { writeBuiltIn(for: version, &writer) }
        writer.endArray()
        return writer.finish()
    }

    /// Behind the tools of the manifests.
    private static func writeBuiltIn(
        for version: ProtocolVersion, _ writer: inout JSONWriter
    ) {
        writer.beginObject()
        writer.member("name", ApprovalResult.name.text)
        if version.hasStructuredContent { writer.member("title", ApprovalResult.title) }
        writer.member("description", ApprovalResult.description)
        writer.member("inputSchema", ApprovalResult.schema)
        writer.member(
            "annotations",
            [
                "title": .string(ApprovalResult.title), "readOnlyHint": false,
                "destructiveHint": true, "idempotentHint": true, "openWorldHint": false,
            ])
        writer.endObject()
    }

    static func changed(_ params: JSONValue? = nil) -> [UInt8] {
        Reply.notification("notifications/tools/list_changed", params: params)
    }

    private static func write(
        _ guarded: GuardedTool, _ schema: JSONValue, to caller: Caller,
        for version: ProtocolVersion,
        into writer: inout JSONWriter
    ) {
        let tool = guarded.tool
        writer.beginObject()
        writer.member("name", tool.name.text)
        if version.hasStructuredContent { writer.member("title", tool.title) }
        writer.member("description", tool.description)
        writer.member("inputSchema", schema)
        if version.hasStructuredContent, let schema = guarded.outputSchema {
            writer.member("outputSchema", schema)
        }
        let isRead = tool.effect == .read
        writer.member(
            "annotations",
            [
                "title": .string(tool.title), "readOnlyHint": .bool(isRead),
                "destructiveHint": .bool(!isRead && !tool.operation.isAccess),
                "idempotentHint": .bool(isRead),
                "openWorldHint": false,
            ])
        let meta = meta(of: guarded, for: caller)
        if !meta.isEmpty, version.hasStructuredContent {
            writer.member("_meta", .object(meta))
        }
        writer.endObject()
    }

    /// What Claude Code alone reads.
    private static func meta(of guarded: GuardedTool, for caller: Caller) -> JSONObject {
        let tool = guarded.tool
        var meta = JSONObject()
        // It then asks on every call, and nobody can switch that off.
        if tool.confirmation != nil || guarded.mayBeHeld(for: caller) {
            meta["anthropic/requiresUserInteraction"] = true
        }
        // It puts an answer of more than some 25,000 tokens into a file. Whoever says how large
        // answers may be has thought about that; what the standard allows is no such word.
        let bytes = tool.limits.bytes
        if bytes != ToolLimits().bytes, bytes > usualCharacters {
            meta["anthropic/maxResultSizeChars"] = .number(
                JSONNumber(min(bytes, mostCharacters)))
        }
        return meta
    }

    private static let usualCharacters = 100_000
    private static let mostCharacters = 500_000
}

/// Pages already written, by who asked: listing is the most frequent request of all and the same
/// for a caller until the catalogue changes.
final class ToolListCache: Sendable {
    struct Key: Hashable {
        let caller: CallerID
        let cursor: Name
        let version: Name
    }

    private static let pagesMax = 1_000
    private let pages = Mutex<[Key: [UInt8]]>([:])

    subscript(_ key: Key) -> [UInt8]? {
        get { pages.withLock { $0[key] } }
        set {
            pages.withLock { pages in
                if pages.count >= Self.pagesMax { pages.removeAll(keepingCapacity: true) }
                pages[key] = newValue
            }
        }
    }
}
