import JSON
import TestSupport
import Testing

@testable import Enforcement

/// Rules of effect `limit`, through a gate whose clock stands until the test moves it.
@Suite struct LimitRuleTests {
    private static func rule(
        _ quota: Quota, id: Name = "much", when: Condition = .always,
        mode: Rule.Mode = .enforce
    ) -> Rule {
        Rule(
            id: id, effect: .limit, when: when, reason: "it is much", instead: "ask for a report",
            mode: mode, quota: quota)
    }

    private static func fixture(_ rules: [Rule], tools: [Tool]? = nil) throws -> GateFixture {
        try GateFixture(
            tools: tools ?? [.sample(), .sample("other", backend: "attic")],
            policy: Policy(grants: GateFixture.grants, rules: rules),
            backend: { _ in .texts(["1"], ["2"]) })
    }

    private static func isRefused(
        _ fixture: GateFixture, _ tool: String = "orders", as user: String = "ada"
    ) async throws -> Bool {
        let outcome = try await fixture.call(tool, as: user)
        return outcome.refusal?.code == .limitRule
    }

    @Test func soManyCallsPassAndTheNextOneIsToldWhenToComeBack() async throws {
        let fixture = try Self.fixture([Self.rule(Quota(.calls, most: 3, span: .sliding(60)))])
        for _ in 0..<3 { #expect(try await !Self.isRefused(fixture)) }
        let refusal = try #require(try await fixture.call().refusal)
        #expect(refusal.code == .limitRule)
        #expect(refusal.rules == ["much"])
        #expect(refusal.retryAfterSeconds == 61)
        #expect(
            refusal.told
                == "Refused by rule `much`: it is much. At most 3 calls within 60 seconds for each caller. Instead: ask for a report. Try again in 61 seconds."
        )
        #expect(fixture.journal.entries.filter { $0 == "run orders" }.count == 3)
    }

