// One client's connection. It answers: what may be read, handled or written now?
//
// Belongs to one loop for life and has no lock. One request is handled at a time, so pipelined
// requests are answered in order; what arrives meanwhile stays in the kernel, but for the rest of
// the last read. It must never parse a byte after the request that ends the connection.

final class HTTPConnection: EventSource {
    let shard: HTTPServerShard
    var peer: HTTPPeer
    let source: HTTPSource
    /// The handler's; see `HTTPExchange.keepsake`.
    var keepsake: AnyObject?
    let wire: HTTPWire
    private var descriptor: Descriptor?
    /// Index in the shard's list.
    var position = 0

    private(set) var phase: Phase
    private(set) var parser: HTTPRequestParser
    /// Bytes after the end of the request being handled.
    private var leftover: [UInt8] = []
    private var leftoverStart = 0
    private var mayRead = false
    private(set) var sawEnd = false
    private(set) var outbox = SendQueue()
    var closesAfterFlush = false
    private var sentContinue = false
    private var served = 0
    /// When it is old enough to end with its next answer.
    private let retirement: MonotonicTime
    private var lingered = 0
    /// What of ours the census has counted: of requests under way, and of answers not yet sent.
    private var held = 0
    private(set) var owed = 0
    private var exchange: HTTPExchange?
    private var task: Task<Void, Never>?
    var writeWaiters: [@Sendable (Bool) -> Void] = []
    /// When the client must have sent what we wait for.
    private(set) var deadline: MonotonicTime
    /// When it must have taken some of what we sent.
    private(set) var stallDeadline = MonotonicTime.never
    /// Since when something waits to be taken, and how much of it has been.
    private(set) var unsentSince = MonotonicTime.never
    private(set) var takenBytes = 0
    private(set) var bodyStart = MonotonicTime.never
    /// When an open event stream has been silent for too long, and what is said then.
    var streamSignDue = MonotonicTime.never
    var streamSign: [UInt8] = []

    init(
        _ descriptor: consuming Descriptor, tls: TLSSession?, address: String,
        source: HTTPSource, shard: HTTPServerShard
    ) {
        wire = HTTPWire(socket: descriptor.number, tls: tls)
        self.descriptor = consume descriptor
        peer = HTTPPeer(address: address)
        self.source = source
        self.shard = shard
        parser = HTTPRequestParser(limits: shard.limits)
        phase = tls == nil ? .reading : .securing
        retirement = shard.loop.now.advanced(by: shard.limits.connectionAge)
        deadline = shard.loop.now.advanced(
            by: tls == nil ? shard.limits.headerTimeout : shard.limits.handshakeTimeout)
    }

    // MARK: Events

    func ready(_ events: ReadyEvents) {
        if !events.isDisjoint(with: .failed) {
            disconnect()
            return
        }
        // TLS may have waited for the one direction in order to use the other.
        let isAny = wire.tls != nil
        if isAny || events.contains(.writable), !outbox.isEmpty { flush() }
        if isAny || events.contains(.readable) || events.contains(.peerClosed) { mayRead = true }
        if events.contains(.peerClosed), !sawEnd {
            sawEnd = true
            if phase == .handling { peerLeft() }
        }
        switch phase {
        case .securing: shakeHands()
        case .reading: pump()
        case .lingering: discard()
        case .asking, .handling, .flushing, .closed: break
        }
    }

    /// The client's half is shut while its handler runs. It may still want the answer, unless it
    /// listens to a stream, whose end nobody announces in another way.
    private func peerLeft() {
        guard let exchange else { return }
        if exchange.cancelsOnDisconnect { task?.cancel() }
        if exchange.isStreaming { close() }
    }

    func disconnect() {
        if exchange?.cancelsOnDisconnect == true { task?.cancel() }
        close()
    }

    // MARK: Reading

    /// The connection stands, and the first request may come.
    func startReading() {
        phase = .reading
        deadline = shard.loop.now.advanced(by: shard.limits.headerTimeout)
        pump()
    }

    private func pump() {
        while phase == .reading {
            if leftoverStart < leftover.count {
                let bytes = leftover
                let used = feed(bytes.span.extracting(leftoverStart..<bytes.count))
                leftoverStart += used
                if leftoverStart >= leftover.count { dropLeftover() }
            } else if mayRead {
                receive()
            } else {
                return
            }
            countHeldBytes()
        }
    }

    private func countHeldBytes() {
        let now = phase == .closed ? 0 : parser.storedBytes + leftover.count
        guard now != held else { return }
        let isMore = now > max(held, HTTPServerShard.littleBytes)
        let isWithin = shard.census.hold(now - held, source)
        held = now
        if !isWithin, isMore, phase == .reading || phase == .asking {
            refuse(503, "too many unfinished requests", [("retry-after", "1")])
        }
    }

    var hasLeftover: Bool { !leftover.isEmpty }

    private func dropLeftover() {
        leftover = []
        leftoverStart = 0
    }

    private func receive() {
        // No more than what the request may still need, or what most requests are: the rest of a
        // read is kept for the requests after this one, and the kernel keeps it as well.
        let capacity =
            parser.bodyBytesLeft.map { min($0, shard.readBuffer.count) }
            ?? HTTPServerShard.aheadBytes
        switch wire.receive(into: &shard.readBuffer, atMost: capacity) {
        case .done(0):
            mayRead = false
            close()
        case .done(let count):
            // A short read emptied the socket; the next bytes are a new edge. Not so after the end:
            // that was announced once, and only reading reaches it.
            if count < capacity, wire.shortReadsEmpty, !sawEnd { mayRead = false }
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
            refuse(error.status, error.text, error.headers)
            return bytes.count
        }
    }

