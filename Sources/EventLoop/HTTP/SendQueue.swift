/// What the kernel has not taken yet. Bytes go straight to the socket when nothing waits before
/// them, so a response costs one system call and, as a rule, no copy.
///
/// Large answers come in pieces, and each is given up once it was sent.
struct SendQueue {
    enum Outcome {
        /// Everything is in the kernel.
        case sent
        /// Some of it waits for the socket to become writable.
        case waiting
        case failed
    }

    /// Small ones behind one another are sent together.
    private static let joinedBytesMax = 16 << 10

    /// Those before `first` were sent, and are empty.
    private var pieces: [[UInt8]] = []
    private var first = 0
    /// How much of the first was sent.
    private var start = 0
    /// What this holds in memory, what was sent of the first piece included.
    private(set) var storedBytes = 0

    var unsent: Int { storedBytes - start }
    var isEmpty: Bool { storedBytes == 0 }

    mutating func send(_ new: [UInt8], on wire: HTTPWire) -> Outcome {
        guard isEmpty else {
            keep(new)
            return .waiting
        }
        switch wire.send(new, from: 0) {
        case .done(let count): return keep(new, from: count)
        case .wouldBlock: return keep(new, from: 0)
        case .failed: return .failed
        }
    }

    /// A head, a body and what follows that.
    mutating func send(
        _ head: [UInt8], _ body: [UInt8], _ rest: ArraySlice<[UInt8]>, on wire: HTTPWire
    ) -> Outcome {
        guard isEmpty else {
            keep(head)
            keep(body)
            for piece in rest { keep(piece) }
            return .waiting
        }
        let outcome: Outcome
        switch wire.send(head, body) {
        case .done(let count) where count >= head.count:
            outcome = keep(body, from: count - head.count)
        case .done(let count): outcome = keep(head + body, from: count)
        case .wouldBlock: outcome = keep(head + body, from: 0)
        case .failed: return .failed
        }
        for piece in rest { keep(piece) }
        return outcome == .sent && !rest.isEmpty ? flush(to: wire).outcome : outcome
    }

    /// To be called when the socket is writable again.
    mutating func flush(to wire: HTTPWire) -> (outcome: Outcome, taken: Int) {
        var taken = 0
        while !isEmpty {
            let piece = pieces[first]
            switch wire.send(piece, from: start) {
            case .done(let count):
                taken += count
                start += count
                guard start == piece.count else { return (.waiting, taken) }
                dropFirst()
            case .wouldBlock: return (.waiting, taken)
            case .failed: return (.failed, taken)
            }
        }
        clear()
        return (.sent, taken)
    }

    /// By halves, so that each place is moved once at most: a stream whose reader is always a bit
    /// behind is never empty.
    private mutating func dropFirst() {
        storedBytes -= pieces[first].count
        pieces[first] = []
        first += 1
        start = 0
        guard first > pieces.count - first else { return }
        pieces.removeFirst(first)
        first = 0
    }

    /// Idle connections hold no memory.
    mutating func clear() {
        pieces = []
        first = 0
        start = 0
        storedBytes = 0
    }

    private mutating func keep(_ new: [UInt8]) {
        guard !new.isEmpty else { return }
        storedBytes += new.count
        // Not to the first: TLS may have begun to send it.
        if pieces.count > first + 1,
            pieces[pieces.count - 1].count + new.count <= Self.joinedBytesMax
        {
            pieces[pieces.count - 1].append(contentsOf: new)
        } else {
            pieces.append(new)
        }
    }

    private mutating func keep(_ rest: [UInt8], from index: Int) -> Outcome {
        guard index < rest.count else { return .sent }
        pieces = [rest]
        first = 0
        start = index
        storedBytes = rest.count
        return .waiting
    }
}
