import JSON
import TestSupport
import Testing

@testable import Enforcement

@Suite struct ApprovalTests {
    let fixture: GateFixture

    init() throws { fixture = try Self.made() }

    static func made(
        _ demand: ApprovalDemand = ApprovalDemand(groups: ["finance"], hold: .zero),
        effect: Tool.Effect = .write, sinkFails: @escaping @Sendable (Int) -> Bool = { _ in false },
        backend: @escaping ScriptedBackend.Script = { _ in
            RawResult(rows: Rows(columnCount: 0), changed: 1)
        }
    ) throws -> GateFixture {
        let rule = Rule(
            id: "refunds", effect: .approve, when: .fact(.toolName, .oneOf(["refund"])),
            reason: "money leaves", approval: demand)
        return try GateFixture(
            tools: [
                try .sample(
                    "refund", effect: effect,
                    input: ["type": "object", "properties": ["id": ["type": "integer"]]],
                    columns: []),
                try .sample("orders"),
            ], policy: Policy(grants: GateFixture.grants, rules: [rule]), sinkFails: sinkFails,
            backend: backend)
    }

    private func refund(_ id: Int = 7, as user: String = "ada") async throws -> Outcome {
        try await fixture.refund(id, as: user)
    }

    private var runs: Int { fixture.journal.entries.count { $0 == "run refund" } }

    // MARK: The way through

    @Test func aHeldCallGetsAHandleAndSaysWhatToDoNext() async throws {
        let refusal = try #require(try await refund().refusal)
        #expect(refusal.code == .approvalPending)
        let handle = try await fixture.handle()
        for part in ["finance", "`refunds`: money leaves", "approval_result", handle.text] {
            #expect(refusal.told.contains(part), "\(part)")
        }
        #expect(fixture.journal.entries == ["append held", "append outcome"])
        #expect(fixture.sink.lines[0]["approval"] == .string(handle.text))
        // The same call again is the same request.
        _ = try await refund()
        #expect(try await fixture.desk.list().count == 1)
    }

