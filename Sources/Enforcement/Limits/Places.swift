import Synchronization

/// How many are inside at this moment, for each key, in this process.
final class Places: Sendable {
    private let taken = Mutex<[Digest32: Int]>([:])

    func enter(_ key: Digest32, most: Int) -> Bool {
        taken.withLock { taken in
            let count = taken[key, default: 0]
            if count < most { taken[key] = count + 1 }
            return count < most
        }
    }

    /// Only keys with somebody inside are kept.
    func leave(_ key: Digest32) {
        taken.withLock { taken in
            if let count = taken[key], count > 1 {
                taken[key] = count - 1
            } else {
                taken[key] = nil
            }
        }
    }
}
