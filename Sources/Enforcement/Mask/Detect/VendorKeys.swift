/// Keys that say themselves whose they are: a published prefix, then a known number of letters
/// from a known alphabet.
struct VendorKeys: Sendable {
    /// Which letters a key is made of.
    enum Alphabet: Sendable {
        case word
        /// And `-`, `_`.
        case token
        case lowerHex, upper, digits
        /// And `.`, `-`, `_`, `=`.
        case dotted
        /// Base64 with padding.
        case base64
        /// Hexadecimal digits and `-`.
        case uuid
        /// Words with `:` or `$` between.
        case parts
        /// The rest of an address.
        case path

        @inline(__always) func accepts(_ byte: UInt8) -> Bool {
            switch self {
            case .word: byte.isWord
            case .token: byte.isToken
            case .lowerHex: byte.isDigit || byte &- 0x61 < 6
            case .upper: byte.isUpper || byte.isDigit
            case .digits: byte.isDigit
            case .dotted: byte.isToken || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "=")
            case .base64: byte.isBase64 || byte == UInt8(ascii: "=")
            case .uuid: byte.isHex || byte == UInt8(ascii: "-")
            case .parts: byte.isWord || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "$")
            case .path: byte.isBase64 || byte == UInt8(ascii: "@") || byte == UInt8(ascii: ".")
            }
        }
    }

    struct Form: Sendable {
        let prefix: [UInt8]
        let alphabet: Alphabet
        let lengths: ClosedRange<Int>
    }

    static let shared = VendorKeys()

    /// By the first two letters of a prefix.
    private let places: [UInt8]
    private let forms: [[Form]]

    private init() {
        var places = [UInt8](repeating: 0, count: 1 << 16)
        var groups: [[Form]] = [[]]
        for form in Self.all {
            let pair = Int(form.prefix[0]) << 8 | Int(form.prefix[1])
            if places[pair] == 0 {
                places[pair] = UInt8(groups.count)
                groups.append([])
            }
            groups[Int(places[pair])].append(form)
        }
        self.places = places
        forms = groups
    }

    /// A key that begins at `start`, which must be the beginning of a word.
    @inline(__always)
    func find(_ text: Span<UInt8>, at start: Int) -> Finding? {
        guard start + 12 < text.count else { return nil }
        let place = places[Int(text[start]) << 8 | Int(text[start + 1])]
        return place == 0 ? nil : find(text, at: start, among: Int(place))
    }

    private func find(_ text: Span<UInt8>, at start: Int, among place: Int) -> Finding? {
        var best: Finding?
        for form in forms[place] {
            guard let end = end(of: form, text, start) else { continue }
            if end > best?.end ?? 0 { best = Finding(.apiKey, start, end) }
        }
        return best
    }

    private func end(of form: Form, _ text: Span<UInt8>, _ start: Int) -> Int? {
        let body = start + form.prefix.count
        guard body < text.count else { return nil }
        for index in form.prefix.indices where text[start + index] != form.prefix[index] {
            return nil
        }
        let end = text.end(of: body, atMost: form.lengths.upperBound) { form.alphabet.accepts($0) }
        guard form.lengths.contains(end - body) else { return nil }
        // A key of a fixed length that goes on is another thing.
        if text.at(end).isWord, form.lengths.upperBound < 400 { return nil }
        return Self.varies(text, body, end, isUpper: form.alphabet == .upper) ? end : nil
    }

    /// `sk_live_xxxxxxxxxxxxxxxxxxxxxxxx` is how a manual writes a key, and `re_send_the_mail` is
    /// how a program names a function.
    private static func varies(
        _ text: Span<UInt8>, _ start: Int, _ end: Int, isUpper: Bool
    ) -> Bool {
        var seen: UInt64 = 0
        var hasUpper = false
        var hasLower = false
        var hasDigit = false
        for index in start..<end {
            let byte = text[index]
            seen |= 1 << UInt64(byte & 63)
            hasUpper = hasUpper || byte.isUpper
            hasLower = hasLower || byte.isLower
            hasDigit = hasDigit || byte.isDigit
        }
        return seen.nonzeroBitCount >= 5 && (isUpper || hasDigit || hasUpper && hasLower)
    }
}
