internal import Enforcement
internal import JSON

/// Moves the rows of one answer into `Rows`, whole rows only, until a limit is met.
struct PostgresCells {
    private(set) var rows: Rows
    private let forms: [PostgresForm]
    private let rowLimit: Int
    let byteLimit: Int
    /// What of it cannot be shown; for the record.
    private(set) var fault: String?

    init(_ columns: [PostgresColumn], limits: ToolLimits) {
        forms = columns.map(\.form)
        rows = Rows(columnCount: columns.count)
        rowLimit = max(0, limits.rows)
        byteLimit = max(0, limits.bytes)
    }

    mutating func cut() { rows.isTruncated = true }

    /// False when a limit does not allow the row.
    mutating func append(_ frame: PostgresFrame) -> Bool {
        guard rows.rowCount < rowLimit, unsafe rows.byteCount + frame.body.count <= byteLimit else {
            rows.isTruncated = true
            return false
        }
        guard unsafe frame.int16(at: 0) == forms.count else {
            fault = "another number of columns than announced"
            return true
        }
        var offset = 2
        for form in forms {
            let count = unsafe frame.int32(at: offset)
            offset += 4
            if count < 0 {
                rows.appendNull()
                continue
            }
            guard unsafe offset + count <= frame.body.count else {
                fault = "a row that ends too early"
                return true
            }
            unsafe append(
                UnsafeRawBufferPointer(rebasing: frame.body[offset..<(offset + count)]), form)
            offset += count
        }
        return true
    }

    private mutating func append(_ text: UnsafeRawBufferPointer, _ form: PostgresForm) {
        switch form {
        case .integer: unsafe rows.append(.number, raw: text)
        case .number:
            let isNumber = unsafe PostgresValue.isNumber(text)
            unsafe rows.append(isNumber ? .number : .text, raw: text)
        case .bool:
            let isTrue = unsafe text.first == UInt8(ascii: "t")
            rows.append(.bool, (isTrue ? "true" : "false").utf8)
        case .timestampWithZone where unsafe PostgresValue.isPlainUTC(text):
            unsafe rows.appendTimestamp(text)
        case .text:
            guard unsafe PostgresValue.isUTF8(text) else {
                fault = "a text that is not UTF-8"
                return rows.appendNull()
            }
            unsafe rows.append(.text, raw: text)
        default:
            guard let value = unsafe PostgresValue.cell(text, form) else {
                fault = "a value that its type does not allow"
                return rows.appendNull()
            }
            rows.append(value.kind, value.bytes)
        }
    }
}

extension Rows {
    /// `2019-01-01 00:00:00+00` as RFC 3339 has it.
    fileprivate mutating func appendTimestamp(_ text: UnsafeRawBufferPointer) {
        unsafe withUnsafeTemporaryAllocation(byteCount: text.count, alignment: 1) { copy in
            unsafe copy.copyMemory(from: text)
            unsafe copy[10] = UInt8(ascii: "T")
            unsafe copy[text.count - 3] = UInt8(ascii: "Z")
            unsafe append(.text, raw: UnsafeRawBufferPointer(rebasing: copy[..<(text.count - 2)]))
        }
    }
}
