import JSON

/// What stands before each cell of a row, in both forms of an answer. Made at load for an operation
/// whose columns are known then.
struct RowNames: Sendable {
    /// One behind the other: `{"id":`, then `,"name":`.
    struct Line: Sendable {
        fileprivate(set) var bytes: [UInt8] = []
        /// Where each of them ends.
        fileprivate(set) var ends: [Int] = []
        /// What stands before the first row.
        fileprivate(set) var head: [UInt8] = []

        /// About what rows take where little is escaped, and room for the last at its longest.
        func bytesExpected(for rows: Rows) -> Int {
            let content = rows.byteCount + rows.rowCount * (bytes.count + 4 * ends.count + 2)
            return content + min(content, 16 << 10)
        }
    }

    private(set) var plain = Line()
    private(set) var inString = Line()

    /// What ends a row.
    let rowEnd: UInt8

    static let none = RowNames([])

    init(_ columns: [Column], as form: Tool.RowForm = .objects) {
        let isTable = form == .table
        let rowStart = UInt8(ascii: isTable ? "[" : "{")
        rowEnd = UInt8(ascii: isTable ? "]" : "}")
        for column in columns {
            var name = [plain.ends.isEmpty ? rowStart : UInt8(ascii: ",")]
            if !isTable { name += JSONValue.string(column.name).bytes + [UInt8(ascii: ":")] }
            plain.bytes += name
            plain.ends.append(plain.bytes.count)
            inString.bytes += Self.escaped(name)
            inString.ends.append(inString.bytes.count)
        }
        plain.head = Array("{".utf8)
        if isTable {
            let names = JSONValue.array(columns.map { .string($0.name) })
            plain.head += Array("\"columns\":".utf8) + names.bytes + [UInt8(ascii: ",")]
        }
        plain.head += Array("\"rows\":[".utf8)
        inString.head = Self.escaped(plain.head)
    }

    private static func escaped(_ json: [UInt8]) -> [UInt8] {
        var outer = JSONWriter()
        outer.quotedJSON(json)
        return Array(outer.finish().dropFirst().dropLast())
    }
}
