extension Pattern {
    /// Calls `body` with every part of a UTF-8 text that the expression matches, as offsets.
    ///
    /// Overlapping matches are one part, from the first to the end of the last; empty ones are
    /// none. One pass: each instruction is followed at most once a place, for the thread that
    /// began first.
    package func eachMatch(in text: Span<UInt8>, _ body: (_ start: Int, _ end: Int) -> Void) {
        var search = MatchSearch(count: program.count)
        var index = 0
        var previous: UInt32?
        while true {
            let (next, length) = text.scalar(at: index)
            if isSkippable(next, search) {
                guard let next else { break }
                previous = next
                index += length
                continue
            }
            if index == 0 || !isAnchored { search.pending.append((0, index)) }
            search.follow(program, at: index, previous, next)
            guard let next else { break }
            search.advance { accepts(program[$0], next) }
            previous = next
            index += length
            if let part = search.finished(before: index) { body(part.start, part.end) }
        }
        if let part = search.finished(before: Int.max) { body(part.start, part.end) }
    }

    /// Whether no thread is under way and none can begin with `next`.
    private func isSkippable(_ next: UInt32?, _ search: MatchSearch) -> Bool {
        guard search.pending.isEmpty, !search.hasPart, let firstScalars else { return false }
        guard let next else { return true }
        return !firstScalars.contains(next)
    }
}

/// All threads of one search, in the order in which they began.
private struct MatchSearch {
    typealias Thread = (instruction: Int, start: Int)

    var pending: [Thread] = []
    private var active: [Thread] = []
    private var stack: [Int] = []
    private var seenAt: [Int]
    private var place = 0
    private var part: (start: Int, end: Int)?

    init(count: Int) { seenAt = [Int](repeating: 0, count: count) }

    var hasPart: Bool { part != nil }

    mutating func follow(
        _ program: [Pattern.Instruction], at index: Int, _ previous: UInt32?, _ next: UInt32?
    ) {
        place += 1
        active.removeAll(keepingCapacity: true)
        for thread in pending {
            stack.append(thread.instruction)
            while let instruction = stack.popLast() {
                guard seenAt[instruction] != place else { continue }
                seenAt[instruction] = place
                switch program[instruction] {
                case .match: matched(thread.start, index)
                case .jump(let target): stack.append(target)
                case .split(let one, let other):
                    stack.append(other)
                    stack.append(one)
                case .start: if previous == nil { stack.append(instruction + 1) }
                case .end: if next == nil { stack.append(instruction + 1) }
                case .wordBoundary(let wanted):
                    let isBoundary = ScalarClass.isWord(previous) != ScalarClass.isWord(next)
                    if isBoundary == wanted { stack.append(instruction + 1) }
                case .scalar, .any, .oneOf: active.append((instruction, thread.start))
                }
            }
        }
        pending.removeAll(keepingCapacity: true)
    }

    mutating func advance(_ accepts: (Int) -> Bool) {
        for thread in active where accepts(thread.instruction) {
            pending.append((thread.instruction + 1, thread.start))
        }
    }

    private mutating func matched(_ start: Int, _ end: Int) {
        guard start < end else { return }
        part = part.map { (min($0.start, start), max($0.end, end)) } ?? (start, end)
    }

    /// The part that no thread under way can still reach into.
    mutating func finished(before index: Int) -> (start: Int, end: Int)? {
        guard let found = part else { return nil }
        if index < Int.max, index <= found.end || pending.contains(where: { $0.start < found.end })
        {
            return nil
        }
        part = nil
        return found
    }
}

extension Span<UInt8> {
    /// The scalar at `index` and its length in bytes; nil at the end. A byte that begins none
    /// stands for itself.
    fileprivate func scalar(at index: Int) -> (UInt32?, Int) {
        guard index < count else { return (nil, 0) }
        let first = UInt32(self[index])
        let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 1
        guard length > 1, index + length <= count else { return (first, 1) }
        var value = first & (0x7F >> UInt32(length))
        for place in (index + 1)..<(index + length) {
            value = value << 6 | UInt32(self[place] & 0x3F)
        }
        return (value, length)
    }
}
