/// Does this text contain what the regular expression describes?
///
/// The syntax of ECMA-262 in Unicode mode, as JSON Schema names it, without lookaround and back
/// references: those need backtracking, which an expression and a text can be chosen to make
/// exponential. All threads of the automaton advance together (Thompson 1968), so the work is at
/// most length of text times length of program, and both are bounded. It searches: `a` matches
/// `bab`. It must never approximate: syntax it does not know is an error when it is compiled.
package struct Pattern: Sendable {
    package let source: String
    let program: [Instruction]
    let classes: [ScalarClass]
    let isAnchored: Bool
    /// Whatever a match can begin with; nil when it can be empty. Most places of most texts are
    /// passed over with one look at this.
    let firstScalars: ScalarClass?

    package init(_ source: String) throws(PatternError) {
        self.source = source
        var parser = PatternParser(source)
        let tree = try parser.parse()
        var compiler = PatternCompiler()
        try compiler.emit(tree)
        compiler.program.append(.match)
        program = compiler.program
        classes = parser.classes
        firstScalars = Self.firstScalars(of: compiler.program, parser.classes)
        isAnchored = if case .start = compiler.program.first { true } else { false }
    }

    enum Instruction {
        case scalar(UInt32)
        case any
        /// By its index: an instruction then holds nothing to count references to.
        case oneOf(Int)
        case split(Int, Int)
        case jump(Int)
        case start
        case end
        case wordBoundary(Bool)
        case match
    }

    package func matches(_ text: String) -> Bool {
        var steps = Int.max
        return matches(text, stepsLeft: &steps) ?? false
    }

    /// Nil when the steps did not suffice; a step is one instruction at one place in the text.
    package func matches(_ text: String, stepsLeft: inout Int) -> Bool? {
        var threads = Threads(count: program.count)
        var scalars = text.unicodeScalars.makeIterator()
        var previous: UInt32?
        var isFirst = true
        while true {
            let next = scalars.next()?.value
            if let firstScalars, threads.pending.isEmpty {
                guard let next else { return false }
                if !firstScalars.contains(next) {
                    if isAnchored { return false }
                    previous = next
                    isFirst = false
                    continue
                }
            }
            if isFirst || !isAnchored { threads.pending.append(0) }
            if threads.pending.isEmpty { return false }
            if close(&threads, previous, next) { return true }
            guard let next else { return false }
            stepsLeft &-= threads.followed
            guard stepsLeft >= 0 else { return nil }
            for index in threads.active where accepts(program[index], next) {
                threads.pending.append(index + 1)
            }
            previous = next
            isFirst = false
        }
    }

    @inline(__always)
    func accepts(_ instruction: Instruction, _ scalar: UInt32) -> Bool {
        switch instruction {
        case .scalar(let wanted): scalar == wanted
        case .any: scalar != 0x0A && scalar != 0x0D && scalar != 0x2028 && scalar != 0x2029
        case .oneOf(let index): classes[index].contains(scalar)
        default: false
        }
    }

    /// Takes every assertion for fulfilled, so the answer may hold too much and never too little.
    private static func firstScalars(
        of program: [Instruction], _ classes: [ScalarClass]
    ) -> ScalarClass? {
        var ranges: ScalarClass.Ranges = []
        var pending = [0]
        var isSeen = [Bool](repeating: false, count: program.count)
        while let index = pending.popLast() {
            if isSeen[index] { continue }
            isSeen[index] = true
            switch program[index] {
            case .match: return nil
            case .jump(let target): pending.append(target)
            case .split(let one, let other): pending += [one, other]
            case .start, .end, .wordBoundary: pending.append(index + 1)
            case .scalar(let scalar): ranges.append(scalar...scalar)
            case .any: ranges.append(0...0x10FFFF)
            case .oneOf(let index): ranges += classes[index].cover
            }
        }
        return ScalarClass(ranges)
    }

    /// What has advanced, and what is waiting for a scalar, at one place in the text.
    private struct Threads {
        var pending: [Int] = []
        var active: [Int] = []
        var seenAt: [Int]
        var place = 0
        /// Instructions at this place, repeated ones included.
        var followed = 0

        init(count: Int) { seenAt = [Int](repeating: 0, count: count) }
    }

    /// Follows everything that consumes nothing; true when the end of the program is reached.
    private func close(_ threads: inout Threads, _ previous: UInt32?, _ next: UInt32?) -> Bool {
        threads.place += 1
        threads.followed = 0
        threads.active.removeAll(keepingCapacity: true)
        while let index = threads.pending.popLast() {
            threads.followed += 1
            // Once per place: this bounds the work and ends loops over nothing, as in `(a*)*`.
            guard threads.seenAt[index] != threads.place else { continue }
            threads.seenAt[index] = threads.place
            switch program[index] {
            case .match: return true
            case .jump(let target): threads.pending.append(target)
            case .split(let one, let other):
                threads.pending.append(other)
                threads.pending.append(one)
            case .start: if previous == nil { threads.pending.append(index + 1) }
            case .end: if next == nil { threads.pending.append(index + 1) }
            case .wordBoundary(let wanted):
                let isBoundary = ScalarClass.isWord(previous) != ScalarClass.isWord(next)
                if isBoundary == wanted { threads.pending.append(index + 1) }
            case .scalar, .any, .oneOf: threads.active.append(index)
            }
        }
        return false
    }
}

package struct PatternError: Error, Sendable {
    /// In Unicode scalars from the start of the expression.
    package let offset: Int
    package let message: String
}
