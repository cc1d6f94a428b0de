/// What codes of two factors are made from (RFC 6238), in base32 as people type it: one word, or
/// groups of four.
enum Seeds {
    private static let lengthMin = 16
    private static let lengthMax = 128

    /// Words that may stand between what says of what a seed is, and the seed.
    private static let between: [StaticString] = [
        "secret", "key", "seed", "setup", "is", "code", "app", "shared", "token", "the", "for",
        "your", "totp", "base32", "auth",
    ]

    /// Behind a word that speaks of codes: `TOTP seed: …`, `authenticator key …`.
    static func labelled(_ text: Span<UInt8>, after end: Int) -> Finding? {
        var index = end
        for _ in 0..<5 {
            let start = text.end(of: index, atMost: 6) { isJoint($0) }
            guard start > index else { return nil }
            if let stop = seedEnd(text, start) { return Finding(.apiKey, start, stop) }
            index = text.end(of: start, atMost: 12) { $0.isWord }
            let isBetween = between.contains {
                $0.utf8CodeUnitCount == index - start && text.hasFolded($0, at: start)
            }
            guard isBetween else { return nil }
        }
        return nil
    }

    /// Among the words of a command.
    static func argument(_ text: Span<UInt8>, _ end: Int) -> Finding? {
        var words = CommandWords(text, from: end)
        while let word = words.next(text) {
            if let stop = seedEnd(text, word.lowerBound) {
                return Finding(.apiKey, word.lowerBound, stop)
            }
        }
        return nil
    }

    private static func isJoint(_ byte: UInt8) -> Bool {
        byte.isBlank || byte.isQuote || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "=")
            || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }

    /// Letters of one case with a digit among them; words have none.
    private static func seedEnd(_ text: Span<UInt8>, _ start: Int) -> Int? {
        let isUpper = text.end(of: start, atMost: 8) { !$0.isLetter }
        let upper = text.at(isUpper).isUpper
        let accepts = { (byte: UInt8) in
            (0x32...0x37).contains(byte) || (upper ? byte.isUpper : byte.isLower)
        }
        var end = text.end(of: start, atMost: lengthMax, accepts)
        var length = end - start
        if length == 4 {
            while length < lengthMax, text.at(end) == 0x20 || text.at(end) == UInt8(ascii: "-") {
                let next = text.end(of: end + 1, atMost: 5, accepts)
                guard next - end == 5, !text.at(next).isWord else { break }
                end = next
                length += 4
            }
        }
        let hasDigit = text.end(of: start, atMost: end - start) { !$0.isDigit } < end
        return length >= lengthMin && length < lengthMax && hasDigit && !text.at(end).isWord
            ? end : nil
    }
}
