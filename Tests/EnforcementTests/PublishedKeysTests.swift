import JSON
import Synchronization
import TestSupport
import Testing

@testable import Enforcement

/// An issuer that answers as the test says.
private final class Publisher: Sendable {
    private struct State {
        var keys: IssuerKeys?
        var asked = 0
        var events: [PublishedKeys.Event] = []
    }

    private let state: Mutex<State>
    let clock: ManualClock

    init(_ keys: IssuerKeys?, clock: ManualClock) {
        state = Mutex(State(keys: keys))
        self.clock = clock
    }

    func publish(_ keys: IssuerKeys?) { state.withLock { $0.keys = keys } }
    var asked: Int { state.withLock { $0.asked } }
    var events: [PublishedKeys.Event] { state.withLock { $0.events } }

    func source() -> PublishedKeys {
        PublishedKeys(
            now: { self.clock.now },
            fetch: {
                self.state.withLock { state in
                    state.asked += 1
                    return state.keys
                }
            }, notice: { event in self.state.withLock { $0.events.append(event) } })
    }
}

@Suite struct PublishedKeysTests {
    let clock = ManualClock()

    private func code(_ stage: IdentityStage, _ token: String) async -> Refusal.Code? {
        do throws(Refusal) {
            _ = try await stage.identify(.bearer(token))
            return nil
        } catch { return error.code }
    }

    @Test func keysAreAskedForOnceAndThenKnown() async throws {
        let mint = try TokenMint(clock: clock)
        let publisher = Publisher(try mint.keys(), clock: clock)
        let source = publisher.source()
        for _ in 0..<5 { #expect(try await source.keys(for: TokenMint.keyID).count == 1) }
        #expect(publisher.asked == 1)
        #expect(publisher.events == [])
    }

    @Test func manyAtOnceAskOnce() async throws {
        let mint = try TokenMint(clock: clock)
        let publisher = Publisher(try mint.keys(), clock: clock)
        let source = publisher.source()
        await withTaskGroup(of: Int?.self) { group in
            for _ in 0..<50 {
                group.addTask { try? await source.keys(for: TokenMint.keyID).count }
            }
            for await count in group { #expect(count == 1) }
        }
        #expect(publisher.asked == 1)
    }

    @Test func aNewKeyIsFoundAtOnceAndAnUnknownOneAskedForOnceAMinute() async throws {
        let mint = try TokenMint(clock: clock)
        let publisher = Publisher(try mint.keys("old"), clock: clock)
        let source = publisher.source()
        _ = try await source.keys(for: "old")
        publisher.publish(try mint.keys("new"))
        #expect(try await source.keys(for: "new").knows("new"))
        #expect(publisher.asked == 2)
        for _ in 0..<10 { #expect(try await !source.keys(for: "none").knows("none")) }
        #expect(publisher.asked == 3)
        clock.advance(by: 60)
        _ = try await source.keys(for: "none")
        #expect(publisher.asked == 4)
    }

    /// Strangers choose key ids; they must not choose how often the issuer is asked.
    @Test func manyUnknownKeysAskFiveTimesAMinute() async throws {
        let mint = try TokenMint(clock: clock)
        let publisher = Publisher(try mint.keys(), clock: clock)
        let source = publisher.source()
        for number in 0..<1_000 { _ = try await source.keys(for: "unknown-\(number)") }
        #expect(publisher.asked <= 6)
    }

    @Test func theLastKeysServeAnHourWhileTheIssuerIsAwayAndThatIsTold() async throws {
        let mint = try TokenMint(clock: clock)
        let publisher = Publisher(try mint.keys(), clock: clock)
        let source = publisher.source()
        let start = clock.now
        let stage = IdentityStage(issuers: mint.issuers(source), now: { [clock] in clock.now })
        let token = try mint.token { $0["exp"] = .number(JSONNumber(start + 10_000)) }
        #expect(await code(stage, token) == nil)
        publisher.publish(nil)
        clock.advance(by: 400)
        // Another token, so that the keys themselves are needed.
        let second = try mint.token { $0["exp"] = .number(JSONNumber(start + 10_001)) }
        #expect(await code(stage, second) == nil)
        await settled { publisher.events.count == 1 }
        #expect(publisher.events == [.away(until: start + 3_600)])
        clock.advance(by: 3_199)
        let third = try mint.token { $0["exp"] = .number(JSONNumber(start + 10_002)) }
        #expect(await code(stage, third) == nil)
        clock.advance(by: 1)
        let fourth = try mint.token { $0["exp"] = .number(JSONNumber(start + 10_003)) }
        #expect(await code(stage, fourth) == .identityUnavailable)
        publisher.publish(try mint.keys())
        clock.advance(by: 5)
        #expect(await code(stage, fourth) == nil)
        await settled { publisher.events.count == 2 }
        #expect(publisher.events.last == .back)
    }

    @Test func anIssuerThatWasNeverReachedIsAskedAgainAfterFiveSeconds() async throws {
        let mint = try TokenMint(clock: clock)
        let publisher = Publisher(nil, clock: clock)
        let source = publisher.source()
        for _ in 0..<10 {
            await #expect(throws: Refusal.self) { try await source.keys(for: TokenMint.keyID) }
        }
        #expect(publisher.asked == 1)
        clock.advance(by: 5)
        publisher.publish(try mint.keys())
        #expect(try await source.keys(for: TokenMint.keyID).count == 1)
    }

    @Test func aKeyThatIsTakenBackEndsTokensThatAreRemembered() async throws {
        let mint = try TokenMint(clock: clock)
        let other = try TokenMint(clock: clock)
        let publisher = Publisher(try mint.keys("old"), clock: clock)
        let stage = IdentityStage(
            issuers: mint.issuers(publisher.source()), now: { [clock] in clock.now })
        let token = try mint.token(header: { $0["kid"] = "old" })
        #expect(await code(stage, token) == nil)
        publisher.publish(try other.keys("new"))
        #expect(await code(stage, token) == nil)
        let known = try await stage.identify(.bearer(token))
        #expect(stage.holds(known))
        // The use of a remembered token is what asks for the keys again.
        clock.advance(by: 300)
        _ = await code(stage, token)
        await settled { publisher.events.count == 1 }
        #expect(publisher.events == [.changed(added: 1, removed: 1)])
        #expect(!stage.holds(known))
        #expect(await code(stage, token) == .identityInvalid)
    }

    /// Background work has no end that could be awaited; it takes a few turns.
    private func settled(_ condition: () -> Bool) async {
        for _ in 0..<100_000 where !condition() { await Task.yield() }
    }

    @Test func tenThousandTokensAreAllThatIsRemembered() {
        let memory = TokenMemory<Int>(10_000)
        for number in 0..<50_000 { memory.remember(number, SHA256.digest("\(number)")) }
        #expect(memory.count <= 10_000)
        #expect(memory[SHA256.digest("49999")] == 49_999)
        #expect(memory[SHA256.digest("1")] == nil)
        memory.forget(SHA256.digest("49999"))
        #expect(memory[SHA256.digest("49999")] == nil)
    }
}
