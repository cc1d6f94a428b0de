/// Passports and licences: a number behind the word for it. They have no common form and no check
/// digit, so without the word they are any code.
enum Documents {
    static let reach = 56

    static func number(
        _ text: Span<UInt8>, after start: Int, kind: ValueKind
    ) -> Finding? {
        var index = start
        let stop = min(text.count, start + reach)
        var words = 0
        while index < stop, words < 6 {
            let byte = text[index]
            guard byte.isWord else {
                if ends(byte) { return nil }
                index += 1
                continue
            }
            let end = text.end(of: index, atMost: 24) { $0.isWord }
            if isNumber(text, index, end) { return Finding(kind, index, wholeEnd(text, end)) }
            if let end = spacedEnd(text, index, end) { return Finding(kind, index, end) }
            words += 1
            index = end
        }
        return nil
    }

    private static func ends(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ";") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "{")
            || byte == UInt8(ascii: "&") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "<")
    }

    /// Six to twelve capitals and digits, with more than a year's worth of digits among them.
    private static func isNumber(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        guard (6...12).contains(end - start), !text.at(end).isWord else { return false }
        var digits = 0
        for index in start..<end {
            if text[index].isLower { return false }
            if text[index].isDigit { digits += 1 }
        }
        guard digits >= (end - start == 9 ? isOfCode(text, start, end) ? 0 : 1 : 4) else {
            return false
        }
        return Dates.date(text, at: start) != end
    }

    /// German numbers are of digits and these letters, sometimes of letters alone: no word is.
    private static func isOfCode(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        for index in start..<end
        where !text[index].isDigit && !"CFGHJKLMNPRTVWXYZ".utf8.contains(text[index]) {
            return false
        }
        return true
    }

    /// `AB 1234567`.
    private static func spacedEnd(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
        guard end - start <= 3, text.at(end) == 0x20 else { return nil }
        for index in start..<end where !text[index].isUpper && !text[index].isDigit { return nil }
        let last = text.end(of: end + 1, atMost: 10) { $0.isDigit }
        return (6...9).contains(last - end - 1) && !text.at(last).isWord ? last : nil
    }

    /// `123456789-01`.
    private static func wholeEnd(_ text: Span<UInt8>, _ end: Int) -> Int {
        guard text.at(end) == UInt8(ascii: "-") else { return end }
        let more = text.end(of: end + 1, atMost: 6) { $0.isDigit }
        return more > end + 1 && !text.at(more).isWord ? more : end
    }
}
