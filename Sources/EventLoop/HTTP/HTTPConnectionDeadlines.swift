/// The client that is too slow: with its request, with its next one, or with reading its answer.
extension HTTPConnection {
    /// Called now and then by the shard.
    func checkDeadline(_ now: MonotonicTime) {
        if stallDeadline <= now || readsTooSlowly(now) {
            disconnect()
            return
        }
        signOfLife(now)
        switch phase {
        case .reading where parser.isInBody:
            if deadline <= now || isTooSlow(now) { refuse(408, "the body came too slowly") }
        case .reading where deadline <= now:
            if parser.isIdle { close() } else { refuse(408, "the header came too slowly") }
        case .securing where deadline <= now: disconnect()
        case .lingering where deadline <= now: disconnect()
        case .securing, .reading, .asking, .handling, .flushing, .lingering, .closed: break
        }
    }

    /// A byte now and then is progress, and would hold an answer for hours.
    private func readsTooSlowly(_ now: MonotonicTime) -> Bool {
        Self.isBehind(
            takenBytes, since: unsentSince, now: now, grace: shard.limits.writeStallTimeout,
            bytesPerSecond: shard.limits.answerBytesPerSecond)
    }

    private func isTooSlow(_ now: MonotonicTime) -> Bool {
        Self.isBehind(
            parser.bodyCount, since: bodyStart, now: now, grace: shard.limits.bodyRateGrace,
            bytesPerSecond: shard.limits.bodyBytesPerSecond)
    }

    /// Whether fewer bytes have passed than would have at this rate, once the grace is over.
    static func isBehind(
        _ bytes: Int, since start: MonotonicTime, now: MonotonicTime, grace: Duration,
        bytesPerSecond: Int
    ) -> Bool {
        guard now > start.advanced(by: grace) else { return false }
        let seconds = now.nanoseconds(since: start) / 1_000_000_000
        let needed = seconds.multipliedReportingOverflow(by: UInt64(bytesPerSecond))
        return needed.overflow || UInt64(bytes) < needed.partialValue
    }

    /// For a server that is going away: nothing is interrupted.
    func closeIfIdle() {
        switch phase {
        case .securing: close()
        case .reading where parser.isIdle && !hasLeftover: close()
        case .reading, .asking, .handling, .flushing, .lingering, .closed: break
        }
    }
}
