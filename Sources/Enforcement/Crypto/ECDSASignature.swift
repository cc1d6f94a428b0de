/// Between the fixed form of JOSE (RFC 7518 section 3.4) and the DER of OpenSSL. Written out: some
/// lines of ASN.1 with fixed sizes are easier to check than four owned C objects.
enum ECDSASignature {
    /// `size` is that of each half.
    static func der(raw: [UInt8], size: Int) -> [UInt8]? {
        guard raw.count == 2 * size else { return nil }
        let content = integer(raw[..<size]) + integer(raw[size...])
        // P-521's 138 bytes need the long form of a length.
        return [0x30] + (content.count < 0x80 ? [] : [0x81]) + [UInt8(content.count)] + content
    }

    private static func integer(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var digits = Array(bytes.drop { $0 == 0 })
        if digits.first.map({ $0 >= 0x80 }) ?? true { digits.insert(0, at: 0) }
        return [0x02, UInt8(digits.count)] + digits
    }

    /// For curves whose whole signature is shorter than 128 bytes.
    static func raw(der: [UInt8], size: Int) -> [UInt8]? {
        guard der.count >= 2, der[0] == 0x30, Int(der[1]) == der.count - 2 else { return nil }
        var rest = der[2...]
        guard let r = takeInteger(&rest, size), let s = takeInteger(&rest, size), rest.isEmpty
        else { return nil }
        return r + s
    }

    private static func takeInteger(_ rest: inout ArraySlice<UInt8>, _ size: Int) -> [UInt8]? {
        guard rest.popFirst() == 0x02, let count = rest.popFirst(), rest.count >= Int(count) else {
            return nil
        }
        let digits = rest.prefix(Int(count)).drop { $0 == 0 }
        rest = rest.dropFirst(Int(count))
        guard digits.count <= size else { return nil }
        return [UInt8](repeating: 0, count: size - digits.count) + digits
    }
}
