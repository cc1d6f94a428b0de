internal import CSQLite
internal import Enforcement
internal import JSON

/// One prepared statement. Used by the thread that uses its connection, and freed before it.
@safe final class SQLiteStatement {
    enum Step { case row, done }

    /// The connection that owns the statement; C calls only.
    private let connection: OpaquePointer
    private let handle: OpaquePointer
    let columnCount: Int
    private var reprepareCount: Int32 = 0

    /// Refuses anything after the first statement but blanks and comments: what is examined is
    /// what runs, and nothing else does.
    init(
        _ text: String, on owner: SQLiteConnection, isKept: Bool
    ) throws(SQLiteFailure) {
        let connection = unsafe owner.handle
        guard !text.utf8.contains(0) else { throw SQLiteFailure("the statement holds a NUL") }
        var copy = text
        var prepared: OpaquePointer?
        var tail = 0
        let code: Int32 = copy.withUTF8 { bytes in
            guard let count = Int32(exactly: bytes.count) else { return SQLITE_TOOBIG }
            let start = unsafe UnsafeRawPointer(bytes.baseAddress).map {
                unsafe $0.assumingMemoryBound(to: CChar.self)
            }
            var end: UnsafePointer<CChar>?
            let flags = UInt32(isKept ? SQLITE_PREPARE_PERSISTENT : 0)
            let code = unsafe sqlite3_prepare_v3(connection, start, count, flags, &prepared, &end)
            if let start = unsafe start, let end = unsafe end { tail = unsafe end - start }
            return code
        }
        guard code == SQLITE_OK else { throw unsafe SQLiteFailure(code, on: connection) }
        guard let prepared = unsafe prepared else { throw SQLiteFailure("the statement is empty") }
        unsafe handle = prepared
        unsafe self.connection = connection
        columnCount = unsafe Int(sqlite3_column_count(prepared))
        let rest = SQLiteTokens(text.utf8.dropFirst(tail)).list
        guard rest.allSatisfy({ $0.isSymbol(";") }) else {
            throw SQLiteFailure("one statement only: there is more text after the first")
        }
    }

    deinit { unsafe sqlite3_finalize(handle) }

    func step() throws(SQLiteFailure) -> Step {
        switch unsafe sqlite3_step(handle) {
        case SQLITE_ROW: return .row
        case SQLITE_DONE: return .done
        case let code: throw unsafe SQLiteFailure(code, on: connection)
        }
    }

    /// Ends the run and forgets the values, which may be secret.
    func reset() {
        unsafe sqlite3_reset(handle)
        unsafe sqlite3_clear_bindings(handle)
    }

    /// True once after SQLite compiled the statement again because the schema had changed.
    func takeReprepared() -> Bool {
        let count = unsafe sqlite3_stmt_status(handle, SQLITE_STMTSTATUS_REPREPARE, 0)
        defer { reprepareCount = count }
        return count != reprepareCount
    }

    var isReadOnly: Bool { unsafe sqlite3_stmt_readonly(handle) != 0 }

    var parameterCount: Int32 { unsafe sqlite3_bind_parameter_count(handle) }

    /// With its prefix; nil for `?`.
    func parameterName(_ index: Int32) -> String? {
        guard let name = unsafe sqlite3_bind_parameter_name(handle, index) else { return nil }
        return unsafe String(cString: name)
    }

    func columnName(_ index: Int32) -> String {
        guard let name = unsafe sqlite3_column_name(handle, index) else { return "" }
        return unsafe String(cString: name)
    }

    func columnOrigin(_ index: Int32) -> ColumnPath? {
        guard let schema = unsafe sqlite3_column_database_name(handle, index),
            let table = unsafe sqlite3_column_table_name(handle, index),
            let column = unsafe sqlite3_column_origin_name(handle, index)
        else { return nil }
        return unsafe ColumnPath(
            schema: Name(folded: schema), table: Name(folded: table), column: Name(folded: column))
    }

    func declaredType(_ index: Int32) -> Name {
        unsafe Name(folded: unsafe sqlite3_column_decltype(handle, index))
    }

}

/// Values in and out. Indices are SQLite's: parameters from 1, columns from 0.
extension SQLiteStatement {
    enum ValueType { case null, integer, real, text, blob }

