// One client's connection. It answers: what may be read, handled or written now?
//
// Belongs to one loop for life and has no lock. One request is handled at a time, so pipelined
// requests are answered in order; what arrives meanwhile stays in the kernel, but for the rest of
// the last read. It must never parse a byte after the request that ends the connection.

final class HTTPConnection: EventSource {
    enum Phase {
        case reading
        case handling
        /// The answer is complete but not yet in the kernel.
        case flushing
        /// Our side is shut; what the client still sends is thrown away, so that it is not reset
        /// before it has read the answer.
        case lingering
        case closed
    }

    let shard: HTTPServerShard
    let peer: String
    private let socket: Int32
    private var descriptor: Descriptor?
    /// Index in the shard's list.
    var position = 0

    private(set) var phase = Phase.reading
    private var parser: HTTPRequestParser
    /// Bytes after the end of the request being handled.
    private var leftover: [UInt8] = []
    private var leftoverStart = 0
    private var mayRead = false
    private var sawEnd = false
    private var outbox: [UInt8] = []
    private var outboxStart = 0
    private var closesAfterFlush = false
    private var sentContinue = false
    private var served = 0
    private var lingered = 0
    private var exchange: HTTPExchange?
    private var task: Task<Void, Never>?
    private var writeWaiters: [@Sendable (Bool) -> Void] = []
    private(set) var deadline: MonotonicTime
    private var bodyStart = MonotonicTime.never

    init(_ descriptor: consuming Descriptor, peer: String, shard: HTTPServerShard) {
        socket = descriptor.number
        self.descriptor = consume descriptor
        self.peer = peer
        self.shard = shard
        parser = HTTPRequestParser(limits: shard.limits)
        deadline = shard.loop.now.advanced(by: shard.limits.headerTimeout)
    }

    // MARK: Events

    func ready(_ events: ReadyEvents) {
        if !events.isDisjoint(with: .failed) {
            disconnect()
            return
        }
        if events.contains(.writable), hasUnsent { flush() }
        if events.contains(.readable) || events.contains(.peerClosed) { mayRead = true }
        if events.contains(.peerClosed) {
            sawEnd = true
            if phase == .handling { peerLeft() }
        }
        switch phase {
        case .reading: pump()
        case .lingering: discard()
        case .handling, .flushing, .closed: break
        }
    }

    /// The client's half is shut while its handler runs. It may still want the answer, unless it
    /// listens to a stream, whose end nobody announces in another way.
    private func peerLeft() {
        guard let exchange else { return }
        if exchange.cancelsOnDisconnect { task?.cancel() }
        if exchange.isStreaming { close() }
    }

    private func disconnect() {
        if exchange?.cancelsOnDisconnect == true { task?.cancel() }
        close()
    }

    // MARK: Reading

    private func pump() {
        while phase == .reading {
            if leftoverStart < leftover.count {
                let bytes = leftover
                let used = feed(bytes.span.extracting(leftoverStart..<bytes.count))
                leftoverStart += used
                if leftoverStart == leftover.count { dropLeftover() }
            } else if mayRead {
                receive()
            } else {
                return
            }
        }
    }

    private func dropLeftover() {
        leftover = []
        leftoverStart = 0
    }

    private func receive() {
        let capacity = shard.readBuffer.count
        switch Syscall.receive(socket, into: &shard.readBuffer) {
        case .done(0):
            mayRead = false
            close()
        case .done(let count):
            // A short read emptied the socket; the next bytes are a new edge. Not so after the end:
            // that was announced once, and only reading reaches it.
            if count < capacity, !sawEnd { mayRead = false }
            // The local keeps the bytes alive while they are parsed; nothing writes to the shared
            // buffer meanwhile, so nothing is copied.
            let buffer = shard.readBuffer
            let used = feed(buffer.span.extracting(0..<count))
            if used < count, phase != .closed {
                leftover = Array(buffer[used..<count])
                leftoverStart = 0
            }
        case .wouldBlock: mayRead = false
        case .failed: disconnect()
        }
    }

