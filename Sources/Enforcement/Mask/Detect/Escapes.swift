/// One layer of escapes taken off: percent (RFC 3986), `\u` and the rest of JSON, `\x`, and the
/// entities of HTML. What is not an escape stays as it is.
enum Escapes {
    /// False where there was none.
    static func write(_ text: Span<UInt8>, into view: inout MappedText) -> Bool {
        view.clear()
        var hasChanged = false
        var index = 0
        while index < text.count {
            let end = decode(text, at: index, into: &view)
            if end > index {
                hasChanged = true
                index = end
            } else {
                view.append(text[index], from: index, to: index + 1)
                index += 1
            }
        }
        return hasChanged
    }

    /// The end of the escape at `index`; `index` where none stands there.
    private static func decode(
        _ text: Span<UInt8>, at index: Int, into view: inout MappedText
    ) -> Int {
        switch text[index] {
        case UInt8(ascii: "%"): percent(text, index, &view)
        case UInt8(ascii: "\\"): backslash(text, index, &view)
        case UInt8(ascii: "&"): entity(text, index, &view)
        case UInt8(ascii: "+") where text.at(index - 1).isDigit && text.at(index + 1).isDigit:
            // A form writes a space so.
            single(0x20, index, index + 1, &view)
        default: index
        }
    }

    private static func single(
        _ byte: UInt8, _ start: Int, _ end: Int, _ view: inout MappedText
    ) -> Int {
        view.append(byte, from: start, to: end)
        return end
    }

    private static func percent(_ text: Span<UInt8>, _ index: Int, _ view: inout MappedText) -> Int
    {
        if text.at(index + 1) | 0x20 == UInt8(ascii: "u"), let value = hex(text, index + 2, 4) {
            return scalar(value, index, index + 6, &view)
        }
        guard let value = hex(text, index + 1, 2) else { return index }
        return single(UInt8(value), index, index + 3, &view)
    }

    private static func backslash(
        _ text: Span<UInt8>, _ index: Int, _ view: inout MappedText
    ) -> Int {
        switch text.at(index + 1) {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "'"):
            return single(text[index + 1], index, index + 2, &view)
        case UInt8(ascii: "n"): return single(0x0A, index, index + 2, &view)
        case UInt8(ascii: "r"): return single(0x0D, index, index + 2, &view)
        case UInt8(ascii: "t"): return single(0x09, index, index + 2, &view)
        case UInt8(ascii: "x"):
            guard let value = hex(text, index + 2, 2) else { return index }
            return single(UInt8(value), index, index + 4, &view)
        case UInt8(ascii: "u"): return unicode(text, index, &view)
        default: return index
        }
    }

    private static func unicode(_ text: Span<UInt8>, _ index: Int, _ view: inout MappedText) -> Int
    {
        if text.at(index + 2) == UInt8(ascii: "{") {
            let end = text.end(of: index + 3, atMost: 6) { $0.isHex }
            guard end > index + 3, text.at(end) == UInt8(ascii: "}"),
                let value = hex(text, index + 3, end - index - 3)
            else { return index }
            return scalar(value, index, end + 1, &view)
        }
        guard let value = hex(text, index + 2, 4) else { return index }
        if value & 0xFC00 == 0xD800, text.at(index + 6) == UInt8(ascii: "\\"),
            text.at(index + 7) == UInt8(ascii: "u"), let low = hex(text, index + 8, 4),
            low & 0xFC00 == 0xDC00
        {
            return scalar(0x10000 + (value & 0x3FF) << 10 + low & 0x3FF, index, index + 12, &view)
        }
        return scalar(value, index, index + 6, &view)
    }

    private static func entity(_ text: Span<UInt8>, _ index: Int, _ view: inout MappedText) -> Int {
        guard text.at(index + 1) == UInt8(ascii: "#") else { return named(text, index, &view) }
        let isHex = text.at(index + 2) | 0x20 == UInt8(ascii: "x")
        let start = index + (isHex ? 3 : 2)
        let end = text.end(of: start, atMost: 7) { isHex ? $0.isHex : $0.isDigit }
        guard end > start else { return index }
        var value: UInt32 = 0
        for place in start..<end {
            value = value &* (isHex ? 16 : 10) &+ UInt32(text[place].hexValue)
        }
        return scalar(value, index, text.at(end) == UInt8(ascii: ";") ? end + 1 : end, &view)
    }

    private static func named(_ text: Span<UInt8>, _ index: Int, _ view: inout MappedText) -> Int {
        let names: [(StaticString, UInt8)] = [
            ("amp;", 0x26), ("lt;", 0x3C), ("gt;", 0x3E), ("quot;", 0x22), ("apos;", 0x27),
            ("nbsp;", 0x20), ("commat;", 0x40), ("period;", 0x2E), ("colon;", 0x3A),
            ("plus;", 0x2B),
            ("equals;", 0x3D), ("hyphen;", 0x2D), ("dash;", 0x2D), ("lowbar;", 0x5F),
            ("sol;", 0x2F),
            ("num;", 0x23), ("lpar;", 0x28), ("rpar;", 0x29), ("shy;", 0), ("zwnj;", 0),
            ("zwj;", 0),
        ]
        for (name, byte) in names where text.has(name, at: index + 1) {
            let end = index + 1 + name.utf8CodeUnitCount
            if byte > 0 { view.append(byte, from: index, to: end) }
            return end
        }
        return index
    }

    private static func scalar(
        _ value: UInt32, _ start: Int, _ end: Int, _ view: inout MappedText
    ) -> Int {
        view.append(Unicode.Scalar(value) ?? "\u{FFFD}", from: start, to: end)
        return end
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
