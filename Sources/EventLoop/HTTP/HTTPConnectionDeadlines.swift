/// The client that is too slow: with its request, with its next one, or with reading its answer.
extension HTTPConnection {
    /// Called now and then by the shard.
    func checkDeadline(_ now: MonotonicTime) {
        if stallDeadline <= now {
            disconnect()
            return
        }
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

    private func isTooSlow(_ now: MonotonicTime) -> Bool {
        guard now > bodyStart.advanced(by: shard.limits.bodyRateGrace) else { return false }
        let seconds = now.nanoseconds(since: bodyStart) / 1_000_000_000
        let needed = seconds.multipliedReportingOverflow(
            by: UInt64(shard.limits.bodyBytesPerSecond))
        return needed.overflow || UInt64(parser.bodyCount) < needed.partialValue
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
