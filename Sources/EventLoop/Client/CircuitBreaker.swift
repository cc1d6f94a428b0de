/// Is it worth trying to connect? After some failures in a row nobody waits for the next one: calls
/// fail at once, but for one now and then that finds out whether the other side is back.
struct CircuitBreaker {
    static let failuresUntilOpen = 5
    static let pauseMin = Duration.milliseconds(500)
    static let pauseMax = Duration.seconds(8)

    private var failures = 0
    private var pause = Self.pauseMin
    private var nextTry = MonotonicTime(nanoseconds: 0)

    mutating func mayTry(_ now: MonotonicTime) -> Bool {
        guard failures >= Self.failuresUntilOpen else { return true }
        guard now >= nextTry else { return false }
        // The one that tries; the others wait for what it finds, or for the next.
        nextTry = now.advanced(by: pause)
        return true
    }

    mutating func note(_ worked: Bool, _ now: MonotonicTime) {
        guard !worked else {
            self = CircuitBreaker()
            return
        }
        failures += 1
        guard failures >= Self.failuresUntilOpen else { return }
        nextTry = now.advanced(by: pause)
        pause = min(pause * 2, Self.pauseMax)
    }
}
