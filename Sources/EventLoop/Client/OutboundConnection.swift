import Glibc

// A connection that we open to somebody, plain or TLS, on one loop. It answers: is it up, what has
// come, has it been sent, all before a deadline? It must never look a name up (that blocks) and
// never decide whom we may talk to: whoever made the address did.
//
//     let connection = try await OutboundConnection.open(
//         to: address, tls: .init(context, name: "api.example.com"), on: loop, deadline: deadline)
//     defer { connection.close() }
//     try await connection.send(request, deadline: deadline)
//     let bytes = try await connection.receive(deadline: deadline)  // empty at the end
//
// Everything is called on the loop: by tasks that run there, as handlers do. One task may send
// while another receives. A cancelled task throws `.cancelled` at once; the connection is then half
// way through something and is of no further use, as after any other error.

/// Sendable although it has plain variables: they are touched on `loop` only, which is asserted.
package final class OutboundConnection: EventSource, @unchecked Sendable {
    /// With whom a secure connection is made. `name` is a DNS name or a numeric address.
    package struct Security: Sendable {
        let context: TLSClientContext
        let name: String

        package init(_ context: TLSClientContext, name: String) {
            self.context = context
            self.name = name
        }
    }

    package let loop: EventLoop
    package let address: SocketAddress
    private let security: Security?
    private let socket: Int32
    private var descriptor: Descriptor?
    private var tls: TLSSession?
    private var waits: [OutboundWait] = []

    private init(
        _ descriptor: consuming Descriptor, _ address: SocketAddress, _ security: Security?,
        _ loop: EventLoop
    ) {
        socket = descriptor.number
        self.descriptor = consume descriptor
        self.address = address
        self.security = security
        self.loop = loop
    }

    deinit {
        // Whoever lets go of it without closing has left it on the loop's list, which holds it.
        assert(descriptor == nil, "a connection was dropped without being closed")
    }

    // MARK: Opening

    /// Connects, and for TLS shakes hands and verifies, before the deadline.
    package static func open(
        to address: SocketAddress, tls security: Security? = nil, on loop: EventLoop,
        deadline: MonotonicTime
    ) async throws(OutboundError) -> OutboundConnection {
        precondition(loop.isCurrent, "a connection is opened on its own loop")
        let connection: OutboundConnection
        do throws(SystemError) {
            let socket = try SocketCalls.connecting(isV6: address.isV6)
            let number = socket.number
            connection = OutboundConnection(socket, address, security, loop)
            do {
                // Both directions at once and edges only: no further epoll_ctl in its whole life.
                try loop.register(
                    number, [.readable, .writable, .peerClosed, .edgeTriggered], connection)
            } catch {
                connection.descriptor = nil
                throw error
            }
        } catch {
            throw .noRoom
        }
        do throws(OutboundError) {
            try await connection.connect(deadline)
            try await connection.secure(deadline)
        } catch {
            connection.close()
            throw error
        }
        return connection
    }

    private func connect(_ deadline: MonotonicTime) async throws(OutboundError) {
        switch SocketCalls.connect(socket, to: address) {
        case .done: return
        case .failed(let code): throw .unreachable(code)
        case .wouldBlock: break
        }
        while true {
            // The first event of a socket that connects says how it went; earlier ones there are
            // none, but for the hang-up that a socket has before it connects.
            try await anyEvent(deadline)
            switch SocketCalls.connected(socket) {
            case .done: return
            case .failed(let code): throw .unreachable(code)
            case .wouldBlock: continue
            }
        }
    }

    private func secure(_ deadline: MonotonicTime) async throws(OutboundError) {
        guard let security else { return }
        let server = TLSClientSessions.Server(name: Array(security.name.utf8), port: address.port)
        let session: TLSSession
        do throws(TLSError) {
            session = try TLSSession(
                security.context, name: security.name,
                resuming: security.context.sessions.take(server), socket: socket)
        } catch {
            throw .tls(error)
        }
        while true {
            switch session.handshake() {
            case .done:
                tls = session
                return
            case .wouldBlock: try await anyEvent(deadline)
            case .ended: throw .broken
            case .failed(let error): throw .tls(error)
            }
        }
    }

    /// "TLSv1.3"; nil when the connection is plain.
    package var tlsVersion: String? { tls?.version }
    package var wasResumed: Bool { tls?.wasResumed ?? false }
    package var isClosed: Bool { descriptor == nil }

    // MARK: Sending and receiving

    /// Returns when the kernel has all of it.
    package func send(
        _ bytes: [UInt8], deadline: MonotonicTime
    ) async throws(OutboundError) {
        var start = 0
        while start < bytes.count {
            try check()
            if let count = try sendNow(bytes, from: start) {
                start += count
            } else {
                try await anyEvent(deadline)
            }
        }
    }

    /// What has come, at least a byte and at most so many; empty when the other side has ended its
    /// half. With TLS an end that was not announced is an error, since anybody could have made it.
    package func receive(
        atMost count: Int = 16 << 10, deadline: MonotonicTime
    ) async throws(OutboundError) -> [UInt8] {
        while true {
            try check()
            if let received = try receiveNow(atMost: count) { return received }
            try await anyEvent(deadline)
        }
    }

    /// Whether a request may be sent on a connection that was kept: the other side has neither
    /// ended it nor said anything that nobody asked for.
    package func isIdle() -> Bool {
        guard !isClosed, waits.isEmpty else { return false }
        do throws(OutboundError) { return try receiveNow(atMost: 1) == nil } catch { return false }
    }

    /// Ends both halves. Harmless the second time. Who still waits is told `.closed`.
    package func close() {
        assert(loop.isCurrent)
        guard descriptor != nil else { return }
        if let tls, let security {
            tls.sendEnd()
            if let resumption = tls.resumption() {
                let name = Array(security.name.utf8)
                security.context.sessions.keep(
                    resumption, for: TLSClientSessions.Server(name: name, port: address.port))
            }
        }
        tls = nil
        loop.deregister(socket)
        descriptor = nil
        wake(.closed)
    }

    private func check() throws(OutboundError) {
        assert(loop.isCurrent)
        if isClosed { throw .closed }
        if Task.isCancelled { throw .cancelled }
    }

    /// Nil when the socket takes nothing now.
    private func sendNow(
        _ bytes: [UInt8], from start: Int
    ) throws(OutboundError) -> Int? {
        guard let tls else {
            switch Syscall.send(socket, bytes, from: start) {
            case .done(let count): return count
            case .wouldBlock: return nil
            case .failed: throw .broken
            }
        }
        switch tls.send(bytes, from: start) {
        case .done(let count): return count
        case .wouldBlock: return nil
        case .ended: throw .broken
        case .failed(let error): throw .tls(error)
        }
    }

    /// Nil when nothing is there now.
    private func receiveNow(atMost count: Int) throws(OutboundError) -> [UInt8]? {
        var outcome = TLSSession.Outcome.wouldBlock
        let received = unsafe [UInt8](unsafeUninitializedCapacity: max(1, count)) {
            buffer, filled in
            outcome = unsafe receive(into: UnsafeMutableRawBufferPointer(buffer))
            if case .done(let count) = outcome { filled = count }
        }
        switch outcome {
        case .done, .ended: return received
        case .wouldBlock: return nil
        case .failed(let error): throw tls == nil ? .broken : .tls(error)
        }
    }

    private func receive(into bytes: UnsafeMutableRawBufferPointer) -> TLSSession.Outcome {
        if let tls { return unsafe tls.receive(into: bytes) }
        return switch unsafe Syscall.receive(socket, into: bytes) {
        case .done(let count): .done(count)
        case .wouldBlock: .wouldBlock
        case .failed: .failed(.broken)
        }
    }

    // MARK: Waiting

    package func ready(_ events: ReadyEvents) { wake(.event) }

    private func wake(_ reason: OutboundWait.End) {
        guard !waits.isEmpty else { return }
        let woken = waits
        waits = []
        for wait in woken { wait.finish(reason) }
    }

    /// Whoever waits tries again at any event: what is an edge for one may be what the other needs.
    /// Nothing can be missed, since between the attempt and this the loop does nothing else.
    private func anyEvent(_ deadline: MonotonicTime) async throws(OutboundError) {
        if Task.isCancelled { throw .cancelled }
        let wait = OutboundWait(loop)
        waits.append(wait)
        let end = await wait.untilFinished(deadline: deadline)
        waits.removeAll { $0 === wait }
        switch end {
        case .event: return
        case .timedOut: throw .timedOut
        case .cancelled: throw .cancelled
        case .closed: throw .closed
        }
    }
}
