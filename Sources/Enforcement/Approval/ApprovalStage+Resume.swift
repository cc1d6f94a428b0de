package import JSON

/// What a caller brings instead of the call itself.
package struct Resumption: Sendable {
    let handle: Name
    /// How long they are willing to wait.
    let wait: Duration?
    /// The caller's own yes, given when the request was made.
    let question: String?
    /// Up to which change of the arguments they know what they ask for.
    let edit: Int
}

/// The built-in tool that asks what became of a call that waits for a person.
package enum ApprovalResult {
    package static let name: Name = "approval_result"
    package static let title = "Result of a call that needed approval"
    package static let description =
        "Picks up a call that was held for a person's approval, by the handle that its answer gave. Approved, the call runs now and its result is returned; it runs once. Otherwise says how the request stands."
    package static let schema: JSONValue = [
        "type": "object",
        "properties": [
            "handle": [
                "type": "string", "description": "The handle, apr_…, from the held call's answer.",
            ],
            "wait": [
                "type": "integer", "minimum": 0, "maximum": 45,
                "description": "Seconds to wait for a decision.",
            ],
            "edit": [
                "type": "integer", "minimum": 1,
                "description":
                    "Which change of the arguments by an approver you were told of, and mean to run.",
            ],
            "cancel": [
                "type": "boolean",
                "description": "True: withdraw the request; nothing is run.",
            ],
        ],
        "required": ["handle"], "additionalProperties": false,
    ]

    static let check: InputCheck? = (try? JSONSchema(schema)).map { InputCheck(schema: $0) }
}

extension ApprovalStage {
    /// The call that stands behind a handle, for whoever made it; any other call as it is. All that
    /// is known of it is what it was: every stage judges it anew.
    func resumed(_ call: IdentifiedCall) async throws(Refusal) -> IdentifiedCall {
        guard let means, Name(call.arrived.tool) == ApprovalResult.name else { return call }
        return try await behindHandle(call, means)
    }

    /// Apart from its caller: what waits has a large frame, and most calls need none.
    @inline(never)
    private func behindHandle(
        _ call: IdentifiedCall, _ means: ApprovalMeans
    ) async throws(Refusal) -> IdentifiedCall {
        let arrived = call.arrived
        try ApprovalResult.check?.check(arrived.arguments)
        guard let handle = arrived.arguments["handle"]?.string, handle.utf8.count <= 64 else {
            throw .unknownHandle
        }
        let held = try await theirs(Name(handle), of: arrived.caller.caller, means)
        if arrived.arguments["cancel"]?.bool == true {
            throw try await cancelled(held, means)
        }
        let edit = arrived.arguments["edit"]?.int ?? 0
        guard held.request.phase.isOpen, held.request.edits.count == edit else {
            throw .approval(held.request, of: scope.guarded(held.request.tool))
        }
        return call.standing(
            for: held.request,
            Resumption(
                handle: held.request.id,
                wait: arrived.arguments["wait"]?.int.map { .seconds($0) } ?? .zero,
                question: held.request.question, edit: edit))
    }

    /// One answer for what is not there and what is another's.
    func theirs(
        _ handle: Name, of caller: Caller, _ means: ApprovalMeans
    ) async throws(Refusal) -> ApprovalBook.Held {
        guard let held = try await book(means).find(handle), held.entry.owner == caller.mark else {
            throw .unknownHandle
        }
        return held
    }

    // MARK: How a run ended

    func settle(_ claim: ApprovalClaim?, _ outcome: Outcome) async -> Outcome {
        guard let claim else { return outcome }
        var end = ApprovalRequest.End(at: now())
        let phase: ApprovalRequest.Phase
        switch outcome {
        case .answered(let result):
            phase = .done
            end.code = "ok"
            end.changed = result.changed
        case .refused(let refusal):
            phase = Self.phase(after: refusal.code, claim)
            // What is unknown may be found out yet.
            end.code = phase == .unknown ? nil : refusal.code.rawValue
        }
        await claim.settle(phase, end)
        return outcome
    }

    /// Answers how many runs are still to be asked about.
    func settleLostRuns(_ sink: any RecordSink) async -> Int {
        guard let means else { return 0 }
        return await LostRuns(book: book(means), backend: backend, sink: sink).settle()
    }

    private static func phase(
        after code: Refusal.Code, _ claim: ApprovalClaim
    ) -> ApprovalRequest.Phase {
        // Nothing was sent: the approval is as good as before.
        guard claim.hasBegun else { return .approved }
        switch code {
        case .backendBusy: return .approved
        case .backendUnknown, .recordUnavailable: return .unknown
        // The change was made; its answer could not be shown.
        case .maskFailed: return .done
        default: return .failed
        }
    }
}
