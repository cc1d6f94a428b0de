import JSON
import TestSupport
import Testing

@testable import Enforcement

/// What rules can ask about a caller's doings: after which call does a rule about them match?
@Suite struct UsageFactTests {
    private static func over(_ fact: UsageFact, _ bound: Int) -> Rule {
        .denying("sign", .fact(.usage(fact), .over(JSONNumber(bound))))
    }

    private static func fixture(_ rules: [Rule]) throws -> GateFixture {
        try GateFixture(
            tools: [.sample(), .sample("other")],
            policy: Policy(grants: GateFixture.grants, rules: rules),
            backend: { _ in .texts(["1"], ["2"]) })
    }

    /// The number of the first call that is refused by the rule `sign`.
    private static func firstRefused(
        of count: Int, _ call: (Int) async throws -> Outcome
    ) async throws -> Int? {
        for number in 1...count where try await call(number).refusal?.rules.contains("sign") == true
        {
            return number
        }
        return nil
    }

    @Test func callsOfTheLastMinuteAreCountedTheCallItselfIncluded() async throws {
        let fixture = try Self.fixture([Self.over(.amount(.calls, .minute), 3)])
        #expect(try await Self.firstRefused(of: 9) { _ in try await fixture.call() } == 4)
        #expect(try await fixture.call(as: "fay").result != nil)
        // Also those that a rule refused: a caller who goes on stays refused.
        fixture.clock.advance(by: 40)
        #expect(try await fixture.call().refusal != nil)
        fixture.clock.advance(by: 61)
        #expect(try await fixture.call().result != nil)
    }

    @Test func rowsAndBytesAreThoseOfTheCallsBefore() async throws {
        for measure in [UsageFact.Measure.rows, .bytes] {
            let fixture = try Self.fixture([Self.over(.amount(measure, .hour), 3)])
            #expect(try await Self.firstRefused(of: 9) { _ in try await fixture.call() } == 3)
        }
    }

