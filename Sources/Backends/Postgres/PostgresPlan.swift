internal import Enforcement
internal import JSON
internal import Synchronization

/// One column of an answer, as the server described it.
struct PostgresColumn: Sendable {
    var name: String
    /// The relation and column whose value this is, unchanged; 0 where it is computed.
    var table: UInt32
    var number: Int
    var type: UInt32
    var form: PostgresForm
}

/// One statement as it is sent, with what the server said of it.
final class PostgresPlan: Sendable {
    /// The same number on every connection.
    let number: Int
    let text: String
    let parameters: [Name]
    let parameterTypes: [UInt32]
    let columns: [PostgresColumn]
    let forms: [PostgresForm]
    let shapes: [PostgresForm.Shape]
    let examination: Examination

    /// A statement that took no longer the last three times is quick: others may wait for it.
    static let quickTime: UInt64 = 5_000_000
    private static let quickRunsMin = 3

    private static let lastNumber = Atomic<Int>(0)
    private let quickRuns = Atomic<Int>(0)
    private let lastCells = Atomic<Int>(0)
    private let lastBytes = Atomic<Int>(0)

    init(
        text: PostgresText, parameterTypes: [UInt32], columns: [PostgresColumn],
        examination: Examination
    ) {
        number = Self.lastNumber.add(1, ordering: .relaxed).newValue
        self.text = text.text
        parameters = text.parameters
        self.parameterTypes = parameterTypes
        self.columns = columns
        forms = columns.map(\.form)
        shapes = forms.map(\.shape)
        self.examination = examination
    }

    var isQuick: Bool { quickRuns.load(ordering: .relaxed) >= Self.quickRunsMin }

    func took(_ nanoseconds: UInt64, answering rows: Rows) {
        let known = quickRuns.load(ordering: .relaxed)
        note(nanoseconds < Self.quickTime ? min(known + 1, Self.quickRunsMin) : 0, in: quickRuns)
        note(Self.room(for: rows.cells.count, step: 512), in: lastCells)
        note(Self.room(for: rows.byteCount + rows.byteCount / 8, step: 4_096), in: lastBytes)
    }

    /// All loops read it with each call: written only where it changes.
    private func note(_ value: Int, in known: borrowing Atomic<Int>) {
        if known.load(ordering: .relaxed) != value { known.store(value, ordering: .relaxed) }
    }

    private static func room(for count: Int, step: Int) -> Int {
        count < step ? 0 : (count / step + 1) * step
    }

    /// What the last answer took, so that the next need not grow to it piece by piece; nothing
    /// where that was little.
    var expected: (cells: Int, bytes: Int) {
        (lastCells.load(ordering: .relaxed), lastBytes.load(ordering: .relaxed))
    }

    /// `T`: whether the server still describes what was examined.
    func describes(_ frame: PostgresFrame) -> Bool {
        guard unsafe frame.int16(at: 0) == columns.count else { return false }
        var offset = 2
        for column in columns {
            guard let (name, next) = unsafe frame.text(at: offset),
                name.isByteEqual(to: column.name),
                unsafe UInt32(truncatingIfNeeded: frame.int32(at: next)) == column.table,
                unsafe frame.int16(at: next + 4) == column.number,
                unsafe UInt32(truncatingIfNeeded: frame.int32(at: next + 6)) == column.type
            else { return false }
            offset = next + 18
        }
        return true
    }

    /// `$1`, `$2`, … of a caller's own statement.
    func arguments(_ values: [JSONValue]) throws(BackendError) -> [PostgresArgument] {
        try PostgresArgument.all(values, types: parameterTypes)
    }

    func arguments(_ values: JSONObject) throws(BackendError) -> [PostgresArgument] {
        var arguments: [PostgresArgument] = []
        arguments.reserveCapacity(parameters.count)
        for (index, name) in parameters.enumerated() {
            let value = values[name.text] ?? .null
            arguments.append(
                try PostgresArgument(value, type: parameterTypes[index], name: name))
        }
        return arguments
    }
}

extension PostgresArgument {
    static func all(
        _ values: [JSONValue], types: [UInt32]
    ) throws(BackendError) -> [PostgresArgument] {
        try CallersStatement.check(values, areFor: types.count)
        var arguments: [PostgresArgument] = []
        for (index, value) in values.enumerated() {
            let name = Name("params[\(index)]")
            arguments.append(try PostgresArgument(value, type: types[index], name: name))
        }
        return arguments
    }

    init(_ value: JSONValue, type: UInt32, name: Name) throws(BackendError) {
        switch value {
        case .null: text = nil
        case .bool(let flag): text = flag ? "true" : "false"
        case .string(let string): text = try Self.text(of: string, type, name)
        case .number(let number): text = try Self.text(of: number, type, name)
        case .array(let elements) where Self.isArray(type):
            text = try Self.text(of: elements, name)
        case .array, .object: text = value.text
        }
    }

    /// Bytes come as they are told: in base64. The server's own form, `\x` and hexadecimal, will do
    /// as well; what is neither would be stored letter by letter.
    private static func text(
        of string: String, _ type: UInt32, _ name: Name
    ) throws(BackendError) -> String {
        guard type == 17, !string.utf8.starts(with: #"\x"#.utf8) else { return string }
        guard let bytes = Base64.decode(string) else {
            throw BackendError(
                .argument,
                detail: #"argument `\#(name)`: the database takes bytes here, in base64"#)
        }
        return #"\x"# + Hex.encode(bytes)
    }

    /// `5.0` and `1e3` are integers in JSON and none for the server.
    private static func text(
        of number: JSONNumber, _ type: UInt32, _ name: Name
    ) throws(BackendError) -> String {
        guard [20, 21, 23, 26].contains(type), Int64(number.text) == nil else {
            return number.text
        }
        guard let integer = number.integerText else {
            throw BackendError(
                .argument, detail: "argument `\(name)`: the database takes a 64-bit integer here")
        }
        return integer
    }

    /// Arrays of types that every database has.
    private static func isArray(_ type: UInt32) -> Bool {
        [
            1000, 1001, 1005, 1007, 1009, 1014, 1015, 1016, 1021, 1022, 1115, 1182, 1185, 1231,
            2951,
        ].contains(type)
    }

    private static func text(of elements: [JSONValue], _ name: Name) throws(BackendError) -> String
    {
        var text = "{"
        for element in elements {
            if text.utf8.count > 1 { text += "," }
            switch element {
            case .null: text += "NULL"
            case .bool(let flag): text += flag ? "true" : "false"
            case .number(let number): text += number.text
            case .string(let string):
                text += "\""
                for scalar in string.unicodeScalars {
                    if scalar == "\"" || scalar == "\\" { text += "\\" }
                    text.unicodeScalars.append(scalar)
                }
                text += "\""
            case .array, .object:
                throw BackendError(.argument, detail: "`\(name)`: a list of plain values is needed")
            }
        }
        return text + "}"
    }
}
