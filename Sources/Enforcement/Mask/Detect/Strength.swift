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
    /// Of letters, how often one case stands alone or two of the other together, as no name of
    /// a program writes it: `lWauSLgm`.
    private var oddities = 0
    private var runLength = 0
    private var partOddities = 0
    private var partKinds: UInt8 = 0
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
            note(kind, last, isLast: index == end - 1)
            last = kind
            if byte & 64 == 0 {
                seen.0 |= 1 << UInt64(byte & 63)
            } else {
                seen.1 |= 1 << UInt64(byte & 63)
            }
        }
    }

    /// A part of one case alone is a word: `DB_PASSWORD`.
    private mutating func note(_ kind: Int, _ last: Int, isLast: Bool) {
        if kind != last {
            endRun(last)
            runLength = 0
            if kind != 2, kind != 3 { endPart() }
        }
        runLength += 1
        if isLast {
            endRun(kind)
            endPart()
        }
    }

    private mutating func endRun(_ kind: Int) {
        guard kind == 2 || kind == 3 else { return }
        partKinds |= kind == 2 ? 1 : 2
        if kind == 2 ? runLength > 1 : runLength == 1 { partOddities += 1 }
    }

    private mutating func endPart() {
        if partKinds == 3 { oddities += partOddities }
        partOddities = 0
        partKinds = 0
    }

    /// Letters of both cases in the order of no word.
    var isScrambled: Bool { length >= 8 && differing >= 5 && turns >= 2 && oddities >= 1 }
    /// Even where the names of a program may stand.
    var isScrambledTwice: Bool { isScrambled && turns >= 4 && oddities >= 2 }

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
