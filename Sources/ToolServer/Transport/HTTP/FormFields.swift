import JSON

/// The fields of an `application/x-www-form-urlencoded` body.
struct FormFields {
    static let bytesMax = 128 * 1024
    private static let countMax = 20

    private var values: [Name: [String]] = [:]

    /// nil where it is none: too long, too many fields, escapes that are none, bytes that are no
    /// text.
    init?(_ body: [UInt8]) {
        guard body.count <= Self.bytesMax else { return nil }
        let fields = body.split(separator: UInt8(ascii: "&"))
        guard fields.count <= Self.countMax else { return nil }
        for field in fields {
            let name = field.prefix { $0 != UInt8(ascii: "=") }
            guard let key = Self.text(name),
                let value = Self.text(field[name.endIndex...].dropFirst())
            else { return nil }
            values[Name(key), default: []].append(value)
        }
    }

    func all(_ name: Name) -> [String] { values[name] ?? [] }

    /// nil for one that is missing, empty (RFC 6749 section 3.2), or there twice.
    subscript(_ name: Name) -> String? {
        let all = all(name)
        return all.count == 1 && !all[0].utf8.isEmpty ? all[0] : nil
    }

    private static func text(_ encoded: ArraySlice<UInt8>) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(encoded.count)
        var rest = encoded
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(0x20)
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(digit),
                    let low = rest.popFirst().flatMap(digit)
                else { return nil }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
