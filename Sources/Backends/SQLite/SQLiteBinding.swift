internal import CSQLite
internal import Enforcement
internal import JSON

extension SQLitePrepared {
    /// Binds by name; an argument that is absent is NULL.
    func bind(_ arguments: JSONObject) throws(BackendError) {
        for (position, name) in parameters.enumerated() {
            let code = try bind(arguments[name.text] ?? .null, at: Int32(position + 1), name)
            guard code == SQLITE_OK else {
                let reason: BackendError.Reason = code == SQLITE_TOOBIG ? .invalid : .failed
                throw BackendError(reason, detail: "argument `\(name)`: SQLite \(code)")
            }
        }
    }

    private func bind(
        _ value: JSONValue, at index: Int32, _ name: Name
    ) throws(BackendError) -> Int32 {
        switch value {
        case .null: return statement.bindNull(index)
        case .bool(let value): return statement.bind(Int64(value ? 1 : 0), index)
        case .string(let text): return statement.bind(text, index)
        case .array, .object: return statement.bind(value.text, index)
        case .number(let number):
            if let integer = Int64(number.text) { return statement.bind(integer, index) }
            guard let double = number.exactDouble else {
                throw BackendError(
                    .invalid,
                    detail: "argument `\(name)`: a number that SQLite cannot hold exactly; "
                        + "send a 64-bit integer, at most 17 digits, or text")
            }
            return statement.bind(double, index)
        }
    }
}

extension JSONNumber {
    /// The double that writes back as the same decimal number; nil when digits would be lost.
    var exactDouble: Double? {
        guard let double = Double(text), double.isFinite,
            let wanted = Decimal(text), let held = Decimal(double.description)
        else { return nil }
        return wanted == held ? double : nil
    }

    /// Significant digits and power of ten, so that `1.10`, `1.1` and `11e-1` are equal.
    private struct Decimal: Equatable {
        private var isNegative: Bool
        private var digits: [UInt8] = []
        private var exponent = 0

        init?(_ text: String) {
            let halves = text.utf8.split(maxSplits: 1) { $0 | 0x20 == UInt8(ascii: "e") }
            guard let mantissa = halves.first else { return nil }
            isNegative = mantissa.first == UInt8(ascii: "-")
            var isFraction = false
            for byte in mantissa.drop(while: { $0 == UInt8(ascii: "-") }) {
                if byte == UInt8(ascii: ".") {
                    isFraction = true
                } else {
                    digits.append(byte)
                    if isFraction { exponent -= 1 }
                }
            }
            if halves.count == 2 {
                guard let scale = Int(String(decoding: halves[1], as: UTF8.self)) else {
                    return nil
                }
                let (sum, overflow) = exponent.addingReportingOverflow(scale)
                guard !overflow else { return nil }
                exponent = sum
            }
            normalize()
        }

        private mutating func normalize() {
            digits.removeFirst(digits.prefix { $0 == UInt8(ascii: "0") }.count)
            while digits.last == UInt8(ascii: "0") {
                digits.removeLast()
                exponent &+= 1
            }
            if digits.isEmpty { exponent = 0 }
        }
    }
}
