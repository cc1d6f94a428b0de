/// A request as it goes over the wire. Whoever makes one has checked every part: a line end in a
/// target or a value would be another request.
package struct HTTPClientRequest: Sendable {
    package var method: String
    package var target: String
    package var host: String
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]?

    package init(
        method: String, target: String, host: String,
        headers: [(name: String, value: String)] = [], body: [UInt8]? = nil
    ) {
        self.method = method
        self.target = target
        self.host = host
        self.headers = headers
        self.body = body
    }

    /// Nil for what cannot be one request.
    var bytes: [UInt8]? {
        guard Self.isToken(method), Self.isLine(target), Self.isLine(host),
            headers.allSatisfy({ Self.isToken($0.name) && Self.isLine($0.value) })
        else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512 + (body?.count ?? 0))
        bytes += "\(method) \(target) HTTP/1.1\r\nhost: \(host)\r\n".utf8
        for header in headers { bytes += "\(header.name): \(header.value)\r\n".utf8 }
        if let body { bytes += "content-length: \(body.count)\r\n".utf8 }
        bytes += "\r\n".utf8
        if let body { bytes += body }
        return bytes
    }

    private static func isToken(_ text: String) -> Bool {
        !text.utf8.isEmpty && text.utf8.allSatisfy { HTTPBytes.has($0, .token) }
    }

    private static func isLine(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
    }
}

/// Why there is no response.
package enum HTTPClientError: Error, Equatable, Sendable {
    /// Nobody could be reached; nothing was sent.
    case connect(OutboundError)
    /// Several attempts in a row have failed, so none was made.
    case away
    /// The name has no address, or nobody could say.
    case nowhere
    /// The name has an address to which no connection may be made.
    case forbidden
    /// The connection broke or was ended, before or within the response. The request may have
    /// arrived.
    case broken(beforeResponse: Bool)
    /// What came is no response that can be trusted.
    case malformed(HTTPParseError)
    case timedOut
    case cancelled
    /// All connections are taken.
    case busy
    /// The request cannot be written.
    case unwritable
}
