internal import Enforcement
internal import EventLoop

/// A call that a connection has taken and the server has not answered yet.
@safe
struct PostgresUnderway {
    /// On one connection, and those of them that are sent in one write.
    static let countMax = 8
    static let togetherMax = 4
    /// So long those behind wait for the first.
    static let patience = Duration.milliseconds(20)

    let id: Int
    let call: PostgresCall
    var exchange: PostgresExchange
    /// Why it was ended before its answer came, if it was.
    private(set) var stopReason: BackendError.Reason?
    /// Nil once the caller was told: what the server still says of it is passed over.
    private var waiter: UnsafeContinuation<PostgresOutcome, Never>?
    private var timer: LoopTimer?

    init(
        _ id: Int, _ call: PostgresCall, prepares: Bool,
        _ waiter: UnsafeContinuation<PostgresOutcome, Never>, _ timer: LoopTimer
    ) {
        self.id = id
        self.call = call
        unsafe self.waiter = unsafe waiter
        self.timer = timer
        exchange = PostgresExchange(call, prepares: prepares)
    }

    var outcome: PostgresOutcome { exchange.outcome(stopped: stopReason) }

    /// False where the caller has been told or somebody else has stopped it.
    mutating func stop(_ reason: BackendError.Reason) -> Bool {
        guard stopReason == nil else { return false }
        stopReason = reason
        return true
    }

    /// Another end than that of its deadline, for a change that has to be waited for.
    mutating func wait(until timer: LoopTimer, on loop: EventLoop) {
        dropTimer(on: loop)
        self.timer = timer
    }

    mutating func tell(_ outcome: PostgresOutcome, on loop: EventLoop) {
        dropTimer(on: loop)
        guard let continuation = unsafe waiter else { return }
        unsafe waiter = nil
        unsafe continuation.resume(returning: outcome)
    }

    private mutating func dropTimer(on loop: EventLoop) {
        if let timer { loop.cancel(timer) }
        timer = nil
    }
}

extension [PostgresUnderway] {
    /// Whoever of them still waits goes elsewhere.
    mutating func displace(from first: Int, on loop: EventLoop) {
        for index in indices.dropFirst(first) { self[index].tell(.displaced, on: loop) }
    }
}
