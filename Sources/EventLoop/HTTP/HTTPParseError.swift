/// Why a request was refused. Each one is answered by the server itself and ends the connection:
/// after a syntax error nobody can say where the next request begins.
package enum HTTPParseError: Error, Equatable, Sendable {
    case badRequestLine
    case badVersion
    case unsupportedVersion
    case unsupportedMethod
    case methodNotAllowed
    case badTarget
    case badHost
    case misdirected
    case badHeader
    case badFraming
    case unsupportedCoding
    case badChunk
    case expectationFailed
    case requestLineTooLong
    case headersTooLarge
    case bodyTooLarge

    package var status: Int {
        switch self {
        case .badRequestLine, .badVersion, .badTarget, .badHost, .badHeader, .badFraming, .badChunk:
            400
        case .unsupportedVersion: 505
        case .unsupportedMethod, .unsupportedCoding: 501
        case .methodNotAllowed: 405
        case .misdirected: 421
        case .expectationFailed: 417
        case .requestLineTooLong: 414
        case .headersTooLarge: 431
        case .bodyTooLarge: 413
        }
    }

    /// What must stand beside the status (RFC 9110 section 15.5.6).
    var headers: [(name: String, value: String)] {
        self == .methodNotAllowed
            ? [("allow", RequestLine.methods.joined(separator: ", "))] : []
    }

    var text: String {
        switch self {
        case .badRequestLine: "malformed request line"
        case .badVersion: "malformed HTTP version"
        case .unsupportedVersion: "this server speaks HTTP/1.1"
        case .unsupportedMethod: "method not implemented"
        case .methodNotAllowed: "nothing here has this method"
        case .badTarget: "malformed request target"
        case .badHost: "missing, repeated or malformed Host"
        case .misdirected: "the request target names another host than Host"
        case .badHeader: "malformed header field"
        case .badFraming: "malformed or ambiguous message length"
        case .unsupportedCoding: "the only transfer coding understood is chunked"
        case .badChunk: "malformed chunk"
        case .expectationFailed: "the only expectation understood is 100-continue"
        case .requestLineTooLong: "request line too long"
        case .headersTooLarge: "header section too large"
        case .bodyTooLarge: "body too large"
        }
    }
}
