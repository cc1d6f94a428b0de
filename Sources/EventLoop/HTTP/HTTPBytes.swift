/// Byte classes of RFC 9110 and comparisons on bytes. Never Characters: "\r\n" is one of those.
enum HTTPBytes {
    static let carriageReturn: UInt8 = 0x0d
    static let lineFeed: UInt8 = 0x0a
    static let space: UInt8 = 0x20
    static let tab: UInt8 = 0x09
    static let colon: UInt8 = 0x3a

    struct Class: OptionSet {
        let rawValue: UInt8
        /// tchar, RFC 9110 section 5.6.2.
        static let token = Class(rawValue: 1)
        /// May stand in a request target. `#` may not: a fragment is never sent.
        static let target = Class(rawValue: 2)
        /// VCHAR, SP, HTAB and obs-text: what a field value or chunk extension may hold.
        static let text = Class(rawValue: 4)
        /// VCHAR and SP: what a request line may hold.
        static let line = Class(rawValue: 8)
        /// What Host may hold outside of brackets: reg-name and port, RFC 3986 section 3.2.2.
        static let host = Class(rawValue: 16)
    }

    private static let classes: [256 of UInt8] = makeClasses()

    @inline(__always)
    static func has(_ byte: UInt8, _ wanted: Class) -> Bool {
        classes[Int(byte)] & wanted.rawValue != 0
    }

    private static func makeClasses() -> [256 of UInt8] {
        var table = [256 of UInt8](repeating: 0)
        func add(_ bytes: some Sequence<UInt8>, _ kind: Class) {
            for byte in bytes { table[Int(byte)] |= kind.rawValue }
        }
        let alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8
        add(alphanumeric, [.token, .target, .host])
        add("!#$%&'*+-.^_`|~".utf8, .token)
        add("-._~:/?@!$&'()*+,;=%[]".utf8, .target)
        add("-._~!$&'()*+;=%".utf8, .host)
        add(0x20...0x7e, [.text, .line])
        add(0x80...0xff, .text)
        add(CollectionOfOne(tab), .text)
        return table
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
        let utf8 = text.utf8
        guard utf8.count == range.count else { return false }
        var index = range.lowerBound
        for byte in utf8 {
            if bytes[index] != byte { return false }
            index += 1
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
