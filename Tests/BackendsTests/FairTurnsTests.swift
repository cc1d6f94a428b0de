import Enforcement
import JSON
import Synchronization
import Testing

@testable import Backends

@Suite struct FairTurnsTests {
    private static let ada = caller("ada")
    private static let bo = caller("bo")

    private static func caller(_ subject: String) -> CallerID {
        CallerID(issuer: "test", subject: Name(subject), groups: [])
    }

    @Test func oneCallersShareIsNoLimitForAnother() async {
        let turns = FairTurns(share: 2)
        await turns.take(Self.ada)
        await turns.take(Self.ada)
        // Would wait for ever if callers shared one count.
        await turns.take(Self.bo)
        turns.giveBack(Self.bo)
        turns.giveBack(Self.ada)
        turns.giveBack(Self.ada)
    }

    @Test func whoWaitsGetsTheTurnThatIsGivenBackAndNoMoreRunThanTheShare() async {
        let turns = FairTurns(share: 3)
        let running = Counter()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    await turns.take(Self.ada)
                    #expect(running.enter() <= 3)
                    await Task.yield()
                    running.leave()
                    turns.giveBack(Self.ada)
                }
            }
        }
        #expect(running.enter() == 1)
    }
}

private final class Counter: Sendable {
    private let value = Mutex(0)

    func enter() -> Int {
        value.withLock {
            $0 += 1
            return $0
        }
    }

    func leave() { value.withLock { $0 -= 1 } }
}
