/// The response that stays open: a head, then pieces until the stream ends or the client goes.
extension HTTPConnection {
    func openStream(_ headers: [(name: String, value: String)], isChunked: Bool) {
        guard phase == .handling else { return }
        if !isChunked { closesAfterFlush = true }
        streamSign = isChunked ? Self.chunkedSign : Self.sign
        restartStreamClock()
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
        restartStreamClock()
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
        streamSignDue = .never
        if !bytes.isEmpty { write(bytes) }
        finishResponse()
    }

    /// A comment now and then keeps proxies from closing a silent stream, and finds out whether
    /// its client is still there. Nothing is added to what the client has not read yet.
    func signOfLife(_ now: MonotonicTime) {
        guard phase == .handling, streamSignDue <= now else { return }
        restartStreamClock()
        if outbox.isEmpty { write(streamSign) }
    }

    private func restartStreamClock() {
        streamSignDue = shard.loop.now.advanced(by: shard.limits.streamSilence)
    }

    private static let sign = Array(": still here\n\n".utf8)
    private static let chunkedSign = Array("e\r\n: still here\n\n\r\n".utf8)
}
