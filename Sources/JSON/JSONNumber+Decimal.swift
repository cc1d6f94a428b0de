/// Exact arithmetic on numbers as text, without floating point.
///
/// 0.1 has no exact `Double` and 9007199254740993 neither, so a limit checked through `Double`
/// admits values that the backend sees beyond it. Exponents are capped instead of expanded:
/// `1e999999999` costs as much as `1`.
struct Decimal: Sendable {
    /// The number is ±0.d₁d₂d₃… × 10^magnitude with d₁ and the last digit not 0; zero has no
    /// digits.
    let isNegative: Bool
    /// 0 to 9 each.
    let digits: [UInt8]
    let magnitude: Int

    /// Beyond this, exponents count as equal: texts of that size cannot be told apart usefully, and
    /// every sum below stays far from overflow.
    private static let exponentLimit = 1 << 60

    init(_ number: JSONNumber) {
        var digits: [UInt8] = []
        var integerDigits = 0
        var exponent = 0
        var negativeExponent = false
        var seenPoint = false
        var seenExponent = false
        for byte in number.text.utf8 {
            switch byte {
            case 0x30...0x39 where seenExponent:
                exponent = min(exponent &* 10 &+ Int(byte - 0x30), Self.exponentLimit / 16)
            case 0x30...0x39:
                digits.append(byte - 0x30)
                if !seenPoint { integerDigits += 1 }
            case UInt8(ascii: "."): seenPoint = true
            case UInt8(ascii: "-") where seenExponent: negativeExponent = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"): seenExponent = true
            default: break
            }
        }
        let leading = digits.prefix { $0 == 0 }.count
        digits.removeFirst(leading)
        while digits.last == 0 { digits.removeLast() }
        self.digits = digits
        isNegative = !digits.isEmpty && number.text.utf8.first == UInt8(ascii: "-")
        let shift = negativeExponent ? -exponent : exponent
        magnitude = digits.isEmpty ? 0 : integerDigits - leading + shift
    }

    var isZero: Bool { digits.isEmpty }
    var isInteger: Bool { magnitude >= digits.count }

    /// The power of ten that the digits, read as one integer, are multiplied with.
    var scale: Int { magnitude - digits.count }

    /// One text per value: equal numbers have equal texts, however they were written.
    var canonicalText: String {
        guard !isZero else { return "0" }
        let mantissa = String(decoding: digits.map { $0 + 0x30 }, as: UTF8.self)
        return "\(isNegative ? "-" : "")\(mantissa)e\(scale)"
    }

    /// Nil unless `divisor` is positive and has at most 18 digits.
    func isMultiple(of divisor: Decimal) -> Bool? {
        guard !divisor.isZero, !divisor.isNegative, divisor.digits.count <= 18 else { return nil }
        let modulus = divisor.digits.reduce(UInt64(0)) { $0 * 10 + UInt64($1) }
        guard !isZero else { return true }
        // The last digit is not 0, so no power of ten is left over to divide by.
        guard scale >= divisor.scale else { return false }
        var remainder = digits.reduce(UInt64(0)) {
            ($0.multiplied(by: 10, modulo: modulus) + UInt64($1)) % modulus
        }
        remainder = remainder.multiplied(
            by: UInt64.powerOfTen(scale - divisor.scale, modulo: modulus), modulo: modulus)
        return remainder == 0
    }
}

extension Decimal: Comparable {
    static func == (left: Decimal, right: Decimal) -> Bool {
        left.isNegative == right.isNegative && left.magnitude == right.magnitude
            && left.digits == right.digits
    }

    static func < (left: Decimal, right: Decimal) -> Bool {
        if left.isNegative != right.isNegative { return left.isNegative }
        return left.isNegative
            ? right.hasSmallerSize(than: left) : left.hasSmallerSize(than: right)
    }

    private func hasSmallerSize(than other: Decimal) -> Bool {
        if isZero || other.isZero { return isZero && !other.isZero }
        if magnitude != other.magnitude { return magnitude < other.magnitude }
        return digits.lexicographicallyPrecedes(other.digits)
    }
}

extension JSONNumber {
    /// True for `1`, `-0`, `1.0`, `1e2` and `100e-2`: JSON Schema's meaning of integer.
    package var isInteger: Bool {
        if text.utf8.allSatisfy({ $0 &- 0x30 < 10 || $0 == UInt8(ascii: "-") }) { return true }
        return Decimal(self).isInteger
    }

    /// By value, exactly: `1.0` is neither more nor less than `1`.
    package func compare(to other: JSONNumber) -> JSONOrder {
        let left = Decimal(self)
        let right = Decimal(other)
        return left < right ? .less : left == right ? .equal : .greater
    }
}

package enum JSONOrder: Sendable {
    case less
    case equal
    case greater
}

extension UInt64 {
    /// For a modulus below 2^63 and operands below it, as 18 digits are.
    fileprivate func multiplied(by other: UInt64, modulo modulus: UInt64) -> UInt64 {
        let left = self % modulus
        let right = other % modulus
        return modulus.dividingFullWidth(left.multipliedFullWidth(by: right)).remainder
    }

    fileprivate static func powerOfTen(_ exponent: Int, modulo modulus: UInt64) -> UInt64 {
        var result = 1 % modulus
        var base = 10 % modulus
        var left = exponent
        while left > 0 {
            if left & 1 == 1 { result = result.multiplied(by: base, modulo: modulus) }
            base = base.multiplied(by: base, modulo: modulus)
            left >>= 1
        }
        return result
    }
}

extension JSONNumber {
    /// The same number without an exponent; nil where that takes more than 64 digits.
    package var plainText: String? {
        guard text.utf8.contains(where: { $0 | 0x20 == UInt8(ascii: "e") }) else { return text }
        let value = Decimal(self)
        guard value.digits.count <= 64, abs(value.magnitude) <= 64 else { return nil }
        let digits = String(decoding: value.digits.map { $0 + UInt8(ascii: "0") }, as: UTF8.self)
        let sign = value.isNegative ? "-" : ""
        if value.isZero { return "0" }
        if value.magnitude <= 0 {
            return sign + "0." + String(repeating: "0", count: -value.magnitude) + digits
        }
        if value.magnitude >= digits.utf8.count {
            return sign + digits
                + String(repeating: "0", count: value.magnitude - digits.utf8.count)
        }
        return sign + digits.prefix(value.magnitude) + "." + digits.dropFirst(value.magnitude)
    }

    /// `1e3` and `5.0` written as integers; nil for what is none, or has more than 20 digits.
    package var integerText: String? {
        let decimal = Decimal(self)
        guard decimal.isInteger, decimal.magnitude <= 20 else { return nil }
        if decimal.isZero { return "0" }
        let digits = decimal.digits.map { $0 + 0x30 }
        let zeros = [UInt8](repeating: 0x30, count: decimal.scale)
        return (decimal.isNegative ? "-" : "") + String(decoding: digits + zeros, as: UTF8.self)
    }
}
