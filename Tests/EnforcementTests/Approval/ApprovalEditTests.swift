import JSON
import TestSupport
import Testing

@testable import Enforcement

/// An approver changes the arguments: everything is judged anew, and all who act have seen it.
@Suite struct ApprovalEditTests {
    private let fixture: GateFixture

    init() throws { fixture = try ApprovalTests.made() }

    private var runs: [String] { fixture.journal.entries.filter { $0 == "run refund" } }

    /// Asked with 7, changed to 8 by `fin`.
    private func changed() async throws -> Name {
        _ = try await fixture.refund()
        let request = try await fixture.modify(JSONObject(("id", 8)))
        #expect(request.phase == .pending && request.votes.isEmpty)
        return request.id
    }

    @Test func theCallerIsToldWhatWasChangedBeforeAnythingRuns() async throws {
        let handle = try await changed()
        _ = try await fixture.decide(.approve, as: "fio", seeing: 1)
        for outcome in [try await fixture.refund(), try await fixture.resume(handle)] {
            let refusal = try #require(outcome.refusal)
            #expect(refusal.code == .approvalModified)
            for part in [#""id": 7 → 8"#, "approved", #""edit": 1"#, handle.text, "cancel"] {
                #expect(refusal.told.contains(part), "\(part)")
            }
        }
        #expect(runs.isEmpty)
        #expect(try await fixture.resume(handle, edit: 1).result?.changed == 1)
        #expect(try await fixture.resume(handle, edit: 1).refusal?.code == .approvalOver)
        let intent = try #require(fixture.sink.lines.first { $0["event"] == "intent" })
        #expect(intent["arguments"]?["id"] == 8 && runs.count == 1)
        #expect(intent["editors"]?.array?.first?["subject"] == "fin")
        #expect(intent["approvers"]?.array?.first?["subject"] == "fio")
    }

    @Test func whoChangedItNeverApprovesItAndEarlierApprovalsAreGone() async throws {
        let fixture = try ApprovalTests.made(
            ApprovalDemand(groups: ["finance"], count: 2, hold: .zero))
        _ = try await fixture.refund()
        _ = try await fixture.decide(.approve, as: "fio")
        #expect(try await fixture.modify(JSONObject(("id", 8))).votes.isEmpty)
        #expect(await fixture.objection(.approve, seeing: 1) == "ownEdit")
        #expect(await fixture.objection(.force(reason: "x"), seeing: 1) == "ownEdit")
        #expect(try await fixture.decide(.approve, as: "fio", seeing: 1).phase == .pending)
    }

    @Test func nobodyDecidesAboutAChangeThatTheyHaveNotSeen() async throws {
        _ = try await changed()
        #expect(await fixture.objection(.approve, as: "fio") == "changed")
        #expect(await fixture.objection(.approve, as: "fio", seeing: 2) == "changed")
        await #expect(throws: ApprovalObjection.self) {
            try await fixture.modify(JSONObject(("id", 9)), as: "fio")
        }
        // A no is a no to all of it.
        #expect(try await fixture.decide(.reject(reason: "no"), as: "fio").phase == .rejected)
    }

    @Test func aChangeThatWasJudgedBeforeAnotherDoesNotCount() async throws {
        _ = try await fixture.refund()
        let request = try await fixture.desk.find(try await fixture.handle().text)
        let early = try await fixture.gate.edit(request, changing: JSONObject(("id", 9)))
        _ = try await fixture.modify(JSONObject(("id", 8)))
        #expect(await fixture.objection(.modify(early), as: "fio", seeing: 1) == "raced")
        let same = try await fixture.gate.edit(
            try await fixture.desk.find(request.id.text), changing: JSONObject(("id", 8)))
        #expect(await fixture.objection(.modify(same), as: "fio", seeing: 1) == "sameArguments")
    }

    @Test func aCallThatWaitsIsToldOfTheChangeAndRunsNothing() async throws {
        let fixture = try ApprovalTests.made(ApprovalDemand(groups: ["finance"]))
        fixture.state.onWait { Task { _ = try await fixture.modify(JSONObject(("id", 8))) } }
        #expect(try await fixture.refund().refusal?.code == .approvalModified)
        #expect(!fixture.journal.entries.contains("run refund"))
    }

    @Test func theStagesJudgeTheChangedArgumentsAndTheirCallerAgain() async throws {
        _ = try await fixture.refund()
        let denying = try fixture.restarted(
            version: "1",
            others: [
                Rule(
                    id: "no-eight", effect: .deny, when: .fact(.argument("id"), .oneOf([8])),
                    reason: "never")
            ])
        await #expect(throws: Refusal.self) {
            try await fixture.modify(JSONObject(("id", 8)), on: denying)
        }
        await #expect(throws: Refusal.self) {
            try await fixture.modify(JSONObject(("id", "eight")))
        }
        let kept = try #require(try await fixture.desk.list().first)
        #expect(kept.edits.isEmpty && kept.arguments["id"] == 7)
    }

    @Test func aChangeAsksForMorePeopleButNeverForFewer() async throws {
        _ = try await fixture.refund()
        let later = try fixture.restarted(
            version: "1",
            others: [
                Rule(
                    id: "large", effect: .approve, when: .fact(.argument("id"), .oneOf([8])),
                    reason: "large", approval: ApprovalDemand(groups: ["fraud"], hold: .zero))
            ])
        let request = try await fixture.modify(JSONObject(("id", 8)), on: later)
        #expect(request.needs.map(\.rule) == ["refunds", "large"])
        let back = try await fixture.modify(
            JSONObject(("id", 9)), as: "fio", on: later, seeing: 1)
        #expect(back.needs.map(\.rule) == ["refunds", "large"])
    }

    @Test func underOtherManifestsAChangeCountsForNothing() async throws {
        _ = try await fixture.refund()
        let handle = try await fixture.handle()
        _ = try await fixture.modify(
            JSONObject(("id", 8)), on: try fixture.restarted(version: "2"))
        _ = try await fixture.decide(.approve, as: "fio", seeing: 1)
        #expect(try await fixture.resume(handle, edit: 1).refusal?.code == .approvalOutdated)
        #expect(runs.isEmpty)
    }

    @Test func theChangeIsOnRecordWithWhatItWasAndIs() async throws {
        _ = try await changed()
        let line = try #require(fixture.sink.lines.first { $0["decision"] == "modify" })
        #expect(line["was"]?["id"] == 7 && line["now"]?["id"] == 8 && line["edit"] == 1)
        #expect(line["base"] != line["binding"])
        #expect(line["caller"]?["subject"] == "fin")
    }

    @Test func changesHaveALimit() async throws {
        _ = try await fixture.refund()
        for number in 0..<ApprovalRequest.editsMax {
            _ = try await fixture.modify(
                JSONObject(("id", .number(JSONNumber(100 + number)))), seeing: number)
        }
        let request = try await fixture.desk.find(try await fixture.handle().text)
        let edit = try await fixture.gate.edit(request, changing: JSONObject(("id", 1)))
        #expect(
            await fixture.objection(.modify(edit), seeing: ApprovalRequest.editsMax)
                == "tooManyEdits")
    }

    @Test func aChangeOfWhatTheCallerAgreedToAsksThemAgain() async throws {
        _ = try await fixture.refund()
        var request = try await fixture.desk.find(try await fixture.handle().text)
        request.question = "q"
        let edit = try await fixture.gate.edit(request, changing: JSONObject(("id", 8)))
        try request.modify(Caller(issuer: "a", subject: "fin", groups: ["finance"]), edit, now: 1)
        #expect(request.question == nil)
    }
}
