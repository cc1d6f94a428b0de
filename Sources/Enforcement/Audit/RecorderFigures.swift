/// Whether lines are taken.
package enum RecordStanding: String, Sendable, CaseIterable {
    case good
    /// A batch is at work for longer than anybody waits for.
    case stalled
    /// A batch failed, and none has gone through since.
    case failed
}

/// What a record has done since it was opened, for whoever watches over it.
package struct RecorderFigures: Sendable, Equatable {
    /// Of batches that became durable: from when they were taken up until then, in microseconds.
    package var commits = Distribution([
        250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000,
    ])
    package var lines = Distribution([1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000])
    /// How often it stopped taking lines.
    package var failures = 0
    /// Of lines that wait, now.
    package var waitingBytes = 0
    package var standing = RecordStanding.good

    package init() {}

    mutating func note(_ batch: [WaitingLines], taking nanoseconds: UInt64) {
        commits.add(Int(nanoseconds / 1_000))
        lines.add(batch.reduce(0) { $0 + $1.bodies.count })
    }

    /// How many values were at most how large.
    package struct Distribution: Sendable, Equatable {
        package let bounds: [Int]
        /// One for each bound, and one for what is beyond them.
        package var counts: [Int]
        package var sum = 0

        package init(_ bounds: [Int]) {
            self.bounds = bounds
            counts = Array(repeating: 0, count: bounds.count + 1)
        }

        package mutating func add(_ value: Int) {
            counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
            sum += value
        }

        package var count: Int { counts.reduce(0, +) }

        /// A bound below which are so many of a thousand; nil where it is beyond all of them.
        package func bound(of thousandths: Int) -> Int? {
            var left = (count * thousandths + 999) / 1_000
            for (index, bound) in bounds.enumerated() {
                left -= counts[index]
                if left <= 0 { return bound }
            }
            return nil
        }
    }
}