    /// Returns how many bytes belong to the current request.
    private func feed(_ bytes: Span<UInt8>) -> Int {
        let wasIdle = parser.isIdle
        let wasInBody = parser.isInBody
        do throws(HTTPParseError) {
            let used = try parser.consume(bytes)
            if parser.isComplete {
                dispatch()
            } else {
                noteProgress(wasIdle: wasIdle, wasInBody: wasInBody)
            }
            return used
        } catch {
            refuse(error.status, error.text)
            return bytes.count
        }
    }

    private func noteProgress(wasIdle: Bool, wasInBody: Bool) {
        let now = shard.loop.now
        if parser.isInBody {
            if !wasInBody { bodyStart = now }
            deadline = now.advanced(by: shard.limits.bodyIdleTimeout)
            if parser.awaitsContinue, !sentContinue, parser.minorVersion > 0 {
                sentContinue = true
                write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
            }
        } else if wasIdle {
            // Set once: the header's time does not start again with every byte.
            deadline = now.advanced(by: shard.limits.headerTimeout)
        }
    }

    private func dispatch() {
        served += 1
        closesAfterFlush =
            parser.closesAfterwards || shard.isDraining
            || served >= shard.limits.requestsPerConnection
        let minorVersion = parser.minorVersion
        let request = parser.take(peerAddress: peer, isSecure: false)
        sentContinue = false
        phase = .handling
        deadline = .never
        let exchange = HTTPExchange(
            loop: shard.loop, isHead: request.method == "HEAD", minorVersion: minorVersion,
            connection: self)
        self.exchange = exchange
        let handler = shard.handler
        task = Task(executorPreference: shard.loop) {
            await handler.handle(request, exchange)
            exchange.handlerReturned()
        }
    }

    // MARK: Answering

    func respond(_ response: HTTPResponse, isHead: Bool) {
        guard phase == .handling else { return }
        if shard.isDraining { closesAfterFlush = true }
        let hasNoBody = response.status == 204 || response.status == 304 || response.status < 200
        let isValid = shard.writer.makeHead(
            status: response.status, headers: response.headers,
            framing: .length(hasNoBody ? nil : response.body.count), closes: closesAfterFlush)
        guard isValid, response.status >= 200 else {
            refuse(500, "the answer could not be sent")
            return
        }
        if hasNoBody || isHead {
            write(shard.writer.bytes)
        } else if response.body.count <= 16 << 10 {
            // One copy of a small body is cheaper than a second buffer in the kernel's list.
            shard.writer.append(body: response.body)
            write(shard.writer.bytes)
        } else {
            write(shard.writer.bytes, response.body)
        }
        finishResponse()
    }

    /// Answers what no handler has seen. The connection ends: nobody knows where the next request
    /// would begin.
    private func refuse(_ status: Int, _ text: String) {
        closesAfterFlush = true
        _ = shard.writer.makeHead(
            status: status, headers: [("content-type", "text/plain; charset=utf-8")],
            framing: .length(text.utf8.count + 1), closes: true)
        shard.writer.append(body: Array(text.utf8) + [HTTPBytes.lineFeed])
        write(shard.writer.bytes)
        finishResponse()
    }

    private func finishResponse() {
        exchange = nil
        task = nil
        guard phase != .closed else { return }
        phase = .flushing
        if hasUnsent {
            deadline = shard.loop.now.advanced(by: shard.limits.writeStallTimeout)
        } else {
            responseSent()
        }
    }

    private func responseSent() {
        if closesAfterFlush {
            linger()
            return
        }
        phase = .reading
        deadline = shard.loop.now.advanced(by: shard.limits.keepAliveTimeout)
        pump()
    }

