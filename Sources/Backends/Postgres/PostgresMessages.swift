internal import JSON

/// The messages that we send (PostgreSQL documentation, "Message Formats", protocol 3.0), written
/// one behind the other, so that a whole call leaves in one write.
struct PostgresMessages {
    private(set) var bytes: [UInt8] = []

    var isEmpty: Bool { bytes.isEmpty }

    mutating func removeAll() {
        // What one large argument took is not kept for ever.
        bytes.removeAll(keepingCapacity: bytes.capacity <= 64 << 10)
    }

    /// Types of parameters are left to the server.
    mutating func parse(_ name: PostgresStatementName, _ text: String) {
        let start = begin(UInt8(ascii: "P"))
        append(name)
        append(text)
        append(Int16(0))
        end(start)
    }

    /// Into the unnamed portal; all values and results as text.
    mutating func bind(_ name: PostgresStatementName, _ values: [PostgresArgument] = []) {
        let start = begin(UInt8(ascii: "B"))
        bytes.append(0)
        append(name)
        append(Int16(0))
        append(Int16(truncatingIfNeeded: values.count))
        for value in values { append(value) }
        append(Int16(0))
        end(start)
    }

    mutating func describe(_ name: PostgresStatementName) {
        let start = begin(UInt8(ascii: "D"))
        bytes.append(UInt8(ascii: "S"))
        append(name)
        end(start)
    }

    mutating func close(_ name: PostgresStatementName) {
        let start = begin(UInt8(ascii: "C"))
        bytes.append(UInt8(ascii: "S"))
        append(name)
        end(start)
    }

    /// At most so many rows; 0 for all.
    mutating func execute(rowsMax: Int = 0) {
        let start = begin(UInt8(ascii: "E"))
        bytes.append(0)
        append(Int32(clamping: rowsMax))
        end(start)
    }

    mutating func sync() { end(begin(UInt8(ascii: "S"))) }

    mutating func flush() { end(begin(UInt8(ascii: "H"))) }

    mutating func query(_ text: StaticString) {
        let start = begin(UInt8(ascii: "Q"))
        text.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
        bytes.append(0)
        end(start)
    }

    private mutating func begin(_ type: UInt8) -> Int {
        bytes.append(type)
        append(Int32(0))
        return bytes.count - 4
    }

    private mutating func end(_ start: Int) {
        let length = UInt32(truncatingIfNeeded: bytes.count - start)
        bytes[start] = UInt8(truncatingIfNeeded: length >> 24)
        bytes[start + 1] = UInt8(truncatingIfNeeded: length >> 16)
        bytes[start + 2] = UInt8(truncatingIfNeeded: length >> 8)
        bytes[start + 3] = UInt8(truncatingIfNeeded: length)
    }

    private mutating func append(_ value: PostgresArgument) {
        guard let text = value.text else { return append(Int32(-1)) }
        append(Int32(truncatingIfNeeded: text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func append(_ name: PostgresStatementName) {
        bytes.append(name.letter)
        if name.number > 0 { bytes.append(contentsOf: String(name.number).utf8) }
        bytes.append(0)
    }

    private mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
        bytes.append(0)
    }

    private mutating func append(_ number: Int16) {
        let number = UInt16(bitPattern: number)
        bytes.append(UInt8(truncatingIfNeeded: number >> 8))
        bytes.append(UInt8(truncatingIfNeeded: number))
    }

    private mutating func append(_ number: Int32) {
        let number = UInt32(bitPattern: number)
        bytes.append(UInt8(truncatingIfNeeded: number >> 24))
        bytes.append(UInt8(truncatingIfNeeded: number >> 16))
        bytes.append(UInt8(truncatingIfNeeded: number >> 8))
        bytes.append(UInt8(truncatingIfNeeded: number))
    }
}

/// The value of one parameter as text; nil for NULL.
struct PostgresArgument {
    var text: String?
}

/// The name of a prepared statement on one connection.
struct PostgresStatementName: Equatable {
    let letter: UInt8
    let number: Int

    static let beginReading = PostgresStatementName(letter: UInt8(ascii: "b"), number: 0)
    static let beginWriting = PostgresStatementName(letter: UInt8(ascii: "w"), number: 0)
    static let open = PostgresStatementName(letter: UInt8(ascii: "o"), number: 0)
    static let mark = PostgresStatementName(letter: UInt8(ascii: "x"), number: 0)
    static let commit = PostgresStatementName(letter: UInt8(ascii: "c"), number: 0)
    static let rollback = PostgresStatementName(letter: UInt8(ascii: "r"), number: 0)

    /// Of a tool; numbers start with 1.
    static func tool(_ number: Int) -> PostgresStatementName {
        PostgresStatementName(letter: UInt8(ascii: "s"), number: number)
    }

    var text: String { String(UnicodeScalar(letter)) + (number > 0 ? String(number) : "") }
}
