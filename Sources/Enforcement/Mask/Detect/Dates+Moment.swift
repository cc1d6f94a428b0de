/// Columns of moments are in most tables, and nothing in them is a value that a person is known by.
extension Dates {
    /// Whether the text is a date and a time of these days and nothing else: `2026-11-21 07:45:33`,
    /// `2026-11-21T07:45:33.123456Z`.
    static func isMoment(_ text: Span<UInt8>) -> Bool {
        guard (19...27).contains(text.count), fits(text.word(at: 0), day),
            fits(text.word(at: 11), time), text[8].isDigit, text[9].isDigit,
            text[10] == UInt8(ascii: "T") || text[10] == 0x20,
            text[0] == UInt8(ascii: "2") && text[1] == UInt8(ascii: "0")
                || text[0] == UInt8(ascii: "1") && text[1] == UInt8(ascii: "9"),
            (1...12).contains(number(text, 5)), (1...31).contains(number(text, 8))
        else { return false }
        var end = 19
        if text.at(end) == UInt8(ascii: ".") {
            end = text.end(of: 20, atMost: 6) { $0.isDigit }
            if end == 20 { return false }
        }
        if text.at(end) == UInt8(ascii: "Z") { end += 1 }
        return end == text.count
    }

    private struct Form {
        let signs: UInt64
        /// Reaches the highest bit of a byte that differs from its sign, or of one that is no digit
        /// where the sign is a zero.
        let excess: UInt64
    }

    /// `0000-00-` and `00:00:00`, where a zero stands for a digit.
    private static let day = Form(signs: 0x2D30_302D_3030_3030, excess: 0x7F76_767F_7676_7676)
    private static let time = Form(signs: 0x3030_3A30_303A_3030, excess: 0x7676_7F76_767F_7676)

    @inline(__always)
    private static func fits(_ word: UInt64, _ form: Form) -> Bool {
        let highest: UInt64 = 0x8080_8080_8080_8080
        let unlike = UInt64(littleEndian: word) ^ form.signs
        return ((unlike & ~highest) &+ form.excess | unlike) & highest == 0
    }

    @inline(__always)
    private static func number(_ text: Span<UInt8>, _ start: Int) -> UInt8 {
        (text[start] &- 0x30) &* 10 &+ (text[start + 1] &- 0x30)
    }
}
