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
