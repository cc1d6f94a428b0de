internal import CPostgres
internal import Enforcement

/// What the server, or libpq, says against something.
struct PostgresFailure: Error {
    /// Five letters and digits; empty where it is not the server that speaks.
    var code: String
    /// May quote what is stored: for the operator at load, and for nobody at a call.
    var message: String
    /// True where the connection is of no more use.
    var isFatal: Bool

    init(code: String = "", message: String, isFatal: Bool = false) {
        self.code = code
        self.message = message
        self.isFatal = isFatal
    }
}

/// One connection, made by libpq: host, TLS and authentication are its business.
///
/// Every method here blocks: for threads that load manifests and for workers. Used by one thread at
/// a time, which whoever holds it must see to; hence `@unchecked Sendable`.
@safe
final class PostgresLink: @unchecked Sendable {
    let handle: OpaquePointer

    init(_ options: PostgresOptions) throws(PostgresFailure) {
        let string: PostgresConnectionString
        do throws(BackendError) { string = try PostgresConnectionString(options) } catch {
            throw PostgresFailure(message: error.detail, isFatal: true)
        }
        let made = unsafe Self.withPointers(string.keywords) { keywords in
            unsafe Self.withPointers(string.values) { values in
                unsafe PQconnectdbParams(keywords, values, 0)
            }
        }
        guard let made = unsafe made else {
            throw PostgresFailure(message: "out of memory", isFatal: true)
        }
        unsafe handle = made
        unsafe cpostgres_silence(handle)
        guard unsafe PQstatus(handle) == CONNECTION_OK else {
            // The end of this object closes what there is of a connection.
            throw unsafe PostgresFailure(connecting: handle)
        }
    }

    deinit { close() }

    private var isOpen = true

    /// Nothing may be done with it afterwards.
    func close() {
        guard isOpen else { return }
        isOpen = false
        unsafe PQfinish(handle)
    }

    var serverVersion: Int { unsafe Int(PQserverVersion(handle)) }

    /// Any number of statements without parameters, in one transaction unless they say otherwise.
    func run(_ text: String) throws(PostgresFailure) {
        _ = unsafe try PostgresAnswer(PQexec(handle, text), on: handle)
    }

    /// One statement with parameters as text, of types that the server infers.
    func rows(
        _ text: String, _ parameters: [String?] = []
    ) throws(PostgresFailure) -> [[String?]] {
        let result = unsafe Self.withPointers(parameters) { values in
            unsafe PQexecParams(
                handle, text, Int32(parameters.count), nil, values, nil, nil, 0)
        }
        return unsafe try PostgresAnswer(result, on: handle).rows
    }

    /// What the server makes of a statement, which it compiles and does not run.
    func describe(_ text: String) throws(PostgresFailure) -> PostgresDescription {
        _ = unsafe try PostgresAnswer(PQprepare(handle, "", text, 0, nil), on: handle)
        return unsafe try PostgresAnswer(PQdescribePrepared(handle, ""), on: handle).description
    }

    func prepare(_ name: String, _ text: String) throws(PostgresFailure) {
        _ = unsafe try PostgresAnswer(PQprepare(handle, name, text, 0, nil), on: handle)
    }

    func setting(_ name: String) -> String? {
        unsafe PQparameterStatus(handle, name).map { unsafe String(cString: $0) }
    }

    /// C strings that live as long as `body`, with a null at the end.
    private static func withPointers<Result>(
        _ texts: [String?], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result
    ) -> Result {
        var storage: [CChar] = []
        var starts: [Int?] = []
        for text in texts {
            starts.append(text == nil ? nil : storage.count)
            guard let text else { continue }
            storage.append(contentsOf: text.utf8.map { CChar(bitPattern: $0) })
            storage.append(0)
        }
        return unsafe storage.withUnsafeBufferPointer { bytes in
            var pointers = unsafe starts.map { start in
                unsafe start.flatMap { start in unsafe bytes.baseAddress.map { unsafe $0 + start } }
            }
            unsafe pointers.append(nil)
            return unsafe pointers.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
        }
    }
}

extension PostgresFailure {
    init(connecting handle: OpaquePointer) {
        var message = unsafe Self.text(PQerrorMessage(handle))
        if message.contains("does not support SSL") {
            message += "; a backend with `\"tls\": \"disable\"` goes without"
        }
        self.init(message: message, isFatal: true)
    }

    fileprivate init(_ result: OpaquePointer?, on handle: OpaquePointer) {
        let code = unsafe result.flatMap { unsafe PQresultErrorField($0, Int32(UInt8(ascii: "C"))) }
        let message = unsafe result.flatMap {
            unsafe PQresultErrorField($0, Int32(UInt8(ascii: "M")))
        }
        unsafe self.init(
            code: unsafe code.map { unsafe String(cString: $0) } ?? "",
            message: unsafe message.map { unsafe String(cString: $0) }
                ?? Self.text(PQerrorMessage(handle)),
            isFatal: PQstatus(handle) != CONNECTION_OK)
    }

    private static func text(_ text: UnsafePointer<CChar>?) -> String {
        guard let text = unsafe text else { return "no reason given" }
        // Hints of libpq begin with a tab.
        let lines = unsafe String(cString: text).utf8.split { $0 == 0x0A || $0 == 0x09 }
            .map { String(decoding: $0, as: UTF8.self) }
        return lines.isEmpty ? "no reason given" : lines.joined(separator: "; ")
    }
}

/// What a statement takes and gives.
struct PostgresDescription {
    struct Column {
        var name: String
        /// The table or view whose column this is, unchanged; 0 where it is computed.
        var table: UInt32
        /// 0 for a whole row, negative for what every table has.
        var number: Int
        var type: UInt32
    }

    /// The types of `$1`, `$2`, ….
    var parameters: [UInt32]
    /// Empty for a statement that answers no rows.
    var columns: [Column]
}

/// One result of libpq, freed with this.
@safe
private struct PostgresAnswer: ~Copyable {
    private let result: OpaquePointer

    init(_ result: OpaquePointer?, on handle: OpaquePointer) throws(PostgresFailure) {
        let status = unsafe PQresultStatus(result)
        guard let result = unsafe result, status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK
        else {
            let failure = unsafe PostgresFailure(result, on: handle)
            unsafe PQclear(result)
            throw failure
        }
        unsafe self.result = result
    }

    deinit { unsafe PQclear(result) }

    var rows: [[String?]] {
        unsafe (0..<PQntuples(result)).map { row in
            unsafe (0..<PQnfields(result)).map { column in
                guard unsafe PQgetisnull(result, row, column) == 0 else { return nil }
                return unsafe String(cString: PQgetvalue(result, row, column))
            }
        }
    }

    var description: PostgresDescription {
        unsafe PostgresDescription(
            parameters: (0..<PQnparams(result)).map { unsafe PQparamtype(result, $0) },
            columns: (0..<PQnfields(result)).map { index in
                unsafe PostgresDescription.Column(
                    name: unsafe String(cString: PQfname(result, index)),
                    table: PQftable(result, index), number: Int(PQftablecol(result, index)),
                    type: PQftype(result, index))
            })
    }
}
