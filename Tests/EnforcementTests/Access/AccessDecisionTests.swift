import JSON
import TestSupport
import Testing

@testable import Enforcement

/// What people do with requests for access, and with what they granted.
@Suite struct AccessDecisionTests {
    private let refund = JSONObject(("id", 7))
    private let fixture: AccessFixture

    init() throws { fixture = try AccessFixture() }

    // MARK: Less, and never more

    @Test func anApproverMayShortenAndNarrow() async throws {
        let told = try await fixture.granted(
            ["refund", "ledger"], narrowed: .init(tools: ["ledger"], seconds: 90))
        #expect(told["tools"] == ["ledger"] && told["seconds"] == 90)
        #expect(told["narrowed"] != nil)
        #expect(try await fixture.code("ledger") == "ok")
        #expect(try await fixture.code("refund", refund) == "scope.may_ask")
        fixture.clock.advance(by: 90)
        #expect(try await fixture.code("ledger") == "scope.may_ask")
        let line = fixture.sink.lines.first { $0["event"] == "decision" }
        #expect(line?["narrowed"] == ["tools": ["ledger"], "seconds": 90])
    }

    @Test(arguments: [
        (AccessTerms.Narrowing(seconds: 1_801), "wider"), (.init(seconds: .max), "wider"),
        (.init(tools: ["refund", "ledger"]), "wider"), (.init(tools: ["salaries"]), "wider"),
        (.init(tools: ["Refund"]), "wider"), (.init(tools: []), "nothingLeft"),
        (.init(seconds: 0), "nothingLeft"), (.init(seconds: -1), "nothingLeft"),
        (.init(tools: ["refund"], seconds: 1_801), "wider"),
    ])
    func noApproverGivesMore(_ narrowing: AccessTerms.Narrowing, _ why: String) async throws {
        _ = try await fixture.ask()
        let found = await AccessFixture.objection { _ = try await fixture.approve(narrowing) }
        #expect(found == why)
        // Nothing was decided by that.
        #expect(try await fixture.desk.list().first?.votes.isEmpty == true)
        #expect(!fixture.sink.lines.contains { $0["event"] == "decision" })
    }

    @Test func whatOneTookAwayAnotherDoesNotGiveBack() async throws {
        let fixture = try AccessFixture([AccessFixture.offer(count: 2)])
        _ = try await fixture.ask(["refund", "ledger"])
        #expect(try await fixture.approve(.init(seconds: 600)).phase == .pending)
        let wider = await AccessFixture.objection {
            _ = try await fixture.approve(as: "fio", .init(seconds: 601))
        }
        #expect(wider == "wider")
        let request = try await fixture.approve(as: "fio", .init(tools: ["refund"]))
        #expect(request.phase == .approved)
        #expect(request.terms?.seconds == 600 && request.terms?.tools == ["refund"])
        let told = try #require(try await fixture.ask(["refund", "ledger"]).text)
        #expect(told.contains(#""seconds":600"#))
        let kept = try #require(try await fixture.grants.list().first)
        #expect(kept.approvers.map(\.subject) == ["fin", "fio"])
    }

    @Test func onlyRequestsForAccessAreNarrowedAndTheyAreNotModified() async throws {
        _ = try await fixture.ask()
        let request = try #require(try await fixture.desk.list().first)
        let edit = try await fixture.gate.edit(request, changing: JSONObject(("minutes", 60)))
        let modified = await AccessFixture.objection {
            _ = try await fixture.desk.decide(
                request.id, .modify(edit), by: try await fixture.caller("fin"))
        }
        #expect(modified == "onlyNarrower")
        let other = try ApprovalTests.made()
        _ = try await other.refund()
        let narrowed = await AccessFixture.objection {
            _ = try await other.desk.decide(
                try await other.handle(), .approve, by: try await other.caller("fin"),
                narrowing: .init(seconds: 1))
        }
        #expect(narrowed == "notForAccess")
    }

    // MARK: Who decides

