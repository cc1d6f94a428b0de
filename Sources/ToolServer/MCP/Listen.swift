import Enforcement
import JSON

/// `subscriptions/listen` of the stateless era: a request whose answer comes at its end, and which
/// tells meanwhile what its client wants to hear of.
enum Listen {
    static let method = "subscriptions/listen"
    private static let idKey = "io.modelcontextprotocol/subscriptionId"

    static func answer(
        _ request: Request, from peer: Peer, in serving: Serving, _ subscriptions: Subscriptions
    ) async throws(RPCError) -> [UInt8] {
        var agreed = try agreed(in: request)
        let tasks = try await TaskNotices.agreed(
            request.params["notifications"]?["taskIds"], in: request, from: peer, serving)
        if !tasks.isEmpty { agreed["taskIds"] = .array(tasks.map { .string($0.text) }) }
        guard let channel = peer.channel else {
            throw RPCError(
                .invalidRequest, "The answer is an event stream: accept text/event-stream.",
                id: request.id)
        }
        guard let subscriber = subscriptions.open(for: peer.caller, peer.version) else {
            throw tooMany(request)
        }
        defer { subscriptions.close(subscriber) }
        subscriber.end(on: channel.loop) { serving.gate.stillHolds(peer.caller) }
        let meta: JSONValue = .object(JSONObject(distinct: [(idKey, request.id.json)]))
        var isHeard = await channel.send(
            Reply.notification(
                "notifications/subscriptions/acknowledged",
                params: ["_meta": meta, "notifications": .object(agreed)]))
        subscriber.follow(tasks)
        while isHeard, let event = await subscriber.next() {
            switch event {
            case .toolsChanged where agreed["toolsListChanged"] != nil:
                isHeard = await channel.send(ToolsList.changed(["_meta": meta]))
            case .toolsChanged: break
            case .taskChanged(let id):
                if let message = await TaskNotices.message(
                    id, for: request, from: peer, in: subscriptions.latest(since: serving),
                    meta: meta)
                {
                    isHeard = await channel.send(message)
                }
            }
        }
        return end(of: request, in: serving)
    }

    /// The server ends it, not the client.
    private static func end(of request: Request, in serving: Serving) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("resultType", "complete")
        writer.name("_meta")
        writer.beginObject()
        writer.member(idKey, request.id.json)
        writer.member(ServerDescription.infoKey, serving.description.info)
        writer.endObject()
        writer.endObject()
        return writer.finish()
    }

    /// What of the wishes can come true. Resources and prompts follow from the tools, so whoever
    /// hears of those need not hear of them.
    private static func agreed(in request: Request) throws(RPCError) -> JSONObject {
        guard let filter = request.params["notifications"]?.object else {
            throw RPCError(
                .invalidParams, "`params.notifications` must be an object.", id: request.id)
        }
        for key in ["toolsListChanged", "promptsListChanged", "resourcesListChanged"] {
            guard let value = filter[key] else { continue }
            guard case .bool = value else {
                throw RPCError(
                    .invalidParams, "`params.notifications.\(key)` must be true or false.",
                    id: request.id)
            }
        }
        if let uris = filter["resourceSubscriptions"],
            uris.array?.allSatisfy({ $0.string != nil }) != true
        {
            throw RPCError(
                .invalidParams,
                "`params.notifications.resourceSubscriptions` must be an array of strings.",
                id: request.id)
        }
        var agreed = JSONObject()
        if filter["toolsListChanged"]?.bool == true { agreed["toolsListChanged"] = true }
        return agreed
    }

    private static func tooMany(_ request: Request) -> RPCError {
        var error = RPCError(
            .internal,
            "You have \(Subscriptions.perCallerMax) streams open, the most allowed. Close some.",
            id: request.id)
        error.retryAfterSeconds = 60
        return error
    }
}
