import Glibc

package enum WallClock {
    /// Seconds since 1970.
    package static func seconds() -> Int {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return time.tv_sec
    }

    /// `2013-05-24T00:00:00.000000Z`.
    package static func text(_ seconds: Int) -> String {
        var clock = SegmentClock()
        return String(decoding: clock.text(seconds: seconds, nanoseconds: 0), as: UTF8.self)
    }
}
