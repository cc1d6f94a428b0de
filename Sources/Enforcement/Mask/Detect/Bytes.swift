/// What kind of byte stands where, and the few questions that every detector asks.
struct ByteClass: OptionSet {
    let rawValue: UInt8

    static let digit = ByteClass(rawValue: 1)
    static let upper = ByteClass(rawValue: 2)
    static let lower = ByteClass(rawValue: 4)
    static let hex = ByteClass(rawValue: 8)
    /// A hexadecimal letter is no mark of anything by itself; a byte that is none rules hex out.
    static let notHex = ByteClass(rawValue: 16)
    /// Part of a character beyond ASCII.
    static let wide = ByteClass(rawValue: 32)
    /// A byte that can begin or join a value, or ends a line.
    static let trigger = ByteClass(rawValue: 64)

    static let letter: ByteClass = [.upper, .lower]
    static let word: ByteClass = [.upper, .lower, .digit]

    /// One look-up a byte in the main loop.
    static let table: [UInt8] = (0..<256).map { classified(UInt8($0)).rawValue }

    private static func classified(_ byte: UInt8) -> ByteClass {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): [.digit, .hex]
        case UInt8(ascii: "A")...UInt8(ascii: "F"): [.upper, .hex]
        case UInt8(ascii: "G")...UInt8(ascii: "Z"): [.upper, .notHex]
        case UInt8(ascii: "a")...UInt8(ascii: "f"): [.lower, .hex]
        case UInt8(ascii: "g")...UInt8(ascii: "z"): [.lower, .notHex]
        case 0x80...: .wide
        case UInt8(ascii: "@"), UInt8(ascii: ":"), UInt8(ascii: "="), UInt8(ascii: "+"),
            UInt8(ascii: "-"), UInt8(ascii: "<"), UInt8(ascii: "%"), UInt8(ascii: "&"),
            UInt8(ascii: "\\"), UInt8(ascii: "\n"):
            .trigger
        default: []
        }
    }
}

extension UInt8 {
    @inline(__always) var isDigit: Bool { self &- 0x30 < 10 }
    @inline(__always) var isUpper: Bool { self &- 0x41 < 26 }
    @inline(__always) var isLower: Bool { self &- 0x61 < 26 }
    @inline(__always) var isLetter: Bool { (self | 0x20) &- 0x61 < 26 }
    @inline(__always) var isWord: Bool { isLetter || isDigit }
    @inline(__always) var isHex: Bool { isDigit || (self | 0x20) &- 0x61 < 6 }
    @inline(__always) var isSpace: Bool { self == 0x20 || self &- 0x09 < 5 }
    @inline(__always) var isBlank: Bool { self == 0x20 || self == 0x09 }
    @inline(__always) var lowered: UInt8 { isUpper ? self | 0x20 : self }
    @inline(__always) var isQuote: Bool {
        self == UInt8(ascii: "\"") || self == UInt8(ascii: "'") || self == UInt8(ascii: "`")
    }
    /// RFC 4648, both alphabets, without padding.
    @inline(__always) var isBase64: Bool {
        isWord || self == UInt8(ascii: "+") || self == UInt8(ascii: "/")
            || self == UInt8(ascii: "-")
            || self == UInt8(ascii: "_")
    }
    /// What most keys are made of.
    @inline(__always) var isToken: Bool {
        isWord || self == UInt8(ascii: "-") || self == UInt8(ascii: "_")
    }
    @inline(__always) var hexValue: UInt8 { isDigit ? self &- 0x30 : (self | 0x20) &- 0x57 }
}

extension Span<UInt8> {
    /// Zero outside: no detector looks for one.
    @inline(__always) func at(_ index: Int) -> UInt8 {
        index >= 0 && index < count ? self[index] : 0
    }

    /// Eight bytes from there on, which must be there.
    @inline(__always)
    func word(at index: Int) -> UInt64 {
        precondition(index >= 0 && index <= count - 8)
        return unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
    }

    /// The end of the run of bytes that `accepts` takes, at most `limit` of them.
    @inline(__always)
    func end(of start: Int, atMost limit: Int = Int.max, _ accepts: (UInt8) -> Bool) -> Int {
        var index = start
        let stop = limit < count - start ? start + limit : count
        while index < stop && accepts(self[index]) { index += 1 }
        return index
    }

    /// Where the run of bytes that ends before `end` begins.
    @inline(__always)
    func start(of end: Int, atMost limit: Int, _ accepts: (UInt8) -> Bool) -> Int {
        var index = end
        let stop = Swift.max(0, end - limit)
        while index > stop && accepts(self[index - 1]) { index -= 1 }
        return index
    }

    func has(_ text: StaticString, at start: Int) -> Bool {
        guard start >= 0, start + text.utf8CodeUnitCount <= count else { return false }
        return text.withUTF8Buffer { wanted in
            for index in 0..<wanted.count where unsafe wanted[index] != self[start + index] {
                return false
            }
            return true
        }
    }

    /// ASCII letters in either case; `text` is in lower case.
    func hasFolded(_ text: StaticString, at start: Int) -> Bool {
        guard start >= 0, start + text.utf8CodeUnitCount <= count else { return false }
        return text.withUTF8Buffer { wanted in
            for index in 0..<wanted.count
            where unsafe wanted[index] != self[start + index].lowered {
                return false
            }
            return true
        }
    }
}
