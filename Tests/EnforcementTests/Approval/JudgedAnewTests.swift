import JSON
import TestSupport
import Testing

@testable import Enforcement

/// A call that waited for a person runs by what is true then, not by what was when it was asked.
@Suite struct JudgedAnewTests {
    private static func made(
        _ others: [Rule], hold: Duration = ApprovalDemand.holdStandard
    ) throws -> GateFixture {
        let holding = Rule(
            id: "refunds", effect: .approve, when: .fact(.toolName, .oneOf(["refund"])),
            reason: "money leaves", approval: ApprovalDemand(groups: ["finance"], hold: hold))
        return try GateFixture(
            tools: [try .sample("refund", effect: .write, columns: [])],
            policy: Policy(grants: GateFixture.grants, rules: [holding] + others),
            backend: { _ in RawResult(rows: Rows(columnCount: 0), changed: 1) })
    }

    /// Asked now, approved when `later` has passed.
    private func outcome(_ fixture: GateFixture, after later: Int) async throws -> Outcome {
        fixture.state.onWait {
            fixture.clock.advance(by: later)
            Task { _ = try await fixture.decide(.approve) }
        }
        return try await fixture.call("refund")
    }

    /// A call that waits for a person by now.
    private func waiting(
        _ arguments: JSONObject, _ fixture: GateFixture
    ) async -> Task<Outcome, any Error> {
        let latch = Latch()
        fixture.state.onWait { latch.open() }
        let call = Task { try await fixture.call("refund", arguments) }
        await latch.wait()
        return call
    }

    private func hours(_ effect: Rule.Effect, from first: Int) -> Rule {
        // A window of the day that begins so many seconds after the fixture's moment.
        let start = (ManualClock().now + first) / 60 % 1_440
        let window = HourWindow(
            startMinute: start, endMinute: (start + 600) % 1_440, weekdays: Set(0..<7),
            zone: .utc)
        return Rule(
            id: "hours", effect: effect, when: .fact(.time, .hours(window)), reason: "it is late",
            approval: effect == .approve ? ApprovalDemand(groups: ["fraud"]) : nil)
    }

    @Test func whatIsForbiddenByNowDoesNotRun() async throws {
        let fixture = try Self.made([hours(.deny, from: 600)])
        #expect(try await outcome(fixture, after: 700).refusal?.rules == ["hours"])
        #expect(!fixture.journal.entries.contains("run refund"))
        // The yes still counts when the hour is over.
        #expect(try await fixture.desk.list().first?.phase == .approved)
        let early = try Self.made([hours(.deny, from: 600)])
        #expect(try await outcome(early, after: 60).result?.changed == 1)
    }

    @Test func whatNeedsMorePeopleByNowDoesNotRun() async throws {
        let fixture = try Self.made([hours(.approve, from: 600)])
        #expect(try await outcome(fixture, after: 700).refusal?.code == .approvalOutdated)
        #expect(!fixture.journal.entries.contains("run refund"))
    }

    @Test func whatOthersUsedOfALimitMeanwhileIsNotThereAnyMore() async throws {
        let quota = Quota(.calls, most: 2, span: .sliding(60))
        let limit = Rule(
            id: "much", effect: .limit, when: .always, reason: "it is much", quota: quota)
        let fixture = try Self.made([limit])
        let call = await waiting(JSONObject(), fixture)
        // Out of the window of when it was asked, into that of when it would run.
        fixture.clock.advance(by: 120)
        let others = [
            await waiting(JSONObject(("n", 1)), fixture),
            await waiting(JSONObject(("n", 2)), fixture),
        ]
        let first = try #require(try await fixture.desk.list().first { $0.arguments.isEmpty })
        _ = try await fixture.desk.decide(
            first.id, .approve, by: try await fixture.caller("fin"))
        #expect(try await call.value.refusal?.code == .limitRule)
        #expect(!fixture.journal.entries.contains("run refund"))
        for other in others { other.cancel() }
        for other in others { _ = try await other.value }
    }

    @Test func aCallThatWaitedIsCountedOnce() async throws {
        let quota = Quota(.calls, most: 1, span: .sliding(600))
        let limit = Rule(
            id: "one", effect: .limit, when: .always, reason: "it is much", quota: quota)
        let fixture = try Self.made([limit])
        #expect(try await outcome(fixture, after: 60).result?.changed == 1)
        #expect(try await fixture.call("refund").refusal?.code == .limitRule)
    }

    @Test func lookingForAnAnswerTakesNothingFromALimit() async throws {
        let quota = Quota(.calls, most: 1, span: .sliding(600))
        let limit = Rule(
            id: "one", effect: .limit, when: .always, reason: "it is much", quota: quota)
        let fixture = try Self.made([limit], hold: .zero)
        #expect(try await fixture.call("refund").refusal?.code == .approvalPending)
        let handle = try await fixture.handle()
        for _ in 0..<3 {
            #expect(try await fixture.resume(handle).refusal?.code == .approvalPending)
        }
        _ = try await fixture.decide(.approve)
        #expect(try await fixture.resume(handle).result?.changed == 1)
        #expect(try await fixture.call("refund").refusal?.code == .limitRule)
    }

    /// What rules ask of a caller's calls counts one that waited, or was looked for, once.
    @Test func factsOfUseCountACallThatWaitedOnce() async throws {
        let fact = Fact.usage(.amount(.calls, .hour))
        let many = Rule(
            id: "many", effect: .deny, when: .fact(fact, .over(JSONNumber(2))), reason: "too many")
        let fixture = try Self.made([many], hold: .zero)
        #expect(try await fixture.call("refund").refusal?.code == .approvalPending)
        let handle = try await fixture.handle()
        for _ in 0..<5 {
            #expect(try await fixture.resume(handle).refusal?.code == .approvalPending)
        }
        _ = try await fixture.decide(.approve)
        #expect(try await fixture.resume(handle).result?.changed == 1)
        #expect(try await fixture.call("refund").refusal?.code == .approvalPending)
        #expect(try await fixture.call("refund").refusal?.rules == ["many"])
    }

    @Test func wherePeopleWaitAndNobodyCanCountNothingRuns() async throws {
        let quota = Quota(.calls, most: 9, span: .sliding(600))
        let limit = Rule(
            id: "some", effect: .limit, when: .always, reason: "it is much", quota: quota)
        let fixture = try Self.made([limit])
        fixture.state.onWait {
            fixture.usage.fail(StateError(.unavailable, detail: "gone"))
            Task { _ = try await fixture.decide(.approve) }
        }
        #expect(try await fixture.call("refund").refusal?.code == .stateUnavailable)
        #expect(!fixture.journal.entries.contains("run refund"))
    }

    @Test func aPlaceAmongThoseAtATimeIsTakenOnce() async throws {
        let limit = Rule(
            id: "one", effect: .limit, when: .always, reason: "it is much",
            quota: Quota(.concurrent, most: 1))
        let fixture = try Self.made([limit])
        #expect(try await outcome(fixture, after: 60).result?.changed == 1)
        #expect(try await outcome(fixture, after: 60).result?.changed == 1)
    }
}