    private func noteProgress(wasIdle: Bool, wasInBody: Bool) {
        let now = shard.loop.now
        if parser.isInBody {
            if wasInBody {
                deadline = now.advanced(by: shard.limits.bodyIdleTimeout)
            } else if parser.awaitsBody(longerThan: shard.limits.bodyBytesUnasked) {
                askAboutHead()
            } else {
                startBody()
            }
        } else if wasIdle {
            // Set once: the header's time does not start again with every byte.
            deadline = now.advanced(by: shard.limits.headerTimeout)
        }
    }

    private func startBody() {
        bodyStart = shard.loop.now
        deadline = bodyStart.advanced(by: shard.limits.bodyIdleTimeout)
        if parser.awaitsContinue, !sentContinue, parser.minorVersion > 0 {
            sentContinue = true
            write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
        }
    }

    private func askAboutHead() {
        phase = .asking
        deadline = .never
        let head = parser.withoutBody(from: peer)
        let exchange = HTTPExchange(
            loop: shard.loop, isHead: head.method == "HEAD", minorVersion: parser.minorVersion,
            connection: self)
        self.exchange = exchange
        let handler = shard.handler
        task = Task(executorPreference: shard.loop) {
            exchange.headWasSeen(await handler.answer(withoutBody: head))
        }
    }

    /// With an answer the connection ends: what is still to come of the body is no request.
    func headWasSeen(_ answer: HTTPResponse?, isHead: Bool) {
        guard phase == .asking else { return }
        exchange = nil
        task = nil
        if let answer {
            closesAfterFlush = true
            phase = .handling
            respond(answer, isHead: isHead)
        } else {
            phase = .reading
            startBody()
            pump()
        }
    }

    private func dispatch() {
        served += 1
        closesAfterFlush =
            parser.closesAfterwards || shard.isDraining || shard.loop.now >= retirement
            || served >= shard.limits.requestsPerConnection
        let minorVersion = parser.minorVersion
        let request = parser.take(from: peer)
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
        exchange.task = task
    }

    // MARK: Answering

    func finishResponse() {
        exchange = nil
        task = nil
        guard phase != .closed else { return }
        phase = .flushing
        if outbox.isEmpty { responseSent() }
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

    // MARK: Writing

    func write(_ bytes: [UInt8]) {
        guard phase != .closed else { return }
        noteWrite(outbox.send(bytes, on: wire))
    }

    func write(_ head: [UInt8], _ body: [UInt8], _ rest: ArraySlice<[UInt8]>) {
        guard phase != .closed else { return }
        noteWrite(outbox.send(head, body, rest, on: wire))
    }

    private func noteWrite(_ outcome: SendQueue.Outcome) {
        switch outcome {
        case .sent: break
        case .waiting:
            // Only progress moves it on: a client that never reads is not saved by more to read.
            if stallDeadline == .never {
                restartStallClock()
                unsentSince = shard.loop.now
                takenBytes = 0
            }
        case .failed: disconnect()
        }
        countUnsentBytes()
    }

    /// Last in what calls it: it may close this connection.
    private func countUnsentBytes() {
        let change = outbox.storedBytes - owed
        guard change != 0 else { return }
        owed += change
        shard.owe(change)
    }

    private func restartStallClock() {
        stallDeadline = shard.loop.now.advanced(by: shard.limits.writeStallTimeout)
    }

    private func flush() {
        let (outcome, taken) = outbox.flush(to: wire)
        takenBytes += taken
        if taken > 0 { restartStallClock() }
        countUnsentBytes()
        switch outcome {
        case .failed: disconnect()
        case .waiting: wakeWritersIfRoom()
        case .sent:
            stallDeadline = .never
            unsentSince = .never
            wakeWritersIfRoom()
            if phase == .flushing { responseSent() }
        }
    }

    /// At half of the limit, so that a slow reader costs few wakes.
    private func wakeWritersIfRoom() {
        if outbox.unsent <= shard.limits.writeBufferBytes / 2 { wakeWriters(true) }
    }

    private func wakeWriters(_ isOpen: Bool) {
        guard !writeWaiters.isEmpty else { return }
        let waiters = writeWaiters
        writeWaiters = []
        for waiter in waiters { waiter(isOpen) }
    }

    // MARK: Ending

    func linger() {
        dropLeftover()
        parser = HTTPRequestParser(limits: shard.limits)
        phase = .lingering
        countHeldBytes()
        deadline = shard.loop.now.advanced(by: shard.limits.lingerTimeout)
        wire.sendEnd()
        discard()
    }

    private func discard() {
        while mayRead {
            switch Syscall.receive(wire.socket, into: &shard.readBuffer, atMost: .max) {
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

    func close() {
        guard phase != .closed else { return }
        phase = .closed
        // An end that was not announced looks like an attack to a careful client.
        wire.tls?.sendEnd()
        shard.loop.deregister(wire.socket)
        descriptor = nil
        exchange?.connection = nil
        exchange = nil
        task = nil
        dropLeftover()
        outbox.clear()
        countUnsentBytes()
        wakeWriters(false)
        countHeldBytes()
        shard.forget(self)
    }
}
