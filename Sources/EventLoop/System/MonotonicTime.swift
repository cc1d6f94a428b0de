import Glibc

/// A point on CLOCK_MONOTONIC in nanoseconds. `Duration` is 128 bits wide and costs divisions;
/// deadlines are compared on every request, so they are one word.
package struct MonotonicTime: Comparable, Hashable, Sendable {
    package let nanoseconds: UInt64

    package init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    /// Later than anything: "no deadline".
    package static let never = MonotonicTime(nanoseconds: .max)

    package static func now() -> MonotonicTime {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicTime(
            nanoseconds: UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec))
    }

    package static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// Saturates at `never`; a negative duration is taken as zero.
    package func advanced(by duration: Duration) -> MonotonicTime {
        let (seconds, attoseconds) = duration.components
        guard seconds >= 0, attoseconds >= 0 else { return self }
        let (whole, tooFar) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        if tooFar { return .never }
        let (step, carried) = whole.addingReportingOverflow(UInt64(attoseconds) / 1_000_000_000)
        let (sum, overflowed) = nanoseconds.addingReportingOverflow(step)
        return carried || overflowed ? .never : MonotonicTime(nanoseconds: sum)
    }

    /// Nanoseconds from `earlier` to here, zero when it is not earlier.
    package func nanoseconds(since earlier: MonotonicTime) -> UInt64 {
        nanoseconds > earlier.nanoseconds ? nanoseconds &- earlier.nanoseconds : 0
    }
}
