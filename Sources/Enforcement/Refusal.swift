package import JSON

/// Why a call was not answered: one stable code, a text for the caller, facts for the record.
///
/// `told` alone must say what to do next: Claude sees nothing else of an error. It never holds a
/// value, a literal, a token or a driver's text. `docs/errors.md` lists every code; a test
/// compares.
package struct Refusal: Error, Sendable {
    package enum Code: String, Sendable, CaseIterable {
        case identityMissing = "identity.missing"
        case identityInvalid = "identity.invalid"
        case identityExpired = "identity.expired"
        case identityProof = "identity.proof"
        case identityScope = "identity.scope"
        case identityCertificate = "identity.certificate"
        case identityUnavailable = "identity.unavailable"
        case identityUnknownUser = "identity.unknown_user"
        case identityIncomplete = "identity.incomplete"
        case unknownTool = "scope.unknown_tool"
        case argumentsNotGranted = "scope.arguments"
        case accessNotGranted = "scope.may_ask"
        case accessNotOffered = "access.not_offered"
        case argumentsInvalid = "arguments.invalid"
        case limitConcurrency = "limit.concurrency"
        case limitRule = "limit.rule"
        case denied = "deny.rule"
        case statementRefused = "statement.refused"
        case statementInvalid = "statement.invalid"
        case confirmationRequired = "confirm.required"
        case confirmationState = "confirm.state"
        case confirmationAnswer = "confirm.answer"
        case confirmationDeclined = "confirm.declined"
        case confirmationDismissed = "confirm.dismissed"
        case confirmationTimedOut = "confirm.timed_out"
        case confirmationUnreachable = "confirm.unreachable"
        case confirmationOutdated = "confirm.outdated"
        case stateUnavailable = "state.unavailable"
        case taskUnsupported = "task.unsupported"
        case taskLimit = "task.limit"
        case approvalUnreachable = "approval.unreachable"
        case approvalPending = "approval.pending"
        case approvalModified = "approval.modified"
        case approvalRejected = "approval.rejected"
        case approvalExpired = "approval.expired"
        case approvalOutdated = "approval.outdated"
        case approvalRunning = "approval.running"
        case approvalOver = "approval.over"
        case approvalUnknown = "approval.outcome_unknown"
        case approvalHandle = "approval.unknown_handle"
        case approvalLimit = "approval.limit"
        case approvalTooLarge = "approval.too_large"
        case approvalReason = "approval.reason_missing"
        case backendBusy = "backend.busy"
        case backendTimedOut = "backend.timed_out"
        case backendUnavailable = "backend.unavailable"
        case backendConstraint = "backend.constraint"
        case backendUnknown = "backend.outcome_unknown"
        case backendResult = "backend.result"
        case backendOutdated = "backend.outdated"
        case backendNotFound = "backend.not_found"
        case backendRefused = "backend.refused"
        case backendUnauthorized = "backend.unauthorized"
        case backendFailed = "backend.failed"
        case maskFailed = "mask.failed"
        case maskDeciding = "mask.deciding"
        case recordUnavailable = "record.unavailable"
        case cancelled = "call.cancelled"
    }

    package let code: Code
    package private(set) var told: String
    /// The rules that led here, most decisive first.
    package var rules: [Name]
    /// For the operator; recorded, never sent.
    package var noted: String?
    package var retryAfterSeconds: Int?
    /// Every rule that led here looks at what the caller did before, and not at this call alone.
    var isOfUsage = false
    /// What the caller must answer before the call can run.
    package var question: Question?
    /// What the client would have to be able to do, where the protocol has an error of its own
    /// for that.
    package var demands: Demand?
    /// By what its caller can prove it, where the installation gives that.
    package internal(set) var evidence: RecordEvidence?

    package enum Demand: Sendable { case elicitation, tasks }

    package init(
        _ code: Code, _ told: String, rules: [Name] = [], noted: String? = nil,
        retryAfterSeconds: Int? = nil
    ) {
        self.code = code
        self.told = told
        self.rules = rules
        self.noted = noted
        self.retryAfterSeconds = retryAfterSeconds
    }

    /// It may repeat a name that the caller made up, and anything may be in a name.
    func masked(by values: ValueMasks) -> Refusal {
        guard question == nil, demands == nil else { return self }
        var text = TextMask(values, wanted: values.wanted(for: nil))
        var refusal = self
        refusal.told = text.masked(told)
        refusal.noted = noted.map { text.masked($0) }
        return refusal
    }

    /// True where the credential is at fault: HTTP answers 401 and the caller may sign in again.
    package var isUnauthenticated: Bool {
        switch code {
        case .identityMissing, .identityInvalid, .identityExpired, .identityUnknownUser,
            .identityCertificate:
            true
        default: false
        }
    }
}

extension Refusal {
    /// The same bytes for a tool that does not exist and one that the caller may not use. A name
    /// that no tool could have may be anything: it is not said again, and never cut, since half of
    /// a value is not known for what it is.
    package static func unknownTool(_ name: String) -> Refusal {
        let named = name.unicodeScalars.count > 64 ? "Unknown tool." : "Unknown tool: \(name)."
        return Refusal(.unknownTool, "\(named) Call tools/list for the tools that you may use.")
    }
}
