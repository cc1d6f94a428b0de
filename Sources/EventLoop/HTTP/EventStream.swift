/// The client has gone, or the stream was ended.
package struct StreamClosed: Error, Equatable {
    package init() {}
}

/// Server-sent events. Sendable: everything that touches the connection runs on its loop.
package final class EventStream: Sendable {
    private let exchange: HTTPExchange
    private let isChunked: Bool

    init(exchange: HTTPExchange, isChunked: Bool) {
        self.exchange = exchange
        self.isChunked = isChunked
    }

    deinit {
        Self.end(exchange, isChunked)
    }

    /// Returns when the connection has room for more; throws when nobody listens any more.
    /// `retry` tells the client how long to wait before it comes back for what it misses.
    package func send(
        event data: [UInt8], id: String? = nil, retry: Duration? = nil
    ) async throws(StreamClosed) {
        let bytes = framed(Self.event(data, id: id, retry: retry))
        let exchange = self.exchange
        let isOpen: Bool = unsafe await withUnsafeContinuation { continuation in
            exchange.onLoop { exchange in
                guard let connection = exchange.connection else {
                    unsafe continuation.resume(returning: false)
                    return
                }
                connection.sendStream(bytes) { unsafe continuation.resume(returning: $0) }
            }
        }
        if !isOpen { throw StreamClosed() }
    }

    /// What clients pass over. Dropped when the client reads too slowly.
    package func comment(_ text: String) {
        let line = text.utf8.filter { $0 != HTTPBytes.lineFeed && $0 != HTTPBytes.carriageReturn }
        let bytes = framed(Array(": ".utf8) + line + Array("\n\n".utf8))
        exchange.onLoop { $0.connection?.sendStream(bytes, isOptional: true) { _ in } }
    }

    package func end() {
        Self.end(exchange, isChunked)
    }

    private static func end(_ exchange: HTTPExchange, _ isChunked: Bool) {
        exchange.onLoop { exchange in
            let connection = exchange.connection
            exchange.connection = nil
            connection?.endStream(isChunked ? Array("0\r\n\r\n".utf8) : [])
        }
    }

    /// One `data:` line for each line of the data: CR, LF and CRLF all end a line for a client, so
    /// text that holds them could otherwise forge fields and events.
    static func event(_ data: [UInt8], id: String?, retry: Duration? = nil) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(data.count + 64)
        if let retry {
            bytes.append(contentsOf: "retry: \(Int(retry / .milliseconds(1)))\n".utf8)
        }
        if let id {
            bytes.append(contentsOf: "id: ".utf8)
            bytes.append(contentsOf: id.utf8.filter { $0 != 0 && $0 != 10 && $0 != 13 })
            bytes.append(HTTPBytes.lineFeed)
        }
        bytes.append(contentsOf: "data: ".utf8)
        var previous: UInt8 = 0
        for byte in data {
            if byte == HTTPBytes.carriageReturn
                || byte == HTTPBytes.lineFeed && previous != HTTPBytes.carriageReturn
            {
                bytes.append(contentsOf: "\ndata: ".utf8)
            } else if byte != HTTPBytes.lineFeed {
                bytes.append(byte)
            }
            previous = byte
        }
        bytes.append(contentsOf: "\n\n".utf8)
        return bytes
    }

    private func framed(_ data: [UInt8]) -> [UInt8] {
        guard isChunked else { return data }
        return Array("\(String(data.count, radix: 16))\r\n".utf8) + data + Array("\r\n".utf8)
    }
}
