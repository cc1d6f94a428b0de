internal import Enforcement

/// Moves a statement's rows into `Rows`, whole rows only, until there is no more or a limit is met.
///
/// A cell costs a copy of its bytes and nothing else; only blobs pass through a buffer of ours.
struct SQLiteCells {
    private(set) var rows: Rows
    private let statement: SQLiteStatement
    private let columns: [Column]
    private let bounds: RowBounds
    private let hidden: [Bool]

    init(_ prepared: SQLitePrepared, within bounds: RowBounds) {
        statement = prepared.statement
        columns = prepared.examination.columns
        rows = Rows(columnCount: statement.columnCount)
        self.bounds = bounds
        hidden = bounds.hidden.count == columns.count ? bounds.hidden : []
    }

    /// Appends the row on which the statement stands; false when a limit does not allow it.
    mutating func appendRow() throws(BackendError) -> Bool {
        guard rows.rowCount < bounds.rows, rows.byteCount + rowBytes() <= bounds.bytes else {
            rows.isTruncated = true
            return false
        }
        for index in 0..<Int32(statement.columnCount) {
            if isHidden(index) { appendHidden(index) } else { try appendCell(index) }
        }
        return true
    }

    private func isHidden(_ index: Int32) -> Bool {
        !hidden.isEmpty && hidden[Int(index)]
    }

    /// The most that the row can take, counted before anything is copied; a comma a cell is in it,
    /// so that columns of nulls are bounded too.
    private func rowBytes() -> Int {
        var count = statement.columnCount
        for index in 0..<Int32(statement.columnCount) where !isHidden(index) {
            switch statement.type(index) {
            case .null: count += 4
            case .integer: count += Self.decimalCount(statement.integer(index))
            case .real: count += 24
            case .blob: count += (statement.byteCount(index) + 2) / 3 * 4
            case .text: count += statement.byteCount(index)
            }
        }
        return count
    }

    private mutating func appendHidden(_ index: Int32) {
        switch statement.type(index) {
        case .null: rows.appendNull()
        case .integer, .real: rows.appendHidden(.number)
        case .blob, .text: rows.appendHidden(.text)
        }
    }

    private mutating func appendCell(_ index: Int32) throws(BackendError) {
        switch statement.type(index) {
        case .null: rows.appendNull()
        case .integer: append(statement.integer(index))
        case .real: try append(statement.double(index), index)
        case .blob:
            rows.append(.text, unsafe Base64.encodedBytes(Array(statement.blobBytes(index))))
        case .text: try appendText(index)
        }
    }

    private mutating func append(_ integer: Int64) {
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { buffer in
            var start = 20
            var rest = integer.magnitude
            repeat {
                start -= 1
                unsafe buffer[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            if integer < 0 {
                start -= 1
                unsafe buffer[start] = UInt8(ascii: "-")
            }
            unsafe rows.append(.number, UnsafeBufferPointer(rebasing: buffer[start...]))
        }
    }

    private static func decimalCount(_ integer: Int64) -> Int {
        var rest = integer.magnitude
        var count = integer < 0 ? 2 : 1
        while rest >= 10 {
            rest /= 10
            count += 1
        }
        return count
    }

    /// The shortest text that reads back as the same double. SQLite stores NaN as NULL, but has
    /// infinities, which JSON has not.
    private mutating func append(_ double: Double, _ index: Int32) throws(BackendError) {
        guard double.isFinite else {
            guard columns[Int(index)].kind == .any else {
                throw BackendError(.form, detail: "an infinite value in a column of numbers")
            }
            rows.append(.text, (double < 0 ? "-Infinity" : "Infinity").utf8)
            return
        }
        var text = double.description
        text.withUTF8 { bytes in unsafe rows.append(.number, bytes) }
    }

    private mutating func appendText(_ index: Int32) throws(BackendError) {
        guard let bytes = unsafe statement.textBytes(index) else {
            throw BackendError(.unavailable, detail: "out of memory")
        }
        do {
            _ = try unsafe UTF8Span(validating: Span(_unsafeElements: bytes))
        } catch {
            throw BackendError(.form, detail: "column \(index): a text that is not UTF-8")
        }
        unsafe rows.append(.text, bytes)
    }
}
