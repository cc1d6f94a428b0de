/// `%2F`, `%u002F` and the over-long forms of UTF-8, as lenient decoders read them.
package enum PercentEscapes {
    /// One pass; what is no escape stays as it is.
    static func decoded(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            if let escape = escape(bytes, at: index) {
                decoded += escape.bytes
                index += escape.length
            } else {
                decoded.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: shortened(decoded), as: UTF8.self)
    }

    package static func isFound(in text: String) -> Bool {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return false }
        let bytes = Array(text.utf8)
        return bytes.indices.contains { escape(bytes, at: $0) != nil }
    }

    private static func escape(
        _ bytes: [UInt8], at index: Int
    ) -> (bytes: [UInt8], length: Int)? {
        guard bytes[index] == UInt8(ascii: "%"), index + 1 < bytes.count else { return nil }
        if let byte = hex(bytes, index + 1, 2) { return ([UInt8(byte)], 3) }
        guard bytes[index + 1] | 0x20 == UInt8(ascii: "u"), let unit = hex(bytes, index + 2, 4)
        else { return nil }
        let scalar = Unicode.Scalar(UInt32(unit)) ?? "\u{FFFD}"
        return (Array(String(scalar).utf8), 6)
    }

    private static func hex(_ bytes: [UInt8], _ start: Int, _ count: Int) -> Int? {
        guard start + count <= bytes.count else { return nil }
        var value = 0
        for byte in bytes[start..<start + count] {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | Int(byte & 15)
            case UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: "a")...UInt8(ascii: "f"):
                value = value << 4 | Int(byte & 15) + 9
            default: return nil
            }
        }
        return value
    }

    /// `C0 AE`, `E0 80 AE` and `F0 80 80 AE` are a dot to whoever does not check.
    private static func shortened(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.contains(where: { $0 >= 0xC0 }) else { return bytes }
        var short: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let count = overlongCount(bytes, index)
            if count > 0 {
                let low = bytes[index + count - 1] & 0x3F
                short.append((bytes[index + count - 2] & 1) << 6 | low)
            } else {
                short.append(bytes[index])
            }
            index += max(1, count)
        }
        return short
    }

    private static let overlong: [[ClosedRange<UInt8>]] = [
        [0xC0...0xC1, 0x80...0xBF], [0xE0...0xE0, 0x80...0x81, 0x80...0xBF],
        [0xF0...0xF0, 0x80...0x80, 0x80...0x81, 0x80...0xBF],
    ]

    /// The length of the over-long form of an ASCII character that begins here, or 0.
    private static func overlongCount(_ bytes: [UInt8], _ start: Int) -> Int {
        for form in overlong where start + form.count <= bytes.count {
            if zip(form, bytes[start...]).allSatisfy({ $0.contains($1) }) { return form.count }
        }
        return 0
    }
}
