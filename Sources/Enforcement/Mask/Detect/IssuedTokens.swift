/// What an earlier mask put in the place of a value: `<email:…>`, `[email]`.
///
/// It passes unchanged, and its words are no cue for what stands behind it: a text that was masked
/// is the same when it is masked again.
extension Span<UInt8> {
    /// The end of a token that begins at `start`, a `<`.
    func issuedTokenEnd(at start: Int) -> Int? {
        let colon = end(of: start + 1, atMost: 64) {
            $0.isLower || $0.isDigit || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
        }
        guard colon > start + 1, at(colon) == UInt8(ascii: ":") else { return nil }
        let close = end(of: colon + 1, atMost: Pseudonym.textCount) { Pseudonym.isLetter($0) }
        return close - colon - 1 == Pseudonym.textCount && at(close) == UInt8(ascii: ">")
            ? close + 1 : nil
    }

    /// Whether one ends before `end`, with its `>`.
    func isIssuedToken(endingAt end: Int) -> Bool {
        let colon = end - 2 - Pseudonym.textCount
        guard at(colon) == UInt8(ascii: ":") else { return false }
        let open =
            start(of: colon, atMost: 64) {
                $0.isLower || $0.isDigit || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
            } - 1
        return at(open) == UInt8(ascii: "<") && issuedTokenEnd(at: open) == end
    }

    /// Whether `[word]` ends before `end`.
    func isPlaceholder(endingAt end: Int) -> Bool {
        let open =
            start(of: end - 1, atMost: 64) {
                $0.isWord || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
            } - 1
        return open < end - 2 && at(open) == UInt8(ascii: "[")
    }
}
