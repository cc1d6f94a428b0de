import JSON

extension ApprovalRequest {
    /// Who may decide and why, in one line.
    var waitingLine: String {
        let asked = (open.isEmpty ? needs : open).map { need in
            let number = need.count == 1 ? "" : "\(need.count) people of "
            let groups = need.groups.map(\.text).joined(separator: " or ")
            return "\(number)\(groups)\(later(need)) (rule `\(need.rule)`: \(need.reason))"
        }
        return "waiting for approval by \(asked.joined(separator: ", and by ")), handle \(id)"
    }

    /// Who may decide besides, and from when.
    package func later(_ need: Need) -> String {
        guard let escalation = need.escalation else { return "" }
        let groups = escalation.groups.map(\.text).joined(separator: " or ")
        return ", from \(WallClock.text(created + escalation.after)) also \(groups),"
    }
}

extension Refusal.Code {
    /// Nothing was done, and the call may run yet.
    var isOfWaiting: Bool {
        self == .approvalPending || self == .approvalModified || self == .approvalRunning
    }
}

extension Refusal {
    static func approvalUnreachable(_ rules: [Rule]) -> Refusal {
        let rule = rules[0]
        var told =
            "Held by rule `\(rule.id)`: \(rule.reason). No approver is reachable, so the call is refused."
        told +=
            rule.instead.map { " Instead: \($0)." } ?? " Ask the operator, or change the arguments."
        return Refusal(.approvalUnreachable, told, rules: rules.map(\.id))
    }

    /// How a request stands that does not let its call pass.
    static func approval(_ request: ApprovalRequest, of guarded: GuardedTool?) -> Refusal {
        let id = request.id
        switch request.phase {
        case .pending, .approved:
            return request.edits.isEmpty ? pending(request) : modified(request, of: guarded)
        case .running: return approvalRunning(id)
        case .rejected:
            let reason = request.end?.reason ?? ""
            return about(
                request, .approvalRejected,
                "Not approved: \(VisibleText.escaped(reason)). Nothing was done. Do not make the same call again: it stays refused until \(WallClock.text(request.expires)). Tell the user, or ask for something else."
            )
        case .expired: return approvalExpired(id)
        case .cancelled: return approvalCancelled(id)
        case .unknown:
            return about(
                request, .approvalUnknown,
                "Approved and begun, but the server ended or lost the backend in between, so nobody knows whether it was done. It is not repeated. Look first whether its effect is there\(request.trace.map { " (\($0.advice))" } ?? ""); the approver sees the same. If it is not, make the call again, which asks for a new approval."
            )
        case .failed where request.end?.code?.isByteEqual(to: LostRuns.notMade) == true:
            return about(
                request, .approvalOver,
                "Approved and begun, but the server ended before the change was made: the database says that nothing was changed. That approval is used up. To try again, make the call again, which asks for a new one."
            )
        case .done where request.end?.code?.isByteEqual(to: LostRuns.made) == true:
            return about(
                request, .approvalOver,
                "Approved and done: the server ended before it could answer, but the database says that the change was made. Its answer is lost, and it is not run again. Call again only for another run, which needs a new approval."
            )
        case .failed:
            return about(
                request, .approvalOver,
                "Approved and run, and it failed (\(request.end?.code ?? "")). That approval is used up. To try again, make the call again, which asks for a new one."
            )
        case .done:
            let changed = request.end?.changed.map { ", \($0) rows changed" } ?? ""
            return about(
                request, .approvalOver,
                "Approved and done at \(WallClock.text(request.end?.at ?? 0))\(changed). Its answer went to the call that ran it, and it is not run again. Call again only for another run, which needs a new approval."
            )
        }
    }

    private static func about(
        _ request: ApprovalRequest, _ code: Code, _ told: String
    ) -> Refusal {
        Refusal(code, told, rules: request.needs.map(\.rule), noted: "approval \(request.id)")
    }

    private static func pending(_ request: ApprovalRequest) -> Refusal {
        about(
            request, .approvalPending,
            "Not run yet: \(request.waitingLine). It can be decided until \(WallClock.text(request.expires)). Next step: call `\(ApprovalResult.name)` with {\"handle\": \"\(request.id)\", \"wait\": 45}, now or later; or make this very call again. Do not change its arguments: that would ask for another approval."
        )
    }

    /// The caller is told before anything else runs than they asked for.
    private static func modified(_ request: ApprovalRequest, of guarded: GuardedTool?) -> Refusal {
        var changes = "back to what you asked for"
        if let guarded, !request.changes.isEmpty {
            var mask = DocumentMask(
                guarded.values, guarded.policy.byName(for: request.caller), for: request.caller)
            changes = request.changeLines(&mask).joined(separator: "; ")
        }
        let standing = request.phase == .approved ? "approved" : request.waitingLine
        return about(
            request, .approvalModified,
            "Not run as asked: an approver changed the arguments (change \(request.edits.count)): \(changes). The changed call is \(standing). It can be used until \(WallClock.text(request.expires)). Next step: tell the user, and to run the changed call use `\(ApprovalResult.name)` with {\"handle\": \"\(request.id)\", \"edit\": \(request.edits.count), \"wait\": 45}; if it is not wanted so, withdraw it with {\"handle\": \"\(request.id)\", \"cancel\": true}."
        )
    }

    static func approvalRunning(_ id: Name) -> Refusal {
        Refusal(
            .approvalRunning,
            "Approved, and another call of yours runs it at this moment. It is not run twice. Ask with `\(ApprovalResult.name)` and {\"handle\": \"\(id)\"} how it ended.",
            noted: "approval \(id)", retryAfterSeconds: 2)
    }

    static func approvalExpired(_ id: Name) -> Refusal {
        Refusal(
            .approvalExpired,
            "Nobody approved it in time. Nothing was done. Make the call again to ask anew, when somebody is there to decide.",
            noted: "approval \(id)")
    }

    static func approvalCancelled(_ id: Name) -> Refusal {
        Refusal(
            .cancelled,
            "The request for approval was withdrawn. Nothing was done. Make the call again to ask anew.",
            noted: "approval \(id)")
    }

    static func approvalOutdated(_ id: Name) -> Refusal {
        Refusal(
            .approvalOutdated,
            "Rules, tools or the data's form changed since approval was asked for, so it does not count. Nothing was done. Make the call again to ask under what holds now.",
            noted: "approval \(id)")
    }

    /// One text for what was never there, is forgotten, or is somebody else's.
    static var unknownHandle: Refusal {
        Refusal(
            .approvalHandle,
            "Unknown handle: there is no request of this handle, it is over for long, or it is not yours. Make the call itself again."
        )
    }

    static func tooManyApprovals(most: Int) -> Refusal {
        Refusal(
            .approvalLimit,
            "You have \(most) requests for approval here, the most allowed, with those that ended in the last day. Nothing was done. Wait for decisions, or withdraw some with `\(ApprovalResult.name)`.",
            retryAfterSeconds: 60)
    }

    static func approvalReasonMissing(_ rules: [Rule]) -> Refusal {
        let rule = rules[0]
        return Refusal(
            .approvalReason,
            "Rule `\(rule.id)` lets a person decide (\(rule.reason)), who must be told why you want this. Nothing was done. Make the call again with the reason in the argument `reason`, or, where the tool has none, as `toolserver/reason` in the request's `_meta`.",
            rules: rules.map(\.id))
    }

    static var tooLargeToApprove: Refusal {
        Refusal(
            .approvalTooLarge,
            "This call needs a person's approval and is too large to be shown to one whole. Nothing was done. Split it into smaller calls."
        )
    }
}
