/// What the kernel has not taken yet. Bytes go straight to the socket when nothing waits before
/// them, so a response costs one system call and, as a rule, no copy.
struct SendQueue {
    enum Outcome {
        /// Everything is in the kernel.
        case sent
        /// Some of it waits for the socket to become writable.
        case waiting
        case failed
    }

    private var bytes: [UInt8] = []
    private var start = 0

    var unsent: Int { bytes.count - start }
    /// What this holds in memory, what was sent of it included.
    var storedBytes: Int { bytes.count }
    var isEmpty: Bool { start == bytes.count }

    mutating func send(_ new: [UInt8], on wire: HTTPWire) -> Outcome {
        guard isEmpty else {
            dropSent()
            bytes.append(contentsOf: new)
            return .waiting
        }
        switch wire.send(new, from: 0) {
        case .done(let count): return keep(new, from: count)
        case .wouldBlock: return keep(new, from: 0)
        case .failed: return .failed
        }
    }

    mutating func send(_ head: [UInt8], _ body: [UInt8], on wire: HTTPWire) -> Outcome {
        guard isEmpty else {
            dropSent()
            bytes.append(contentsOf: head)
            bytes.append(contentsOf: body)
            return .waiting
        }
        switch wire.send(head, body) {
        case .done(let count) where count >= head.count:
            return keep(body, from: count - head.count)
        case .done(let count): return keep(head + body, from: count)
        case .wouldBlock: return keep(head + body, from: 0)
        case .failed: return .failed
        }
    }

    /// To be called when the socket is writable again.
    mutating func flush(to wire: HTTPWire) -> (outcome: Outcome, taken: Int) {
        switch wire.send(bytes, from: start) {
        case .done(let count):
            start += count
            guard isEmpty else { return (.waiting, count) }
            clear()
            return (.sent, count)
        case .wouldBlock: return (.waiting, 0)
        case .failed: return (.failed, 0)
        }
    }

    /// A stream whose reader is always a little behind is never empty, and would keep all that it
    /// ever sent. By halves, so that each byte is moved once at most.
    private mutating func dropSent() {
        guard start > unsent else { return }
        bytes.removeFirst(start)
        start = 0
    }

    /// Idle connections hold no memory.
    mutating func clear() {
        bytes = []
        start = 0
    }

    private mutating func keep(_ rest: [UInt8], from index: Int) -> Outcome {
        guard index < rest.count else { return .sent }
        bytes = rest
        start = index
        return .waiting
    }
}
