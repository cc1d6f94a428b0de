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

    /// Of a caller's own statement: what it tried to compute, so that it can be corrected. In our
    /// words and for these codes alone: a function may raise any other with anything in it.
    var ofCallersStatement: BackendError {
        guard reason == .failed, let code = detail.split(separator: " ").last,
            let words = Self.computing[Name(String(code))]
        else { return self }
        return BackendError(.statement, detail: "\(words) (\(detail))")
    }

    private static let computing: [Name: String] = [
        "21000": "a query in it that stands for one value gives several rows",
        "22001": "a text in it is too long for its type", "22003": "a number in it is out of range",
        "22007": "a date or time in it is not of the form that its type demands",
        "22008": "a date or time in it is out of range",
        "22011": "a part of a text cannot be so long",
        "22012": "it divides by zero", "22023": "a function in it is given what it does not take",
        "2201B": "a pattern in it is no regular expression",
        "2201W": "its LIMIT is less than nothing", "2201X": "its OFFSET is less than nothing",
        "22P02": "a text in it is not of the form that its type demands",
    ]

    /// Not of the type's form, too large for it, no such time, not of the encoding.
    private static let refusesValues: Set<Name> = [
        "22P02", "22P03", "22003", "22007", "22008", "22021", "22023", "22026",
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
