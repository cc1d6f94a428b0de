import Enforcement
import JSON

/// `tasks/get`, `tasks/update` and `tasks/cancel` of the extension io.modelcontextprotocol/tasks.
enum TasksMethod: String, Sendable, CaseIterable {
    case get = "tasks/get"
    case update = "tasks/update"
    case cancel = "tasks/cancel"

    /// No id of ours is longer; a longer one is not looked for.
    private static let idBytesMax = 64

    func answer(
        _ request: Request, from peer: Peer, in serving: Serving
    ) async throws(RPCError) -> [UInt8] {
        try Self.demandCapability(of: request)
        let (task, desk) = try await Self.task(of: request, from: peer, in: serving)
        switch self {
        case .get: return Self.result(in: serving) { task.write(into: &$0, withPayload: true) }
        case .update:
            // No task of ours waits for an answer, so that all of them come too late: they are
            // accepted and dropped.
            guard request.params["inputResponses"]?.object != nil else {
                throw RPCError(
                    .invalidParams, "`params.inputResponses` must be an object.", id: request.id)
            }
        case .cancel: desk.cancel(task.id)
        }
        return Self.result(in: serving) { _ in }
    }

    static func demandCapability(of request: Request) throws(RPCError) {
        guard !ClientCapabilities(of: request).followsTasks else { return }
        throw RPCError(
            .missingCapability,
            "The client must declare the extension `\(ClientCapabilities.tasksExtension)` in this request.",
            id: request.id,
            data: ["requiredCapabilities": Refusal.Demand.tasks.capabilities])
    }

    private static func task(
        of request: Request, from peer: Peer, in serving: Serving
    ) async throws(RPCError) -> (TaskState, TaskDesk) {
        guard let id = request.params["taskId"]?.string else {
            throw RPCError(.invalidParams, "`params.taskId` must be a string.", id: request.id)
        }
        let unknown = RPCError(
            .invalidParams,
            "Unknown task: there is none of this id, it has expired, or it is not yours.",
            id: request.id)
        guard let desk = serving.tasks else { throw unknown }
        guard let found = try await find(Name(id), for: request, from: peer, in: serving) else {
            throw unknown
        }
        return (found, desk)
    }

    /// nil for what is not this caller's to know of.
    static func find(
        _ id: Name, for request: Request, from peer: Peer, in serving: Serving
    ) async throws(RPCError) -> TaskState? {
        guard let desk = serving.tasks, id.text.utf8.count <= idBytesMax else { return nil }
        do throws(StateError) {
            return try await desk.find(id, for: peer.caller, via: peer.via, in: serving)?.task
        } catch {
            var error = RPCError(
                .internal, "The task cannot be looked for at the moment.", id: request.id)
            error.retryAfterSeconds = 2
            throw error
        }
    }

    static func result(
        in serving: Serving, _ members: (inout JSONWriter) -> Void
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("resultType", "complete")
        members(&writer)
        serving.description.writeMeta(into: &writer)
        writer.endObject()
        return writer.finish()
    }
}
