/// The latest calls of somebody, no longer ago than a span and no more than a limit.
struct RecentCalls {
    private let span: Int
    private let limit: Int
    private var kept: [WatchedCall] = []
    private var start = 0

    /// `span` in microseconds.
    init(span: Int, limit: Int = 5_000) {
        self.span = span
        self.limit = limit
    }

    var calls: ArraySlice<WatchedCall> { kept[start...] }

    /// Answers those that are too long ago with it.
    mutating func add(_ call: WatchedCall) -> [WatchedCall] {
        var gone: [WatchedCall] = []
        while start < kept.count,
            kept[start].at <= call.at - span || kept.count - start >= limit
        {
            gone.append(kept[start])
            start += 1
        }
        if start > 64, start * 2 > kept.count {
            kept.removeFirst(start)
            start = 0
        }
        kept.append(call)
        return gone
    }
}

/// How often each of several things is there.
struct Tally<Thing: Hashable> {
    private(set) var counts: [Thing: Int] = [:]

    var distinct: Int { counts.count }

    mutating func add(_ thing: Thing) { counts[thing, default: 0] += 1 }

    mutating func remove(_ thing: Thing) {
        guard let count = counts[thing] else { return }
        counts[thing] = count > 1 ? count - 1 : nil
    }
}

/// What somebody's hours, or other equal times, are like: how much nineteen of twenty hold at most,
/// to the next power of two. Nil until there were enough of them.
struct UsualAmount {
    private var counts = [Int](repeating: 0, count: Int.bitWidth + 1)
    private var total = 0
    private static let enough = 10

    private(set) var most: Int?

    mutating func add(_ amount: Int) {
        counts[Int.bitWidth - max(amount, 0).leadingZeroBitCount] += 1
        total += 1
        guard total >= Self.enough else { return }
        var seen = 0
        for (bits, count) in counts.enumerated() {
            seen += count
            guard seen * 20 >= total * 19 else { continue }
            most = bits == 0 ? 0 : (1 << bits) - 1
            return
        }
    }
}

enum Microseconds {
    static let minute = 60_000_000
    static let hour = 60 * minute
    static let day = 24 * hour
}
