import Glibc

@testable import EventLoop

/// A blocking client that gives up after five seconds.
final class TestClient {
    private let socket: Int32
    private(set) var received: [UInt8] = []

    init(_ port: UInt16, receiveBuffer: Int32? = nil) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if let receiveBuffer { try SocketCalls.set(socket, SOL_SOCKET, SO_RCVBUF, receiveBuffer) }
        var patience = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(
            socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if result != 0 { throw SystemError(call: "connect", code: errno) }
    }

    deinit {
        hangUp()
    }

    private var isOpen = true

    func hangUp() {
        if isOpen { close(socket) }
        isOpen = false
    }

    func shutWriting() {
        shutdown(socket, Int32(SHUT_WR))
    }

    func send(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return }
            bytes = bytes.dropFirst(count)
        }
    }

    /// False at the end of the stream and when patience runs out.
    private func receiveMore() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(socket, &buffer, buffer.count, 0)
        if count > 0 { received += buffer[..<count] }
        return count > 0
    }

    var text: String { String(decoding: received, as: UTF8.self) }

    /// Everything up to `mark`, which is removed from what was received. Nil when it never comes.
    func read(through mark: String) -> String? {
        let mark = Array(mark.utf8)
        while true {
            if let end = received.indices.first(where: { received[$0...].starts(with: mark) }) {
                defer { received.removeFirst(end + mark.count) }
                return String(decoding: received[..<(end + mark.count)], as: UTF8.self)
            }
            if !receiveMore() { return nil }
        }
    }

    func read(count: Int) -> [UInt8]? {
        while received.count < count { if !receiveMore() { return nil } }
        defer { received.removeFirst(count) }
        return Array(received[..<count])
    }

    /// One response with Content-Length.
    func response() -> (status: Int, head: String, body: String)? {
        guard let head = read(through: "\r\n\r\n"), let status = Int(head.dropFirst(9).prefix(3))
        else { return nil }
        let lines = head.utf8.split(separator: 10).map { String($0) ?? "" }
        let field = lines.first { $0.lowercased().hasPrefix("content-length: ") }
        let length = field.flatMap { Int($0.dropFirst(16).filter(\.isNumber)) } ?? 0
        guard let body = read(count: length) else { return nil }
        return (status, head, String(decoding: body, as: UTF8.self))
    }

    /// True when the server closed, false when it kept the connection open for five seconds.
    func isClosedByServer() -> Bool {
        errno = 0
        while receiveMore() {}
        return errno != EAGAIN
    }
}

/// A server on a free port with a handler made of a closure.
struct TestServer {
    struct Handler: HTTPHandler {
        let body: @Sendable (HTTPRequest, HTTPExchange) async -> Void

        func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) async {
            await body(request, exchange)
        }
    }

    let group: EventLoopGroup
    let server: HTTPServer
    var port: UInt16 { server.port }

    init(
        limits: HTTPLimits = HTTPLimits(), loops: Int = 2,
        _ body: @escaping @Sendable (HTTPRequest, HTTPExchange) async -> Void
    ) throws {
        try self.init(limits: limits, loops: loops, handler: Handler(body: body))
    }

    init(
        limits: HTTPLimits = HTTPLimits(), loops: Int = 2, tls: CurrentTLS? = nil,
        handler: some HTTPHandler
    ) throws {
        ProcessHygiene.apply()
        group = try EventLoopGroup(count: loops)
        try group.start()
        server = try HTTPServer(
            group: group, address: "127.0.0.1", port: 0, tls: tls, limits: limits,
            handler: handler)
    }

    func stop() {
        group.stop()
    }

    /// Answers with what came in.
    static func echo(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        exchange.respond(
            HTTPResponse(
                status: 200, headers: [("x-path", request.path)],
                body: Array("\(request.method) ".utf8) + request.body))
    }
}
