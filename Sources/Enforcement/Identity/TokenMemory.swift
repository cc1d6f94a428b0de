import Synchronization

/// Verified tokens by digest. Bounded: the older half goes when it is full, so that a flood of good
/// tokens costs others one check and not all at once.
final class TokenMemory<Value: Sendable>: Sendable {
    private struct Halves {
        var young: [Digest32: Value] = [:]
        var old: [Digest32: Value] = [:]
    }

    private let halfMax: Int
    private let halves = Mutex(Halves())

    init(_ entriesMax: Int) { halfMax = max(1, entriesMax / 2) }

    subscript(_ digest: Digest32) -> Value? {
        halves.withLock { halves in
            if let value = halves.young[digest] { return value }
            guard let value = halves.old[digest] else { return nil }
            put(value, digest, &halves)
            return value
        }
    }

    func remember(_ value: Value, _ digest: Digest32) {
        halves.withLock { put(value, digest, &$0) }
    }

    func forget(_ digest: Digest32) {
        halves.withLock { halves in
            halves.young[digest] = nil
            halves.old[digest] = nil
        }
    }

    var count: Int { halves.withLock { $0.young.count + $0.old.count } }

    private func put(_ value: Value, _ digest: Digest32, _ halves: inout Halves) {
        if halves.young.count >= halfMax {
            halves.old = halves.young
            halves.young = [:]
        }
        halves.young[digest] = value
    }
}
