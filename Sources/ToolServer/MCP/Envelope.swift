import JSON

/// What every request of the stateless era says about itself in `params._meta`.
enum Envelope {
    static let versionKey = "io.modelcontextprotocol/protocolVersion"
    static let capabilitiesKey = "io.modelcontextprotocol/clientCapabilities"
    static let clientKey = "io.modelcontextprotocol/clientInfo"
    private static let logLevelKey = "io.modelcontextprotocol/logLevel"
    private static let logLevels: Set<Name> = [
        "debug", "info", "notice", "warning", "error", "critical", "alert", "emergency",
    ]

    /// The version that a message claims; nil in the handshake era.
    static func version(of request: Request) -> JSONValue? { request.meta?[versionKey] }

    /// Whether the request speaks for itself at all; comes before its headers are compared.
    static func checkPresence(in request: Request) throws(RPCError) {
        guard version(of: request)?.string != nil else {
            throw RPCError(
                .invalidParams, "`params._meta[\"\(versionKey)\"]` must be a string.",
                id: request.id)
        }
        guard request.meta?[capabilitiesKey]?.object != nil else {
            throw RPCError(
                .invalidParams, "`params._meta[\"\(capabilitiesKey)\"]` must be an object.",
                id: request.id)
        }
    }

    static func checkVersion(of request: Request) throws(RPCError) {
        let version = self.version(of: request)?.string ?? ""
        guard let served = ProtocolVersion.named(version), served.isStateless else {
            throw unsupported(version, id: request.id)
        }
    }

    /// Nothing is logged to clients, but a level that is none is a client's mistake.
    static func checkLogLevel(of request: Request) throws(RPCError) {
        guard let value = request.meta?[logLevelKey] else { return }
        guard let level = value.string, logLevels.contains(Name(level)) else {
            throw RPCError(
                .invalidParams, "`params._meta[\"\(logLevelKey)\"]` must be a log level.",
                id: request.id)
        }
    }

    static func unsupported(_ version: String, id: RequestID?) -> RPCError {
        // What is no version may be anything, and is not said again.
        let isVersion =
            version.utf8.count == 10
            && version.utf8.allSatisfy {
                $0 == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            }
        return RPCError(
            .unsupportedVersion, "Unsupported protocol version", id: id,
            data: [
                "supported": .array(ProtocolVersion.served.map { .string($0.text) }),
                "requested": .string(isVersion ? version : "no version"),
            ])
    }
}
