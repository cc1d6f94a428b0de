/// One layer of escapes taken off: percent (RFC 3986), `\u` and the rest of JSON, `\x`, and the
/// entities of HTML. What is not an escape stays as it is.
enum Escapes {
    /// False where there was none.
    static func write(_ text: Span<UInt8>, into view: inout MappedText) -> Bool {
        view.clear()
        var copied = 0
        var index = 0
        while index < text.count {
            guard mayBegin(text[index]), let escape = escape(text, at: index) else {
                index += 1
                continue
            }
            view.copy(text, copied, index)
            if let scalar = escape.scalar {
                if scalar.value < 0x100, escape.isByte {
                    view.append(UInt8(scalar.value), for: index, escape.end)
                } else {
                    view.append(scalar, for: index, escape.end)
                }
            }
            index = escape.end
            copied = index
        }
        if copied > 0 { view.copy(text, copied, text.count) }
        return copied > 0
    }

    @inline(__always)
    static func mayBegin(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "%") || byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "&")
            || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "=") || byte == UInt8(ascii: "<")
    }

    /// What an escape stands for, and where it ends.
    private struct Escape {
        /// Nil for what cannot be seen.
        var scalar: Unicode.Scalar?
        /// One byte of UTF-8, and no scalar by itself.
        var isByte = false
        var end: Int

        init(byte: UInt8, end: Int) {
            scalar = Unicode.Scalar(byte)
            isByte = true
            self.end = end
        }

        init(_ value: UInt32, end: Int) {
            scalar = Unicode.Scalar(value) ?? "\u{FFFD}"
            self.end = end
        }

        init(nothing end: Int) { self.end = end }
    }

    private static func escape(_ text: Span<UInt8>, at index: Int) -> Escape? {
        switch text[index] {
        case UInt8(ascii: "%"): percent(text, index)
        case UInt8(ascii: "\\"): backslash(text, index)
        case UInt8(ascii: "&"): entity(text, index)
        case UInt8(ascii: "="): quotedPrintable(text, index)
        case UInt8(ascii: "<"): tags(text, index)
        // UTF-7 (RFC 2152) writes an `@` so, and a form a space.
        default:
            text.has("+AEA-", at: index)
                ? Escape(byte: UInt8(ascii: "@"), end: index + 5)
                : text.at(index - 1).isDigit && text.at(index + 1).isDigit
                    ? Escape(byte: 0x20, end: index + 1) : nil
        }
    }

    private static func percent(_ text: Span<UInt8>, _ index: Int) -> Escape? {
        if text.at(index + 1) | 0x20 == UInt8(ascii: "u"), let value = hex(text, index + 2, 4) {
            return Escape(value, end: index + 6)
        }
        return hex(text, index + 1, 2).map { Escape(byte: UInt8($0), end: index + 3) }
    }

    private static func backslash(_ text: Span<UInt8>, _ index: Int) -> Escape? {
        switch text.at(index + 1) {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "'"):
            Escape(byte: text[index + 1], end: index + 2)
        case UInt8(ascii: "n"): Escape(byte: 0x0A, end: index + 2)
        case UInt8(ascii: "r"): Escape(byte: 0x0D, end: index + 2)
        case UInt8(ascii: "t"): Escape(byte: 0x09, end: index + 2)
        case UInt8(ascii: "x"):
            hex(text, index + 2, 2).map { Escape(byte: UInt8($0), end: index + 4) }
        case UInt8(ascii: "u"): unicode(text, index)
        case UInt8(ascii: "U"): hex(text, index + 2, 8).map { Escape($0, end: index + 10) }
        case UInt8(ascii: "0")...UInt8(ascii: "3"): octal(text, index)
        default: nil
        }
    }

    /// `\101`, three digits.
    private static func octal(_ text: Span<UInt8>, _ index: Int) -> Escape? {
        var value = 0
        for place in (index + 1)...(index + 3) {
            guard text.at(place) &- 0x30 < 8 else { return nil }
            value = value << 3 | Int(text[place] - 0x30)
        }
        return Escape(byte: UInt8(value), end: index + 4)
    }

    /// RFC 2045 section 6.7, of two bytes and more: a sign and two digits may be many things.
    private static func quotedPrintable(_ text: Span<UInt8>, _ index: Int) -> Escape? {
        guard
            isQuotedPrintable(text, index) || isQuotedPrintable(text, index - 3)
                || isAt(text, index)
        else { return nil }
        return hex(text, index + 1, 2).map { Escape(byte: UInt8($0), end: index + 3) }
    }

    /// `ana=40example=2Ecom`
    private static func isAt(_ text: Span<UInt8>, _ index: Int) -> Bool {
        (text.has("=40", at: index) || text.has("=2E", at: index)) && text.at(index - 1).isWord
            && text.at(index + 3).isLetter
    }

    /// Whether two bytes begin here, or the one that joins an address.
    static func isQuotedPrintable(_ text: Span<UInt8>, _ index: Int) -> Bool {
        guard text.at(index) == UInt8(ascii: "="), text.at(index + 3) == UInt8(ascii: "=") else {
            return isAt(text, index)
        }
        return text.at(index + 1).isHex && text.at(index + 2).isHex && text.at(index + 4).isHex
            && text.at(index + 5).isHex
    }

    /// Tags between two digits that only change how they look: `4111<br>1111`.
    private static func tags(_ text: Span<UInt8>, _ index: Int) -> Escape? {
        guard text.at(index - 1).isDigit else { return nil }
        var end = index
        for _ in 0..<6 {
            guard text.at(end) == UInt8(ascii: "<") else { break }
            let name = text.at(end + 1) == UInt8(ascii: "/") ? end + 2 : end + 1
            let nameEnd = text.end(of: name, atMost: 8) { $0.isLetter }
            let isInline = inlineTags.contains { (tag: StaticString) in
                tag.utf8CodeUnitCount == nameEnd - name && text.hasFolded(tag, at: name)
            }
            let close = text.end(of: nameEnd, atMost: 64) {
                $0 != UInt8(ascii: ">") && $0 != UInt8(ascii: "<")
            }
            guard isInline, text.at(close) == UInt8(ascii: ">") else { return nil }
            end = close + 1
        }
        return end > index && text.at(end).isDigit ? Escape(byte: 0x20, end: end) : nil
    }

    private static let inlineTags: [StaticString] = [
        "br", "wbr", "b", "i", "u", "s", "em", "strong", "span", "font", "code", "tt", "small",
        "mark", "sup", "sub",
    ]

    private static func unicode(_ text: Span<UInt8>, _ index: Int) -> Escape? {
        if text.at(index + 2) == UInt8(ascii: "{") {
            let end = text.end(of: index + 3, atMost: 6) { $0.isHex }
            guard end > index + 3, text.at(end) == UInt8(ascii: "}"),
                let value = hex(text, index + 3, end - index - 3)
            else { return nil }
            return Escape(value, end: end + 1)
        }
        guard let value = hex(text, index + 2, 4) else { return nil }
        if value & 0xFC00 == 0xD800, text.at(index + 6) == UInt8(ascii: "\\"),
            text.at(index + 7) == UInt8(ascii: "u"), let low = hex(text, index + 8, 4),
            low & 0xFC00 == 0xDC00
        {
            return Escape(0x10000 + (value & 0x3FF) << 10 + low & 0x3FF, end: index + 12)
        }
        return Escape(value, end: index + 6)
    }

    private static func entity(_ text: Span<UInt8>, _ index: Int) -> Escape? {
        guard text.at(index + 1) == UInt8(ascii: "#") else { return named(text, index) }
        let isHex = text.at(index + 2) | 0x20 == UInt8(ascii: "x")
        let start = index + (isHex ? 3 : 2)
        let end = text.end(of: start, atMost: 7) { isHex ? $0.isHex : $0.isDigit }
        guard end > start else { return nil }
        var value: UInt32 = 0
        for place in start..<end {
            value = value &* (isHex ? 16 : 10) &+ UInt32(text[place].hexValue)
        }
        return Escape(value, end: text.at(end) == UInt8(ascii: ";") ? end + 1 : end)
    }

    private static func named(_ text: Span<UInt8>, _ index: Int) -> Escape? {
        let names: [(StaticString, UInt8)] = [
            ("amp;", 0x26), ("lt;", 0x3C), ("gt;", 0x3E), ("quot;", 0x22), ("apos;", 0x27),
            ("nbsp;", 0x20), ("commat;", 0x40), ("period;", 0x2E), ("colon;", 0x3A),
            ("plus;", 0x2B),
            ("equals;", 0x3D), ("hyphen;", 0x2D), ("dash;", 0x2D), ("lowbar;", 0x5F),
            ("sol;", 0x2F),
            ("num;", 0x23), ("lpar;", 0x28), ("rpar;", 0x29), ("shy;", 0), ("zwnj;", 0),
            ("zwj;", 0), ("ndash;", 0x2D), ("mdash;", 0x2D), ("minus;", 0x2D), ("middot;", 0x2D),
            ("bull;", 0x2D), ("ensp;", 0x20), ("emsp;", 0x20), ("thinsp;", 0x20),
        ]
        guard text.at(index + 1).isLetter else { return nil }
        for (name, byte) in names where text.has(name, at: index + 1) {
            let end = index + 1 + name.utf8CodeUnitCount
            return byte > 0 ? Escape(byte: byte, end: end) : Escape(nothing: end)
        }
        return nil
    }

    private static func hex(_ text: Span<UInt8>, _ start: Int, _ length: Int) -> UInt32? {
        var value: UInt32 = 0
        for place in start..<(start + length) {
            let byte = text.at(place)
            guard byte.isHex else { return nil }
            value = value << 4 | UInt32(byte.hexValue)
        }
        return value
    }
}
