import JSON

/// What stands before each cell of a row, in both forms of an answer. Made at load for an operation
/// whose columns are known then.
struct RowNames: Sendable {
    /// One behind the other: `{"id":`, then `,"name":`.
    struct Line: Sendable {
        fileprivate(set) var bytes: [UInt8] = []
        /// Where each of them ends.
        fileprivate(set) var ends: [Int] = []

        /// About what rows take where little is escaped, and room for the last at its longest.
        func bytesExpected(for rows: Rows) -> Int {
            let content = rows.byteCount + rows.rowCount * (bytes.count + 4 * ends.count + 2)
            return content + min(content, 16 << 10)
        }
    }

    private(set) var plain = Line()
    private(set) var inString = Line()

    static let none = RowNames([])

    init(_ columns: [Column]) {
        for column in columns {
            var writer = JSONWriter()
            writer.string(column.name)
            let comma = plain.ends.isEmpty ? UInt8(ascii: "{") : UInt8(ascii: ",")
            let name = [comma] + writer.finish() + [UInt8(ascii: ":")]
            plain.bytes += name
            plain.ends.append(plain.bytes.count)
            var outer = JSONWriter()
            outer.quotedJSON(name)
            inString.bytes += outer.finish().dropFirst().dropLast()
            inString.ends.append(inString.bytes.count)
        }
    }
}
