import JSON
import TestSupport
import Testing

@testable import Enforcement

private func number(_ text: String) -> JSONValue {
    (try? JSONParser.parse(Array(text.utf8))) ?? .null
}

@Suite struct AccessTests {
    private let refund = JSONObject(("id", 7))

    // MARK: The way through

    @Test func whoMayAskIsToldSoAndOthersLearnNothing() async throws {
        let fixture = try AccessFixture()
        let refusal = try #require(try await fixture.call("refund", refund).refusal)
        #expect(refusal.code == .accessNotGranted)
        for part in ["request_access", #"["refund"]"#, "60 minutes"] {
            #expect(refusal.told.contains(part), "\(part)")
        }
        let others = [
            ("eve", "refund"), ("fin", "refund"), ("ada", "salaries"), ("ada", "no_such"),
        ]
        for (user, tool) in others {
            let refusal = try #require(try await fixture.call(tool, as: user).refusal)
            #expect(refusal.told == Refusal.unknownTool(tool).told, "\(user) \(tool)")
        }
        #expect(try await fixture.listed() == ["orders", "request_access"])
        #expect(try await fixture.listed(to: "eve") == [])
        #expect(try await fixture.code("request_access", as: "eve") == "scope.unknown_tool")
    }

    @Test func approvedItGivesTheToolsUntilTheTimeEnds() async throws {
        let fixture = try AccessFixture()
        #expect(try await fixture.ask().refusal?.code == .approvalPending)
        #expect(try await fixture.code("refund", refund) == "scope.may_ask")
        let request = try await fixture.approve()
        #expect(request.phase == .approved)
        // Nothing holds before its caller comes for it.
        #expect(try await fixture.code("refund", refund) == "scope.may_ask")
        let told = try #require(try await fixture.ask().text)
        #expect(told.contains(#""seconds":1800"#) && !told.contains("narrowed"))
        #expect(try await fixture.code("refund", refund) == "ok")
        #expect(try await fixture.code("ledger") == "scope.may_ask")
        #expect(try await fixture.listed() == ["orders", "refund", "request_access"])
        fixture.clock.advance(by: 1_799)
        #expect(try await fixture.code("refund", refund) == "ok")
        fixture.clock.advance(by: 1)
        #expect(try await fixture.code("refund", refund) == "scope.may_ask")
        #expect(try await fixture.listed() == ["orders", "request_access"])
        #expect(try await fixture.grants.list().isEmpty)
    }

