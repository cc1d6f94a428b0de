/// One HTTP request, complete but for the backend's credentials: exactly this is judged, shown to
/// people and sent.
package struct OutboundRequest: Sendable {
    package var method: String
    package var isSecure: Bool
    /// In lower case, without a dot at the end; an IPv6 address in brackets.
    package var host: String
    package var port: UInt16
    /// Path and query as they are sent.
    package let target: String
    /// The path as rules compare it.
    package let canonicalPath: String
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]?
    /// Where the name may be reached, when that was part of the judgement: 4 or 16 bytes each.
    package var addresses: [[UInt8]]

    package init(
        method: String, isSecure: Bool, host: String, port: UInt16, target: String,
        headers: [(name: String, value: String)] = [], body: [UInt8]? = nil,
        addresses: [[UInt8]] = []
    ) {
        self.method = method
        self.isSecure = isSecure
        self.host = host
        self.port = port
        self.target = target
        canonicalPath = PathReading.canonicalPath(of: target)
        self.headers = headers
        self.body = body
        self.addresses = addresses
    }

    /// What the record tells of one; it is asked about and never sent.
    init(recorded method: String, host: String, canonicalPath: String) {
        self.method = method
        isSecure = true
        self.host = host
        port = 443
        target = canonicalPath
        self.canonicalPath = canonicalPath
        headers = []
        addresses = []
    }

    package var url: String { "\(isSecure ? "https" : "http")://\(authority)\(target)" }

    /// The host, with its port where that is not the usual one.
    package var authority: String {
        port == (isSecure ? 443 : 80) ? host : "\(host):\(port)"
    }
}
