/// What the caller is told of a backend's failure: its own words only where the tool's manifest
/// wants them, and masked.
extension Refusal {
    /// `masked` is what of the backend's words this caller may see.
    init(_ error: BackendError, masked: String? = nil) {
        let words = masked.map { " The backend says: \($0)" } ?? ""
        self.init(
            error.code, error.told + words, noted: error.detail,
            retryAfterSeconds: error.retryAfterSeconds ?? (error.reason == .busy ? 2 : nil))
    }
}

extension BackendError {
    fileprivate var code: Refusal.Code {
        switch reason {
        case .busy: .backendBusy
        case .timedOut: .backendTimedOut
        case .cancelled: .cancelled
        case .unavailable: .backendUnavailable
        case .constraint: .backendConstraint
        case .result, .form: .backendResult
        case .outdated: .backendOutdated
        case .identity: .identityIncomplete
        case .unknown: .backendUnknown
        case .refused: .statementRefused
        case .statement: .statementInvalid
        case .notFound: .backendNotFound
        case .rejected: .backendRefused
        case .unauthorized: .backendUnauthorized
        case .argument: .argumentsInvalid
        case .invalid, .failed: .backendFailed
        }
    }

    fileprivate var told: String {
        switch reason {
        case .busy:
            "The backend is busy. Try the same call again in \(retryAfterSeconds ?? 2) seconds."
        case .timedOut:
            "The call took longer than this tool may and was stopped. Ask for less: narrower arguments or fewer rows."
        case .cancelled: "The call was cancelled and stopped."
        case .unavailable:
            "The backend cannot be reached. Try again in a minute; if it persists, tell the operator."
        case .constraint:
            "The data refuses this change: a constraint would be broken. Nothing was changed. Check that the arguments name existing rows and allowed values."
        case .result:
            "The answer does not fit this tool's limits. Nothing was changed. Ask for less, or tell the operator."
        case .form:
            "The answer cannot be given: \(detail). Nothing was changed. Tell the operator; other arguments will hardly help."
        case .outdated:
            "The form of the data is no longer the one that the server has examined. Nothing was changed. Try the call again in a few seconds; if it persists, tell the operator, who has to load the manifests again."
        case .identity:
            "Your identity lacks \(detail), which this tool takes from it. Nothing was done. Ask the operator; other arguments will not help."
        case .unknown:
            "The backend or the connection to it failed while the change was being made, so nobody knows whether it was. Do not repeat the call: look first whether the change is there."
        case .refused: "Refused: \(detail). Send a statement without it, or use another tool."
        case .statement:
            "The database does not take the statement: \(detail). Nothing was changed. Correct it and call again."
        case .notFound:
            "The backend has nothing under these arguments. Nothing was changed. Check the names and numbers in them."
        case .rejected:
            "The backend does not accept these arguments (\(detail)). Nothing was changed. Correct them and call again."
        case .unauthorized:
            "The backend does not let this server do that. Nothing was changed. Tell the operator; other arguments will not help."
        case .argument: "\(detail). Correct it and call again."
        case .invalid, .failed:
            "The backend failed on this call. Nothing was changed. Try different arguments, or tell the operator."
        }
    }
}
