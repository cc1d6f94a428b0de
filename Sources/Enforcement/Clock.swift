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

/// Moments as people and documents write them.
extension WallClock {
    package static func digits(_ text: Substring) -> Int? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
    }

    /// RFC 3339, whole seconds; seconds since 1970.
    package static func moment(_ text: String) -> Int? {
        let form = "dddd-dd-ddTdd:dd:dd"
        guard text.utf8.count > form.utf8.count else { return nil }
        for (byte, place) in zip(text.utf8, form.utf8) {
            let isDigit = (0x30...0x39).contains(byte)
            guard place == UInt8(ascii: "d") ? isDigit : byte == place else { return nil }
        }
        func number(_ start: Int, _ count: Int) -> Int {
            Int(String(decoding: text.utf8.dropFirst(start).prefix(count), as: UTF8.self)) ?? 0
        }
        let (year, month, day) = (number(0, 4), number(5, 2), number(8, 2))
        let (hour, minute, second) = (number(11, 2), number(14, 2), number(17, 2))
        guard year >= 1970, (1...12).contains(month), (1...31).contains(day), hour < 24,
            minute < 60, second < 60,
            let offset = offset(text.utf8.dropFirst(form.utf8.count))
        else { return nil }
        let days = Calendar.days(year: year, month: month, day: day)
        // A day that the month does not have is another month's.
        guard month == 12 || days < Calendar.days(year: year, month: month + 1, day: 1) else {
            return nil
        }
        return days * Calendar.day + hour * 3_600 + minute * 60 + second - offset
    }

    private static func offset(_ text: Substring.UTF8View) -> Int? {
        if text.elementsEqual("Z".utf8) { return 0 }
        let sign = text.first == UInt8(ascii: "-") ? -1 : 1
        guard text.count == 6, text.first == UInt8(ascii: "+") || sign < 0 else { return nil }
        let parts = Substring(text.dropFirst()).split(separator: ":")
        guard parts.count == 2, let hours = digits(parts[0]),
            let minutes = digits(parts[1]), hours < 24, minutes < 60
        else { return nil }
        return sign * (hours * 3_600 + minutes * 60)
    }
}
