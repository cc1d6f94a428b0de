internal import Enforcement
internal import EventLoop
internal import JSON

/// When does a server say that it will be ready again (RFC 9110 section 10.2.3)?
enum RetryAfter {
    static let secondsMax = 3_600
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// From 1 to an hour. A date counts from the server's own, so that no two clocks are compared;
    /// where it says none, from ours.
    static func seconds(_ headers: HTTPHeaders, now: Int = WallClock.seconds()) -> Int? {
        guard let text = headers["retry-after"] else { return nil }
        let isNumber = !text.utf8.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        // What has more digits than a number can have is more than an hour too.
        if isNumber { return min(max(Int(text) ?? secondsMax, 1), secondsMax) }
        guard let moment = moment(text) else { return nil }
        let since = headers["date"].flatMap { self.moment($0) } ?? now
        return min(max(moment - since, 1), secondsMax)
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`, in seconds since 1970.
    static func moment(_ text: String) -> Int? {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0].utf8.count == 4, parts[5].utf8.elementsEqual("GMT".utf8),
            let day = number(parts[1], 1...31), let year = number(parts[3], 1970...9_999),
            let month = months.firstIndex(where: { $0.utf8.elementsEqual(parts[2].utf8) })
        else { return nil }
        let clock = parts[4].split(separator: ":", omittingEmptySubsequences: false)
        guard clock.count == 3, let hour = number(clock[0], 0...23),
            let minute = number(clock[1], 0...59), let second = number(clock[2], 0...60)
        else { return nil }
        let days = Calendar.days(year: year, month: month + 1, day: day)
        return days * Calendar.day + hour * 3_600 + minute * 60 + second
    }

    private static func number(_ text: Substring, _ range: ClosedRange<Int>) -> Int? {
        guard let number = WallClock.digits(text), range.contains(number) else { return nil }
        return number
    }
}