    // MARK: Event streams

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
        if isOptional, hasUnsent {
            done(true)
            return
        }
        write(bytes)
        if phase == .closed {
            done(false)
        } else if outbox.count - outboxStart <= shard.limits.writeBufferBytes {
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

    // MARK: Writing

    private var hasUnsent: Bool { outboxStart < outbox.count }

    /// Straight to the kernel when nothing waits before it; the rest is kept for EPOLLOUT.
    private func write(_ bytes: [UInt8]) {
        guard phase != .closed else { return }
        guard !hasUnsent else {
            outbox.append(contentsOf: bytes)
            return
        }
        switch Syscall.send(socket, bytes, from: 0) {
        case .done(let count) where count == bytes.count: break
        case .done(let count): keep(bytes[count...])
        case .wouldBlock: keep(bytes[...])
        case .failed: disconnect()
        }
    }

    private func write(_ head: [UInt8], _ body: [UInt8]) {
        guard !hasUnsent, phase != .closed else {
            write(head)
            write(body)
            return
        }
        switch Syscall.send(socket, head, body) {
        case .done(let count) where count >= head.count: keep(body[(count - head.count)...])
        case .done(let count):
            keep(head[count...])
            outbox.append(contentsOf: body)
        case .wouldBlock:
            keep(head[...])
            outbox.append(contentsOf: body)
        case .failed: disconnect()
        }
    }

    private func keep(_ bytes: ArraySlice<UInt8>) {
        guard !bytes.isEmpty else { return }
        outbox = Array(bytes)
        outboxStart = 0
        deadline = shard.loop.now.advanced(by: shard.limits.writeStallTimeout)
    }

    private func flush() {
        switch Syscall.send(socket, outbox, from: outboxStart) {
        case .done(let count):
            outboxStart += count
            deadline = shard.loop.now.advanced(by: shard.limits.writeStallTimeout)
        case .wouldBlock: return
        case .failed:
            disconnect()
            return
        }
        if outbox.count - outboxStart <= shard.limits.writeBufferBytes / 2 { wakeWriters(true) }
        guard !hasUnsent else { return }
        outbox = []
        outboxStart = 0
        switch phase {
        case .flushing: responseSent()
        case .handling: deadline = .never
        case .reading, .lingering, .closed: break
        }
    }

    private func wakeWriters(_ isOpen: Bool) {
        guard !writeWaiters.isEmpty else { return }
        let waiters = writeWaiters
        writeWaiters = []
        for waiter in waiters { waiter(isOpen) }
    }

    // MARK: Ending

    private func linger() {
        dropLeftover()
        phase = .lingering
        deadline = shard.loop.now.advanced(by: shard.limits.lingerTimeout)
        SocketCalls.shutWriting(socket)
        discard()
    }

    private func discard() {
        while mayRead {
            switch Syscall.receive(socket, into: &shard.readBuffer) {
            case .done(0), .failed:
                close()
                return
            case .done(let count):
                lingered += count
                if lingered > shard.limits.lingerBytes {
                    close()
                    return
                }
            case .wouldBlock: mayRead = false
            }
        }
    }

    /// Called now and then by the shard.
    func checkDeadline(_ now: MonotonicTime) {
        switch phase {
        case .reading where parser.isInBody:
            if deadline <= now || isTooSlow(now) { refuse(408, "the body came too slowly") }
        case .reading where deadline <= now:
            if parser.isIdle { close() } else { refuse(408, "the header came too slowly") }
        case .handling, .flushing, .lingering:
            if deadline <= now { disconnect() }
        case .reading, .closed: break
        }
    }

    private func isTooSlow(_ now: MonotonicTime) -> Bool {
        guard now > bodyStart.advanced(by: shard.limits.bodyRateGrace) else { return false }
        let seconds = now.nanoseconds(since: bodyStart) / 1_000_000_000
        let needed = seconds.multipliedReportingOverflow(by: UInt64(shard.limits.bodyBytesPerSecond))
        return needed.overflow || UInt64(parser.bodyCount) < needed.partialValue
    }

    /// For a server that is going away: nothing is interrupted.
    func closeIfIdle() {
        if phase == .reading, parser.isIdle, leftover.isEmpty { close() }
    }

    func close() {
        guard phase != .closed else { return }
        phase = .closed
        deadline = .never
        shard.loop.deregister(socket)
        descriptor = nil
        exchange?.connection = nil
        exchange = nil
        task = nil
        dropLeftover()
        outbox = []
        outboxStart = 0
        wakeWriters(false)
        shard.forget(self)
    }
}
