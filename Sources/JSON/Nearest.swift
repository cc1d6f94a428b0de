/// The known word that was most likely meant, for "did you mean"; nil when none is near.
///
/// Near is at most a third of the word's length in edits (a swap of neighbours is one). Words over
/// 64 bytes are not compared: nobody mistypes those, and the work stays bounded.
package func nearest(_ word: String, among known: [String]) -> String? {
    let word = Array(word.utf8.prefix(65))
    guard (1...64).contains(word.count) else { return nil }
    var best: (word: String, distance: Int)?
    for candidate in known.prefix(1_000) {
        let text = Array(candidate.utf8.prefix(65))
        let allowed = max(1, max(word.count, text.count) / 3)
        guard text.count <= 64, abs(text.count - word.count) <= allowed else { continue }
        let distance = editDistance(word, text)
        if distance <= allowed, distance < max(word.count, text.count),
            distance < best?.distance ?? .max
        {
            best = (candidate, distance)
        }
    }
    return best?.word
}

/// Insertions, deletions, replacements and swaps of neighbours; letters of another case are equal.
private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    func folded(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
    var beforeLast = [Int](repeating: 0, count: right.count + 1)
    var last = Array(0...right.count)
    for row in left.indices {
        var current = [row + 1]
        current.reserveCapacity(right.count + 1)
        for column in right.indices {
            let same = folded(left[row]) == folded(right[column])
            var cost = min(last[column + 1] + 1, current[column] + 1, last[column] + (same ? 0 : 1))
            if row > 0, column > 0, folded(left[row]) == folded(right[column - 1]),
                folded(left[row - 1]) == folded(right[column])
            {
                cost = min(cost, beforeLast[column - 1] + 1)
            }
            current.append(cost)
        }
        beforeLast = last
        last = current
    }
    return last[right.count]
}
