internal import CSQLite
internal import Enforcement
internal import JSON

/// Our own statements on one connection, each prepared once and then bound anew.
struct KeptStatements {
    enum Value {
        case null
        case integer(Int)
        /// Nil is null.
        case text(String?)
        case blob([UInt8])

        init(_ name: Name?) { self = .text(name?.text) }
        init(_ digest: Digest32?) { self = digest.map { .blob($0.bytes) } ?? .null }
    }

    private var byText: [String: SQLiteStatement] = [:]

    mutating func prepared(
        _ text: String, _ values: [Value], on connection: SQLiteConnection
    ) throws(SQLiteFailure) -> SQLiteStatement {
        let statement: SQLiteStatement
        if let kept = byText[text] {
            statement = kept
        } else {
            statement = try SQLiteStatement(text, on: connection, isKept: true)
            byText[text] = statement
        }
        for (index, value) in values.enumerated() {
            let place = Int32(index + 1)
            let code =
                switch value {
                case .null, .text(nil): statement.bindNull(place)
                case .integer(let integer): statement.bind(Int64(integer), place)
                case .text(let text?): statement.bind(text, place)
                case .blob(let bytes): statement.bind(blob: bytes, place)
                }
            guard code == SQLITE_OK else { throw SQLiteFailure("a value cannot be bound") }
        }
        return statement
    }
}
