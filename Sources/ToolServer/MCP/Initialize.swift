import Enforcement
import JSON

/// The handshake of the revisions up to 2025-11-25.
enum Initialize {
    static func answer(_ request: Request, in serving: Serving) throws(RPCError) -> [UInt8] {
        guard let wanted = request.params["protocolVersion"]?.string else {
            throw RPCError(
                .invalidParams, "`params.protocolVersion` must be a string.", id: request.id)
        }
        let version = negotiated(wanted)
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("protocolVersion", version.text)
        writer.member("capabilities", ServerDescription.capabilities)
        writer.member("serverInfo", serving.description.info)
        writer.member("instructions", serving.description.instructions)
        writer.endObject()
        return writer.finish()
    }

    /// The client's own version where we serve it, else our latest (2025-11-25 lifecycle).
    static func negotiated(_ wanted: String) -> ProtocolVersion {
        if let version = ProtocolVersion.named(wanted), !version.isStateless { return version }
        return .latestHandshake
    }
}

/// The stateless era's answer to "what are you?".
enum Discover {
    static func answer(in serving: Serving) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("resultType", "complete")
        writer.member(
            "supportedVersions", .array(ProtocolVersion.served.map { .string($0.text) }))
        writer.member("capabilities", capabilities(of: serving))
        writer.member("instructions", serving.description.instructions)
        serving.description.writeCaching(into: &writer)
        writer.endObject()
        return writer.finish()
    }
}

extension Discover {
    /// Extensions belong to this era.
    private static func capabilities(of serving: Serving) -> JSONValue {
        guard serving.tasks != nil, var all = ServerDescription.capabilities.object else {
            return ServerDescription.capabilities
        }
        all["extensions"] = Refusal.Demand.tasks.capabilities["extensions"]
        return .object(all)
    }
}

/// What this server says of itself.
struct ServerDescription: Sendable {
    static let version = "0.1.0"
    static let capabilities: JSONValue = [
        "tools": ["listChanged": true], "resources": [:], "prompts": [:], "completions": [:],
    ]
    static let ttlMs = 60_000
    static let infoKey = "io.modelcontextprotocol/serverInfo"

    /// The installation's name, from server.json.
    let name: String

    var info: JSONValue {
        ["name": .string(name), "title": "ToolServer", "version": .string(Self.version)]
    }

    /// Claude reads this before any tool: the essentials, within 2 KB.
    var instructions: String {
        "Tools of \(name), each a checked call on a data source. Calls are subject to rules and are recorded; some values are masked, shown as [name] or with ***. A refusal says which rule refused and what to do instead: follow it, do not retry the same call."
    }

    /// The end of a result: with what the stateless era wants in each. `ttlMs`: how long a client
    /// may keep it.
    func close(
        _ writer: inout JSONWriter, for version: ProtocolVersion, keptFor ttlMs: Int? = nil
    ) {
        if version.isStateless {
            writer.member("resultType", "complete")
            if let ttlMs {
                writeCaching(ttlMs: ttlMs, into: &writer)
            } else {
                writeMeta(into: &writer)
            }
        }
        writer.endObject()
    }

    /// Lists vary by caller, so nobody else may reuse them.
    func writeCaching(ttlMs: Int = Self.ttlMs, into writer: inout JSONWriter) {
        writer.member("ttlMs", ttlMs)
        writer.member("cacheScope", "private")
        writeMeta(into: &writer)
    }

    func writeMeta(into writer: inout JSONWriter, with receipt: RecordEvidence? = nil) {
        let members = [(Self.infoKey, info)] + (receipt.map { [$0.member] } ?? [])
        writer.member("_meta", .object(JSONObject(distinct: members)))
    }
}
