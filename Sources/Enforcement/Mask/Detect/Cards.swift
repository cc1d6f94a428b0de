/// Is this number a payment card? Length and issuer range as ISO/IEC 7812 and the schemes publish
/// them, then Luhn.
enum Cards {
    /// One block of issuer numbers of up to six digits, and the lengths of its cards.
    private struct Block: Sendable {
        let range: ClosedRange<Int>
        let lengths: ClosedRange<Int>

        /// `from` and `to` have the same number of digits and stand for all that begin so.
        init(_ from: Int, _ to: Int, _ lengths: ClosedRange<Int>) {
            var scale = 1
            while to * scale < 100_000 { scale *= 10 }
            range = (from * scale)...(to * scale + scale - 1)
            self.lengths = lengths
        }
    }

    private static let blocks: [Block] = [
        Block(4, 4, 13...13), Block(4, 4, 16...16), Block(4, 4, 19...19),
        Block(51, 55, 16...16), Block(2221, 2720, 16...16),
        Block(34, 34, 15...15), Block(37, 37, 15...15),
        // Diners Club
        Block(300, 305, 14...19), Block(3095, 3095, 14...19), Block(36, 36, 14...19),
        Block(38, 39, 14...19),
        // Discover
        Block(6011, 6011, 16...19), Block(644, 649, 16...19), Block(65, 65, 16...19),
        // JCB
        Block(3528, 3589, 16...19), Block(2131, 2131, 15...15), Block(1800, 1800, 15...15),
        // UnionPay
        Block(62, 62, 16...19), Block(81, 81, 16...19),
        // Maestro and the debit schemes of its ranges
        Block(5018, 5018, 12...19), Block(5020, 5020, 12...19), Block(5038, 5038, 12...19),
        Block(5612, 5612, 12...19), Block(5893, 5893, 12...19), Block(6304, 6304, 12...19),
        Block(6759, 6759, 12...19), Block(6761, 6763, 12...19), Block(6799, 6799, 12...19),
        Block(6390, 6390, 12...19), Block(6703, 6703, 16...19), Block(6709, 6709, 16...19),
        Block(6706, 6706, 16...19), Block(6771, 6771, 16...19), Block(5000, 5099, 16...19),
        Block(5600, 5899, 16...19),
        // Mir, RuPay, Troy, Verve, Hipercard, Elo, Dankort, InterPayment, Uzcard, Humo, LankaPay
        Block(2200, 2205, 16...19), Block(60, 60, 16...16), Block(82, 82, 16...16),
        Block(9792, 9792, 16...16), Block(6500, 6500, 16...19), Block(606282, 606282, 16...16),
        Block(636, 636, 16...19), Block(5019, 5019, 16...16), Block(8600, 8600, 16...16),
        Block(9860, 9860, 16...16), Block(357111, 357111, 16...16),
    ]

    /// `4111|1111|1111|1111`: four groups of four with the same few signs between them, behind a
    /// word that says what they are.
    static func spread(_ text: Span<UInt8>, at start: Int) -> Finding? {
        let joint = text.end(of: start + 4, atMost: 3) { isJoint($0) }
        guard joint > start + 4 else { return nil }
        let length = joint - start - 4
        var digits = Digits()
        var index = start
        for group in 0..<4 {
            if group > 0 {
                for place in 0..<length where text.at(index + place) != text[start + 4 + place] {
                    return nil
                }
                index += length
            }
            let end = text.end(of: index, atMost: 5) { $0.isDigit }
            guard end - index == 4 else { return nil }
            for place in index..<end { digits.append(text[place] - 0x30) }
            index = end
        }
        guard !text.at(index).isWord, isCard(digits, 16),
            text.cues(before: start).cues.contains(.card)
        else { return nil }
        return Finding(.card, start, index)
    }

    private static func isJoint(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "|"), UInt8(ascii: "*"), UInt8(ascii: "~"), UInt8(ascii: ":"),
            UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "+"), 0x20:
            true
        default: false
        }
    }

    /// What a magnetic stripe holds behind the number (ISO/IEC 7813): `=27121010000000000?`, or
    /// `^DOE/JANE^27121010000000000?`.
    static func stripeEnd(_ text: Span<UInt8>, behind end: Int) -> Int {
        var index = end
        if text.at(end) == UInt8(ascii: "^") {
            index = text.end(of: end + 1, atMost: 26) { $0 != UInt8(ascii: "^") && $0 >= 0x20 }
            guard index > end + 1, text.at(index) == UInt8(ascii: "^") else { return end }
        } else if text.at(end) != UInt8(ascii: "=") {
            return end
        }
        let stop = text.end(of: index + 1, atMost: 60) { $0.isWord || $0 == 0x20 }
        let isLong = text.end(of: index + 1, atMost: 7) { $0.isDigit } - index - 1 == 7
        guard isLong else { return end }
        return text.at(stop) == UInt8(ascii: "?")
            ? stop + 1 : text.end(of: index + 1, atMost: 40) { $0.isDigit }
    }

    static func isCard(_ digits: Digits, _ count: Int) -> Bool {
        guard (12...19).contains(count), digits.luhn(count), !digits.isUniform(count) else {
            return false
        }
        let issuer = digits.number(0, 6)
        return blocks.contains { $0.lengths.contains(count) && $0.range.contains(issuer) }
    }
}
