/// RFC 3339: dates, times and durations.
enum FormatTime {
    static func isDateTime(_ bytes: [UInt8]) -> Bool {
        var cursor = FormatCursor(bytes)
        return date(&cursor) && cursor.takeLetter("t") && time(&cursor) && cursor.isAtEnd
    }

    static func isDate(_ bytes: [UInt8]) -> Bool {
        var cursor = FormatCursor(bytes)
        return date(&cursor) && cursor.isAtEnd
    }

    static func isTime(_ bytes: [UInt8]) -> Bool {
        var cursor = FormatCursor(bytes)
        return time(&cursor) && cursor.isAtEnd
    }

    private static func date(_ cursor: inout FormatCursor) -> Bool {
        guard let year = cursor.digits(4), cursor.take("-"), let month = cursor.digits(2),
            cursor.take("-"), let day = cursor.digits(2), (1...12).contains(month)
        else { return false }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return (1...days[month - 1]).contains(day)
    }

    private static func time(_ cursor: inout FormatCursor) -> Bool {
        guard let hour = cursor.digits(2), cursor.take(":"), let minute = cursor.digits(2),
            cursor.take(":"), let second = cursor.digits(2), hour < 24, minute < 60
        else { return false }
        if cursor.take("."), !cursor.someDigits() { return false }
        guard let offset = offset(&cursor) else { return false }
        // A leap second comes at the end of a day of UTC.
        let minutes = (hour * 60 + minute - offset + 2 * 1_440) % 1_440
        return second < 60 || second == 60 && minutes == 1_439
    }

    /// In minutes.
    private static func offset(_ cursor: inout FormatCursor) -> Int? {
        if cursor.takeLetter("z") { return 0 }
        let isNegative = cursor.take("-")
        guard isNegative || cursor.take("+"), let hours = cursor.digits(2), cursor.take(":"),
            let minutes = cursor.digits(2), hours < 24, minutes < 60
        else { return nil }
        return (hours * 60 + minutes) * (isNegative ? -1 : 1)
    }

    /// Units in falling order without a gap, as RFC 3339 appendix A has them.
    static func isDuration(_ bytes: [UInt8]) -> Bool {
        var cursor = FormatCursor(bytes)
        guard cursor.take("P") else { return false }
        if bytes.last == UInt8(ascii: "W") {
            return cursor.someDigits() && cursor.take("W") && cursor.isAtEnd
        }
        guard let date = units(&cursor, ["Y", "M", "D"]) else { return false }
        guard cursor.take("T") else { return date && cursor.isAtEnd }
        guard let time = units(&cursor, ["H", "M", "S"]) else { return false }
        return time && cursor.isAtEnd
    }

    /// Whether there is one; nil when one is cut off or out of order.
    private static func units(_ cursor: inout FormatCursor, _ units: [Unicode.Scalar]) -> Bool? {
        var last: Int?
        while cursor.someDigits() {
            let allowed = last.map { $0 + 1..<min($0 + 2, units.count) } ?? 0..<units.count
            guard let unit = allowed.first(where: { cursor.take(units[$0]) }) else { return nil }
            last = unit
        }
        return last != nil
    }
}
