import Enforcement
import EventLoop
import JSON
import TestSupport
import Testing

@testable import ToolServer

@Suite struct SubscriptionsTests {
    private let subscriptions = Subscriptions()

    private func serving(_ names: String..., scope: Name = "crm.read") throws -> Serving {
        let gate = try GateFixture(tools: names.map { try .sample(Name($0), scope: scope) })
        return Serving(
            gate: gate.gate, description: ServerDescription(name: "shop"),
            resource: MCPFixture.resource)
    }

    /// What has been told so far.
    private func told(_ subscriber: Subscriptions.Subscriber) async -> Int {
        subscriber.end()
        var count = 0
        while await subscriber.next() != nil { count += 1 }
        return count
    }

    @Test func onlyThoseWhoseOwnListChangedAreToldAndOnce() async throws {
        let fixture = try GateFixture()
        let ada = try #require(subscriptions.open(for: try await fixture.caller("ada"), .v20251125))
        let eve = try #require(subscriptions.open(for: try await fixture.caller("eve"), .v20260728))
        let one = try serving("a")
        subscriptions.served(try serving("a"), insteadOf: one)
        subscriptions.served(try serving("a", "b"), insteadOf: one)
        subscriptions.served(try serving("a", "b", "c"), insteadOf: one)
        #expect(await told(ada) == 1)
        #expect(await told(eve) == 0)
    }

    @Test func whoseToolsWereGrantedOrEndedAreTold() async throws {
        let fixture = try GateFixture()
        let caller = try await fixture.caller("ada")
        let ada = try #require(subscriptions.open(for: caller, .v20251125))
        let eve = try #require(subscriptions.open(for: try await fixture.caller("eve"), .v20251125))
        subscriptions.changed(toolsOf: [caller.caller.principal])
        #expect(await told(ada) == 1)
        #expect(await told(eve) == 0)
    }

    @Test func ofASessionsStreamsTheNewestIsTold() async throws {
        let caller = try await GateFixture().caller("ada")
        func open(_ session: String?) throws -> Subscriptions.Subscriber {
            try #require(subscriptions.open(for: caller, .v20251125, session: session))
        }
        let older = try open("s")
        let newer = try open("s")
        let other = try open("t")
        let without = [try open(nil), try open(nil)]
        subscriptions.served(try serving("a", "b"), insteadOf: try serving("a"))
        #expect(await told(older) == 0)
        for subscriber in [newer, other] + without { #expect(await told(subscriber) == 1) }
        subscriptions.close(newer)
        subscriptions.end(session: "s")
        #expect(await older.next() == nil)
    }

    @Test func aCallerHasSoManyAndThoseOfOthersDoNotCount() async throws {
        let fixture = try GateFixture()
        let ada = try await fixture.caller("ada")
        var all: [Subscriptions.Subscriber] = []
        for _ in 0..<Subscriptions.perCallerMax {
            all.append(try #require(subscriptions.open(for: ada, .v20251125)))
        }
        #expect(subscriptions.open(for: ada, .v20260728) == nil)
        #expect(subscriptions.open(for: try await fixture.caller("eve"), .v20251125) != nil)
        subscriptions.close(all[3])
        #expect(subscriptions.open(for: ada, .v20251125) != nil)
    }

    @Test func aServerThatStopsEndsAllAndThoseThatCome() async throws {
        let caller = try await GateFixture().caller("ada")
        let before = try #require(subscriptions.open(for: caller, .v20260728))
        let waiting = Task { await before.next() == nil }
        subscriptions.endAll()
        #expect(await waiting.value)
        let late = try #require(subscriptions.open(for: caller, .v20260728))
        #expect(await late.next() == nil)
    }
}

@Suite struct SessionEndTests {
    @Test func anEndedSessionIsUnknownAndOthersAreNot() async throws {
        let seal = try SessionSeal()
        let ada = try await GateFixture().caller("ada").id
        let ended = try #require(seal.issue(to: ada))
        let other = try #require(seal.issue(to: ada))
        let generation = seal.generation
        seal.end(ended)
        #expect(seal.generation != generation)
        #expect(!seal.isValid(ended, for: ada))
        #expect(seal.isValid(other, for: ada))
        for number in 0..<(SessionSeal.endedMax - 1) { seal.end(String(number)) }
        seal.end(ended)
        #expect(!seal.isValid(ended, for: ada))
        seal.end("one more")
        #expect(seal.isValid(ended, for: ada), "only the latest are remembered")
    }
}
