/// The response that stays open: a head, then pieces until the stream ends or the client goes.
extension HTTPConnection {
    func openStream(_ headers: [(name: String, value: String)], isChunked: Bool) {
        guard phase == .handling else { return }
        if !isChunked { closesAfterFlush = true }
        let own = [("content-type", "text/event-stream"), ("cache-control", "no-store")]
        let isValid = shard.writer.makeHead(
            status: 200, headers: own + headers, framing: isChunked ? .chunked : .untilClose,
            closes: closesAfterFlush)
        if isValid { write(shard.writer.bytes) } else { close() }
    }

    /// `done` hears true when there is room for more, false when the client is gone.
    func sendStream(
        _ bytes: [UInt8], isOptional: Bool = false, done: @escaping @Sendable (Bool) -> Void
    ) {
        guard phase == .handling else {
            done(false)
            return
        }
        if isOptional, !outbox.isEmpty {
            done(true)
            return
        }
        write(bytes)
        if phase == .closed {
            done(false)
        } else if outbox.unsent <= shard.limits.writeBufferBytes {
            done(true)
        } else {
            writeWaiters.append(done)
        }
    }

    func endStream(_ bytes: [UInt8]) {
        guard phase == .handling else { return }
        if shard.isDraining { closesAfterFlush = true }
        if !bytes.isEmpty { write(bytes) }
        finishResponse()
    }
}