    @Test func anApprovedCallRunsOnceByItsHandle() async throws {
        _ = try await refund()
        let handle = try await fixture.handle()
        #expect(try await fixture.resume(handle).refusal?.code == .approvalPending)
        #expect(try await fixture.decide(.approve).phase == .approved)
        #expect(try await fixture.resume(handle).result?.changed == 1)
        let again = try #require(try await fixture.resume(handle).refusal)
        #expect(again.code == .approvalOver)
        #expect(again.told.contains("1 rows changed"))
        #expect(runs == 1)
        #expect(
            fixture.journal.entries.filter { $0.contains("held") || $0.contains("decision") }
                == ["append held", "append decision"])
        let intent = try #require(fixture.sink.lines.first { $0["event"] == "intent" })
        #expect(intent["approval"] == .string(handle.text) && intent["tool"] == "refund")
        #expect(intent["approvers"]?.array?.first?["subject"] == "fin")
        #expect(intent["arguments"]?["id"] == 7)
    }

    @Test func anApprovedCallRunsOnceByTheSameCall() async throws {
        _ = try await refund()
        _ = try await fixture.decide(.approve)
        #expect(try await refund().result?.changed == 1)
        // What was approved is used up: the next one asks anew.
        #expect(try await refund().refusal?.code == .approvalPending)
        #expect(runs == 1)
    }

    @Test func aCallThatWaitsRunsWhenItIsApproved() async throws {
        let fixture = try Self.made(ApprovalDemand(groups: ["finance"]))
        let notice = Notices()
        fixture.state.onWait { Task { _ = try await fixture.decide(.approve) } }
        let outcome = await fixture.gate.answer(
            ArrivedCall(
                caller: try await fixture.caller(), tool: "refund", arguments: JSONObject(),
                via: Transport(kind: .http, address: ""), notice: notice))
        #expect(outcome.result?.changed == 1)
        #expect(notice.journal.entries.first?.hasPrefix("waiting for approval by finance") == true)
        #expect(notice.journal.entries.last == "goes on")
        #expect(fixture.waits.count == 0)
    }

    @Test func readsAreHeldAndHaveTheirIntentFirstAsWell() async throws {
        let fixture = try Self.made(effect: .read)
        _ = try await fixture.refund()
        _ = try await fixture.decide(.approve)
        #expect(try await fixture.refund().refusal == nil)
        #expect(
            fixture.journal.entries.suffix(3) == ["append intent", "run refund", "append outcome"])
    }

    // MARK: Exactly this call

    @Test func otherArgumentsAndOtherCallersAreOtherRequests() async throws {
        _ = try await refund()
        _ = try await fixture.decide(.approve)
        #expect(try await refund(8).refusal?.code == .approvalPending)
        #expect(try await refund(as: "fay").refusal?.code == .approvalPending)
        #expect(runs == 0)
        #expect(try await refund().result != nil)
    }

    @Test func aHandleIsItsCallersAlone() async throws {
        _ = try await refund()
        let handle = try await fixture.handle()
        _ = try await fixture.decide(.approve)
        var told: Set<String> = []
        for (user, handle) in [("fay", handle), ("ada", "apr_x"), ("ada", "")] {
            let refusal = try #require(try await fixture.resume(handle, as: user).refusal)
            #expect(refusal.code == .approvalHandle)
            told.insert(refusal.told)
        }
        #expect(told.count == 1 && runs == 0)
    }

    @Test func otherManifestsOrAnotherFormOfTheDataAreAnotherCall() async throws {
        _ = try await refund()
        let handle = try await fixture.handle()
        _ = try await fixture.decide(.approve)
        for (version, examination) in [("2", nil), ("1", Examination.sample)] {
            let later = try fixture.restarted(version: version, examination: examination)
            #expect(try await fixture.resume(handle, on: later).refusal?.code == .approvalOutdated)
        }
        #expect(runs == 0)
        #expect(try await fixture.resume(handle).result != nil)
    }

    @Test func anApprovalCountsForTheRulesThatItWasAskedForAlone() async throws {
        _ = try await refund()
        let handle = try await fixture.handle()
        _ = try await fixture.decide(.approve)
        // As a rule about hours or counts, which held not when it was asked.
        let later = try fixture.restarted(
            version: "1",
            others: [
                Rule(
                    id: "nights", effect: .approve, when: .all([]), reason: "it is late",
                    approval: ApprovalDemand(groups: ["fraud"], hold: .zero))
            ])
        #expect(try await fixture.resume(handle, on: later).refusal?.code == .approvalOutdated)
        let again = await later.answer(
            ArrivedCall(
                caller: try await fixture.caller(), tool: "refund",
                arguments: JSONObject(("id", 7)), via: Transport(kind: .http, address: "")))
        #expect(again.refusal?.code == .approvalPending)
        #expect(again.refusal?.told.contains("fraud (rule `nights`: it is late)") == true)
        #expect(try await fixture.handle() != handle && runs == 0)
    }

    @Test func rulesThatChangeWhileTheCallWaitsTakeTheApprovalAway() async throws {
        let fixture = try Self.made(ApprovalDemand(groups: ["finance"]))
        fixture.state.onWait {
            fixture.gate.retire()
            Task { _ = try await fixture.decide(.approve) }
        }
        #expect(try await fixture.refund().refusal?.code == .approvalOutdated)
        #expect(!fixture.journal.entries.contains("run refund"))
    }

    @Test func whoseTokenEndsWhileTheCallWaitsRunsNothing() async throws {
        let fixture = try Self.made(ApprovalDemand(groups: ["finance"]))
        let caller = try await fixture.gate.identify(.bearer(try fixture.mint.token()), at: "")
        fixture.state.onWait {
            fixture.clock.advance(by: 700)
            Task { _ = try await fixture.decide(.approve) }
        }
        let outcome = await fixture.gate.answer(
            ArrivedCall(
                caller: caller, tool: "refund", arguments: JSONObject(),
                via: Transport(kind: .http, address: "")))
        #expect(outcome.refusal?.code == .identityExpired)
        #expect(!fixture.journal.entries.contains("run refund"))
    }

    // MARK: Who decides

    @Test func nobodyDecidesAboutTheirOwnCall() async throws {
        let own = Caller(issuer: "a", subject: "ada", groups: ["finance"])
        let agent = Caller(
            issuer: "a", subject: "bot", kind: .agent, onBehalfOf: "ada", groups: ["finance"])
        func objection(_ approver: Caller, about caller: Caller) -> String? {
            do throws(ApprovalObjection) {
                try ApprovalRequest.sample(caller: caller).check(approver, now: 1)
                return nil
            } catch { return "\(error)" }
        }
        var elsewhere = own
        elsewhere.issuer = "b"
        var byMail = Caller(
            issuer: "b", subject: "u-1", groups: ["finance"], email: "Ada@shop.example")
        let withMail = Caller(issuer: "a", subject: "ada", email: "ada@shop.example")
        #expect(objection(own, about: own) == "ownCall")
        #expect(objection(elsewhere, about: own) == "ownCall")
        #expect(objection(byMail, about: withMail) == "ownCall")
        #expect(objection(own, about: agent) == "ownCall")
        #expect(objection(elsewhere, about: agent) == "ownCall")
        #expect(objection(agent, about: withMail) == "agent")
        byMail.email = "fin@shop.example"
        #expect(objection(byMail, about: withMail) == nil)
        byMail.groups = ["sales"]
        #expect(objection(byMail, about: withMail)?.hasPrefix("group") == true)
    }

    @Test func severalMeansDifferentPeople() async throws {
        let fixture = try Self.made(ApprovalDemand(groups: ["finance"], count: 2, hold: .zero))
        _ = try await fixture.refund()
        #expect(try await fixture.decide(.approve).phase == .pending)
        #expect(await fixture.objection(.approve) == "again")
        #expect(try await fixture.refund().refusal?.told.contains("2 people of finance") == true)
        #expect(try await fixture.decide(.approve, as: "fio").phase == .approved)
        #expect(try await fixture.refund().result != nil)
    }

    @Test func oneNoEndsItWithAReasonThatTheCallerIsTold() async throws {
        _ = try await refund()
        #expect(await fixture.objection(.reject(reason: " ")) == "reasonMissing")
        #expect(try await fixture.decide(.approve).phase == .approved)
        #expect(
            try await fixture.decide(.reject(reason: "wrong\u{202E}payment"), as: "fio").phase
                == .rejected)
        let refusal = try #require(try await refund().refusal)
        #expect(refusal.code == .approvalRejected)
        #expect(refusal.told.contains("wrong\\u{202e}payment"))
        #expect(await fixture.objection(.approve) == "over")
        // Until it would have expired; then the call may ask again.
        fixture.clock.advance(by: ApprovalDemand.expiresStandard)
        #expect(try await refund().refusal?.code == .approvalPending)
        #expect(runs == 0)
    }

    @Test func aDecisionThatCannotBeRecordedDoesNotCount() async throws {
        let fixture = try Self.made(sinkFails: { $0 == 2 })
        _ = try await fixture.refund()
        #expect(await fixture.objection(.approve) == "unusable")
        #expect(try await fixture.refund().refusal?.code == .approvalPending)
    }

    // MARK: Ends

    @Test func whatNobodyDecidesInTimeExpires() async throws {
        _ = try await refund()
        let handle = try await fixture.handle()
        fixture.clock.advance(by: ApprovalDemand.expiresStandard)
        #expect(try await fixture.resume(handle).refusal?.code == .approvalExpired)
        #expect(await fixture.objection(.approve) == "over")
        #expect(try await refund().refusal?.code == .approvalPending)
        #expect(try await fixture.handle() != handle)
    }

    @Test func anApprovalThatIsNotUsedInTimeExpiresToo() async throws {
        _ = try await refund()
        _ = try await fixture.decide(.approve)
        fixture.clock.advance(by: ApprovalDemand.expiresStandard)
        #expect(try await refund().refusal?.code == .approvalPending)
        #expect(runs == 0)
    }

    @Test func whoCancelsTheCallWithdrawsTheRequest() async throws {
        let fixture = try Self.made(ApprovalDemand(groups: ["finance"]))
        let latch = Latch()
        fixture.state.onWait { latch.open() }
        let call = Task { try await fixture.refund() }
        await latch.wait()
        call.cancel()
        #expect(try await call.value.refusal?.code == .cancelled)
        #expect(try await fixture.desk.list().first?.phase == .cancelled)
    }

    @Test func aHandleCanBeWithdrawn() async throws {
        _ = try await refund()
        let handle = try await fixture.handle()
        let outcome = try await fixture.call(
            "approval_result",
            JSONObject(("handle", .string(handle.text)), ("cancel", true)))
        #expect(outcome.refusal?.code == .cancelled)
        #expect(await fixture.objection(.approve) == "over")
    }

    @Test func aServerThatEndsGivesTheHandleAndKeepsTheRequest() async throws {
        let fixture = try Self.made(ApprovalDemand(groups: ["finance"]))
        fixture.state.onWait {
            fixture.waits.end()
            fixture.state.wakeAll()
        }
        #expect(try await fixture.refund().refusal?.code == .approvalPending)
        #expect(try await fixture.desk.list().first?.phase == .pending)
    }

    @Test func whatAKillLeftBehindIsUnknownAndNeverRunAgain() async throws {
        _ = try await refund()
        let handle = try await fixture.handle()
        _ = try await fixture.decide(.approve)
        let entry = try #require(try await fixture.state.entry(.approval, handle))
        var running = entry
        running.phase = "running"
        running.holder = "dead"
        _ = try await fixture.state.replace(running)
        #expect(try await refund().refusal?.code == .approvalRunning)
        fixture.state.kill("dead")
        #expect(try await refund().refusal?.code == .approvalUnknown)
        #expect(try await fixture.resume(handle).refusal?.code == .approvalUnknown)
        #expect(try await refund().refusal?.code == .approvalPending)
        #expect(try await fixture.handle() != handle)
        #expect(runs == 0)
    }

    @Test func howARunEndsDecidesWhatBecomesOfItsApproval() async throws {
        let ends: [(BackendError.Reason, ApprovalRequest.Phase)] = [
            (.busy, .approved), (.unknown, .unknown), (.constraint, .failed), (.failed, .failed),
        ]
        for (reason, phase) in ends {
            let fixture = try Self.made(backend: { (_) throws(BackendError) in
                throw BackendError(reason, detail: "")
            })
            _ = try await fixture.refund()
            _ = try await fixture.decide(.approve)
            _ = try await fixture.refund()
            #expect(try await fixture.desk.list().first?.phase == phase, "\(reason)")
        }
    }

    @Test func whatCouldNotBegunIsStillApproved() async throws {
        let fixture = try Self.made(sinkFails: { $0 == 3 })
        _ = try await fixture.refund()
        _ = try await fixture.decide(.approve)
        #expect(try await fixture.refund().refusal?.code == .recordUnavailable)
        #expect(try await fixture.refund().result != nil)
        #expect(fixture.journal.entries.count { $0 == "run refund" } == 1)
    }

    @Test func withoutItsStoreNothingPasses() async throws {
        _ = try await refund()
        _ = try await fixture.decide(.approve)
        fixture.state.fail(StateError(.unavailable, detail: "d"))
        #expect(try await refund().refusal?.code == .stateUnavailable)
        #expect(runs == 0)
    }
}
