import Enforcement
import JSON

/// `notifications/tasks` on a `subscriptions/listen` stream: what `tasks/get` would say, when it
/// changes. Of the tasks that run in this process; those of others can be asked for.
enum TaskNotices {
    /// What a client may wish to follow at once.
    private static let wishesMax = 100

    /// Those of the wished-for tasks that are this caller's; of the others nothing is said.
    static func agreed(
        _ wishes: JSONValue?, in request: Request, from peer: Peer, _ serving: Serving
    ) async throws(RPCError) -> [Name] {
        guard let wishes else { return [] }
        try TasksMethod.demandCapability(of: request)
        let names = wishes.array?.compactMap(\.string) ?? []
        guard let count = wishes.array?.count, count == names.count, count <= wishesMax else {
            throw RPCError(
                .invalidParams,
                "`params.notifications.taskIds` must be an array of at most \(wishesMax) strings.",
                id: request.id)
        }
        var agreed: [Name] = []
        for name in names.map({ Name($0) }) where !agreed.contains(name) {
            if try await TasksMethod.find(name, for: request, from: peer, in: serving) != nil {
                agreed.append(name)
            }
        }
        return agreed
    }

    /// nil when there is nothing to tell any more.
    static func message(
        _ id: Name, for request: Request, from peer: Peer, in serving: Serving, meta: JSONValue
    ) async -> [UInt8]? {
        let found: TaskState?
        do throws(RPCError) {
            found = try await TasksMethod.find(id, for: request, from: peer, in: serving)
        } catch { return nil }
        guard let found else { return nil }
        var writer = JSONWriter(reserving: found.payload.count + 512)
        writer.beginObject()
        writer.member("jsonrpc", "2.0")
        writer.member("method", "notifications/tasks")
        writer.name("params")
        writer.beginObject()
        writer.member("_meta", meta)
        found.write(into: &writer, withPayload: true)
        writer.endObject()
        writer.endObject()
        return writer.finish()
    }
}
