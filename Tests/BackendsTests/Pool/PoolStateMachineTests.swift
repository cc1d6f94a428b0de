import Enforcement
import EventLoop
import JSON
import Testing

@testable import Backends

@Suite struct PoolStateMachineTests {
    private let ada = CallerID(issuer: "", subject: "ada", groups: [])
    private let ben = CallerID(issuer: "", subject: "ben", groups: [])

    private func time(_ milliseconds: UInt64) -> MonotonicTime {
        MonotonicTime(nanoseconds: 1_000_000_000 + milliseconds * 1_000_000)
    }

    private func pool(max: Int = 4, min: Int = 0, waitersMax: Int = 10) -> PoolStateMachine {
        PoolStateMachine(.init(min: min, max: max, waitersMax: waitersMax))
    }

    @Test func theFirstCallConnectsAndTheNextTakesWhatIsIdle() {
        var pool = pool()
        #expect(pool.request(1, by: ada, now: time(0)) == .waits)
        #expect(pool.takeActions() == [.connect(1), .wake(at: time(0))].dropLast(1))
        pool.connected(1, now: time(1))
        #expect(pool.takeActions() == [.lease(connection: 1, waiter: 1)])
        pool.released(1, now: time(2))
        #expect(pool.takeActions().isEmpty)
        #expect(pool.request(2, by: ada, now: time(3)) == .leased(connection: 1))
    }

    @Test func thereAreNeverMoreThanTheMaximum() {
        var pool = pool(max: 4, waitersMax: 100)
        var made = 0
        for waiter in 0..<50 {
            let caller = CallerID(issuer: "", subject: Name("c\(waiter)"), groups: [])
            #expect(pool.request(waiter, by: caller, now: time(0)) == .waits)
            for case .connect in pool.takeActions() { made += 1 }
        }
        #expect(made == 4)
        #expect(pool.connectionCount == 4)
    }

    @Test func callersTakeTurnsAndEachWaitsInOrder() {
        var pool = pool(max: 2)
        var leased: [Int] = []
        for waiter in 1...4 { _ = pool.request(waiter, by: ada, now: time(0)) }
        for waiter in 5...6 { _ = pool.request(waiter, by: ben, now: time(0)) }
        func take(_ pool: inout PoolStateMachine) {
            for case .lease(_, let waiter) in pool.takeActions() { leased.append(waiter) }
        }
        pool.connected(1, now: time(1))
        take(&pool)
        for _ in 0..<5 {
            pool.released(1, now: time(2))
            take(&pool)
        }
        #expect(leased == [1, 5, 2, 6, 3, 4])
    }

    @Test func nobodyHoldsAllConnections() {
        var pool = pool(max: 4)
        for waiter in 1...6 { _ = pool.request(waiter, by: ada, now: time(0)) }
        let connects = pool.takeActions().filter { if case .connect = $0 { true } else { false } }
        #expect(connects.count == 3)
        for connection in 1...3 { pool.connected(connection, now: time(1)) }
        #expect(pool.takeActions().count == 3)
        #expect(pool.request(7, by: ben, now: time(2)) == .waits)
        #expect(pool.takeActions() == [.connect(4)])
    }

    @Test func whoeverWaitsTooLongIsToldWhy() {
        var pool = pool(max: 1)
        _ = pool.request(1, by: ada, now: time(0))
        pool.connected(1, now: time(0))
        _ = pool.request(2, by: ben, now: time(0))
        #expect(pool.giveUp(2, of: ben) == .busy)
        #expect(pool.giveUp(2, of: ben) == nil)
        pool.lost(1, now: time(1))
        _ = pool.request(3, by: ben, now: time(2))
        pool.connectFailed(2, now: time(3))
        #expect(pool.giveUp(3, of: ben) == .unavailable)
    }

    @Test func aFullQueueRefusesAtOnce() {
        var pool = pool(max: 1, waitersMax: 2)
        for waiter in 1...2 { _ = pool.request(waiter, by: ada, now: time(0)) }
        #expect(pool.request(3, by: ben, now: time(0)) == .refused(.busy))
    }