    @Test func whatWasRefusedIsNotCountedAndTheWindowSlides() async throws {
        let fixture = try Self.fixture([Self.rule(Quota(.calls, most: 2, span: .sliding(60)))])
        #expect(try await !Self.isRefused(fixture))
        fixture.clock.advance(by: 30)
        #expect(try await !Self.isRefused(fixture))
        for _ in 0..<5 { #expect(try await Self.isRefused(fixture)) }
        fixture.clock.advance(by: 30)
        #expect(try await Self.isRefused(fixture))
        // The first call is out, the second one still in.
        fixture.clock.advance(by: 1)
        #expect(try await !Self.isRefused(fixture))
        #expect(try await Self.isRefused(fixture))
    }

    @Test func whoWaitsAsLongAsToldPasses() async throws {
        let fixture = try Self.fixture([Self.rule(Quota(.calls, most: 2, span: .sliding(3_600)))])
        for _ in 0..<20 {
            while let refusal = try await fixture.call().refusal {
                let wait = try #require(refusal.retryAfterSeconds)
                fixture.clock.advance(by: wait - 1)
                #expect(try await Self.isRefused(fixture))
                fixture.clock.advance(by: 1)
                #expect(try await !Self.isRefused(fixture))
            }
            fixture.clock.advance(by: 7)
        }
    }

    @Test func everyCallerHasACountOfTheirOwnUnlessTheRuleSharesIt() async throws {
        let span = UsageSpan.sliding(60)
        let own = try Self.fixture([Self.rule(Quota(.calls, most: 1, span: span))])
        #expect(try await !Self.isRefused(own))
        #expect(try await !Self.isRefused(own, as: "fay"))
        #expect(try await Self.isRefused(own, "other"))
        let shared = try Self.fixture([Self.rule(Quota(.calls, most: 1, span: span, shares: []))])
        #expect(try await !Self.isRefused(shared))
        #expect(try await Self.isRefused(shared, "other", as: "fay"))
        let tool = try Self.fixture([Self.rule(Quota(.calls, most: 1, span: span, shares: [.tool]))]
        )
        #expect(try await !Self.isRefused(tool))
        #expect(try await !Self.isRefused(tool, "other"))
        #expect(try await Self.isRefused(tool, as: "fay"))
        let backend = try Self.fixture(
            [Self.rule(Quota(.calls, most: 1, span: span, shares: [.backend]))],
            tools: [.sample("a"), .sample("b"), .sample("c", backend: "attic")])
        #expect(try await !Self.isRefused(backend, "a"))
        #expect(try await Self.isRefused(backend, "b"))
        #expect(try await !Self.isRefused(backend, "c"))
    }

    @Test func rowsAndBytesCountWhenTheCallHasEnded() async throws {
        for (measure, most) in [(Quota.Measure.rows, 5), (.bytes, 5)] {
            let fixture = try Self.fixture([
                Self.rule(Quota(measure, most: most, span: .sliding(86_400)))
            ])
            // Two rows and two bytes each.
            for _ in 0..<3 { #expect(try await !Self.isRefused(fixture)) }
            #expect(try await Self.isRefused(fixture))
        }
    }

    @Test func refusalsCountAlsoForToolsThatDoNotExist() async throws {
        let fixture = try GateFixture(
            policy: Policy(
                grants: GateFixture.grants,
                rules: [
                    Self.rule(Quota(.denials, most: 3, span: .sliding(60))),
                    .denying("secret", .fact(.argument("q"), .present(true))),
                ]))
        #expect(try await fixture.call("nothing").refusal?.code == .unknownTool)
        let asked = JSONObject(("q", "x"))
        for _ in 0..<2 {
            #expect(try await fixture.call("orders", asked).refusal?.code == .denied)
        }
        #expect(try await Self.isRefused(fixture))
        #expect(try await !Self.isRefused(fixture, as: "fay"))
        fixture.clock.advance(by: 61)
        #expect(try await !Self.isRefused(fixture))
    }

    @Test func aLimitIsAboutTheCallsThatItsConditionNames() async throws {
        let fixture = try Self.fixture([
            Self.rule(
                Quota(.calls, most: 1, span: .sliding(60)),
                when: .fact(.toolName, .oneOf(["other"])))
        ])
        for _ in 0..<3 { #expect(try await !Self.isRefused(fixture)) }
        #expect(try await !Self.isRefused(fixture, "other"))
        #expect(try await Self.isRefused(fixture, "other"))
    }

    @Test func aCallTakesFromAllLimitsOrFromNone() async throws {
        let fixture = try Self.fixture([
            Self.rule(Quota(.calls, most: 1, span: .sliding(60)), id: "minute"),
            Self.rule(Quota(.calls, most: 2, span: .sliding(86_400)), id: "day"),
        ])
        #expect(try await !Self.isRefused(fixture))
        for _ in 0..<5 {
            let refusal = try await fixture.call().refusal
            #expect(refusal?.rules == ["minute"])
        }
        fixture.clock.advance(by: 61)
        #expect(try await !Self.isRefused(fixture))
        let refusal = try #require(try await fixture.call().refusal)
        // The longer wait is told first.
        #expect(refusal.rules == ["day", "minute"])
        #expect(refusal.told.contains("`day`: it is much. At most 2 calls within 24 hours"))
        #expect(refusal.told.contains("Also by `minute`."))
    }

    @Test func denyBeatsLimitAndDoesNotDrawOnIt() async throws {
        let fixture = try Self.fixture([
            Self.rule(Quota(.calls, most: 1, span: .sliding(60))),
            .denying("secret", .fact(.argument("q"), .present(true))),
        ])
        for _ in 0..<3 {
            let outcome = try await fixture.call("orders", JSONObject(("q", 1)))
            #expect(outcome.refusal?.code == .denied)
        }
        #expect(try await !Self.isRefused(fixture))
    }

    @Test func soManyAtATimeAndOneMoreWhenOneHasEnded() async throws {
        let latch = Latch()
        let entered = Latch()
        let fixture = try GateFixture(
            policy: Policy(
                grants: GateFixture.grants, rules: [Self.rule(Quota(.concurrent, most: 1))]),
            backend: { _ in
                entered.open()
                await latch.wait()
                return .texts(["1"])
            })
        async let first = fixture.call()
        await entered.wait()
        let refusal = try #require(try await fixture.call().refusal)
        #expect(refusal.code == .limitRule)
        #expect(
            refusal.told
                == "Refused by rule `much`: it is much. At most 1 such calls at a time for each caller. Instead: ask for a report. Wait for one to end, then try again."
        )
        latch.open()
        #expect(try await first.result != nil)
        #expect(try await fixture.call().result != nil)
    }

    @Test func aDayBeginsAtMidnightOfItsZone() async throws {
        // 1,800,000,000 is 2027-01-15 08:00 UTC.
        let fixture = try Self.fixture([
            Self.rule(Quota(.calls, most: 1, span: .calendar(CalendarPeriod(.day))))
        ])
        #expect(try await !Self.isRefused(fixture))
        let refusal = try #require(try await fixture.call().refusal)
        #expect(refusal.retryAfterSeconds == 16 * 3_600)
        #expect(refusal.told.contains("At most 1 calls a day (UTC) for each caller"))
        fixture.clock.advance(by: 16 * 3_600 - 1)
        #expect(try await Self.isRefused(fixture))
        fixture.clock.advance(by: 1)
        #expect(try await !Self.isRefused(fixture))
    }

    @Test func aMonthBeginsOnItsFirstDay() {
        let month = CalendarPeriod(.month).bounds(at: 1_800_000_000)
        #expect(month == 1_798_761_600..<1_801_440_000)
        let december = CalendarPeriod(.month).bounds(at: 1_798_761_599)
        #expect(december == 1_796_083_200..<1_798_761_600)
    }

    @Test func whatCannotBeCountedIsRefused() async throws {
        let rules = [Self.rule(Quota(.calls, most: 9, span: .sliding(60)))]
        let fixture = try Self.fixture(rules)
        fixture.usage.fail(StateError(.unavailable, detail: "gone"))
        #expect(try await fixture.call().refusal?.code == .stateUnavailable)
        #expect(!fixture.journal.entries.contains("run orders"))
    }

    @Test func withoutRulesThatCountNothingIsCounted() async throws {
        let fixture = try Self.fixture([.denying("other", .any([]))])
        #expect(try await fixture.call().result != nil)
        #expect(fixture.usage.keyCount == 0)
    }
}
