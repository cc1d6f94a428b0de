/// Long runs that are text in base64 or in hexadecimal digits.
enum EncodedRuns {
    /// Eleven bytes without padding: `536-22-8710`.
    static let lengthMin = 15
    /// A run is broken into words by `+`, `/`, `-` and `_`, which stand for few bytes of a text:
    /// one of its words has this length.
    static let wordMin = 8
    /// Of which one at least is in that word: no text is small letters alone when it is encoded.
    static let marks: ByteClass = [.digit, .upper]

    /// Calls `body` with each run that decodes to text, and what it decodes to. None begins behind
    /// `last`, nor ends in front of `first`.
    static func each(
        in text: Span<UInt8>, from first: Int = 0, to last: Int = .max,
        with scratch: inout [UInt8],
        _ body: (_ start: Int, _ end: Int, _ decoded: [UInt8]) -> Void
    ) {
        var wrapped = WrappedRuns()
        var index = text.start(of: first, atMost: first) { $0.isBase64 }
        let stop = min(last, text.count - 1)
        while index <= stop {
            guard text[index].isBase64 else {
                index += 1
                continue
            }
            let start = index
            index = text.end(of: start) { $0.isBase64 }
            guard index - start >= wordMin else { continue }
            if let end = wrapped.end(text, start, index, into: &scratch) {
                body(start, padded(text, end), scratch)
            }
            guard index - start >= lengthMin else { continue }
            guard let place = firstDecoded(text, start, index, into: &scratch) else { continue }
            body(place, padded(text, index), scratch)
        }
    }

    private static func padded(_ text: Span<UInt8>, _ end: Int) -> Int {
        text.end(of: end, atMost: 2) { $0 == UInt8(ascii: "=") }
    }

    // MARK: Pairs

    /// Bytes that stand apart, `61 6e 61` or `61:6e:61`: as many as a value has at least.
    private static let pairsMin = 9

    /// Whether three pairs begin at `start`, the beginning of a word of two digits.
    static func arePairs(_ text: Span<UInt8>, _ start: Int) -> Bool {
        let joint = text.at(start + 2)
        guard
            joint == 0x20 || joint == UInt8(ascii: ":") || joint == UInt8(ascii: "-")
                || joint == UInt8(ascii: ",")
        else { return false }
        return text.at(start + 5) == joint && text.at(start + 8) == joint
            && text.at(start + 3).isHex && text.at(start + 4).isHex
            && text.at(start + 6).isHex && text.at(start + 7).isHex
    }

    static func eachOfPairs(
        in text: Span<UInt8>, with scratch: inout [UInt8],
        _ body: (_ start: Int, _ end: Int, _ decoded: [UInt8]) -> Void
    ) {
        var index = 0
        while index < text.count {
            guard text[index].isHex, !text.at(index - 1).isWord, arePairs(text, index) else {
                index += 1
                continue
            }
            let start = index
            let joint = text[start + 2]
            scratch.removeAll(keepingCapacity: true)
            var end = start
            var isText = true
            while text.at(index).isHex, text.at(index + 1).isHex, !text.at(index + 2).isWord {
                let byte = text[index].hexValue << 4 | text[index + 1].hexValue
                isText = isText && isPrintable(byte)
                scratch.append(byte)
                end = index + 2
                guard text.at(end) == joint else { break }
                index = end + 1
            }
            index = max(end, start + 1)
            if isText, scratch.count >= pairsMin { body(start, end, scratch) }
        }
    }

    // MARK: Decoding

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

    static func decode(
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
        var zeros = 0
        while let byte = reader.next(text) {
            // Of UTF-16, the empty half of each character.
            if byte == 0, zeros == scratch.count - 1 {
                zeros += 1
                continue
            }
            guard isPrintable(byte), zeros == 0 || zeros == scratch.count else { return false }
            if byte >= 0x80 { isWide = true }
            scratch.append(byte)
        }
        return scratch.count >= 9 && (!isWide || isUTF8(scratch))
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
