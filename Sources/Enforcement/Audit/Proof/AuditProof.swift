import JSON

/// Proofs of RFC 6962 that a stranger checks with the first public key and without the log: that a
/// line is in it, and that a later state of it only adds to an earlier one.
///
/// Memory holds one hash for each level of the tree, whatever the length of the log.
package struct AuditProof: Sendable {
    /// The proof as lines of `word value`; `scripts/check-proof` reads them.
    package let text: String

    package static func inclusion(
        of sequence: Int, directory: String
    ) throws(RecordError) -> AuditProof {
        let checkpoint = try lastCheckpoint(directory)
        guard sequence < checkpoint.size else {
            throw .malformed("line \(sequence) is under no checkpoint yet")
        }
        let path = path(to: sequence, in: 0..<checkpoint.size)
        var walk = Walk(path.map(\.range), keeping: sequence)
        try walk.run(directory, checkpoint.size)
        guard let line = walk.kept else {
            throw .malformed("line \(sequence) was removed: only its hash is left")
        }
        var words = ["toolserver inclusion 1", "line \(String(decoding: line, as: UTF8.self))"]
        for (step, root) in zip(path, walk.roots) {
            words.append("\(step.isLeft ? "left" : "right") \(root.hex)")
        }
        return AuditProof(text: closed(words, walk.epochs, checkpoint.note))
    }

    /// From the state over `size` lines to the last checkpoint.
    package static func consistency(
        from size: Int, directory: String
    ) throws(RecordError) -> AuditProof {
        let checkpoint = try lastCheckpoint(directory)
        guard (1...checkpoint.size).contains(size) else {
            throw .malformed("the last checkpoint is over \(checkpoint.size) lines")
        }
        let ranges = subproof(size, in: 0..<checkpoint.size, isWhole: true)
        var old = MerkleTree()
        var walk = Walk(ranges, keeping: nil)
        let hasher = SHA256Hasher()
        try walk.run(directory, checkpoint.size) { leaf, index in
            if index < size { old.append(leaf: leaf, hasher) }
        }
        let words =
            [
                "toolserver consistency 1", "old \(size) \(old.root(hasher).hex)",
                "new \(checkpoint.size)",
            ] + walk.roots.map { "node \($0.hex)" }
        return AuditProof(text: closed(words, walk.epochs, checkpoint.note))
    }

    private static func closed(_ words: [String], _ epochs: [String], _ note: String) -> String {
        let notes = epochs.map { "epoch \(escaped($0))" } + ["checkpoint \(escaped(note))"]
        return (words + notes).joined(separator: "\n")
    }

    /// A note on one line.
    private static func escaped(_ note: String) -> String {
        note.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\\n")
    }

    /// The C2SP note of the log's last checkpoint, to be kept elsewhere.
    package static func lastNote(directory: String) throws(RecordError) -> String {
        try lastCheckpoint(directory).note
    }

    private static func lastCheckpoint(
        _ directory: String
    ) throws(RecordError) -> (size: Int, note: String) {
        let lines = try AuditReader(directory: directory).last(1) { line in
            SegmentLine(line.bytes[...])?.isEvent("checkpoint") == true
        }
        guard let line = lines.first, let value = try? JSONParser.parse(line.bytes),
            let note = value["note"]?.string
        else { throw .malformed("the log has no checkpoint") }
        return (line.sequence, note)
    }

    // MARK: RFC 6962 sections 2.1.1 and 2.1.2

    private static func split(_ range: Range<Int>) -> Int {
        var count = 1
        while count * 2 < range.count { count *= 2 }
        return range.lowerBound + count
    }

    /// From the leaf to the root.
    static func path(
        to leaf: Int, in range: Range<Int>
    ) -> [(range: Range<Int>, isLeft: Bool)] {
        guard range.count > 1 else { return [] }
        let middle = split(range)
        let left = range.lowerBound..<middle
        let right = middle..<range.upperBound
        return leaf < middle
            ? path(to: leaf, in: left) + [(right, false)]
            : path(to: leaf, in: right) + [(left, true)]
    }

    static func subproof(_ size: Int, in range: Range<Int>, isWhole: Bool) -> [Range<Int>] {
        guard size < range.upperBound else { return isWhole ? [] : [range] }
        let middle = split(range)
        let left = range.lowerBound..<middle
        let right = middle..<range.upperBound
        return size <= middle
            ? subproof(size, in: left, isWhole: isWhole) + [right]
            : subproof(size, in: right, isWhole: false) + [left]
    }
}

/// One reading of the log, which makes the root of each of some ranges of lines.
private struct Walk {
    private let ranges: [Range<Int>]
    private let wanted: Int?
    private var trees: [MerkleTree]
    private(set) var kept: [UInt8]?
    /// The notes by which each key hands over to the next.
    private(set) var epochs: [String] = []
    private let hasher = SHA256Hasher()

    init(_ ranges: [Range<Int>], keeping wanted: Int?) {
        self.ranges = ranges
        self.wanted = wanted
        trees = ranges.map { _ in MerkleTree() }
    }

    var roots: [Digest32] { trees.map { $0.root(hasher) } }

    mutating func run(
        _ directory: String, _ size: Int, each: (Digest32, Int) -> Void = { _, _ in }
    ) throws(RecordError) {
        var tail = RecordTail(directory: directory)
        tail.keepsRemoved = true
        var walk = self
        try tail.read { batch in
            for placed in batch where placed.line.sequence < size {
                walk.take(placed.line, placed.leaf, each)
            }
            return (batch.last?.line.sequence ?? 0) < size
        }
        self = walk
    }

    private mutating func take(
        _ line: AuditReader.Line, _ removed: Digest32?, _ each: (Digest32, Int) -> Void
    ) {
        let leaf =
            if let removed { removed } else {
                unsafe line.bytes.withUnsafeBytes { unsafe hasher.leaf($0) }
            }
        each(leaf, line.sequence)
        if let place = ranges.firstIndex(where: { $0.contains(line.sequence) }) {
            trees[place].append(leaf: leaf, hasher)
        }
        if line.sequence == wanted, removed == nil { kept = line.bytes }
        guard SegmentLine(line.bytes[...])?.isEvent("epoch") == true,
            let note = (try? JSONParser.parse(line.bytes))?["note"]?.string
        else { return }
        epochs.append(note)
    }
}
