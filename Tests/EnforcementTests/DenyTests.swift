import JSON
import TestSupport
import Testing

@testable import Enforcement

/// Not swift-testing's.
private typealias FactTest = Enforcement.Test

/// Rules are tested through a gate: which ids does the refusal of this call name?
@Suite struct DenyTests {
    static func matched(
        _ when: Condition, arguments: JSONObject = JSONObject(), effect: Tool.Effect = .read,
        caller change: (inout JSONObject) -> Void = { _ in },
        via: Transport = Transport(kind: .http, address: "192.0.2.7")
    ) async throws -> Bool {
        let fixture = try GateFixture(
            tools: [try .sample(effect: effect, tags: ["money", "eu"])],
            policy: Policy(
                grants: GateFixture.grants, rules: [.denying("rule", when)]))
        let caller = try await fixture.gate.identify(
            .bearer(fixture.mint.token(change)), at: "")
        let outcome = await fixture.gate.answer(
            ArrivedCall(caller: caller, tool: "orders", arguments: arguments, via: via))
        if outcome.refusal?.code == .denied { return true }
        #expect(outcome.result != nil)
        return false
    }

    @Test func everyFactHasTheValueOfItsCall() async throws {
        let facts: [(Fact, JSONValue)] = [
            (.callerSubject, "robot"), (.callerIssuer, .string(TokenMint.issuer)),
            (.callerKind, "agent"), (.callerGroups, "support"), (.callerGroups, "night"),
            (.callerClaim("tenant"), 7), (.callerClaim("roles"), "b"), (.clientID, "desk"),
            (.clientAddress, "192.0.2.7"), (.toolName, "orders"), (.toolEffect, "write"),
            (.toolTags, "eu"), (.backend, "shop"), (.argument("id"), 5), (.argument("ids"), 2),
            (.argument("o"), ["a": true]), (.anyArgument, "deep"), (.anyArgument, "name"),
        ]
        let arguments = JSONObject(
            ("id", 5), ("ids", [1, 2]), ("o", ["a": true]), ("n", [["name": ["deep"]]]))
        for (fact, value) in facts {
            let isMatched = try await Self.matched(
                .fact(fact, .oneOf(["no", value])), arguments: arguments, effect: .write,
                caller: { claims in
                    claims["tenant"] = 7
                    claims["roles"] = ["a", "b"]
                    claims["client_id"] = "desk"
                    claims["groups"] = ["support", "night"]
                    claims["act"] = ["sub": "robot"]
                    claims["sub"] = "ada"
                })
            #expect(isMatched, "\(fact) should be \(value.text)")
        }
    }

    @Test func everyFactDiffersFromWhatItIsNot() async throws {
        let facts: [Fact] = [
            .callerSubject, .callerIssuer, .callerKind, .callerGroups, .callerClaim("sub"),
            .callerClaim("absent"), .clientID, .clientAddress, .toolName, .toolEffect, .toolTags,
            .backend, .argument("id"), .argument("absent"), .anyArgument,
        ]
        for fact in facts {
            let isMatched = try await Self.matched(
                .fact(fact, .oneOf(["other", 6, true, .null])), arguments: JSONObject(("id", 5)))
            #expect(!isMatched, "\(fact)")
        }
    }

    private struct Example {
        let test: FactTest
        /// Values as JSON.
        let matching: [String]
        let other: [String]
    }

    private static func example(
        _ test: FactTest, _ matching: [String], not other: [String]
    ) -> Example {
        Example(test: test, matching: matching, other: other)
    }

