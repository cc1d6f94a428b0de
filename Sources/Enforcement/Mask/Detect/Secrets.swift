/// Keys that have a structure: JSON web tokens, PEM blocks, the credentials of HTTP headers.
enum Secrets {
    /// Three parts in base64url, or five when it is encrypted; the header must be JSON.
    static func jwt(_ text: Span<UInt8>, at start: Int) -> Finding? {
        let headerEnd = text.end(of: start) { $0.isToken }
        guard text.at(headerEnd) == UInt8(ascii: "."), headerEnd - start >= 12,
            isHeader(text, start, headerEnd)
        else { return nil }
        var end = text.end(of: headerEnd + 1) { $0.isToken }
        guard end > headerEnd + 4 else { return nil }
        for _ in 0..<3 where text.at(end) == UInt8(ascii: ".") {
            let next = text.end(of: end + 1) { $0.isToken }
            if next - end < 5 { break }
            end = next
        }
        return Finding(.jwt, start, end)
    }

    /// The beginning is enough: a whole header is not decoded for a text that only looks so.
    private static func isHeader(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        var decoder = Base64Reader(start, min(end, start + 64))
        var isQuoted = false
        var sawAlgorithm = false
        var previous: (UInt8, UInt8, UInt8) = (0, 0, 0)
        guard decoder.next(text) == UInt8(ascii: "{") else { return false }
        while let byte = decoder.next(text) {
            guard byte >= 0x20 && byte < 0x7F || byte.isSpace else { return false }
            if byte == UInt8(ascii: "\"") { isQuoted = true }
            if previous.1 == UInt8(ascii: "a"), previous.2 == UInt8(ascii: "l"),
                byte == UInt8(ascii: "g")
            {
                sawAlgorithm = true
            }
            previous = (previous.1, previous.2, byte)
        }
        return isQuoted && (sawAlgorithm || end - start > 40)
    }

    /// `-----BEGIN … PRIVATE KEY-----` to its end; to the end of the text when that is missing.
    static func pem(_ text: Span<UInt8>, at start: Int) -> Finding? {
        guard let headerEnd = privateHeaderEnd(text, at: start) else { return nil }
        return Finding(.privateKey, start, pemEnd(text, from: headerEnd) ?? text.count)
    }

    /// Behind the header of a private key that begins at `start`.
    static func privateHeaderEnd(_ text: Span<UInt8>, at start: Int) -> Int? {
        let dashes = text.end(of: start) { $0 == UInt8(ascii: "-") }
        guard dashes - start >= 4 else { return nil }
        let word = text.end(of: dashes, atMost: 2) { $0 == 0x20 }
        guard text.hasFolded("begin ", at: word) else { return nil }
        let end = text.end(of: word, atMost: 80) {
            $0.isWord || $0 == 0x20 || $0 == UInt8(ascii: "_")
        }
        guard text.has("----", at: end) else { return nil }
        var index = word
        while index < end, !text.hasFolded("private key", at: index) { index += 1 }
        return index < end ? end + 5 : nil
    }

    static func pemEnd(_ text: Span<UInt8>, from start: Int) -> Int? {
        var index = start
        while index < text.count {
            guard text[index] == UInt8(ascii: "-") else {
                index += 1
                continue
            }
            let dashes = text.end(of: index) { $0 == UInt8(ascii: "-") }
            let word = text.end(of: dashes, atMost: 2) { $0 == 0x20 }
            if dashes - index >= 4, text.hasFolded("end ", at: word) {
                let close = text.end(of: word, atMost: 80) { $0 != UInt8(ascii: "-") }
                return text.end(of: close, atMost: 5) { $0 == UInt8(ascii: "-") }
            }
            index = dashes
        }
        return nil
    }

    /// `Bearer …`: what follows must look like a token, not like a sentence.
    static func bearer(_ text: Span<UInt8>, after word: Int) -> Finding? {
        let start = text.end(of: word, atMost: 4) {
            $0 == 0x20 || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "\t")
        }
        guard start > word else { return nil }
        let end = text.end(of: start) {
            $0.isBase64 || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "~")
                || $0 == UInt8(ascii: "=")
        }
        guard end - start >= 12, Strength(text, start, end).isRandom else { return nil }
        return Finding(.token, start, trimmed(text, start, end))
    }

    /// `Basic …`: base64 of `user:password`.
    static func basic(_ text: Span<UInt8>, after word: Int) -> Finding? {
        let start = text.end(of: word, atMost: 3) { $0 == 0x20 }
        guard start > word else { return nil }
        let end = text.end(of: start) { $0.isBase64 || $0 == UInt8(ascii: "=") }
        guard end - start >= 4 else { return nil }
        var decoder = Base64Reader(start, end)
        var hasColon = false
        var count = 0
        while let byte = decoder.next(text) {
            guard byte >= 0x20, byte != 0x7F else { return nil }
            if byte == UInt8(ascii: ":") { hasColon = true }
            count += 1
        }
        return hasColon && count >= 3 ? Finding(.token, start, end) : nil
    }

    private static func trimmed(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
        var end = end
        while end > start, text[end - 1] == UInt8(ascii: ".") { end -= 1 }
        return end
    }
}

/// Base64 of either alphabet, byte by byte, without a buffer; on several lines as well.
struct Base64Reader {
    private var index: Int
    private let end: Int
    private var bits: UInt32 = 0
    private var bitCount: UInt32 = 0

    init(_ start: Int, _ end: Int) {
        index = start
        self.end = end
    }

    /// Nil at the end, and at a byte that is no letter of it.
    mutating func next(_ text: Span<UInt8>) -> UInt8? {
        while bitCount < 8 {
            while index < end, text[index].isSpace { index += 1 }
            guard index < end, let value = Self.value(text[index]) else { return nil }
            bits = bits << 6 | value
            bitCount += 6
            index += 1
        }
        bitCount -= 8
        return UInt8(truncatingIfNeeded: bits >> bitCount)
    }

    private static func value(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte) - 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte) - 71
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte) + 4
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
