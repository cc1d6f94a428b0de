import Testing

@testable import EventLoop

@Suite struct CircuitBreakerTests {
    private static func time(_ milliseconds: UInt64) -> MonotonicTime {
        MonotonicTime(nanoseconds: milliseconds * 1_000_000)
    }

    private static func expect(
        _ breaker: inout CircuitBreaker, at time: MonotonicTime, _ wanted: Bool
    ) {
        let mayTry = breaker.mayTry(time)
        #expect(mayTry == wanted)
    }

    @Test func aFewFailuresKeepNobodyFromTrying() {
        var breaker = CircuitBreaker()
        for _ in 1..<CircuitBreaker.failuresUntilOpen { breaker.note(false, Self.time(0)) }
        Self.expect(&breaker, at: Self.time(0), true)
    }

    @Test func afterMoreOneTriesNowAndThenUntilItWorks() {
        var breaker = CircuitBreaker()
        for _ in 0..<CircuitBreaker.failuresUntilOpen { breaker.note(false, Self.time(0)) }
        Self.expect(&breaker, at: Self.time(499), false)
        Self.expect(&breaker, at: Self.time(500), true)
        Self.expect(&breaker, at: Self.time(500), false)
        breaker.note(false, Self.time(510))
        Self.expect(&breaker, at: Self.time(1_509), false)
        Self.expect(&breaker, at: Self.time(1_510), true)
        breaker.note(true, Self.time(1_520))
        Self.expect(&breaker, at: Self.time(1_520), true)
        Self.expect(&breaker, at: Self.time(1_520), true)
    }

    @Test func thePauseHasALimit() {
        var breaker = CircuitBreaker()
        for _ in 0..<50 { breaker.note(false, Self.time(0)) }
        Self.expect(&breaker, at: Self.time(7_999), false)
        Self.expect(&breaker, at: Self.time(8_000), true)
    }
}