    @Test func failedAttemptsAreSpacedAndThenFailAtOnce() {
        var pool = pool()
        var now: UInt64 = 0
        _ = pool.request(1, by: ada, now: time(now))
        for attempt in 1...5 {
            let actions = pool.takeActions()
            #expect(actions.contains(.connect(attempt)), "\(attempt) \(actions)")
            pool.connectFailed(attempt, now: time(now))
            now += 500
            pool.tick(now: time(now - 499))
            if attempt == 1 { #expect(!pool.takeActions().contains(.connect(2))) }
            pool.tick(now: time(now))
        }
        #expect(pool.request(2, by: ada, now: time(now - 400)) == .refused(.unavailable))
        #expect(pool.request(3, by: ada, now: time(now)) == .waits)
        #expect(pool.takeActions().contains(.connect(6)))
        pool.connected(6, now: time(now))
        #expect(pool.takeActions() == [.lease(connection: 6, waiter: 3)])
    }

    @Test func whatIsUnusedOrOldIsClosedButNotBelowTheMinimum() {
        var pool = pool(max: 4, min: 1)
        for waiter in 1...3 { _ = pool.request(waiter, by: ada, now: time(0)) }
        for connection in 1...3 { pool.connected(connection, now: time(0)) }
        _ = pool.takeActions()
        for connection in 1...3 { pool.released(connection, now: time(0)) }
        pool.tick(now: time(61_000))
        #expect(pool.takeActions() == [.close(1), .close(2)])
        pool.tick(now: time(1_801_000))
        let actions = pool.takeActions()
        #expect(actions.first == .close(3))
        #expect(actions.contains(.connect(4)))
    }

    @Test func aLostConnectionIsReplacedForThoseWhoWait() {
        var pool = pool(max: 1)
        _ = pool.request(1, by: ada, now: time(0))
        pool.connected(1, now: time(0))
        _ = pool.request(2, by: ben, now: time(0))
        _ = pool.takeActions()
        pool.lost(1, now: time(1))
        #expect(pool.takeActions().contains(.connect(2)))
        #expect(pool.connectionCount == 1)
    }

    @Test func aClosedPoolFailsWaitersAndClosesWhatComesBack() {
        var pool = pool(max: 1)
        _ = pool.request(1, by: ada, now: time(0))
        pool.connected(1, now: time(0))
        _ = pool.request(2, by: ben, now: time(0))
        _ = pool.takeActions()
        pool.close()
        #expect(pool.takeActions() == [.fail(waiter: 2, .unavailable)])
        pool.released(1, now: time(1))
        #expect(pool.takeActions() == [.close(1)])
        #expect(pool.request(3, by: ada, now: time(2)) == .refused(.unavailable))
    }

    /// Any order of events: never above the maximum, nobody is forgotten, nothing is leased twice.
    @Test(arguments: 0..<20) func anyOrderOfEventsKeepsTheRules(_ seed: UInt64) {
        var random = SplitMix64(state: seed)
        var pool = pool(max: 3, min: 1)
        var waiting: [Int: CallerID] = [:]
        var connecting: Set<Int> = []
        var leased: Set<Int> = []
        var now: UInt64 = 0
        for step in 0..<2_000 {
            now += random.next() % 40
            switch random.next() % 6 {
            case 0, 1:
                let caller = random.next() % 2 == 0 ? ada : ben
                switch pool.request(step, by: caller, now: time(now)) {
                case .leased(let connection): #expect(leased.insert(connection).inserted)
                case .waits: waiting[step] = caller
                case .refused: break
                }
            case 2:
                if let connection = leased.sorted().first, leased.remove(connection) != nil {
                    pool.released(connection, now: time(now))
                }
            case 3:
                if let connection = connecting.sorted().first {
                    connecting.remove(connection)
                    if random.next() % 3 == 0 {
                        pool.connectFailed(connection, now: time(now))
                    } else {
                        pool.connected(connection, now: time(now))
                    }
                }
            case 4:
                if let (waiter, caller) = waiting.min(by: { $0.key < $1.key }) {
                    waiting[waiter] = nil
                    #expect(pool.giveUp(waiter, of: caller) != nil)
                }
            default:
                if let connection = leased.sorted().last, random.next() % 2 == 0 {
                    leased.remove(connection)
                    pool.lost(connection, now: time(now))
                } else {
                    pool.tick(now: time(now))
                }
            }
            for action in pool.takeActions() {
                switch action {
                case .connect(let connection): connecting.insert(connection)
                case .lease(let connection, let waiter):
                    #expect(waiting.removeValue(forKey: waiter) != nil)
                    #expect(leased.insert(connection).inserted)
                case .fail(let waiter, _): #expect(waiting.removeValue(forKey: waiter) != nil)
                case .close(let connection): #expect(!leased.contains(connection))
                case .wake: break
                }
            }
            #expect(pool.connectionCount <= 3)
        }
    }
}

private struct SplitMix64 {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
