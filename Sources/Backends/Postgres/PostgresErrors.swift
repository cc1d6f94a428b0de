internal import Enforcement
internal import JSON

extension BackendError {
    /// At a call: the server's message may quote values, so only its code goes on.
    init(_ fault: PostgresExchange.Fault) {
        let detail = "SQLSTATE \(fault.code)"
        switch (fault.stage, fault.wasBound) {
        case (.open, _) where !fault.isFatal && !fault.code.utf8.starts(with: "57".utf8):
            self.init(.identity, detail: "a role or setting that the database knows")
        case (.statement, false) where Self.refusesValues.contains(Name(fault.code)):
            self.init(
                .argument, detail: "an argument is not of the form or size that the database takes")
        default:
            self.init(Self.reason(Array(fault.code.utf8)), detail: detail)
        }
    }

    /// At load: an operator reads it, and it speaks of the operator's own statement.
    init(examining failure: PostgresFailure) {
        let code = failure.code.utf8.isEmpty ? "" : " (SQLSTATE \(failure.code))"
        self.init(failure.isFatal ? .unavailable : .invalid, detail: failure.message + code)
    }

    /// Not of the type's form, too large for it, no such time, not of the encoding.
    private static let refusesValues: Set<Name> = [
        "22P02", "22P03", "22003", "22007", "22008", "22021", "22026",
    ]

    private static func reason(_ code: [UInt8]) -> Reason {
        switch String(decoding: code, as: UTF8.self) {
        case "57014": return .timedOut
        // Serialization, deadlock, a lock that somebody else has: another attempt may do.
        case "40001", "40P01", "55P03": return .busy
        case "40002", "44000": return .constraint
        case "42P01", "42703", "42883", "0A000", "26000": return .outdated
        // No privilege, or a row that row-level security does not let the role write.
        case "42501": return .unauthorized
        default: break
        }
        switch String(decoding: code.prefix(2), as: UTF8.self) {
        case "23": return .constraint
        case "53": return .busy
        case "08", "57", "58": return .unavailable
        default: return .failed
        }
    }
}
