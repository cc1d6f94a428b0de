/// The connections to one origin, on one loop. It answers: on which connection does the next
/// request go? Never more than its limit, and never one that has been idle for longer than servers
/// usually keep one.
///
/// Sendable although it has plain variables: they are touched on `loop` only.
final class HTTPClientPool: @unchecked Sendable {
    private struct Idle {
        let connection: OutboundConnection
        let since: MonotonicTime
    }

    private let loop: EventLoop
    private let limits: HTTPClient.Limits
    /// False for a pool that nobody will find again.
    private let keeps: Bool
    private var breaker = CircuitBreaker()
    private var idle: [Idle] = []
    private var taken = 0
    private var waiting: [OutboundWait] = []
    private var sweep: LoopTimer?

    init(_ loop: EventLoop, _ limits: HTTPClient.Limits, keeps: Bool) {
        self.loop = loop
        self.limits = limits
        self.keeps = keeps
    }

    /// Nobody uses it and nothing is kept.
    var isUnused: Bool { taken == 0 && idle.isEmpty && waiting.isEmpty }

    /// A place for one request, with a connection that was kept if there is one that still works.
    func take(
        _ deadline: MonotonicTime
    ) async throws(HTTPClientError) -> OutboundConnection? {
        if taken >= limits.connections { try await awaitPlace(deadline) } else { taken += 1 }
        return fromIdle()
    }

    /// Keeps the connection for the next, or not; the place is free again.
    func giveBack(_ connection: OutboundConnection?) {
        if let connection, !connection.isClosed {
            if keeps {
                idle.append(Idle(connection: connection, since: loop.now))
                scheduleSweep()
            } else {
                connection.close()
            }
        }
        // The place passes on as it is. Who has given up meanwhile may still stand there.
        while !waiting.isEmpty {
            let next = waiting.removeFirst()
            if next.isWaiting { return next.finish(.event) }
        }
        taken -= 1
    }

    /// Whether a new connection may be tried.
    func mayConnect() -> Bool { breaker.mayTry(loop.now) }

    func connected(_ worked: Bool) { breaker.note(worked, loop.now) }

    private func awaitPlace(_ deadline: MonotonicTime) async throws(HTTPClientError) {
        guard waiting.count < limits.waiting else { throw .busy }
        let wait = OutboundWait(loop)
        waiting.append(wait)
        let end = await wait.untilFinished(
            deadline: min(deadline, loop.now.advanced(by: limits.wait)))
        if end == .event { return }
        waiting.removeAll { $0 === wait }
        throw end == .cancelled ? .cancelled : .busy
    }

    private func fromIdle() -> OutboundConnection? {
        // The last one: it is the least likely to have been ended meanwhile.
        while let last = idle.popLast() {
            let age = loop.now.nanoseconds(since: last.since)
            if age < limits.idleNanoseconds, last.connection.isIdle() { return last.connection }
            last.connection.close()
        }
        return nil
    }

    private func scheduleSweep() {
        guard sweep == nil else { return }
        sweep = loop.schedule(at: loop.now.advanced(by: limits.idle)) { [weak self] in
            guard let self else { return }
            self.sweep = nil
            self.dropOld()
        }
    }

    private func dropOld() {
        // In the order in which they came back, so the old ones stand first.
        let old = idle.prefix { loop.now.nanoseconds(since: $0.since) >= limits.idleNanoseconds }
        for kept in old { kept.connection.close() }
        idle.removeFirst(old.count)
        if !idle.isEmpty { scheduleSweep() }
    }

    /// Nobody will ask for them any more.
    func closeIdle() {
        if let sweep { loop.cancel(sweep) }
        for kept in idle { kept.connection.close() }
        idle = []
    }
}