    @Test func nobodyApprovesTheirOwnWhateverVouchesForThem() async throws {
        let fixture = try AccessFixture([AccessFixture.offer(approvers: ["support", "finance"])])
        _ = try await fixture.ask()
        let own = await AccessFixture.objection { _ = try await fixture.approve(as: "ada") }
        #expect(own == "ownCall")
        var elsewhere = try await fixture.caller("ada").caller
        elsewhere.issuer = "https://other.example"
        let id = try #require(try await fixture.desk.list().first).id
        let other = await AccessFixture.objection {
            _ = try await fixture.desk.decide(id, .approve, by: .supposed(elsewhere))
        }
        #expect(other == "ownCall")
        var agent = try await fixture.caller("fin").caller
        agent.kind = .agent
        let byAgent = await AccessFixture.objection {
            _ = try await fixture.desk.decide(id, .approve, by: .supposed(agent))
        }
        #expect(byAgent == "agent")
    }

    @Test func thePersonBehindAnAgentDoesNotApproveForIt() async throws {
        var agent = try await fixture.caller("ada").caller
        (agent.kind, agent.subject, agent.onBehalfOf) = (.agent, "bot", "fin")
        _ = await fixture.call("request_access", AccessFixture.asking(), by: .supposed(agent))
        let own = await AccessFixture.objection { _ = try await fixture.approve(as: "fin") }
        #expect(own == "ownCall")
        _ = try await fixture.approve(as: "fio")
        let outcome = await fixture.call(
            "request_access", AccessFixture.asking(), by: .supposed(agent))
        #expect(outcome.result != nil)
        #expect(await fixture.call("refund", refund, by: .supposed(agent)).result != nil)
        // And it is the agent's, not the person's.
        #expect(try await fixture.code("refund", refund, as: "fin") == "scope.unknown_tool")
    }

    // MARK: The end

    @Test func aRevokedGrantHoldsForNoFurtherCall() async throws {
        let id = try #require(try await fixture.granted()["grant"]?.string)
        #expect(try await fixture.code("refund", refund) == "ok")
        let revoked = try await fixture.grants.revoke(id, by: try await fixture.caller("fio"))
        #expect(revoked.phase == .revoked)
        #expect(try await fixture.code("refund", refund) == "scope.may_ask")
        #expect(fixture.sink.lines.contains { $0["state"] == "revoked" })
        let again = await AccessFixture.objection {
            _ = try await fixture.grants.revoke(id, by: try await fixture.caller("fin"))
        }
        #expect(again == "grantOver")
    }

    @Test func aClockThatIsSetBackProlongsNothing() async throws {
        _ = try await fixture.granted()
        fixture.clock.advance(by: -60)
        #expect(try await fixture.code("refund", refund) == "ok")
        fixture.clock.advance(by: -1)
        #expect(try await fixture.code("refund", refund) == "scope.may_ask")
        fixture.clock.advance(by: 61)
        #expect(try await fixture.code("refund", refund) == "ok")
    }

    @Test func whoDecidesOrHoldsItEndsItAndNobodyElse() async throws {
        let id = try #require(try await fixture.granted()["grant"]?.string)
        var agent = try await fixture.caller("fin").caller
        agent.kind = .agent
        for other in [try await fixture.caller("fay"), .supposed(agent)] {
            let why = await AccessFixture.objection {
                _ = try await fixture.grants.revoke(id, by: other)
            }
            #expect(why == "notTheirGrant")
        }
        let ada = try await fixture.caller("ada")
        let unknown = await AccessFixture.objection {
            _ = try await fixture.grants.revoke("gra_", by: ada)
        }
        #expect(unknown == "unknownGrant")
        #expect(try await fixture.grants.revoke(String(id.prefix(12)), by: ada).phase == .revoked)
    }

    @Test func aCallThatWaitsUnderAGrantIsJudgedAnewWhenItRuns() async throws {
        let rule = Rule(
            id: "all", effect: .approve, when: .fact(.toolName, .oneOf(["refund"])), reason: "x",
            approval: ApprovalDemand(groups: ["finance"], hold: .seconds(45)))
        let fixture = try AccessFixture(rules: [rule])
        let id = try #require(try await fixture.granted()["grant"]?.string)
        let isWaiting = Latch()
        fixture.state.onWait { isWaiting.open() }
        async let outcome = fixture.call("refund", refund)
        await isWaiting.wait()
        _ = try await fixture.grants.revoke(id, by: try await fixture.caller("fin"))
        _ = try await fixture.approve()
        #expect(try await outcome.refusal?.code == .accessNotGranted)
        #expect(!fixture.journal.entries.contains("run refund"))
    }

