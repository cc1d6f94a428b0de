/// Turns the tree of an expression into a program; counted repetitions are written out.
struct PatternCompiler {
    /// Bounds the work per scalar of text, and what `((a{99}){99}){99}` may ask for.
    static let instructionsLimit = 2_000

    var program: [Pattern.Instruction] = []

    mutating func emit(_ node: PatternNode) throws(PatternError) {
        switch node {
        case .empty: break
        case .single(let instruction): try append(instruction)
        case .sequence(let nodes): for node in nodes { try emit(node) }
        case .alternatives(let nodes): try emitAlternatives(nodes)
        case .repeated(let node, let least, let most): try emitRepetition(node, least, most)
        }
    }

    private mutating func append(_ instruction: Pattern.Instruction) throws(PatternError) {
        guard program.count < Self.instructionsLimit else {
            throw PatternError(offset: 0, message: "the expression is too large when written out")
        }
        program.append(instruction)
    }

    private mutating func emitAlternatives(_ nodes: [PatternNode]) throws(PatternError) {
        var jumps: [Int] = []
        for (index, node) in nodes.enumerated() {
            let split = program.count
            let isLast = index == nodes.count - 1
            if !isLast { try append(.jump(0)) }
            try emit(node)
            if !isLast {
                jumps.append(program.count)
                try append(.jump(0))
                program[split] = .split(split + 1, program.count)
            }
        }
        for jump in jumps { program[jump] = .jump(program.count) }
    }

    private mutating func emitRepetition(
        _ node: PatternNode, _ least: Int, _ most: Int?
    ) throws(PatternError) {
        for _ in 0..<least { try emit(node) }
        guard let most else {
            let split = program.count
            try append(.jump(0))
            try emit(node)
            try append(.jump(split))
            program[split] = .split(split + 1, program.count)
            return
        }
        var splits: [Int] = []
        for _ in least..<most {
            splits.append(program.count)
            try append(.jump(0))
            try emit(node)
        }
        for split in splits { program[split] = .split(split + 1, program.count) }
    }
}
