/// Encoded runs that go on in pieces as long as their first, on lines or behind spaces.
struct WrappedRuns {
    private static let bytesMax = 8_192
    /// Four pieces begin at all the places of a group of four letters; further tries decode the
    /// same again.
    private static let triesMax = 4

    private var triedTo = 0
    private var tries = 0

    /// The end of the pieces of which `start..<firstEnd` is the first, if they decode together.
    mutating func end(
        _ text: Span<UInt8>, _ start: Int, _ firstEnd: Int, into scratch: inout [UInt8]
    ) -> Int? {
        if start >= triedTo { tries = 0 }
        let next = Self.gapEnd(text, firstEnd)
        guard tries < Self.triesMax, next > firstEnd, text.at(next).isBase64,
            text.end(of: start, atMost: firstEnd - start, { $0.isDigit }) < firstEnd
        else { return nil }
        let (end, before) = Self.pieces(text, start, firstEnd)
        guard end > firstEnd else { return nil }
        triedTo = max(triedTo, end)
        tries += 1
        if EncodedRuns.decode(text, start, end, into: &scratch) {
            tries = Self.triesMax
            return end
        }
        // The last piece may be a word that only stands behind it.
        if before > firstEnd, EncodedRuns.decode(text, start, before, into: &scratch) {
            tries = Self.triesMax
            return before
        }
        return nil
    }

    /// The ends of the last piece and of the one before it.
    private static func pieces(
        _ text: Span<UInt8>, _ start: Int, _ firstEnd: Int
    ) -> (end: Int, before: Int) {
        let length = firstEnd - start
        var end = firstEnd
        var before = firstEnd
        while end - start < bytesMax, text.at(end) != UInt8(ascii: "=") {
            let next = gapEnd(text, end)
            let stop = text.end(of: next, atMost: length + 1) { $0.isBase64 }
            guard next > end, stop > next, stop - next <= length else { break }
            before = end
            end = stop
            if stop - next < length { break }
        }
        return (end, before)
    }

    /// Behind one space, or one end of a line with the room in front of the next.
    private static func gapEnd(_ text: Span<UInt8>, _ start: Int) -> Int {
        if text.at(start) == 0x20 { return start + 1 }
        let line = text.at(start) == UInt8(ascii: "\r") ? start + 1 : start
        guard text.at(line) == UInt8(ascii: "\n") else { return start }
        return text.end(of: line + 1, atMost: 8) { $0.isBlank }
    }
}
