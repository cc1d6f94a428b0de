/// Byte classes of RFC 9110 and comparisons on bytes. Never Characters: "\r\n" is one of those.
enum HTTPBytes {
    static let carriageReturn: UInt8 = 0x0d
    static let lineFeed: UInt8 = 0x0a
    static let space: UInt8 = 0x20
    static let tab: UInt8 = 0x09
    static let colon: UInt8 = 0x3a

    /// A set of ASCII characters as 128 bits: in registers where it is used, and unlike a table
    /// there is no "is it made yet?" to ask for every byte.
    struct Class {
        fileprivate let low: UInt64
        fileprivate let high: UInt64

        /// tchar, RFC 9110 section 5.6.2: letters, digits and !#$%&'*+-.^_`|~
        static var token: Class {
            Class(low: 0x03ff_6cfa_0000_0000, high: 0x57ff_ffff_c7ff_fffe)
        }
        /// May stand in a request target: letters, digits and -._~:/?@!$&'()*+,;=%[]
        /// `#` may not: a fragment is never sent.
        static var target: Class {
            Class(low: 0xafff_fff2_0000_0000, high: 0x47ff_fffe_afff_ffff)
        }
        /// What Host may hold outside of brackets, RFC 3986 section 3.2.2: reg-name, that is
        /// letters, digits and -._~!$&'()*+;=%
        static var host: Class {
            Class(low: 0x2bff_6ff2_0000_0000, high: 0x47ff_fffe_87ff_fffe)
        }
    }

    @inline(__always)
    static func has(_ byte: UInt8, _ wanted: Class) -> Bool {
        let half = byte < 64 ? wanted.low : wanted.high
        return byte < 128 && half >> UInt64(byte & 63) & 1 != 0
    }

    /// VCHAR, SP, HTAB and obs-text: what a field value or chunk extension may hold.
    @inline(__always)
    static func isText(_ byte: UInt8) -> Bool {
        byte >= space && byte != 0x7f || byte == tab
    }

    /// The first byte that is no text, or the end. `isLine`: no HTAB and no obs-text either, as in
    /// a request line. Eight bytes at a time.
    static func endOfText(_ bytes: Span<UInt8>, from start: Int, isLine: Bool) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops = ones << 7
        let words = unsafe bytes.bytes
        var index = start
        while index <= bytes.count - 8 {
            let loaded = unsafe words.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
            let word = UInt64(littleEndian: loaded)
            // A borrow can mark a byte above a marked one, never the lowest: that one is exact.
            let isControl = (word &- ones * 0x20) & ~word
            let beforeDelete = word ^ ones * 0x7f
            let isDelete = (beforeDelete &- ones) & ~beforeDelete
            let marks = (isControl | isDelete | (isLine ? word : 0)) & tops
            if marks == 0 {
                index += 8
                continue
            }
            index += marks.trailingZeroBitCount >> 3
            if isLine || bytes[index] != tab { return index }
            index += 1
        }
        while index < bytes.count, isText(bytes[index]) {
            if isLine, bytes[index] == tab || bytes[index] >= 0x80 { return index }
            index += 1
        }
        return index
    }

    @inline(__always)
    static func lowercased(_ byte: UInt8) -> UInt8 {
        byte &- 0x41 < 26 ? byte | 0x20 : byte
    }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10
    }

    static func equal(_ bytes: [UInt8], _ range: Range<Int>, _ text: String) -> Bool {
        let utf8 = text.utf8Span.span
        guard utf8.count == range.count else { return false }
        for offset in utf8.indices where bytes[range.lowerBound + offset] != utf8[offset] {
            return false
        }
        return true
    }

    /// `text` must be lowercase.
    static func equalIgnoringCase(
        _ bytes: [UInt8], _ range: Range<Int>, _ text: StaticString
    ) -> Bool {
        guard text.utf8CodeUnitCount == range.count else { return false }
        for offset in 0..<range.count {
            let expected = unsafe text.utf8Start[offset]
            if lowercased(bytes[range.lowerBound + offset]) != expected { return false }
        }
        return true
    }

    static func equalIgnoringCase(
        _ bytes: [UInt8], _ left: Range<Int>, _ right: Range<Int>
    ) -> Bool {
        left.count == right.count
            && zip(left, right).allSatisfy { lowercased(bytes[$0]) == lowercased(bytes[$1]) }
    }

    /// Digits only: no sign, no space, no list. Nil when it is none or does not fit.
    static func decimal(_ bytes: [UInt8], _ range: Range<Int>) -> Decimal {
        guard !range.isEmpty else { return .malformed }
        var value = 0
        var isTooLarge = false
        for index in range {
            let digit = bytes[index] &- 0x30
            guard digit < 10 else { return .malformed }
            let (scaled, over) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = scaled.addingReportingOverflow(Int(digit))
            if over || carried { isTooLarge = true }
            value = isTooLarge ? 0 : sum
        }
        return isTooLarge ? .tooLarge : .value(value)
    }

    enum Decimal: Equatable {
        case value(Int)
        case tooLarge
        case malformed
    }
}
