import JSON
import TestSupport
import Testing

@testable import Enforcement

/// Rules that can never hold for a tool are left out for it at load; all others must stay.
@Suite struct DenyRuleSelectionTests {
    private static func rules(_ conditions: [Condition], for tool: Tool) -> [String] {
        let rules = conditions.enumerated().map { index, condition in
            Rule(id: Name("\(index)"), effect: .deny, when: condition, reason: "r")
        }
        return GuardedTool(tool, policy: Policy(rules: rules)).rules.map(\.id.text)
    }

    private static let isRefund = Condition.fact(.toolName, .oneOf(["refund"]))
    private static let isOther = Condition.fact(.toolName, .oneOf(["other*"]))
    private static let asks = Condition.fact(.argument("id"), .over(JSONNumber(1)))

    @Test func rulesAboutOtherToolsAreLeftOut() throws {
        let refund = try Tool.sample("refund")
        let conditions: [Condition] = [
            Self.isRefund, Self.isOther, .all([Self.isOther, Self.asks]),
            .any([Self.isOther, Self.isOther]), .not(Self.isRefund),
        ]
        #expect(Self.rules(conditions, for: refund) == ["0"])
    }

    @Test func whatMayHoldForSomeCallStays() throws {
        let refund = try Tool.sample("refund")
        let conditions: [Condition] = [
            Self.asks, .all([Self.isRefund, Self.asks]), .any([Self.isOther, Self.asks]),
            .not(Self.isOther), .not(.all([Self.isRefund, Self.asks])), .not(Self.asks),
            // A tool's name is no number, so this cannot be judged and counts as matched.
            .fact(.toolName, .over(JSONNumber(1))),
        ]
        #expect(Self.rules(conditions, for: refund) == (0..<7).map { "\($0)" })
    }
}

/// Which rules a call of somebody is asked about must not depend on how many there are.
@Suite struct RuleIndexTests {
    private static func fact(_ fact: Fact, _ values: JSONValue...) -> Condition {
        .fact(fact, .oneOf(values))
    }

    private static let conditions: [Condition] = {
        let night = fact(.callerGroups, "night")
        let support = fact(.callerGroups, "support", "desk")
        let ada = fact(.callerSubject, "ada")
        let doubtful = Condition.fact(.toolName, .over(JSONNumber(1)))
        return [
            night, support, ada, fact(.callerPerson, "ada"), fact(.clientID, "desk"),
            fact(.callerGroups, "n*"), fact(.callerGroups, "night", "s*"), fact(.callerGroups, 7),
            .not(night), .not(support), .all([night, ada]), .all([doubtful, support]),
            .all([.not(night), support]), .any([night, support]), .any([night, ada]),
            .any([night, doubtful]), .any([]), .all([]), .all([.any([night, support]), ada]),
            .any([.all([night, ada]), .all([support, doubtful])]), doubtful, .not(doubtful),
            .fact(.callerGroups, .present(false)), .fact(.callerGroups, .glob("night")),
            .fact(.clientID, .present(true)), fact(.callerGroups, "NIGHT"), fact(.callerGroups),
        ]
    }()

    private static let callers = [
        Caller(issuer: "i", subject: "ada", groups: ["support"]),
        Caller(issuer: "i", subject: "bob", groups: ["night", "desk"]),
        Caller(issuer: "i", subject: "robot", kind: .agent, onBehalfOf: "ada", clientID: "desk"),
        Caller(issuer: "i", subject: "night"), Caller(issuer: "i", subject: "support"),
    ]

    @Test func whatIsLeftOutCouldNotHave() throws {
        let rules = Self.conditions.enumerated().map { number, when in
            Rule(id: Name("\(number)"), effect: .deny, when: when, reason: "r")
        }
        let index = RuleIndex(rules)
        for caller in Self.callers {
            let call = try examinedCall(of: .sample(), by: caller)
            let facts = Facts(call: call, at: Moment())
            let holding = rules.indices.filter { rules[$0].when.verdict(on: facts).holds }
            let asked = index.places(for: caller)
            #expect(asked == asked.sorted())
            #expect(asked.filter { rules[$0].when.verdict(on: facts).holds } == holding)
            #expect(asked.count < rules.count)
        }
    }

    @Test func rulesForOtherGroupsAreNotAsked() {
        let rules = (0..<500).map { number in
            Rule.denying(Name("\(number)"), Self.fact(.callerGroups, .string("g\(number)")))
        }
        let index = RuleIndex(rules)
        #expect(index.places(for: Caller(issuer: "i", subject: "s", groups: ["support"])) == [])
        let member = Caller(issuer: "i", subject: "s", groups: ["g7", "g3", "g7"])
        #expect(index.places(for: member) == [3, 7])
    }
}