    @Test func whatIsDoneUnderAGrantBearsItAndNothingElseDoes() async throws {
        let fixture = try AccessFixture()
        let grant = try #require(try await fixture.granted()["grant"])
        _ = try await fixture.call("refund", refund)
        _ = try await fixture.call("refund", JSONObject(("id", "x")))
        _ = try await fixture.call("orders")
        let under = fixture.sink.lines.filter { $0["grant"] == grant }
        #expect(
            under.compactMap { $0["event"]?.string } == ["grant", "intent", "outcome", "outcome"])
        #expect(under[0]["state"] == "granted" && under[0]["tools"] == ["refund"])
        #expect(under.last?["code"] == "arguments.invalid")
        #expect(!fixture.sink.lines.contains { $0["tool"] == "orders" && $0["grant"] != nil })
        // On record before it held, and after somebody approved.
        let events = fixture.sink.lines.compactMap { $0["event"]?.string }
        #expect(
            Array(events.prefix(5)) == ["held", "outcome", "decision", "intent", "grant"])
    }

    @Test func oneApprovalGrantsOnce() async throws {
        let fixture = try AccessFixture()
        _ = try await fixture.granted()
        let handle = try #require(try await fixture.desk.list().first).id
        let again = try await fixture.call(
            "approval_result", JSONObject(("handle", .string(handle.text))))
        #expect(again.refusal?.code == .approvalOver)
        // The same words again are a new question to people.
        #expect(try await fixture.ask().refusal?.code == .approvalPending)
        #expect(try await fixture.grants.list().count == 1)
    }

    // MARK: What may be asked for

    @Test(arguments: [
        AccessFixture.asking(["salaries"]), AccessFixture.asking(["refund", "salaries"]),
        AccessFixture.asking(["orders"]), AccessFixture.asking(["Refund"]),
        AccessFixture.asking(["re\u{301}fund"]), AccessFixture.asking(["refund "]),
        AccessFixture.asking(["re*"]), AccessFixture.asking(["*"]),
        AccessFixture.asking(["request_access"]), AccessFixture.asking(["approval_result"]),
        AccessFixture.asking(["ｒefund"]), AccessFixture.asking(["ref\u{200B}und"]),
    ])
    func noOtherToolCanBeAskedFor(_ arguments: JSONObject) async throws {
        let fixture = try AccessFixture()
        #expect(try await fixture.code("request_access", arguments) == "access.not_offered")
        #expect(try await fixture.desk.list().isEmpty)
    }

    @Test(arguments: [
        AccessFixture.asking([]), AccessFixture.asking(["refund", "refund"]),
        AccessFixture.asking(minutes: 0), AccessFixture.asking(minutes: -5),
        AccessFixture.asking(minutes: 61), AccessFixture.asking(minutes: "30"),
        AccessFixture.asking(minutes: .number(JSONNumber(Int.max))),
        AccessFixture.asking(minutes: number("1.5")),
        AccessFixture.asking(minutes: number("1e400")),
        AccessFixture.asking(minutes: number("18446744073709551617")),
        AccessFixture.asking(reason: nil), AccessFixture.asking(reason: ""),
    ])
    func noOtherFormIsTaken(_ arguments: JSONObject) async throws {
        let fixture = try AccessFixture()
        #expect(try await fixture.code("request_access", arguments) == "arguments.invalid")
        #expect(try await fixture.desk.list().isEmpty)
    }

    @Test func aBlankReasonIsNone() async throws {
        let fixture = try AccessFixture()
        let arguments = AccessFixture.asking(reason: " \n ")
        #expect(
            try await fixture.code("request_access", arguments) == "approval.reason_missing")
    }

    @Test func theShortestTimeAndAllApproversCountWhereSeveralOffersMatch() async throws {
        let fixture = try AccessFixture([
            AccessFixture.offer(),
            AccessFixture.offer(
                "fraud", tools: ["refund"], to: Grantees(groups: ["fraud"]), longest: 600,
                approvers: ["fraud-leads"]),
        ])
        // Fay is in both groups, ada in one.
        #expect(try await fixture.ask(minutes: 20, as: "ada").refusal?.code == .approvalPending)
        let long = try #require(try await fixture.ask(minutes: 20, as: "fay").refusal)
        #expect(long.code == .accessNotOffered && long.told.contains("10 minutes"))
        _ = try await fixture.ask(minutes: 10, as: "fay")
        let needs = try await fixture.desk.list().first { $0.caller.subject == "fay" }?.needs
        #expect(needs?.map(\.rule) == ["changes", "fraud"])
    }

    @Test func rulesAndLimitsHoldForRequestsAndForWhatWasGranted() async throws {
        let fixture = try AccessFixture(rules: [
            Rule(
                id: "no-ledger", effect: .deny,
                when: .fact(.argument("tools"), .oneOf(["ledger"])), reason: "x"),
            Rule(
                id: "no-seven", effect: .deny, when: .fact(.argument("id"), .oneOf([7])),
                reason: "x"),
            Rule(
                id: "eight", effect: .approve, when: .fact(.argument("id"), .oneOf([8])),
                reason: "x", approval: ApprovalDemand(groups: ["finance"], hold: .zero)),
        ])
        #expect(try await fixture.ask(["ledger"]).refusal?.code == .denied)
        _ = try await fixture.granted()
        #expect(try await fixture.code("refund", refund) == "deny.rule")
        #expect(try await fixture.code("refund", JSONObject(("id", 8))) == "approval.pending")
        #expect(try await fixture.code("refund", JSONObject(("id", 9))) == "ok")
    }

    // MARK: Who has it

    @Test func aGrantIsItsCallersAloneByIssuerClientAndPerson() async throws {
        let fixture = try AccessFixture()
        _ = try await fixture.granted()
        let ada = try await fixture.caller("ada").caller
        var others = Array(repeating: ada, count: 5)
        others[0].issuer = "https://evil.example"
        others[1].clientID = "another"
        others[2].kind = .agent
        others[3].onBehalfOf = "ada"
        others[4].subject = "ADA"
        for other in others {
            let outcome = await fixture.call("refund", refund, by: .supposed(other))
            #expect(outcome.refusal?.code == .accessNotGranted, "\(other)")
        }
        #expect(await fixture.call("refund", refund, by: .supposed(ada)).result != nil)
    }

    @Test func whoMayNoMoreAskHasItNoMore() async throws {
        let fixture = try AccessFixture()
        _ = try await fixture.granted()
        var ada = try await fixture.caller("ada").caller
        ada.groups = []
        let outcome = await fixture.call("refund", refund, by: .supposed(ada))
        #expect(outcome.refusal?.code == .unknownTool)
        // Nor under manifests without the offer, or with another one of these tools.
        let renamed = try AccessFixture([AccessFixture.offer("other")], like: fixture)
        #expect(try await renamed.code("refund", refund) == "scope.may_ask")
        let narrower = try AccessFixture([AccessFixture.offer(tools: ["ledger"])], like: fixture)
        #expect(try await narrower.code("refund", refund) == "scope.unknown_tool")
        #expect(try await fixture.code("refund", refund) == "ok")
    }

    @Test func whatMustHoldToAskMustHoldAtEachCall() async throws {
        let near = try #require(NetworkRange("192.0.2.0/24"))
        let fixture = try AccessFixture([
            AccessFixture.offer(where: .fact(.clientAddress, .within([near])))
        ])
        _ = try await fixture.granted()
        #expect(try await fixture.code("refund", refund) == "ok")
        let far = await fixture.gate.answer(
            ArrivedCall(
                caller: try await fixture.caller("ada"), tool: "refund", arguments: refund,
                via: Transport(kind: .http, address: "198.51.100.1")))
        #expect(far.refusal?.code == .unknownTool)
        let pipe = await fixture.gate.answer(
            ArrivedCall(
                caller: try await fixture.caller("ada"), tool: "refund", arguments: refund,
                via: Transport(kind: .stdio, address: "")))
        #expect(pipe.refusal?.code == .unknownTool)
    }

    @Test func aGrantOfThePolicyOnEverythingGivesNobodyTheToolThatAsks() async throws {
        let fixture = try AccessFixture(grants: [Grant(scopes: ["*"], groups: ["finance"])])
        #expect(try await fixture.code("request_access", as: "fin") == "scope.unknown_tool")
        #expect(try await fixture.listed(to: "fin") == ["ledger", "orders", "refund", "salaries"])
    }
}
