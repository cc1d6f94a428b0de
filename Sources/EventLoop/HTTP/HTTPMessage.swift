/// A request whose syntax has been checked: the target's bytes are visible ASCII, header names are
/// lowercase tokens, the body is complete and within its limit.
package struct HTTPRequest: Sendable {
    package let method: String
    /// As sent, up to the `?`: still percent-encoded.
    package let path: String
    package let query: String?
    package let headers: HTTPHeaders
    package let body: [UInt8]
    package let peer: HTTPPeer

    package var peerAddress: String { peer.address }

    package init(
        method: String, path: String, query: String? = nil, headers: HTTPHeaders,
        body: [UInt8] = [], peer: HTTPPeer = HTTPPeer()
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.peer = peer
    }
}

/// The other end of a connection, as far as the connection itself tells.
package struct HTTPPeer: Sendable {
    /// Numeric, without the port.
    package var address = ""
    /// Through TLS.
    package var isSecure = false
    /// Verified; nil where the client showed none or was not asked.
    package var certificate: TLSPeerCertificate?

    package init(address: String = "") {
        self.address = address
    }
}

/// Header fields as offsets into the bytes that arrived. Text is made when it is asked for: most
/// fields of most requests never are.
package struct HTTPHeaders: Sendable {
    struct Field: Sendable {
        var nameStart: UInt32
        var nameEnd: UInt32
        var valueStart: UInt32
        var valueEnd: UInt32

        var name: Range<Int> { Int(nameStart)..<Int(nameEnd) }
        var value: Range<Int> { Int(valueStart)..<Int(valueEnd) }
    }

    let bytes: [UInt8]
    let fields: [Field]

    init(bytes: [UInt8], fields: [Field]) {
        self.bytes = bytes
        self.fields = fields
    }

    /// For tests and for requests that come from no socket.
    package init(_ pairs: [(name: String, value: String)] = []) {
        var bytes: [UInt8] = []
        var fields: [Field] = []
        for (name, value) in pairs {
            let nameStart = UInt32(bytes.count)
            bytes.append(contentsOf: name.utf8.map(HTTPBytes.lowercased))
            let valueStart = UInt32(bytes.count)
            bytes.append(contentsOf: value.utf8)
            fields.append(
                Field(
                    nameStart: nameStart, nameEnd: valueStart, valueStart: valueStart,
                    valueEnd: UInt32(bytes.count)))
        }
        self.init(bytes: bytes, fields: fields)
    }

    package var count: Int { fields.count }

    /// The first value, without the white space around it.
    package subscript(_ lowercasedName: String) -> String? {
        guard let field = first(lowercasedName) else { return nil }
        return text(field)
    }

    /// The first value as it came, for comparing without making text of it.
    package func bytes(_ lowercasedName: String) -> ArraySlice<UInt8>? {
        first(lowercasedName).map { bytes[$0.value] }
    }

    package func values(_ lowercasedName: String) -> [String] {
        fields.lazy.filter { matches($0, lowercasedName) }.map(text)
    }

    package func contains(_ lowercasedName: String) -> Bool {
        first(lowercasedName) != nil
    }

    /// All fields in the order in which they came.
    package var pairs: [(name: String, value: String)] {
        fields.map { (String(decoding: bytes[$0.name], as: UTF8.self), text($0)) }
    }

    private func first(_ name: String) -> Field? {
        for field in fields where matches(field, name) { return field }
        return nil
    }

    private func text(_ field: Field) -> String {
        String(decoding: bytes[field.value], as: UTF8.self)
    }

    private func matches(_ field: Field, _ name: String) -> Bool {
        HTTPBytes.equal(bytes, field.name, name)
    }
}

package struct HTTPResponse: Sendable {
    package var status: Int
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    /// What follows the body where that is large: each piece is given up once it was sent.
    package var rest: ArraySlice<[UInt8]>

    package init(
        status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
        rest: ArraySlice<[UInt8]> = []
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.rest = rest
    }

    var bodyBytes: Int { rest.reduce(body.count) { $0 + $1.count } }
}

package protocol HTTPHandler: Sendable {
    /// Asked when a long body has not arrived yet: what can be answered from the head alone, so
    /// that strangers cannot fill memory with what nobody will read? nil has the body read. Not
    /// asked for most requests: `handle` must decide everything by itself.
    func answer(withoutBody head: HTTPRequest) async -> HTTPResponse?

    /// Runs as a task on the connection's loop.
    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) async
}

extension HTTPHandler {
    package func answer(withoutBody head: HTTPRequest) async -> HTTPResponse? { nil }
}
