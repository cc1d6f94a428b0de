internal import Enforcement
internal import EventLoop

/// Who gets which connection, when is one made, when given up? Events in, actions out: it knows no
/// socket and no clock, so that every order of events can be tested.
///
/// It must never have more than `max` connections, made or being made, nor let a call wait longer
/// than it may. Calls of one caller wait in the order in which they came; callers take turns, and
/// none holds all connections.
struct PoolStateMachine {
    struct Limits {
        var min = 0
        var max: Int
        var waitersMax = 1_024
        /// Connections being made at once.
        var connectsMax = 4
        /// Beyond `min`, an unused connection is closed after so long.
        var idle = Duration.seconds(60)
        /// A connection is renewed after so long, so that a new host behind a name is found.
        var age = Duration.seconds(1_800)

        /// What one caller may hold.
        var share: Int { Swift.max(1, max - max / 4) }
    }

    enum Failure {
        /// All connections are taken.
        case busy
        /// None can be made.
        case unavailable
    }

    enum Answer: Equatable {
        case leased(connection: Int)
        case waits
        case refused(Failure)
    }

    enum Action: Equatable {
        case connect(Int)
        case close(Int)
        case lease(connection: Int, waiter: Int)
        case fail(waiter: Int, Failure)
        /// Call `tick` at that time.
        case wake(at: MonotonicTime)
    }

    /// Between attempts while none succeeds.
    static let backoffMin = Duration.milliseconds(50)
    static let backoffMax = Duration.milliseconds(500)
    /// After so many failures in a row calls fail at once until the next attempt is due.
    static let failuresUntilOpen = 5

    private struct Made {
        var since: MonotonicTime
        var idleSince: MonotonicTime
        var holder: CallerID?
    }

    private let limits: Limits
    private var nextID = 1
    private var made: [Int: Made] = [:]
    /// The most recently used at the end: few stay warm, and the others grow old and go.
    private var idle: [Int] = []
    private var connecting: Set<Int> = []
    private var held: [CallerID: Int] = [:]
    private var waiting: [CallerID: [Int]] = [:]
    /// Callers who wait, in the order of their turns.
    private var turns: [CallerID] = []
    private var waiterCount = 0
    private var failures = 0
    private var nextAttempt = MonotonicTime(nanoseconds: 0)
    private var isClosing = false
    /// To be done by the driver, in this order, after each event.
    private var actions: [Action] = []

    init(_ limits: Limits) { self.limits = limits }

    var connectionCount: Int { made.count + connecting.count }

    mutating func takeActions() -> [Action] {
        guard !actions.isEmpty else { return [] }
        defer { actions = [] }
        return actions
    }

    // MARK: Callers

    mutating func request(_ waiter: Int, by caller: CallerID, now: MonotonicTime) -> Answer {
        guard !isClosing else { return .refused(.unavailable) }
        if hasIdle(for: caller), let connection = idle.popLast() {
            lease(connection, to: caller)
            return .leased(connection: connection)
        }
        if made.isEmpty, connecting.isEmpty, failures >= Self.failuresUntilOpen, now < nextAttempt {
            return .refused(.unavailable)
        }
        guard waiterCount < limits.waitersMax else { return .refused(.busy) }
        if waiting[caller] == nil { turns.append(caller) }
        waiting[caller, default: []].append(waiter)
        waiterCount += 1
        connectIfUseful(now)
        return .waits
    }

    /// Whether a request of this caller would get a connection now.
    func hasIdle(for caller: CallerID) -> Bool {
        !idle.isEmpty && held[caller] ?? 0 < limits.share && waiting[caller] == nil
    }

    /// Whether a request of this caller would get a connection without another's end: one that is
    /// idle, or one that may be made.
    func mayServe(_ caller: CallerID) -> Bool {
        hasRoom && held[caller] ?? 0 < limits.share
    }

    /// Whether there is one for somebody.
    var hasRoom: Bool {
        !isClosing && waiterCount == 0
            && (!idle.isEmpty || connectionCount < limits.max && failures == 0)
    }

    /// The waiter's time is over. Says why it got nothing; nil when it has a connection already.
    mutating func giveUp(_ waiter: Int, of caller: CallerID) -> Failure? {
        guard var queue = waiting[caller], let index = queue.firstIndex(of: waiter) else {
            return nil
        }
        queue.remove(at: index)
        waiterCount -= 1
        set(queue, of: caller)
        return made.isEmpty && failures > 0 ? .unavailable : .busy
    }

    // MARK: Connections

    mutating func connected(_ connection: Int, now: MonotonicTime) {
        guard connecting.remove(connection) != nil else { return }
        failures = 0
        guard !isClosing else { return actions.append(.close(connection)) }
        made[connection] = Made(since: now, idleSince: now)
        becameFree(connection, now)
    }

