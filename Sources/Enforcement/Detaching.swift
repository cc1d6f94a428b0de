// Does this call go on after its request was answered?
//
// Its tool says whether it may or must; its client says whether it can follow it. What is refused
// by then is refused in the answer to the request; from `begin` on the caller has a handle, and
// all that becomes of the call is found under it.

package import JSON

/// A call that may become a task: its request is answered with a handle before it runs.
package protocol Detachment: Sendable {
    /// The handle, for the record.
    var id: Name { get }

    /// Asked once, for a call that nothing but an approval holds up any more. What the handle
    /// stands for is durable when this returns; where it throws, the call is refused.
    func begin(_ tool: Tool) async throws(Refusal)

    /// From then on nobody waits for the answer to the request.
    var hasBegun: Bool { get }
}

enum Detaching {
    static func check(_ screened: ScreenedCall) throws(Refusal) {
        let call = screened.examined.scoped
        guard call.tool.taskUse == .required, call.arrived.detachment == nil else { return }
        var refusal = Refusal(
            .taskUnsupported,
            "`\(call.tool.name)` runs as a task only, and this client follows no tasks (it did not declare the extension `io.modelcontextprotocol/tasks`). Tell the user to run it from a client that does."
        )
        refusal.demands = .tasks
        throw refusal
    }

    static func begin(_ confirmed: ConfirmedCall) async throws(Refusal) {
        let call = confirmed.screened.examined.scoped
        guard call.tool.taskUse != nil, let detachment = call.arrived.detachment else { return }
        try await detachment.begin(call.tool)
    }
}

extension Refusal {
    package static func tooManyTasks(most: Int) -> Refusal {
        Refusal(
            .taskLimit,
            "You have \(most) tasks here, the most allowed, finished ones included. Nothing was done. Tasks go by themselves some minutes after their end: try again then.",
            retryAfterSeconds: 60)
    }
}
