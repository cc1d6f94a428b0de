import Glibc

package enum WallClock {
    /// Seconds since 1970.
    package static func seconds() -> Int {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return time.tv_sec
    }
}