    @Test func refusalsAreCountedButNotThoseForHavingHadTooMany() async throws {
        let fixture = try Self.fixture([
            Self.over(.amount(.denials, .hour), 2),
            .denying("secret", .fact(.argument("q"), .present(true))),
        ])
        let asked = JSONObject(("q", 1))
        #expect(try await fixture.call("nothing").refusal?.code == .unknownTool)
        for _ in 0..<2 { #expect(try await fixture.call("orders", asked).refusal != nil) }
        for _ in 0..<9 {
            #expect(try await fixture.call().refusal?.rules == ["sign"])
            fixture.clock.advance(by: 360)
        }
        fixture.clock.advance(by: 600)
        #expect(try await fixture.call().result != nil)
    }

    private static func call(
        _ fixture: GateFixture, token: String, from address: String, as client: String
    ) async throws -> Outcome {
        let caller = try await fixture.gate.identify(.bearer(token), at: address)
        return await fixture.gate.answer(
            ArrivedCall(
                caller: caller, tool: "orders", arguments: JSONObject(),
                via: Transport(kind: .http, address: address), trace: Trace(clientName: client)))
    }

    @Test func oneTokenFromSeveralPlacesShows() async throws {
        let signs: [(UsageFact.Measure, Bool)] = [
            (.addresses, true), (.clients, true), (.tokenAddresses, false), (.tokenClients, false),
        ]
        for (measure, isOfCaller) in signs {
            let fixture = try Self.fixture([Self.over(.amount(measure, .day), 1)])
            let first = try fixture.mint.token { $0["jti"] = "one" }
            let second = try fixture.mint.token { $0["jti"] = "two" }
            func call(_ token: String, _ place: String) async throws -> Bool {
                try await Self.call(fixture, token: token, from: place, as: place).result != nil
            }
            #expect(try await call(first, "192.0.2.1"))
            #expect(try await call(first, "192.0.2.1"))
            #expect(try await call(second, "192.0.2.2") != isOfCaller, "\(measure)")
            #expect(try await !call(first, "192.0.2.2"), "\(measure)")
        }
    }

    @Test func aTokenThatCannotBeToldFromOthersHasNoPlaces() async throws {
        let fixture = try Self.fixture([Self.over(.amount(.tokenAddresses, .day), 0)])
        #expect(try await fixture.call().result != nil)
    }

    @Test func differentKeysOfOneToolAreCounted() async throws {
        let fixture = try Self.fixture([Self.over(.amount(.keys, .minute), 3)])
        func call(_ id: Int, _ tool: String = "orders") async throws -> Outcome {
            try await fixture.call(tool, JSONObject(("id", .number(JSONNumber(id)))))
        }
        for _ in 0..<9 { #expect(try await call(7).result != nil) }
        for id in 0..<3 { #expect(try await call(id, "other").result != nil) }
        #expect(try await Self.firstRefused(of: 9) { try await call($0 * 31 % 17) } == 3)
        fixture.clock.advance(by: 60)
        #expect(try await call(7).result != nil)
    }

    @Test func keysThatAreWalkedThroughOneByOneShow() async throws {
        for key in [{ JSONValue.number(JSONNumber($0)) }, { JSONValue.string("cust-00\($0)") }]
            as [@Sendable (Int) -> JSONValue]
        {
            let fixture = try Self.fixture([Self.over(.sequence, 4)])
            func call(_ id: Int) async throws -> Outcome {
                try await fixture.call("orders", JSONObject(("id", key(id))))
            }
            for id in [5, 3, 8, 8, 8, 8, 8, 2, 9] { #expect(try await call(id).result != nil) }
            #expect(try await Self.firstRefused(of: 9) { try await call(100 + $0) } == 5)
            #expect(try await call(20).result != nil)
            #expect(try await Self.firstRefused(of: 9) { try await call(20 - 2 * $0) } == 4)
        }
    }

    @Test func aSpikeIsMeasuredByTheCallersOwnHabit() async throws {
        let fixture = try Self.fixture([Self.over(.spike, 3)])
        // Two calls an hour, six hours a day.
        for _ in 0..<2 {
            for _ in 0..<6 {
                for _ in 0..<2 { #expect(try await fixture.call().result != nil) }
                fixture.clock.advance(by: 3_600)
            }
            fixture.clock.advance(by: 18 * 3_600)
        }
        #expect(try await Self.firstRefused(of: 20) { _ in try await fixture.call() } == 7)
        // Somebody without habits has none to depart from.
        for _ in 0..<20 { #expect(try await fixture.call(as: "fay").result != nil) }
    }

    @Test func anHourAtWhichACallerIsNeverThereIsUnusual() async throws {
        let fixture = try Self.fixture([
            .denying("sign", .fact(.usage(.unusualHour), .oneOf([true])))
        ])
        // Four days at the same hour.
        for _ in 0..<4 {
            #expect(try await fixture.call().result != nil)
            fixture.clock.advance(by: 86_400)
        }
        fixture.clock.advance(by: 3_600)
        #expect(try await fixture.call().result != nil)
        fixture.clock.advance(by: 12 * 3_600)
        #expect(try await fixture.call().refusal?.rules == ["sign"])
        #expect(try await fixture.call(as: "fay").result != nil)
    }

    @Test func onlyWhatRulesAskForIsCounted() async throws {
        let fixture = try Self.fixture([Self.over(.amount(.calls, .hour), 99)])
        #expect(try await fixture.call().result != nil)
        #expect(fixture.usage.keyCount == 1)
    }

    @Test func whatCannotBeCountedIsRefused() async throws {
        let fixture = try Self.fixture([Self.over(.amount(.calls, .hour), 99)])
        fixture.usage.fail(StateError(.busy, detail: ""))
        #expect(try await fixture.call().refusal?.code == .stateUnavailable)
    }
}
