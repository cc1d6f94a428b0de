import JSON

/// A test of a rule about something that the record may hold only masked: an argument, a claim,
/// the path of a request. What the test said is recorded in place of the value, so that the same
/// rule can be asked again later without it.
struct CoveredTest: Sendable {
    let fact: Fact
    let test: Test
    let name: String
    /// Sixteen hexadecimal digits; equal for equal tests of equal facts, whichever rule asks.
    let id: String

    init?(_ fact: Fact, _ test: Test) {
        guard let name = fact.coveredName else { return nil }
        self.fact = fact
        self.test = test
        self.name = name
        id = Self.id(name, test)
    }

    static func id(_ name: String, _ test: Test) -> String {
        Hex.encode(Array(SHA256.digest("\(name)\u{0}\(test.spelling)").bytes.prefix(8)))
    }
}

extension Fact {
    /// How the record names a fact whose value it may hold only masked; nil for all others.
    var coveredName: String? {
        switch self {
        case .argument(let name): "argument.\(name)"
        case .anyArgument: "argument.*"
        case .callerClaim(let name): "caller.claims.\(name)"
        case .callerEmail: "caller.email"
        case .httpPath: "http.path"
        case .usage(let usage): usage.spelling
        default: nil
        }
    }

    /// Whether only the answers to its tests are kept: an address of a person, and what the caller
    /// did before, which other lines tell.
    var isNeverRecorded: Bool {
        switch self {
        case .callerEmail, .usage: true
        default: false
        }
    }
}

extension Test {
    /// Equal texts are equal tests.
    fileprivate var spelling: String {
        switch self {
        case .oneOf(let values): "oneOf \(JSONValue.array(values).text)"
        case .glob(let pattern): "glob \(pattern)"
        case .over(let bound): "over \(bound.text)"
        case .under(let bound): "under \(bound.text)"
        case .present(let wanted): "present \(wanted)"
        case .matches(let pattern): "matches \(pattern.source)"
        case .within(let ranges): "within \(ranges)"
        case .hours: "hours"
        }
    }
}

extension Condition {
    /// Every test within, whatever is around it, about what the record may cover.
    var coveredTests: [CoveredTest] {
        switch self {
        case .fact(let fact, let test): CoveredTest(fact, test).map { [$0] } ?? []
        case .all(let conditions), .any(let conditions): conditions.flatMap(\.coveredTests)
        case .not(let condition): condition.coveredTests
        }
    }
}

extension Verdict {
    /// As the record has it.
    var recorded: String {
        switch self {
        case .matched: "yes"
        case .unmatched: "no"
        case .unknown: "unknown"
        }
    }

    init?(recorded text: String) {
        switch text {
        case "yes": self = .matched
        case "no": self = .unmatched
        case "unknown": self = .unknown
        default: return nil
        }
    }
}
