import JSON
import TestSupport
import Testing

@testable import Enforcement

/// Every refusal as Claude reads it: it sees the text and nothing else.
@Suite struct RefusalTextTests {
    /// What the first word of a sentence may be that says what to do now.
    private static let advice: Set<Substring> = [
        "Answer", "Ask", "Call", "Change", "Check", "Correct", "Do", "Get", "Instead", "Look",
        "Make", "Select", "Send", "Set", "Sign", "Split", "Tell", "Try", "Use", "Wait", "Withdraw",
    ]

    private static func sentences(_ text: String) -> [String] {
        text.split(separator: "\n").flatMap { line in
            line.replacing(": ", with: ". ").replacing("; ", with: ". ")
                .replacing(", or ", with: ". ").replacing(", then ", with: ". ")
                .split(separator: ". ").map(String.init)
        }
    }

    private static func saysWhatToDo(_ text: String) -> Bool {
        sentences(text).contains { sentence in
            guard let first = sentence.split(separator: " ").first else { return false }
            return advice.contains("\(first.prefix(1).uppercased())\(first.dropFirst())"[...])
        }
    }

    /// Whoever cancelled knows what they want, and of a question its reader sees the question.
    private static let without: Set<Refusal.Code> = [.cancelled, .confirmationRequired]

    @Test(arguments: Refusal.Code.allCases.filter { !without.contains($0) })
    func itSaysWhatWasRefusedAndWhatToDo(_ code: Refusal.Code) async throws {
        let told = try #require(try await GateTests.refusal(code)).told
        #expect(Self.sentences(told).count >= 2, "\(told)")
        #expect(told.utf8.last == UInt8(ascii: "."), "\(told)")
        #expect(Self.saysWhatToDo(told), "\(told)")
    }

    @Test func aRuleIsNamedWithItsReasonAndWhatToDoInstead() async throws {
        var rule = Rule.denying("no-night", .all([]))
        rule.instead = "wait for the morning"
        let fixture = try GateFixture(policy: Policy(grants: GateFixture.grants, rules: [rule]))
        let told = try #require(try await fixture.call().refusal).told
        #expect(
            told == "Refused by rule `no-night`: \(rule.reason). Instead: wait for the morning.")
    }

    @Test func aRuleThatSaysNoMoreIsFollowedByWhatMayBeChanged() throws {
        func step(_ condition: Condition, isFree: Bool = false) throws -> String {
            let tool = try Tool.sample(
                operation: isFree ? .freeSQL(FreeSQLOperation(argument: "sql")) : nil)
            return NextStep(after: .denying("r", condition), of: tool).text
        }
        let secret = Test.oneOf(["secret"])
        let relations = Condition.any([
            .fact(.statement(.reads), secret), .fact(.statement(.writes), secret),
        ])
        #expect(
            try step(relations, isFree: true)
                == "Change which relations the statement touches, or use another tool.")
        #expect(
            try step(.all([.fact(.argument("cents"), secret), .fact(.httpPath, secret)]))
                == "Change the argument `cents` or where the arguments send the request, or use another tool."
        )
        // What the tool itself brings, or who calls, no argument changes.
        for condition: Condition in [
            relations, .always, .not(.fact(.callerGroups, secret)), .fact(.toolName, secret),
        ] {
            #expect(
                try step(condition) == "Use another tool: other arguments change nothing here.")
        }
        #expect(
            try step(.fact(.time, secret)) == "Try again at another time, or use another tool.")
    }

    @Test(arguments: [Refusal.Code.denied, .limitRule, .approvalUnreachable])
    func aRuleThatLedThereIsNamedWithItsReason(_ code: Refusal.Code) async throws {
        let told = try #require(try await GateTests.refusal(code)).told
        #expect(told.contains("`r`"), "\(told)")
        #expect(told.contains("because"), "\(told)")
    }
}
