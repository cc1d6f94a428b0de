/// The right edge of an RFC 6962 tree: enough to append leaves and to know the root, in O(log n).
struct MerkleTree: Sendable, Equatable {
    private(set) var size = 0
    /// The roots of the complete subtrees, largest first: one per bit set in `size`.
    private(set) var edge: [Digest32] = []

    init() {}

    /// Nil unless there is one hash for each bit set in `size`.
    init?(size: Int, edge: [Digest32]) {
        guard size >= 0, edge.count == size.nonzeroBitCount else { return nil }
        self.size = size
        self.edge = edge
    }

    mutating func append(leaf: Digest32, _ hasher: SHA256Hasher) {
        var hash = leaf
        var bits = size
        while bits & 1 == 1, let left = edge.popLast() {
            hash = hasher.node(left, hash)
            bits >>= 1
        }
        edge.append(hash)
        size += 1
    }

    func root(_ hasher: SHA256Hasher) -> Digest32 {
        guard var root = edge.last else { return SHA256.digest([UInt8]()) }
        for left in edge.dropLast().reversed() { root = hasher.node(left, root) }
        return root
    }
}
