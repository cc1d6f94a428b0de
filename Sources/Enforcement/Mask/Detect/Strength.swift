/// Is this a secret, or a word that stands where a secret could?
///
/// Counted, not guessed from a dictionary: kinds of characters, how many differ, how often they
/// change.
struct Strength {
    private(set) var length = 0
    private var digits = 0
    private var uppers = 0
    private var lowers = 0
    private var symbols = 0
    /// Changes between kinds of characters.
    private var turns = 0
    private var seen: (UInt64, UInt64) = (0, 0)

    init(_ text: Span<UInt8>, _ start: Int, _ end: Int) {
        length = end - start
        var last = 0
        for index in start..<end {
            let byte = text[index]
            var kind = 4
            if byte.isDigit {
                digits += 1
                kind = 1
            } else if byte.isUpper {
                uppers += 1
                kind = 2
            } else if byte.isLower || byte >= 0x80 {
                lowers += 1
                kind = 3
            } else {
                symbols += 1
            }
            if kind != last, last != 0 { turns += 1 }
            last = kind
            if byte & 64 == 0 {
                seen.0 |= 1 << UInt64(byte & 63)
            } else {
                seen.1 |= 1 << UInt64(byte & 63)
            }
        }
    }

    private var differing: Int { seen.0.nonzeroBitCount + seen.1.nonzeroBitCount }

    /// A key or token: of two kinds of characters at least, in an order that no name has.
    var isRandom: Bool {
        guard length >= 8, differing >= 6, digits + uppers + lowers > symbols * 3 else {
            return false
        }
        if digits > 0, uppers + lowers > 0 { return digits >= 2 && turns >= 3 || turns >= 5 }
        return uppers > 0 && lowers > 0 && turns >= 5 && length >= 16
    }

    /// Something that only a machine would choose, for places where prose is likely.
    var isPassword: Bool {
        guard length >= 6, differing >= 4 else { return false }
        let kinds =
            (digits > 0 ? 1 : 0) + (uppers > 0 ? 1 : 0) + (lowers > 0 ? 1 : 0)
            + (symbols > 0 ? 1 : 0)
        return digits > 0 && kinds >= 2 || kinds >= 3 && turns >= 3
    }

    /// Letters, and what joins words.
    var isOfWords: Bool { digits <= 2 && length > digits }

    var isOfLettersAlone: Bool { digits == 0 && symbols == 0 }
    var isOfDigitsAlone: Bool { digits == length }
    var differsEnough: Bool { differing > 2 }
}