    func type(_ column: Int32) -> ValueType {
        switch unsafe sqlite3_column_type(handle, column) {
        case SQLITE_NULL: .null
        case SQLITE_INTEGER: .integer
        case SQLITE_FLOAT: .real
        case SQLITE_BLOB: .blob
        default: .text
        }
    }

    func integer(_ column: Int32) -> Int64 { unsafe sqlite3_column_int64(handle, column) }

    func double(_ column: Int32) -> Double { unsafe sqlite3_column_double(handle, column) }

    /// Of a text in UTF-8, or of a blob.
    func byteCount(_ column: Int32) -> Int { unsafe Int(sqlite3_column_bytes(handle, column)) }

    /// Valid until the next step; not checked to be UTF-8. Nil without memory.
    @unsafe func textBytes(_ column: Int32) -> UnsafeBufferPointer<UInt8>? {
        // The text first: it converts from UTF-16 files, and the count is that of what it gave.
        guard let start = unsafe sqlite3_column_text(handle, column) else { return nil }
        return unsafe UnsafeBufferPointer(start: start, count: byteCount(column))
    }

    /// Valid until the next step.
    @unsafe func blobBytes(_ column: Int32) -> UnsafeRawBufferPointer {
        let start = unsafe sqlite3_column_blob(handle, column)
        return unsafe UnsafeRawBufferPointer(start: start, count: byteCount(column))
    }

    /// For our own statements; a tool's texts go to `Rows` unconverted.
    func text(_ column: Int32) -> String {
        guard let bytes = unsafe textBytes(column) else { return "" }
        return unsafe String(decoding: bytes, as: UTF8.self)
    }

    /// For our own statements.
    func blob(_ column: Int32) -> [UInt8] { unsafe Array(blobBytes(column)) }

    func bindNull(_ index: Int32) -> Int32 { unsafe sqlite3_bind_null(handle, index) }

    func bind(_ integer: Int64, _ index: Int32) -> Int32 {
        unsafe sqlite3_bind_int64(handle, index, integer)
    }

    func bind(_ double: Double, _ index: Int32) -> Int32 {
        unsafe sqlite3_bind_double(handle, index, double)
    }

    /// Copied by SQLite; may hold NUL.
    func bind(_ text: String, _ index: Int32) -> Int32 {
        var text = text
        return text.withUTF8 { bytes in
            guard let count = Int32(exactly: bytes.count) else { return SQLITE_TOOBIG }
            guard let start = bytes.baseAddress else {
                return unsafe csqlite_bind_text_copy(handle, index, "", 0)
            }
            let pointer = unsafe UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self)
            return unsafe csqlite_bind_text_copy(handle, index, pointer, count)
        }
    }
}

extension SQLiteStatement {
    /// Copied by SQLite.
    func bind(blob bytes: [UInt8], _ index: Int32) -> Int32 {
        guard let count = Int32(exactly: bytes.count) else { return SQLITE_TOOBIG }
        return unsafe bytes.withUnsafeBytes { buffer in
            // No bytes are an empty blob, not a null.
            guard let start = buffer.baseAddress, count > 0 else {
                return unsafe sqlite3_bind_zeroblob(handle, index, 0)
            }
            return unsafe csqlite_bind_blob_copy(handle, index, start, count)
        }
    }
}

/// What SQLite answered instead of a result. The message stays inside unless an operator asks.
struct SQLiteFailure: Error {
    var code: Int32
    /// SQLite's own words with the place in the statement.
    var message: String
    /// True for our own words, which quote nothing that is stored.
    let isOurs: Bool

    init(_ message: String, code: Int32 = SQLITE_ERROR) {
        self.code = code
        self.message = message
        isOurs = true
    }

    @unsafe init(_ code: Int32, on connection: OpaquePointer) {
        self.code = unsafe sqlite3_extended_errcode(connection)
        if self.code & 0xFF != code & 0xFF { self.code = code }
        isOurs = false
        message = unsafe String(cString: sqlite3_errmsg(connection))
        let offset = unsafe sqlite3_error_offset(connection)
        if offset >= 0 { message += " at byte \(offset)" }
    }
}
