/// Characters that look like others: digits of every script, full-width letters, the many dashes
/// and spaces, and what cannot be seen at all. A subset of NFKC (UAX 15) that keeps its places.
enum Normal {
    enum Form {
        case same
        case left
        case ascii(UInt8)
    }

    /// Writes the plain form of `text`; false where that would be the same.
    static func write(_ text: Span<UInt8>, into view: inout MappedText) -> Bool {
        view.clear()
        var hasChanged = false
        var copied = 0
        var index = 0
        while index < text.count {
            guard text[index] >= 0xC2, let (scalar, end) = scalar(text, at: index) else {
                index += 1
                continue
            }
            var form = form(of: scalar)
            // A full stop between letters of ASCII ends no sentence in Chinese or Japanese.
            if scalar == 0x3002, text.at(index - 1).isWord, text.at(end).isLetter {
                form = .ascii(UInt8(ascii: "."))
            }
            if case .same = form {
                index = end
                continue
            }
            hasChanged = true
            view.copy(text, copied, index)
            if case .ascii(let plain) = form { view.append(plain, for: index, end) }
            index = end
            copied = end
        }
        if hasChanged { view.copy(text, copied, text.count) }
        return hasChanged
    }

    /// The scalar that begins at `index`, and its end; nil in the middle of one.
    static func scalar(_ text: Span<UInt8>, at index: Int) -> (UInt32, Int)? {
        let first = UInt32(text[index])
        let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0
        guard length > 0, index + length <= text.count else { return nil }
        var value = first & (0x7F >> UInt32(length))
        for place in (index + 1)..<(index + length) {
            guard text[place] & 0xC0 == 0x80 else { return nil }
            value = value << 6 | UInt32(text[place] & 0x3F)
        }
        return (value, index + length)
    }

    static func form(of scalar: UInt32) -> Form {
        switch scalar {
        case 0xAD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B...0x180E, 0x200B...0x200F,
            0x202A...0x202E, 0x2060...0x206F, 0x3164, 0xFE00...0xFE0F, 0xFEFF, 0xFFA0,
            0xE0000...0xE007F:
            return .left
        case 0xA0, 0x1680, 0x2000...0x200A, 0x202F, 0x205F, 0x3000: return .ascii(0x20)
        case 0x2028, 0x2029, 0x85: return .ascii(0x0A)
        case 0x2010...0x2015, 0x2043, 0x207B, 0x208B, 0x2212, 0xFE58, 0xFE63, 0x2E3A, 0x2E3B,
            0x301C, 0x30FB, 0xFF65, 0xB7, 0x2022, 0x2027, 0x2219:
            return .ascii(UInt8(ascii: "-"))
        case 0xFF01...0xFF5E: return .ascii(UInt8(scalar - 0xFF01 + 0x21))
        case 0xFE6B: return .ascii(UInt8(ascii: "@"))
        case 0xFF61, 0xFE52, 0x2024: return .ascii(UInt8(ascii: "."))
        case 0xFE55, 0xFE13: return .ascii(UInt8(ascii: ":"))
        case 0xFE66: return .ascii(UInt8(ascii: "="))
        case 0xFE62, 0x207A: return .ascii(UInt8(ascii: "+"))
        case 0x2044, 0x2215: return .ascii(UInt8(ascii: "/"))
        case 0x201C, 0x201D, 0x201E: return .ascii(UInt8(ascii: "\""))
        case 0x2018, 0x2019: return .ascii(UInt8(ascii: "'"))
        default: return digit(scalar).map { .ascii($0 + 0x30) } ?? .same
        }
    }

    /// The first of each ten decimal digits (general category Nd).
    private static let zeros: [UInt32] = [
        0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6,
        0x0D66,
        0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80,
        0x1A90,
        0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0,
        0x104A0, 0x10D30, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650,
        0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x11F50, 0x16A60, 0x16AC0,
        0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E4F0, 0x1E950,
        0x1FBF0,
    ]

    private static func digit(_ scalar: UInt32) -> UInt8? {
        guard scalar >= 0x0660 else { return superscript(scalar) }
        switch scalar {
        case 0x2070, 0x2074...0x2079: return UInt8(scalar - 0x2070)
        case 0x2080...0x2089: return UInt8(scalar - 0x2080)
        case 0x2460...0x2468: return UInt8(scalar - 0x2460 + 1)
        case 0x24EA: return 0
        case 0x2776...0x277E: return UInt8(scalar - 0x2776 + 1)
        default: break
        }
        var low = 0
        var high = zeros.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if zeros[middle] <= scalar { low = middle } else { high = middle }
        }
        return scalar - zeros[low] < 10 ? UInt8(scalar - zeros[low]) : nil
    }

    private static func superscript(_ scalar: UInt32) -> UInt8? {
        switch scalar {
        case 0xB2: 2
        case 0xB3: 3
        case 0xB9: 1
        default: nil
        }
    }
}