    // MARK: Processes and failures

    @Test func allProcessesOnOneStateSeeItAtOnce() async throws {
        let other = try AccessFixture(like: fixture)
        #expect(try await other.code("refund", refund) == "scope.may_ask")
        let id = try #require(try await fixture.granted()["grant"]?.string)
        #expect(try await other.code("refund", refund) == "ok")
        #expect(try await other.listed().contains("refund"))
        _ = try await fixture.grants.revoke(id, by: try await fixture.caller("fin"))
        #expect(try await other.code("refund", refund) == "scope.may_ask")
        #expect(try await !other.listed().contains("refund"))
    }

    @Test func aRestartForgetsNothing() async throws {
        _ = try await fixture.ask(["ledger"])
        let later = try AccessFixture(like: fixture)
        _ = try await later.approve()
        #expect(try await later.ask(["ledger"]).result != nil)
        #expect(try await AccessFixture(like: fixture).code("ledger") == "ok")
    }

    @Test func whatCannotBeReadIsNotGranted() async throws {
        _ = try await fixture.granted()
        let other = try AccessFixture(like: fixture)
        other.state.fail(StateError(.unavailable, detail: "gone"))
        let refusal = try #require(try await other.call("refund", refund).refusal)
        #expect(refusal.code == .stateUnavailable)
        #expect(try await other.code("orders") == "ok")
        #expect(try await other.code("refund", refund, as: "eve") == "scope.unknown_tool")
        #expect(try await other.listed() == ["orders", "request_access"])
        other.state.fail(nil)
        #expect(try await other.code("refund", refund) == "ok")
    }

    @Test func whatCannotBeRecordedIsNotGranted() async throws {
        // The lines of asking and deciding, the intent; then the grant's own.
        let fixture = try AccessFixture(sinkFails: { $0 == 4 })
        _ = try await fixture.ask()
        _ = try await fixture.approve()
        #expect(try await fixture.ask().refusal?.code == .backendUnavailable)
        #expect(try await fixture.grants.list().isEmpty)
        #expect(try await fixture.code("refund", refund) == "scope.may_ask")
    }

    @Test func anEntryThatSaysAnotherHolderThanItsOwnerGivesNothing() async throws {
        let id = try #require(try await fixture.granted()["grant"]?.string)
        var entry = try #require(try await fixture.state.entry(.grant, Name(id)))
        entry.owner = try await fixture.caller("eve").caller.principal
        #expect(AccessGrant(entry) == nil)
        entry.body = Array("{}".utf8)
        #expect(AccessGrant(entry) == nil)
    }

    @Test func aRecordedCallUnderAGrantIsReplayedAsOne() async throws {
        _ = try await fixture.granted()
        _ = try await fixture.call("refund", refund)
        let bytes = try #require(
            fixture.sink.bodies.last {
                String(decoding: $0, as: UTF8.self).contains(#""tool":"refund""#)
                    && String(decoding: $0, as: UTF8.self).contains(#""event":"intent""#)
            })
        let start = Array(#"{"seq":0,"at":"2027-01-15T08:00:00.000000Z","#.utf8)
        let line = try #require(
            RecordedLine(.init(sequence: 0, bytes: start + bytes + [UInt8(ascii: "}")])))
        let call = try #require(RecordedCall(line))
        let tools = [
            try Tool.sample(
                "refund", scope: "money.write", effect: .write,
                input: [
                    "type": "object", "properties": ["id": ["type": "integer"]],
                    "additionalProperties": false,
                ])
        ]
        for (offers, decision) in [([AccessFixture.offer()], RuleDecision.allow), ([], .deny)] {
            let replay = RuleReplay(
                tools: tools, policy: Policy(grants: GateFixture.grants, access: offers))
            guard case .decided(let answer) = replay.judge(call) else {
                Issue.record("open")
                continue
            }
            #expect(answer.decision == decision)
        }
    }
}
