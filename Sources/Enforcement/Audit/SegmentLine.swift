/// The fixed form of a line: `{"seq":N,"at":"2026-11-21T12:00:00.123456Z","event":"name"…}`.
///
/// The writer gives exactly this form and every reader demands it. So nobody parses JSON to check
/// the record, and a line that was written again with other spaces is a changed line.
struct SegmentLine {
    let sequence: Int
    /// 27 bytes.
    let at: ArraySlice<UInt8>
    let event: ArraySlice<UInt8>
    /// From `"event"` to before the closing brace.
    let body: ArraySlice<UInt8>

    static let timeLength = 27
    private static let sequencePrefix: [UInt8] = Array(#"{"seq":"#.utf8)
    private static let timePrefix: [UInt8] = Array(#","at":""#.utf8)
    private static let eventPrefix: [UInt8] = Array(#"","event":""#.utf8)
    private static let timeForm: [UInt8] = Array("0000-00-00T00:00:00.000000Z".utf8)

    /// `line` comes without its line feed. Nil for another form.
    init?(_ line: ArraySlice<UInt8>) {
        guard line.starts(with: Self.sequencePrefix), line.last == UInt8(ascii: "}") else {
            return nil
        }
        var index = line.startIndex + Self.sequencePrefix.count
        guard let sequence = Self.number(line, &index),
            Self.skip(Self.timePrefix, line, &index),
            line.endIndex - index > Self.timeLength
        else { return nil }
        at = line[index..<index + Self.timeLength]
        guard Self.isTime(at) else { return nil }
        index += Self.timeLength
        let bodyStart = index + 2
        guard Self.skip(Self.eventPrefix, line, &index),
            let end = line[index...].firstIndex(of: UInt8(ascii: "\""))
        else { return nil }
        self.sequence = sequence
        event = line[index..<end]
        body = line[bodyStart..<line.endIndex - 1]
    }

    func isEvent(_ name: StaticString) -> Bool {
        guard event.count == name.utf8CodeUnitCount else { return false }
        return name.withUTF8Buffer { unsafe event.elementsEqual($0) }
    }

    /// Up to 18 digits without a leading zero.
    static func number(_ line: ArraySlice<UInt8>, _ index: inout Int) -> Int? {
        var value = 0
        let start = index
        while index < line.endIndex, index - start < 18 {
            let digit = line[index] &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            value = value &* 10 &+ Int(digit)
            index += 1
        }
        guard index > start, index - start == 1 || line[start] != UInt8(ascii: "0") else {
            return nil
        }
        return value
    }

    static func skip(_ text: [UInt8], _ line: ArraySlice<UInt8>, _ index: inout Int) -> Bool {
        guard line.endIndex - index >= text.count else { return false }
        for byte in text {
            guard line[index] == byte else { return false }
            index += 1
        }
        return true
    }

    private static func isTime(_ text: ArraySlice<UInt8>) -> Bool {
        var index = text.startIndex
        for form in timeForm {
            let byte = text[index]
            guard form == UInt8(ascii: "0") ? byte &- form < 10 : byte == form else { return false }
            index += 1
        }
        return true
    }
}

/// The time of a batch as text; the part down to the second is kept between calls.
struct SegmentClock {
    private var second = Int.min
    private var text: [UInt8] = Array("0000-00-00T00:00:00.000000Z".utf8)

    mutating func text(seconds: Int, nanoseconds: Int) -> [UInt8] {
        if seconds != second {
            second = seconds
            writeDate(seconds)
        }
        put(nanoseconds / 1000, digits: 6, at: 20)
        return text
    }

    /// Civil from days, after Howard Hinnant: no time zone, no locale, no C library state.
    private mutating func writeDate(_ seconds: Int) {
        let days = Int((Double(seconds) / 86_400).rounded(.down))
        let rest = seconds - days * 86_400
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        put(yearOfEra + era * 400 + (month >= 10 ? 1 : 0), digits: 4, at: 0)
        put(month < 10 ? month + 3 : month - 9, digits: 2, at: 5)
        put(day, digits: 2, at: 8)
        put(rest / 3600, digits: 2, at: 11)
        put(rest / 60 % 60, digits: 2, at: 14)
        put(rest % 60, digits: 2, at: 17)
    }

    private mutating func put(_ value: Int, digits: Int, at start: Int) {
        var value = max(0, value)
        for index in stride(from: start + digits - 1, through: start, by: -1) {
            text[index] = UInt8(ascii: "0") + UInt8(value % 10)
            value /= 10
        }
    }
}
