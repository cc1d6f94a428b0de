/// The tokens of JSON over bytes: white space, strings, numbers, words. Both dialects use it.
///
/// Only this type reads bytes. It holds a position and borrows the text for each step, so there is
/// no pointer to outlive anything; a read past the end yields 0, which no token accepts.
struct JSONScanner {
    enum Dialect {
        case strict
        /// Configuration files: comments, and a comma after the last member or element.
        case manifest
    }

    let dialect: Dialect
    var position = 0

    init(_ dialect: Dialect) { self.dialect = dialect }

    @inline(__always)
    func peek(_ bytes: Span<UInt8>) -> UInt8 {
        position < bytes.count ? bytes[position] : 0
    }

    /// The error for an unexpected byte here, which at the end of the text has a name of its own.
    @inline(never)
    func failure(_ reason: JSONError.Reason, _ bytes: Span<UInt8>) -> JSONError {
        JSONError(offset: position, reason: position >= bytes.count ? .endsEarly : reason)
    }

    @inline(__always)
    mutating func skipSpace(_ bytes: Span<UInt8>) throws(JSONError) {
        while true {
            switch peek(bytes) {
            case 0x20, 0x0A, 0x0D, 0x09: position &+= 1
            case UInt8(ascii: "/") where dialect == .manifest: try skipComment(bytes)
            default: return
            }
        }
    }

    private mutating func skipComment(_ bytes: Span<UInt8>) throws(JSONError) {
        let start = position
        position += 1
        switch peek(bytes) {
        case UInt8(ascii: "/"):
            while position < bytes.count, bytes[position] != 0x0A { position += 1 }
        case UInt8(ascii: "*"):
            position += 1
            while position < bytes.count {
                if bytes[position] == UInt8(ascii: "/"), position - start >= 3,
                    bytes[position - 1] == UInt8(ascii: "*")
                {
                    position += 1
                    return try validate(bytes, start..<position)
                }
                position += 1
            }
            throw JSONError(offset: start, reason: .unclosedComment)
        default:
            position = start
            throw failure(.expectedValue, bytes)
        }
        try validate(bytes, start..<position)
    }

    private func validate(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(JSONError) {
        _ = try text(bytes, range)
    }

    mutating func word(_ word: StaticString, _ bytes: Span<UInt8>) throws(JSONError) {
        let end = position &+ word.utf8CodeUnitCount
        guard end <= bytes.count else { throw failure(.expectedValue, bytes) }
        for (index, byte) in String(describing: word).utf8.enumerated()
        where bytes[position &+ index] != byte {
            throw failure(.expectedValue, bytes)
        }
        position = end
    }

    /// At the opening quote. Without an escape the bytes become the text without a detour.
    @inline(__always)
    mutating func string(_ bytes: Span<UInt8>) throws(JSONError) -> String {
        position &+= 1
        let start = position
        position = bytes.firstSpecialByte(from: start)
        switch peek(bytes) {
        case UInt8(ascii: "\""):
            position &+= 1
            return try text(bytes, start..<(position &- 1))
        case UInt8(ascii: "\\"): return try escapedString(bytes, from: start)
        default: throw failure(.controlCharacter, bytes)
        }
    }

    private func text(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(JSONError) -> String {
        do throws(UTF8.ValidationError) {
            return String(copying: try UTF8Span(validating: bytes.extracting(range)))
        } catch {
            let offset = range.lowerBound + error.byteOffsets.lowerBound
            throw JSONError(offset: offset, reason: .invalidUTF8)
        }
    }

    /// An escape never completes a raw sequence, nor the reverse, since each one yields a whole
    /// scalar: it is enough to validate the decoded bytes.
    @inline(never)
    private mutating func escapedString(
        _ bytes: Span<UInt8>, from start: Int
    ) throws(JSONError) -> String {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(2 * (position - start) + 32)
        for index in start..<position { decoded.append(bytes[index]) }
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                position &+= 1
                do throws(UTF8.ValidationError) {
                    return String(copying: try UTF8Span(validating: decoded.span))
                } catch {
                    throw JSONError(offset: start, reason: .invalidUTF8)
                }
            case UInt8(ascii: "\\"): try escape(bytes, into: &decoded)
            case 0..<0x20: throw failure(.controlCharacter, bytes)
            default:
                decoded.append(byte)
                position &+= 1
            }
        }
        throw failure(.endsEarly, bytes)
    }

