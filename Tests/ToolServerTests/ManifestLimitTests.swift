import Enforcement
import JSON
import Testing

@testable import ToolServer

private func rules(_ rules: String...) -> ManifestFixture {
    ManifestFixture(["policy/rules.json": "{\"rules\": [\n\(rules.joined(separator: ",\n"))\n]}"])
}

private func limit(_ limit: String) -> ManifestFixture {
    rules(#"{"rule": "r", "effect": "limit", "reason": "x", "limit": \#(limit)}"#)
}

private func when(_ when: String) -> ManifestFixture {
    rules(#"{"rule": "r", "effect": "deny", "reason": "x", "when": \#(when)}"#)
}

@Test func aLimitIsReadAsItIsWritten() throws {
    func quota(_ text: String) throws -> Quota {
        try #require(try limit(text).load().policy.rules.first?.quota)
    }
    let calls = try quota(#"{"calls": 100, "within": "1h"}"#)
    #expect(calls.measure == .calls && calls.most == 100 && calls.shares == [.caller])
    guard case .sliding(3_600) = calls.span else { return #expect(Bool(false)) }
    let bytes = try quota(#"{"bytes": "10MB", "within": "day", "per": ["tool", "caller"]}"#)
    #expect(bytes.most == 10 << 20 && bytes.shares == [.caller, .tool])
    guard case .calendar(let period) = bytes.span else { return #expect(Bool(false)) }
    #expect(period.unit == .day && period.zoneName == "UTC")
    let everyone = try quota(#"{"concurrent": 5, "per": "everyone"}"#)
    #expect(everyone.shares == [] && everyone.span == nil)
}

@Test func aLimitThatMakesNoSenseIsAProblem() throws {
    let place = "policy/rules.json:2:"
    for (text, problem) in [
        ("{}", "must limit one of `calls`, `rows`, `bytes`, `denials`, `concurrent`"),
        (#"{"calls": 1, "rows": 1, "within": "1h"}"#, "write a rule for each"),
        (#"{"calls": 1}"#, "missing key `within`"),
        (#"{"calls": 0, "within": "1h"}"#, "must be an integer from 1 to 1000000000"),
        (#"{"calls": 1, "within": "dya"}"#, "must be a duration"),
        (#"{"calls": 1, "within": "1500ms"}"#, "must be whole seconds"),
        (#"{"calls": 1, "within": "1h", "zone": "UTC"}"#, "is only for `within` `day`, `month`"),
        (#"{"calls": 1, "within": "day", "zone": "Mars"}"#, "no time zone `Mars`"),
        (#"{"calls": 1, "within": "1h", "per": "caler"}"#, "did you mean `caller`?"),
        (#"{"concurrent": 1, "within": "1h"}"#, "has no meaning for `concurrent`"),
        (#"{"bytes": 5, "within": "1h"}"#, "must be a string"),
    ] {
        let problems = try limit(text).problems()
        #expect(problems.count == 1, "\(text) \(problems)")
        #expect(problems.first?.hasPrefix(place) == true)
        #expect(problems.first?.contains(problem) == true, "\(text) \(problems)")
    }
}

@Test func factsAboutUsageAreReadAsNumbers() throws {
    let text = #"{"usage.calls.1h": {"over": 5}, "usage.unusualHour": true}"#
    #expect(try when(text).problems() == [])
    for (text, problem) in [
        (#"{"usage.calls.2h": {"over": 5}}"#, "did you mean `usage.calls.1h`?"),
        (#"{"usage.unusualHour": "true"}"#, "must be true or false"),
        (#"{"usage.spike": "3"}"#, "must be tested with `over`"),
    ] {
        let problems = try when(text).problems()
        #expect(problems.count == 1 && problems[0].contains(problem), "\(text) \(problems)")
    }
}

@Test func aRuleThatOnlyObservesIsSaidLoudly() throws {
    let rule =
        #"{"rule": "r", "effect": "deny", "reason": "x", "when": {"backend": "shop"}, "mode": "observe"}"#
    let fixture = rules(rule)
    #expect(try fixture.load().policy.rules.first?.mode == .observe)
    let warning = try #require(try fixture.warnings().first)
    #expect(
        warning.hasSuffix(
            "rules[0].mode: ONLY OBSERVES: what this rule is about is recorded and let pass"))
    let wrong = rules(rule.replacing("\"observe\"", with: "\"observ\""))
    #expect(try wrong.problems().first?.contains("did you mean `observe`?") == true)
}
