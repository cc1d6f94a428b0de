import Glibc

/// The part of a server that lives on one loop: its listening socket and its connections.
///
/// Sendable although it has plain variables: after `init` they are touched on `loop` only.
final class HTTPServerShard: EventSource, @unchecked Sendable {
    private static let acceptsPerEvent = 64
    private static let acceptPause = Duration.milliseconds(100)
    private static let sweepInterval = Duration.milliseconds(500)
    private static let readBytes = 64 << 10
    /// What is read where nobody knows how much belongs to this request.
    static let aheadBytes = 16 << 10
    /// Most requests are no longer, and who holds no more does not hold up others. All connections
    /// together hold 16 MiB so.
    static let littleBytes = 4 << 10

    let loop: EventLoop
    let limits: HTTPLimits
    let handler: any HTTPHandler
    let census: HTTPCensus
    private let tls: CurrentTLS?
    private var listener: Descriptor?
    private var listenerNumber: Int32
    private var reserve = SocketCalls.reserve()
    private var connections: [HTTPConnection] = []
    private var sweep: LoopTimer?
    private var drained: [() -> Void] = []
    /// What this loop may hold of unread answers when all together hold too much.
    private let unsentShare: Int
    private var unsentBytes = 0
    private(set) var isDraining = false

    /// One for all connections: an idle one holds no buffer.
    var readBuffer = [UInt8](repeating: 0, count: readBytes)
    var writer = HTTPResponseWriter()

    init(
        listener: consuming Descriptor, loop: EventLoop, tls: CurrentTLS?, limits: HTTPLimits,
        handler: any HTTPHandler, census: HTTPCensus, unsentShare: Int
    ) {
        listenerNumber = listener.number
        // Inherited by what is accepted; a kernel that does not know them does without.
        try? SocketCalls.set(
            listenerNumber, Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT,
            Int32(clamping: limits.kernelUnsentBytes))
        // What the kernel still holds of a connection that we have closed must end as well.
        try? SocketCalls.set(
            listenerNumber, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT,
            Int32(clamping: limits.writeStallTimeout.components.seconds * 1_000))
        self.listener = consume listener
        self.loop = loop
        self.tls = tls
        self.limits = limits
        self.handler = handler
        self.census = census
        self.unsentShare = unsentShare
    }

    func start() {
        guard listener != nil else { return }
        do {
            try loop.register(listenerNumber, .readable, self)
        } catch {
            // No memory in the kernel for it: try again later instead of being deaf for ever.
            pauseAccepting()
        }
    }

    func ready(_ events: ReadyEvents) {
        for _ in 0..<Self.acceptsPerEvent {
            switch SocketCalls.accept(listenerNumber) {
            case .none: return
            case .connection(let socket, let peer): admit(socket, peer)
            case .failed(let code) where code == EMFILE || code == ENFILE:
                turnOneAway()
                loop.deregister(listenerNumber)
                pauseAccepting()
                return
            case .failed(let code) where code == ENOMEM || code == ENOBUFS:
                loop.deregister(listenerNumber)
                pauseAccepting()
                return
            case .failed: continue  // That client is gone already: accept(2), "Error handling".
            }
        }
    }

    private func admit(_ socket: consuming Descriptor, _ peer: String) {
        let source = HTTPSource(peer)
        guard census.admit(source) else {
            sayBusy(socket.number)
            return
        }
        let number = socket.number
        var session: TLSSession?
        if let tls {
            do throws(TLSError) { session = try TLSSession(tls.value, socket: number) } catch {
                census.leave(source)
                return
            }
        }
        let connection = HTTPConnection(
            socket, tls: session, address: peer, source: source, shard: self)
        connection.position = connections.count
        connections.append(connection)
        do {
            // Both directions at once and edges only: no further epoll_ctl in its whole life.
            try loop.register(
                number, [.readable, .writable, .peerClosed, .edgeTriggered], connection)
        } catch {
            connection.close()
            return
        }
        startSweeping()
    }

