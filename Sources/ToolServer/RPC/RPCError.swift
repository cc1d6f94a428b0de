import JSON

/// An error of the protocol: what the client did wrong in speaking it, or that we cannot serve.
/// What a tool or a rule says no to is a tool result instead, so that the model can read it.
struct RPCError: Error, Sendable {
    enum Code: Int, Sendable {
        case parse = -32700
        case invalidRequest = -32600
        case methodNotFound = -32601
        case invalidParams = -32602
        case `internal` = -32603
        /// Of the handshake era alone.
        case resourceNotFound = -32002
        case headerMismatch = -32020
        case missingCapability = -32021
        case unsupportedVersion = -32022
    }

    var code: Code
    var message: String
    /// nil where the request's id could not be read.
    var id: RequestID?
    var data: JSONValue?
    var retryAfterSeconds: Int?
    /// The caller's proof ran out between reading and answering; HTTP answers 401.
    var isUnauthenticated = false
    /// Of a message that JSON-RPC says is never answered.
    var isOfNotification = false

    init(_ code: Code, _ message: String, id: RequestID? = nil, data: JSONValue? = nil) {
        self.code = code
        self.message = message
        self.id = id
        self.data = data
    }

    static func idUnderWay(_ id: RequestID) -> RPCError {
        RPCError(
            .invalidRequest, "A request with this id is under way. Use each id once.", id: id)
    }

    /// The HTTP status that goes with the code in the stateless era; the handshake era answers
    /// every readable request with 200.
    var statelessStatus: Int {
        switch code {
        case .parse, .invalidRequest, .invalidParams: 400
        case .headerMismatch, .missingCapability, .unsupportedVersion: 400
        case .methodNotFound, .resourceNotFound: 404
        case .internal: retryAfterSeconds == nil ? 200 : 503
        }
    }

    var handshakeStatus: Int {
        if retryAfterSeconds != nil { return 503 }
        return id == nil ? 400 : 200
    }
}