    private mutating func escape(
        _ bytes: Span<UInt8>, into decoded: inout [UInt8]
    ) throws(JSONError) {
        position += 1
        let plain: UInt8
        switch peek(bytes) {
        case UInt8(ascii: "\""): plain = 0x22
        case UInt8(ascii: "\\"): plain = 0x5C
        case UInt8(ascii: "/"): plain = 0x2F
        case UInt8(ascii: "b"): plain = 0x08
        case UInt8(ascii: "f"): plain = 0x0C
        case UInt8(ascii: "n"): plain = 0x0A
        case UInt8(ascii: "r"): plain = 0x0D
        case UInt8(ascii: "t"): plain = 0x09
        case UInt8(ascii: "u"):
            let scalar = try escapedScalar(bytes)
            decoded.append(contentsOf: String(Character(scalar)).utf8)
            return
        default: throw failure(.unknownEscape, bytes)
        }
        position += 1
        decoded.append(plain)
    }

    /// At the `u`. RFC 8259 section 7: beyond the basic plane a pair of surrogates; half a pair is
    /// no text, and what others make of it (U+FFFD, nothing, three bytes) differs.
    private mutating func escapedScalar(_ bytes: Span<UInt8>) throws(JSONError) -> Unicode.Scalar {
        let start = position - 1
        let first = try hexDigits(bytes)
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, peek(bytes) == UInt8(ascii: "\\") else {
            throw JSONError(offset: start, reason: .loneSurrogate)
        }
        position += 1
        guard peek(bytes) == UInt8(ascii: "u") else {
            throw JSONError(offset: start, reason: .loneSurrogate)
        }
        let second = try hexDigits(bytes)
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw JSONError(offset: start, reason: .loneSurrogate) }
        return scalar
    }

    private mutating func hexDigits(_ bytes: Span<UInt8>) throws(JSONError) -> UInt32 {
        position += 1
        var value: UInt32 = 0
        for _ in 0..<4 {
            let byte = peek(bytes)
            switch byte {
            case 0x30...0x39: value = value << 4 | UInt32(byte - 0x30)
            case 0x41...0x46: value = value << 4 | UInt32(byte - 0x41 + 10)
            case 0x61...0x66: value = value << 4 | UInt32(byte - 0x61 + 10)
            default: throw failure(.expectedHexDigit, bytes)
            }
            position += 1
        }
        return value
    }

    /// The text of the number here, as it stands.
    mutating func number(_ bytes: Span<UInt8>) throws(JSONError) -> JSONNumber {
        let start = position
        if peek(bytes) == UInt8(ascii: "-") { position &+= 1 }
        if peek(bytes) == UInt8(ascii: "0") {
            position &+= 1
            if isDigit(peek(bytes)) { throw failure(.leadingZero, bytes) }
        } else {
            try digits(bytes)
        }
        if peek(bytes) == UInt8(ascii: ".") {
            position &+= 1
            try digits(bytes)
        }
        if peek(bytes) | 0x20 == UInt8(ascii: "e") {
            position &+= 1
            let sign = peek(bytes)
            if sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { position &+= 1 }
            try digits(bytes)
        }
        return JSONNumber(validated: try text(bytes, start..<position))
    }

    private mutating func digits(_ bytes: Span<UInt8>) throws(JSONError) {
        guard isDigit(peek(bytes)) else { throw failure(.expectedDigit, bytes) }
        while isDigit(peek(bytes)) { position &+= 1 }
    }

    @inline(__always)
    private func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
}

extension Span<UInt8> {
    /// Where a quote, a backslash or a control character stands first, from `start` on; the count
    /// when there is none. Texts are most of what passes, so eight bytes are looked at at once, the
    /// last ones together with some before them.
    @inline(__always)
    func firstSpecialByte(from start: Int) -> Int {
        var index = start
        // All loads are in bounds by the conditions around them.
        while count &- index >= 8 {
            let word = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
            if Self.hasSpecialByte(word) { break }
            index &+= 8
        }
        let left = count &- index
        if left < 8, count &- start >= 8 {
            let tail = unsafe bytes.unsafeLoadUnaligned(
                fromByteOffset: count &- 8, as: UInt64.self)
            if !Self.hasSpecialByte(tail) { return count }
        } else if left < 8, left >= 4 {
            let head = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt32.self)
            let tail = unsafe bytes.unsafeLoadUnaligned(
                fromByteOffset: count &- 4, as: UInt32.self)
            if !Self.hasSpecialByte(UInt64(head) | UInt64(tail) << 32) { return count }
        }
        while index < count {
            let byte = self[index]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
            index &+= 1
        }
        return index
    }

    @inline(__always)
    private static func hasSpecialByte(_ word: UInt64) -> Bool {
        ByteLook.special(word) & ByteLook.ones << 7 != 0
    }
}
