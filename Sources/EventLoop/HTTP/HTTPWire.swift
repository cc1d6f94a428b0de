import Glibc

/// The bytes of one accepted connection, in clear or through TLS. It does not own the socket.
struct HTTPWire {
    let socket: Int32
    let tls: TLSSession?

    /// Whether a read that did not fill its buffer has emptied the socket. TLS gives one record at
    /// a time, and has more in hand until it says that it would block.
    var shortReadsEmpty: Bool { tls == nil }

    @inline(__always)
    func receive(into buffer: inout [UInt8], atMost count: Int) -> IOOutcome {
        guard let tls else { return Syscall.receive(socket, into: &buffer, atMost: count) }
        return unsafe buffer.withUnsafeMutableBytes { bytes in
            let part = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes.prefix(count))
            return outcome(unsafe tls.receive(into: part))
        }
    }

    @inline(__always)
    func send(_ bytes: [UInt8], from start: Int) -> IOOutcome {
        guard let tls else { return Syscall.send(socket, bytes, from: start) }
        return outcome(tls.send(bytes, from: start))
    }

    /// Head and body without copying the body first.
    func send(_ head: [UInt8], _ body: [UInt8]) -> IOOutcome {
        guard let tls else { return Syscall.send(socket, head, body) }
        let first = outcome(tls.send(head, from: 0))
        guard first == .done(head.count) else { return first }
        return switch outcome(tls.send(body, from: 0)) {
        case .done(let count): .done(head.count + count)
        case .wouldBlock: first
        case .failed(let code): .failed(code)
        }
    }

    /// Our half is over. What the client sends may still be read, and thrown away.
    func sendEnd() {
        tls?.sendEnd()
        SocketCalls.shutWriting(socket)
    }

    private func outcome(_ outcome: TLSSession.Outcome) -> IOOutcome {
        switch outcome {
        case .done(let count): .done(count)
        case .wouldBlock: .wouldBlock
        case .ended: .done(0)
        case .failed: .failed(EPROTO)
        }
    }
}