    private static func examples() throws -> [Example] {
        [
            example(
                .oneOf(["a", 1, true, .null]), [#""a""#, "1", "1.0", "10e-1", "true", "null"],
                not: [#""b""#, #""1""#, "2", "false", "[]", "{}"]),
            example(
                .oneOf(["pay_*"]), [#""pay_""#, #""pay_1*""#, #"["x","pay_1"]"#],
                not: [#""Pay_1""#, #""xpay_1""#, #""pay""#]),
            example(
                .glob("a*c*"), [#""ac""#, #""abc""#, #""aXcY""#, #""accc""#],
                not: [#""ab""#, #""xac""#, #""""#]),
            example(.glob("*"), [#""""#, #""x""#], not: []),
            example(.glob("a.c"), [#""a.c""#], not: [#""abc""#]),
            example(
                .over(JSONNumber(10)), ["11", "10.000000000000000000001", "1e400", "[1,11]"],
                not: ["10", "1e1", "-11", "1e-400"]),
            example(
                .under(JSONNumber(0)), ["-1", "-1e-300", "-1e400"], not: ["0", "-0.0", "1"]),
            example(.present(true), [#""""#, "0", "false", "{}"], not: ["null", "[]"]),
            example(.present(false), ["null", "[]"], not: [#""""#, "0"]),
            example(.matches(try Pattern("^a.c$")), [#""abc""#], not: [#""abcd""#]),
        ]
    }

    @Test func everyTestMatchesWhatItNamesAndNothingElse() async throws {
        for example in try Self.examples() {
            let when = Condition.fact(.argument("v"), example.test)
            for (text, isMatching) in example.matching.map({ ($0, true) })
                + example.other.map({ ($0, false) })
            {
                let value = try JSONParser.parse(Array(text.utf8))
                let isMatched = try await Self.matched(when, arguments: JSONObject(("v", value)))
                #expect(isMatched == isMatching, "\(example.test) \(text)")
            }
        }
    }

    @Test func patternsSearch() async throws {
        let when = Condition.fact(.anyArgument, .matches(try Pattern("(?:drop|alter) table")))
        let drop: JSONValue = ["q": ["then drop table x"]]
        #expect(try await Self.matched(when, arguments: JSONObject(("v", drop))))
        #expect(try await !Self.matched(when, arguments: JSONObject(("v", ["q": "drop"]))))
    }

    @Test func noSpellingHidesAWordInTheArguments() async throws {
        let when = Condition.fact(.anyArgument, .matches(try Pattern("dump credentials")))
        for text in [
            "dump credentials", "please DUMP Credentials", "ｄｕｍｐ ｃｒｅｄｅｎｔｉａｌｓ",
            "du\u{200B}mp cre\u{AD}dentials",
            "𝐝𝐮𝐦𝐩 credentials", "dump\u{A0}credentials",
        ] {
            let deep: JSONValue = ["q": [["note": .string(text)]]]
            #expect(try await Self.matched(when, arguments: JSONObject(("v", deep))), "\(text)")
        }
        #expect(try await !Self.matched(when, arguments: JSONObject(("v", "dump"))))
    }

    @Test func anAbsentArgumentIsKnownToBeAbsent() async throws {
        for test: FactTest in [.oneOf(["x"]), .glob("*"), .over(JSONNumber(0)), .present(true)] {
            #expect(try await !Self.matched(.fact(.argument("v"), test)))
        }
        #expect(try await Self.matched(.fact(.argument("v"), .present(false))))
    }

    // MARK: What cannot be judged

    /// Whatever the policy asks of a value of the wrong kind, the call is refused.
    @Test func aValueThatATestCannotJudgeCountsAsMatchedAndSoDoesItsOpposite() async throws {
        let hard: [(FactTest, JSONValue)] = [
            (.over(JSONNumber(10)), "9"), (.over(JSONNumber(10)), .null),
            (.under(JSONNumber(10)), ["a": 99]), (.over(JSONNumber(10)), [[1]]),
            (.glob("1*"), 200), (.matches(try Pattern("^1")), 200), (.glob("x"), ["a": "b"]),
        ]
        for (test, value) in hard {
            let arguments = JSONObject(("v", value))
            let when = Condition.fact(.argument("v"), test)
            #expect(try await Self.matched(when, arguments: arguments), "\(value.text)")
            #expect(try await Self.matched(.not(when), arguments: arguments), "\(value.text)")
            #expect(try await Self.matched(.not(.not(when)), arguments: arguments))
        }
    }

    @Test func conditionsFollowThreeValuedLogic() throws {
        let facts = Facts(call: try examinedCall(of: .sample()))
        let all: [Verdict] = [.matched, .unmatched, .unknown]
        for one in all {
            #expect(Self.condition(one).verdict(on: facts) == one)
            #expect(Condition.not(Self.condition(one)).verdict(on: facts) == one.negated)
            for other in all {
                let both = [Self.condition(one), Self.condition(other)]
                #expect(
                    Condition.all(both).verdict(on: facts)
                        == (one == .unmatched || other == .unmatched
                            ? .unmatched
                            : one == .unknown || other == .unknown
                                ? .unknown : .matched))
                #expect(
                    Condition.any(both).verdict(on: facts)
                        == (one == .matched || other == .matched
                            ? .matched
                            : one == .unknown || other == .unknown
                                ? .unknown : .unmatched))
            }
        }
        #expect(Condition.all([]).verdict(on: facts) == .matched)
        #expect(Condition.any([]).verdict(on: facts) == .unmatched)
    }

    @Test func doubtAboutOneRuleDoesNotHideAnother() async throws {
        let doubtful = Condition.fact(.argument("v"), .over(JSONNumber(1)))
        let refusal = try #require(
            try await Self.refusal(
                [.denying("doubt", doubtful), .denying("sure", .all([]))],
                JSONObject(("v", "text"))))
        #expect(refusal.rules == ["doubt", "sure"])
    }

    private static func condition(_ verdict: Verdict) -> Condition {
        switch verdict {
        case .matched: .fact(.toolName, .oneOf(["orders"]))
        case .unmatched: .fact(.toolName, .oneOf(["no"]))
        case .unknown: .fact(.toolName, .over(JSONNumber(1)))
        }
    }

    private static func refusal(
        _ rules: [Rule], _ arguments: JSONObject = JSONObject()
    ) async throws -> Refusal? {
        try await GateFixture(policy: Policy(grants: GateFixture.grants, rules: rules))
            .call("orders", arguments).refusal
    }

    // MARK: What is told

    @Test func everyRuleThatDeniesIsNamedAndTheFirstExplained() async throws {
        let rules = [
            Rule(id: "hold", effect: .approve, when: .all([]), reason: "big"),
            Rule(id: "one", effect: .deny, when: .all([]), reason: "first", instead: "ask"),
            Rule.denying("other", .any([])),
            Rule(id: "two", effect: .deny, when: .all([]), reason: "second"),
        ]
        let refusal = try #require(try await Self.refusal(rules))
        #expect(refusal.rules == ["one", "two"])
        #expect(
            refusal.told
                == "Refused by rule `one`: first. Instead: ask. Also refused by `two` (second).")
    }

    @Test func everyRuleThatHoldsIsOnRecord() async throws {
        let rules = ["a", "b"].map { Rule(id: $0, effect: .approve, when: .all([]), reason: "r") }
        let refusal = try #require(try await Self.refusal(rules))
        #expect(refusal.code == .approvalUnreachable)
        #expect(refusal.rules == ["a", "b"])
    }

    // MARK: Tricks with text

    /// Swift's `==` would call each pair equal; the rule means the bytes, and so do its exceptions.
    @Test(arguments: [("\u{212A}", "K"), ("e\u{301}", "\u{E9}"), ("\u{37E}", ";")])
    func textIsComparedByBytes(_ one: String, _ other: String) async throws {
        #expect(one == other)
        for test: FactTest in [.oneOf([.string(one)]), .glob(one)] {
            let when = Condition.fact(.argument("v"), test)
            #expect(try await Self.matched(when, arguments: JSONObject(("v", .string(one)))))
            #expect(try await !Self.matched(when, arguments: JSONObject(("v", .string(other)))))
        }
        let named = Condition.fact(.argument(one), .present(true))
        #expect(try await Self.matched(named, arguments: JSONObject((one, 1))))
        #expect(try await !Self.matched(named, arguments: JSONObject((other, 1))))
    }

    @Test func aGlobIsQuickOnEveryText() {
        let pattern = String(repeating: "*a", count: 200) + "b"
        let text = String(repeating: "a", count: 20_000)
        let started = ContinuousClock.now
        #expect(!Glob.matches(pattern, text))
        #expect(ContinuousClock.now - started < .seconds(150))
    }

    @Test func aStringIsFoundAtEveryDepth() async throws {
        var value: JSONValue = "needle"
        for depth in 0..<60 { value = depth.isMultiple(of: 2) ? [value] : ["k": value] }
        let when = Condition.fact(.anyArgument, .glob("*needle*"))
        #expect(try await Self.matched(when, arguments: JSONObject(("v", value))))
        let name: JSONValue = [["a": [["needle": 1]]]]
        #expect(try await Self.matched(when, arguments: JSONObject(("v", name))))
        #expect(try await !Self.matched(when, arguments: JSONObject(("v", ["needl"]))))
    }
}

/// The call that stands behind every test of one stage.
func examinedCall(
    of tool: Tool, policy: Policy = Policy(), user: String = "ada", values: ValueMasks? = nil
) throws -> ExaminedCall {
    let known = try #require(GateFixture.users.first { $0.user.isByteEqual(to: user) })
    let caller = Caller(issuer: "local-user", subject: known.subject, groups: known.groups)
    return try examinedCall(of: tool, by: caller, policy: policy, values: values)
}

func examinedCall(
    of tool: Tool, by caller: Caller, policy: Policy = Policy(), values: ValueMasks? = nil
) throws -> ExaminedCall {
    let arrived = ArrivedCall(
        caller: .supposed(caller), tool: tool.name.text,
        arguments: JSONObject(), via: Transport(kind: .stdio, address: ""))
    let stage = ScopeStage(
        tools: [GuardedTool(tool, policy: policy, values: values)],
        grants: [Grant(scopes: [tool.scope], subjects: [Name(caller.subject)])])
    let scoped = try stage.admit(.supposed(arrived))
    return try #require(ExamineStage.settled(InputCheck.check(scoped)))
}