    /// Without a free descriptor the listener would stay readable and the loop would spin; the
    /// reserve lets one client hear why it is refused.
    private func turnOneAway() {
        reserve = nil
        if case .connection(let socket, _) = SocketCalls.accept(listenerNumber) {
            sayBusy(socket.number)
        }
        reserve = SocketCalls.reserve()
    }

    private func sayBusy(_ socket: Int32) {
        // In the middle of no handshake there is nothing to say it in.
        guard tls == nil else { return }
        let isMade = writer.makeHead(
            status: 503, headers: [("retry-after", "1")], framing: .length(0), closes: true)
        if isMade { _ = Syscall.send(socket, writer.bytes, from: 0) }
        SocketCalls.shutWriting(socket)
    }

    /// What stands in place of the alert for somebody who does not speak TLS.
    func sayPlainText(_ socket: Int32) {
        let text = "this port speaks HTTPS only\n"
        let isMade = writer.makeHead(
            status: 400, headers: [("content-type", "text/plain; charset=utf-8")],
            framing: .length(text.utf8.count), closes: true)
        guard isMade else { return }
        writer.append(body: Array(text.utf8))
        _ = Syscall.send(socket, writer.bytes, from: 0)
    }

    private func pauseAccepting() {
        _ = loop.schedule(at: loop.now.advanced(by: Self.acceptPause)) { [self] in start() }
    }

    func forget(_ connection: HTTPConnection) {
        census.leave(connection.source)
        let last = connections.removeLast()
        if last !== connection {
            last.position = connection.position
            connections[connection.position] = last
        }
        if isDraining, connections.isEmpty { finishDraining() }
    }

    /// One walk over all connections instead of a timer each: a request then costs no timer at all,
    /// and half a second is exact enough for limits of seconds.
    private func startSweeping() {
        guard sweep == nil else { return }
        sweep = loop.schedule(at: loop.now.advanced(by: Self.sweepInterval)) { [self] in
            sweep = nil
            // Backwards, since closing moves the last one into the gap.
            for index in connections.indices.reversed() where index < connections.count {
                connections[index].checkDeadline(loop.now)
            }
            closeSlowReaders()
            census.memory.settle(queuedBytes: census.queuedBytes, now: loop.now)
            if !connections.isEmpty || census.memory.isOwed { startSweeping() }
        }
    }

    /// A connection has more, or less, that its client has not read.
    func owe(_ change: Int) {
        unsentBytes += change
        census.owe(change)
        if change > 0 { closeSlowReaders() }
    }

    /// Of those who hold the most, whoever has read nothing for the longest time goes first: one
    /// who has just been answered, or waits for a few bytes, is not cut off for the others' sake.
    /// Each loop closes what is beyond its own share; one that holds too much and writes nothing
    /// does so at its next sweep.
    private func closeSlowReaders() {
        while census.owesTooMuch, unsentBytes > unsentShare {
            let readers = connections.filter { $0.owed > 0 }
            let average = unsentBytes / max(1, readers.count)
            let greedy = readers.lazy.filter { $0.owed >= average }
            guard let slowest = greedy.min(by: { $0.stallDeadline < $1.stallDeadline }) else {
                return
            }
            slowest.disconnect()
        }
    }

    func drain(deadline: MonotonicTime, _ done: @escaping () -> Void) {
        isDraining = true
        drained.append(done)
        if listener != nil {
            loop.deregister(listenerNumber)
            listener = nil
        }
        for connection in connections { connection.closeIfIdle() }
        guard !connections.isEmpty else {
            finishDraining()
            return
        }
        _ = loop.schedule(at: deadline) { [self] in
            for connection in connections { connection.close() }
        }
    }

    private func finishDraining() {
        let waiting = drained
        drained = []
        for done in waiting { done() }
    }
}
