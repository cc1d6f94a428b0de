internal import Enforcement

/// What a witness does with a proof of growth, written from RFC 9162 section 2.1.4.2 and not from
/// the product's code.
package enum GrowthProof {
    package static func holds(
        old: Int, oldRoot: [UInt8], new: Int, newRoot: [UInt8], proof: [[UInt8]]
    ) -> Bool {
        if old == new { return proof.isEmpty && oldRoot == newRoot }
        if old == 0 { return proof.isEmpty }
        var hashes = (old.nonzeroBitCount == 1 ? [oldRoot] : []) + proof
        guard old < new, !hashes.isEmpty else { return false }
        var (first, second) = (old - 1, new - 1)
        while first & 1 == 1 { (first, second) = (first >> 1, second >> 1) }
        var oldHash = hashes.removeFirst()
        var newHash = oldHash
        for hash in hashes {
            guard second > 0 else { return false }
            if first & 1 == 1 || first == second {
                oldHash = node(hash, oldHash)
                newHash = node(hash, newHash)
                while first & 1 == 0, first > 0 { (first, second) = (first >> 1, second >> 1) }
            } else {
                newHash = node(newHash, hash)
            }
            (first, second) = (first >> 1, second >> 1)
        }
        return second == 0 && oldHash == oldRoot && newHash == newRoot
    }

    /// The root of a tree of these leaves, from its definition.
    package static func root(_ leaves: ArraySlice<[UInt8]>) -> [UInt8] {
        guard leaves.count > 1 else { return leaves.first ?? SHA256.digest([UInt8]()).bytes }
        var half = 1
        while half * 2 < leaves.count { half *= 2 }
        let middle = leaves.startIndex + half
        return node(root(leaves[..<middle]), root(leaves[middle...]))
    }

    package static func leaf(_ line: [UInt8]) -> [UInt8] { SHA256.digest([0] + line).bytes }

    private static func node(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
        SHA256.digest([1] + left + right).bytes
    }
}
