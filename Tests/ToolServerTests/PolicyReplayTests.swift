import JSON
import Testing

@testable import Enforcement
@testable import ToolServer

@Suite struct PolicyReplayTests {
    private func call(_ decision: String, _ more: String = "") throws -> RecordedCall {
        let entry = try RecordViewTests.entry(
            #""event":"outcome","call":"c","v":1,\#(RecordViewTests.caller),"tool":"t","decision":"\#(decision)","via":"http","arguments":{}\#(more)"#
        )
        return try #require(RecordedCall(entry.lines[0]))
    }

    private func answer(
        _ decision: RuleDecision, _ rules: [Name] = [], code: String = "deny.rule",
        isUncertain: Bool = false
    ) -> RuleReplay.Finding {
        .decided(
            RuleReplay.Answer(
                decision: decision, code: code, rules: rules, isUncertain: isUncertain))
    }

    @Test func differencesAreNamedByWhatIsNew() throws {
        let allowed = try call("allow")
        let denied = try call("deny", #","code":"deny.rule","rules":["r"]"#)
        let held = try call("hold", #","held":["h"]"#)
        let table: [(RecordedCall, RuleReplay.Finding, PolicyComparison.Difference?)] = [
            (allowed, answer(.allow), nil), (allowed, answer(.deny, ["x"]), .denied),
            (allowed, answer(.hold, ["h"]), .held), (denied, answer(.allow), .allowed),
            (denied, answer(.deny, ["r"]), nil), (denied, answer(.deny, ["x"]), .otherwise),
            (denied, answer(.deny, ["r"], code: "scope.unknown_tool"), .otherwise),
            (held, answer(.hold, ["h"]), nil), (held, answer(.allow), .allowed),
            (held, answer(.deny, ["d"]), .denied), (allowed, .open("why"), .open),
            (allowed, answer(.deny, ["x"], isUncertain: true), .open),
        ]
        for (call, finding, difference) in table {
            #expect(PolicyComparison.difference(call, finding) == difference)
        }
    }

    @Test func linesWithoutADecisionAreNotParsed() throws {
        #expect(PolicyComparison.mayDecide(try call("allow").line.bytes))
        #expect(!PolicyComparison.mayDecide(Array(#"{"seq":1,"decision":1}"#.utf8)))
    }
}
