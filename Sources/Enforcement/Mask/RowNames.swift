import JSON

/// What stands before each cell of a row, in both forms of an answer. Made at load for an operation
/// whose columns are known then.
struct RowNames: Sendable {
    struct Line: Sendable {
        /// One behind the other: `{"id":`, then `,"name":`; and some bytes more, so that each can be
        /// copied as a whole word.
        let padded: [UInt8]
        /// Where each of them ends.
        let ends: [Int]
        /// What stands before the first row.
        let head: [UInt8]
        /// What ends a row.
        let rowEnd: UInt8

        /// About what rows take where little is escaped, and room for the last at its longest.
        func bytesExpected(for rows: Rows) -> Int {
            let nameBytes = ends.last ?? 0
            let content = rows.byteCount + rows.rowCount * (nameBytes + 4 * ends.count + 2)
            return content + min(content, 16 << 10)
        }
    }

    /// From here on the names of columns in every row are most of what a model would read.
    private static let many = 10

    private let structured: Line
    private let text: Line
    private let textOfMany: Line

    static let none = RowNames([])

    init(_ columns: [Column], as form: Tool.RowForm = .auto) {
        structured = Line(columns, isTable: form == .table, isInString: false)
        text = Line(columns, isTable: form == .table, isInString: true)
        textOfMany =
            form == .auto ? Line(columns, isTable: true, isInString: true) : text
    }

    /// For `structuredContent`, or for the same as text.
    func line(for rows: Rows, inString: Bool) -> Line {
        guard inString else { return structured }
        return rows.rowCount < Self.many ? text : textOfMany
    }
}

extension RowNames.Line {
    fileprivate init(_ columns: [Column], isTable: Bool, isInString: Bool) {
        func written(_ json: [UInt8]) -> [UInt8] {
            guard isInString else { return json }
            var outer = JSONWriter()
            outer.quotedJSON(json)
            return Array(outer.finish().dropFirst().dropLast())
        }
        var bytes: [UInt8] = []
        var ends: [Int] = []
        for column in columns {
            var name = [UInt8(ascii: ends.isEmpty ? (isTable ? "[" : "{") : ",")]
            if !isTable { name += JSONValue.string(column.name).bytes + [UInt8(ascii: ":")] }
            bytes += written(name)
            ends.append(bytes.count)
        }
        var head = Array("{".utf8)
        if isTable {
            let names = JSONValue.array(columns.map { .string($0.name) })
            head += Array("\"columns\":".utf8) + names.bytes + [UInt8(ascii: ",")]
        }
        head += Array("\"rows\":[".utf8)
        self.init(
            padded: bytes + [UInt8](repeating: 0, count: 32), ends: ends, head: written(head),
            rowEnd: UInt8(ascii: isTable ? "]" : "}"))
    }
}
