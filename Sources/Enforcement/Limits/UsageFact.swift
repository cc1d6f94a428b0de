/// What a caller has done of late, as rules can ask for it.
package enum UsageFact: Hashable, Sendable {
    case amount(Measure, Window)
    /// How often in a row a number among the arguments of this tool moved by the same step.
    case sequence
    /// How many times the caller's usual number of calls an hour the present hour has.
    case spike
    /// Whether the caller has not been seen at this hour on other days.
    case unusualHour

    package enum Measure: String, Sendable, CaseIterable {
        case calls, rows, bytes, denials
        /// How many different ones the caller came from.
        case addresses, clients
        /// How many different ones this one token came from.
        case tokenAddresses = "token.addresses"
        case tokenClients = "token.clients"
        /// With how many different arguments the caller called this tool.
        case keys
    }

    package enum Window: String, Sendable, CaseIterable {
        case minute = "1m"
        case hour = "1h"
        case day = "24h"

        package var seconds: Int {
            switch self {
            case .minute: 60
            case .hour: 3_600
            case .day: 86_400
            }
        }
    }

    package static let all: [UsageFact] =
        Measure.allCases.flatMap { measure in
            Window.allCases.map { UsageFact.amount(measure, $0) }
        } + [.sequence, .spike, .unusualHour]

    /// What it is called in a rule.
    package var spelling: String {
        switch self {
        case .amount(let measure, let window): "usage.\(measure.rawValue).\(window.rawValue)"
        case .sequence: "usage.sequence"
        case .spike: "usage.spike"
        case .unusualHour: "usage.unusualHour"
        }
    }

    package var isNumber: Bool { self != .unusualHour }
}
