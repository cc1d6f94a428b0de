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
        case identityUnknownUser = "identity.unknown_user"
        case identityIncomplete = "identity.incomplete"
        case unknownTool = "scope.unknown_tool"
        case argumentsInvalid = "arguments.invalid"
        case limitConcurrency = "limit.concurrency"
        case denied = "deny.rule"
        case statementRefused = "statement.refused"
        case statementInvalid = "statement.invalid"
        case approvalUnreachable = "approval.unreachable"
        case backendBusy = "backend.busy"
        case backendTimedOut = "backend.timed_out"
        case backendUnavailable = "backend.unavailable"
        case backendConstraint = "backend.constraint"
        case backendUnknown = "backend.outcome_unknown"
        case backendResult = "backend.result"
        case backendFailed = "backend.failed"
        case maskFailed = "mask.failed"
        case maskDeciding = "mask.deciding"
        case recordUnavailable = "record.unavailable"
        case cancelled = "call.cancelled"
    }

    package let code: Code
    package let told: String
    /// The rules that led here, most decisive first.
    package var rules: [Name]
    /// For the operator; recorded, never sent.
    package var noted: String?
    package var retryAfterSeconds: Int?

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

    /// True where the credential is at fault: HTTP answers 401 and the caller may sign in again.
    package var isUnauthenticated: Bool {
        switch code {
        case .identityMissing, .identityInvalid, .identityExpired, .identityUnknownUser: true
        default: false
        }
    }
}

extension Refusal {
    /// The same bytes for a tool that does not exist and one that the caller may not use.
    package static func unknownTool(_ name: String) -> Refusal {
        let name = String(name.unicodeScalars.prefix(64))
        return Refusal(
            .unknownTool, "Unknown tool: \(name). Call tools/list for the tools that you may use.")
    }

    init(_ error: BackendError) {
        let (code, told): (Code, String) =
            switch error.reason {
            case .busy:
                (.backendBusy, "The backend is busy. Try the same call again in 2 seconds.")
            case .timedOut:
                (
                    .backendTimedOut,
                    "The call took longer than this tool may and was stopped. Ask for less: narrower arguments or fewer rows."
                )
            case .cancelled: (.cancelled, "The call was cancelled and stopped.")
            case .unavailable:
                (
                    .backendUnavailable,
                    "The backend cannot be reached. Try again in a minute; if it persists, tell the operator."
                )
            case .constraint:
                (
                    .backendConstraint,
                    "The data refuses this change: a constraint would be broken. Nothing was changed. Check that the arguments name existing rows and allowed values."
                )
            case .result:
                (
                    .backendResult,
                    "The answer cannot be given in this tool's form or limits. Nothing was changed. Ask for less, or tell the operator."
                )
            case .identity:
                (
                    .identityIncomplete,
                    "Your identity lacks \(error.detail), which this tool takes from it. Nothing was done. Ask the operator; other arguments will not help."
                )
            case .unknown:
                (
                    .backendUnknown,
                    "The connection broke while the change was being made, so nobody knows whether it was. Do not repeat the call: look first whether the change is there."
                )
            case .refused: (.statementRefused, "Refused: \(error.detail).")
            case .statement:
                (
                    .statementInvalid,
                    "The statement cannot be judged: \(error.detail). Correct it and call again."
                )
            case .argument: (.argumentsInvalid, "\(error.detail). Correct it and call again.")
            case .invalid, .failed:
                (
                    .backendFailed,
                    "The backend failed on this call. Nothing was changed. Try different arguments, or tell the operator."
                )
            }
        self.init(
            code, told, noted: error.detail, retryAfterSeconds: error.reason == .busy ? 2 : nil)
    }
}