    /// Who came before the attempt fails with it; who waits still may see the next one.
    mutating func connectFailed(_ connection: Int, now: MonotonicTime) {
        guard connecting.remove(connection) != nil else { return }
        failures += 1
        let backoff = Self.backoffMin * (1 << min(failures - 1, 10))
        nextAttempt = now.advanced(by: min(backoff, Self.backoffMax))
        if made.isEmpty, connecting.isEmpty, failures >= Self.failuresUntilOpen { failAll() }
        if waiterCount > 0 { actions.append(.wake(at: nextAttempt)) }
    }

    mutating func released(_ connection: Int, now: MonotonicTime) {
        guard unlease(connection) else { return }
        if isClosing
            || now.nanoseconds(since: made[connection]?.since ?? now) > limits.age.wholeNanoseconds
        {
            remove(connection)
            actions.append(.close(connection))
            connectIfUseful(now)
        } else {
            becameFree(connection, now)
        }
    }

    /// It broke or was closed by the server, leased or not.
    mutating func lost(_ connection: Int, now: MonotonicTime) {
        guard made[connection] != nil else { return }
        _ = unlease(connection)
        remove(connection)
        connectIfUseful(now)
    }

    mutating func tick(now: MonotonicTime) {
        for connection in idle {
            guard let entry = made[connection] else { continue }
            let isOld = now.nanoseconds(since: entry.since) > limits.age.wholeNanoseconds
            let isUnused = now.nanoseconds(since: entry.idleSince) > limits.idle.wholeNanoseconds
            guard isOld || isUnused && connectionCount > limits.min else { continue }
            remove(connection)
            actions.append(.close(connection))
        }
        connectIfUseful(now)
        while !isClosing, connectionCount < limits.min, canAttempt(now) { connect() }
    }

    /// No more calls come; what is leased is closed when it is given back.
    mutating func close() {
        isClosing = true
        for connection in idle {
            remove(connection)
            actions.append(.close(connection))
        }
        failAll()
    }

    // MARK: Inside

    private func canAttempt(_ now: MonotonicTime) -> Bool {
        connectionCount < limits.max && connecting.count < limits.connectsMax
            && (failures == 0 || now >= nextAttempt && connecting.isEmpty)
    }

    private mutating func connectIfUseful(_ now: MonotonicTime) {
        guard !isClosing else { return }
        while connecting.count < eligibleWaiters, canAttempt(now) { connect() }
        if waiterCount > 0, connecting.isEmpty, made.isEmpty {
            actions.append(.wake(at: max(nextAttempt, now)))
        }
    }

    /// Waiters that a further connection would serve.
    private var eligibleWaiters: Int {
        var count = 0
        for caller in turns {
            let room = limits.share - (held[caller] ?? 0)
            count += min(max(0, room), waiting[caller]?.count ?? 0)
            if count >= limits.max { break }
        }
        return count
    }

    private mutating func connect() {
        connecting.insert(nextID)
        actions.append(.connect(nextID))
        nextID += 1
    }

    private mutating func becameFree(_ connection: Int, _ now: MonotonicTime) {
        guard let (waiter, caller) = nextWaiter() else {
            made[connection]?.idleSince = now
            idle.append(connection)
            return
        }
        lease(connection, to: caller)
        actions.append(.lease(connection: connection, waiter: waiter))
    }

    /// Of the first caller in turn who may hold one more, who then goes to the end.
    private mutating func nextWaiter() -> (waiter: Int, caller: CallerID)? {
        guard waiterCount > 0 else { return nil }
        guard let index = turns.firstIndex(where: { held[$0] ?? 0 < limits.share }) else {
            return nil
        }
        let caller = turns.remove(at: index)
        guard var queue = waiting[caller] else { return nil }
        let waiter = queue.removeFirst()
        waiterCount -= 1
        if queue.isEmpty {
            waiting[caller] = nil
        } else {
            waiting[caller] = queue
            turns.append(caller)
        }
        return (waiter, caller)
    }

    private mutating func set(_ queue: [Int], of caller: CallerID) {
        if queue.isEmpty {
            waiting[caller] = nil
            turns.removeAll { $0 == caller }
        } else {
            waiting[caller] = queue
        }
    }

    private mutating func lease(_ connection: Int, to caller: CallerID) {
        made[connection]?.holder = caller
        held[caller, default: 0] += 1
    }

    /// False when it was not leased.
    private mutating func unlease(_ connection: Int) -> Bool {
        guard let holder = made[connection]?.holder else { return false }
        made[connection]?.holder = nil
        let count = held[holder] ?? 1
        held[holder] = count > 1 ? count - 1 : nil
        return true
    }

    private mutating func remove(_ connection: Int) {
        made[connection] = nil
        idle.removeAll { $0 == connection }
    }

    private mutating func failAll() {
        for caller in turns {
            for waiter in waiting[caller] ?? [] {
                actions.append(.fail(waiter: waiter, .unavailable))
            }
        }
        turns = []
        waiting = [:]
        waiterCount = 0
    }
}

extension Duration {
    /// Saturates.
    var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (whole, tooFar) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        return tooFar ? .max : whole &+ UInt64(attoseconds) / 1_000_000_000
    }
}
