import Glibc
import JSON

/// The log at its last checkpoint, as it is shown to witnesses.
package struct LogEnd: Sendable {
    /// How many lines the checkpoint covers.
    package let size: Int
    /// The signed note.
    package let note: String
    private let directory: String

    /// That the log only adds to what it was.
    package struct Growth: Sendable {
        /// Of the tree that was, in base64.
        package let oldRoot: String
        /// Of RFC 6962 section 2.1.2, each in base64; empty where there is nothing to prove.
        package let proof: [String]
    }

    /// Nil where there is no checkpoint yet. What is told here is on disk: a power cut must not
    /// leave a witness with more than the log.
    package static func last(directory: String) throws(RecordError) -> LogEnd? {
        let reader = AuditReader(directory: directory)
        let checkpoints = try reader.last(1) { line in
            SegmentLine(line.bytes[...])?.isEvent("checkpoint") == true
        }
        guard let line = checkpoints.first, let value = try? JSONParser.parse(line.bytes),
            let note = value["note"]?.string,
            let segment = try reader.segment(of: line.sequence)
        else { return nil }
        try sync("\(directory)/\(SegmentDirectory.name(segment))")
        return LogEnd(size: line.sequence, note: note, directory: directory)
    }

    /// On a descriptor of our own: an error that the recorder must see is left to it.
    private static func sync(_ path: String) throws(RecordError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw .unavailable("open \(path): errno \(errno)") }
        defer { close(descriptor) }
        guard fdatasync(descriptor) == 0 else { throw .unavailable("sync \(path): errno \(errno)") }
    }

    /// Reads from the segment on in which line `old` stands: its header holds the tree in front of
    /// it. `old` is at least 1 and at most `size`.
    package func growth(since old: Int) throws(RecordError) -> Growth {
        guard (1...size).contains(old) else {
            throw .malformed("the last checkpoint is over \(size) lines")
        }
        let reader = AuditReader(directory: directory)
        guard let segment = try reader.segment(of: old) else {
            throw .malformed("the log has no segments")
        }
        let tree = try reader.header(segment).state.tree
        var course = GrowthCourse(tree, from: old, to: size)
        var tail = RecordTail(
            directory: directory,
            from: RecordTail.Place(segment: segment, sequence: tree.size))
        tail.keepsRemoved = true
        try tail.read { batch in
            for placed in batch { course.take(placed) }
            return course.tree.size < size
        }
        guard let growth = course.growth, growth.root.isByteEqual(to: noted(2)) else {
            throw .malformed("the log's lines are not those of its checkpoint over \(size) lines")
        }
        return Growth(oldRoot: growth.oldRoot, proof: growth.proof)
    }

    /// The name of the log, which all its notes bear.
    package var origin: String { noted(0) }

    /// The note's text: what is signed.
    var text: [UInt8] {
        let lines = note.split(separator: "\n", omittingEmptySubsequences: false).prefix(3)
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    private func noted(_ line: Int) -> String {
        let lines = note.split(separator: "\n", omittingEmptySubsequences: false)
        return line < lines.count ? String(lines[line]) : ""
    }
}

/// The subtrees of a proof of growth while the lines are read: memory holds a hash for each level.
private struct GrowthCourse {
    private(set) var tree: MerkleTree
    private let old: Int
    private let size: Int
    private let ranges: [Range<Int>]
    private var parts: [MerkleTree]
    private var oldTree: MerkleTree?
    private let hasher = SHA256Hasher()

    init(_ tree: MerkleTree, from old: Int, to size: Int) {
        self.tree = tree
        self.old = old
        self.size = size
        ranges = AuditProof.subproof(old, in: 0..<size, isWhole: true)
        parts = ranges.map { _ in MerkleTree() }
        if tree.size == old { oldTree = tree }
    }

    mutating func take(_ placed: RecordTail.Placed) {
        let sequence = placed.line.sequence
        guard sequence == tree.size, sequence < size else { return }
        let leaf =
            if let removed = placed.leaf { removed } else {
                unsafe placed.line.bytes.withUnsafeBytes { unsafe hasher.leaf($0) }
            }
        tree.append(leaf: leaf, hasher)
        if tree.size == old { oldTree = tree }
        guard sequence >= old, let part = ranges.firstIndex(where: { $0.contains(sequence) })
        else { return }
        parts[part].append(leaf: leaf, hasher)
    }

    /// Nil where lines are missing.
    var growth: (root: String, oldRoot: String, proof: [String])? {
        guard tree.size == size, let oldTree else { return nil }
        var proof: [String] = []
        for (range, part) in zip(ranges, parts) {
            // A subtree of what was stands whole at the old tree's edge.
            let hash =
                range.lowerBound >= old ? part.root(hasher) : Self.edge(oldTree, at: range)
            guard let hash else { return nil }
            proof.append(Base64.encode(hash.bytes))
        }
        return (
            Base64.encode(tree.root(hasher).bytes), Base64.encode(oldTree.root(hasher).bytes), proof
        )
    }

    private static func edge(_ tree: MerkleTree, at range: Range<Int>) -> Digest32? {
        var start = 0
        for hash in tree.edge {
            let rest = tree.size - start
            let count = 1 << (Int.bitWidth - 1 - rest.leadingZeroBitCount)
            if start..<(start + count) == range { return hash }
            start += count
        }
        return nil
    }
}
