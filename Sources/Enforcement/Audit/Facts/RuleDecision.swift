/// What grants, schema and rules say of a call, whatever becomes of it after them.
package enum RuleDecision: String, Sendable {
    case allow, hold, deny

    /// `code` is one of the rules.
    init(refusing code: Refusal.Code) {
        self = code == .approvalUnreachable ? .hold : .deny
    }
}

extension Refusal.Code {
    /// Whether grants, schema, examination or rules say so, and would say so again.
    var isOfRules: Bool {
        switch self {
        case .unknownTool, .argumentsNotGranted, .accessNotGranted, .accessNotOffered,
            .argumentsInvalid, .statementRefused,
            .statementInvalid, .denied,
            .maskDeciding, .approvalUnreachable:
            true
        default: false
        }
    }
}

/// The form of a line, as docs/record.schema.json describes it.
package enum RecordForm {
    /// Raised when a reader of the old form would misread a line of the new.
    package static let version = 1
}
