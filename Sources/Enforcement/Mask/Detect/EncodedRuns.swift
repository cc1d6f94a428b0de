/// Long runs that are text in base64 or in hexadecimal digits.
enum EncodedRuns {
    /// Eleven bytes without padding: `536-22-8710`.
    static let lengthMin = 15
    /// A run is broken into words by `+`, `/`, `-` and `_`, which stand for few bytes of a text:
    /// one of its words has this length.
    static let wordMin = 8

    /// Calls `body` with each run that decodes to text, and what it decodes to.
    static func each(
        in text: Span<UInt8>,
        _ body: (_ start: Int, _ end: Int, _ decoded: [UInt8]) -> Void
    ) {
        var scratch: [UInt8] = []
        var index = 0
        while index < text.count {
            guard text[index].isBase64 else {
                index += 1
                continue
            }
            let start = index
            index = text.end(of: start) { $0.isBase64 }
            guard index - start >= lengthMin else { continue }
            guard let place = firstDecoded(text, start, index, into: &scratch) else { continue }
            let padding = text.end(of: index, atMost: 2) { $0 == UInt8(ascii: "=") }
            body(place, padding, scratch)
        }
    }

    /// Where the encoded text begins: behind `0x` and `\x`, and perhaps behind the words of a path
    /// or a name, `/files/bWFpbC…`. Two tries at most.
    private static func firstDecoded(
        _ text: Span<UInt8>, _ start: Int, _ end: Int, into scratch: inout [UInt8]
    ) -> Int? {
        var start = start
        if text.has("0x", at: start) { start += 2 }
        if text[start] == UInt8(ascii: "x"), text.at(start - 1) == UInt8(ascii: "\\") { start += 1 }
        guard end - start >= lengthMin else { return nil }
        if decode(text, start, end, into: &scratch) { return start }
        guard let last = lastLongWord(text, start, end), last > start else { return nil }
        return decode(text, last, end, into: &scratch) ? last : nil
    }

    /// The first word of the run from which on all others are long enough to be encoded.
    private static func lastLongWord(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
        var index = end
        var found: Int?
        while index > start {
            let word = text.start(of: index, atMost: index - start) { $0.isWord }
            if index - word < lengthMin { return found }
            found = word
            index = word - 1
        }
        return found
    }

    private static func decode(
        _ text: Span<UInt8>, _ start: Int, _ end: Int, into scratch: inout [UInt8]
    ) -> Bool {
        if (end - start).isMultiple(of: 2), text[start].isHex, text[start + 1].isHex,
            hex(text, start, end, into: &scratch)
        {
            return true
        }
        scratch.removeAll(keepingCapacity: true)
        var reader = Base64Reader(start, end)
        var isWide = false
        while let byte = reader.next(text) {
            guard isPrintable(byte) else { return false }
            if byte >= 0x80 { isWide = true }
            scratch.append(byte)
        }
        return scratch.count >= 10 && (!isWide || isUTF8(scratch))
    }

    private static func hex(
        _ text: Span<UInt8>, _ start: Int, _ end: Int, into scratch: inout [UInt8]
    ) -> Bool {
        scratch.removeAll(keepingCapacity: true)
        var index = start
        var isWide = false
        while index < end {
            guard text[index].isHex, text[index + 1].isHex else { return false }
            let byte = text[index].hexValue << 4 | text[index + 1].hexValue
            guard isPrintable(byte) else { return false }
            if byte >= 0x80 { isWide = true }
            scratch.append(byte)
            index += 2
        }
        return !isWide || isUTF8(scratch)
    }

    private static func isPrintable(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != 0x7F || byte.isSpace
    }

    private static func isUTF8(_ bytes: [UInt8]) -> Bool {
        String(validating: bytes, as: UTF8.self) != nil
    }
}
