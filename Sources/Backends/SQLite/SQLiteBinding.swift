internal import CSQLite
internal import Enforcement
internal import JSON

extension SQLitePrepared {
    func bind(_ job: Job) throws(BackendError) {
        guard let values = job.callersParameters else { return try bind(job.values()) }
        try CallersStatement.check(values, areFor: Int(statement.parameterCount))
        for (position, value) in values.enumerated() {
            let name = Name("params[\(position)]")
            guard try bind(value, at: Int32(position + 1), name) == SQLITE_OK else {
                throw BackendError(.argument, detail: "`\(name)`: too large or not storable")
            }
        }
    }

    /// Binds by name; an argument that is absent is NULL.
    private func bind(_ arguments: JSONObject) throws(BackendError) {
        for (position, name) in parameters.enumerated() {
            let code = try bind(arguments[name.text] ?? .null, at: Int32(position + 1), name)
            guard code == SQLITE_OK else {
                let reason: BackendError.Reason = code == SQLITE_TOOBIG ? .argument : .failed
                throw BackendError(reason, detail: "argument `\(name)`: too large or not storable")
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
            switch try SQLiteNumber(number, name) {
            case .integer(let integer): return statement.bind(integer, index)
            case .double(let double): return statement.bind(double, index)
            }
        }
    }
}

/// A number as SQLite holds it, with all its digits.
enum SQLiteNumber {
    case integer(Int64)
    case double(Double)

    init(_ number: JSONNumber, _ name: Name) throws(BackendError) {
        if let integer = Int64(number.text) {
            self = .integer(integer)
        } else if let double = number.exactDouble {
            self = .double(double)
        } else {
            throw BackendError(
                .argument,
                detail: "argument `\(name)`: a number that SQLite cannot hold exactly; "
                    + "send a 64-bit integer, at most 17 digits, or text")
        }
    }

    static func check(_ value: JSONValue, _ name: Name) throws(BackendError) {
        if case .number(let number) = value { _ = try SQLiteNumber(number, name) }
    }
}

extension JSONNumber {
    /// The double that writes back as the same decimal number; nil when digits would be lost.
    var exactDouble: Double? {
        guard let double = Double(text), double.isFinite else { return nil }
        let written = JSONNumber(validated: double.description)
        return written.compare(to: self) == .equal ? double : nil
    }
}
