import Backends
import Enforcement
import EventLoop
import JSON

/// A call that a running server makes for us, over its plain HTTP.
struct RemoteCall {
    static let answerBytesMax = 32 << 20
    static let patience = Duration.seconds(300)

    private let url: HTTPURL
    private let token: String
    private let security: TLSClientContext?

    init(_ arguments: Arguments) throws {
        do throws(HTTPURL.Failure) { url = try HTTPURL(arguments["--url"] ?? "") } catch {
            throw UsageError("--url \(error.reason)")
        }
        guard case .bearer(let token) = LocalCredential.read() else {
            throw CommandFailure(
                "who calls? Set \(LocalCredential.tokenVariable), or \(LocalCredential.tokenFileVariable) to a file that holds a token"
            )
        }
        self.token = token
        security = url.isSecure ? try Self.security(arguments["--ca"]) : nil
    }

    private static func security(_ file: String?) throws(CommandFailure) -> TLSClientContext {
        var trust = TLSClientContext.Trust.system
        if let file {
            switch FileBytes.read(file) {
            case .success(let pem): trust = .only(authorities: pem)
            case .failure(let failure): throw CommandFailure("\(file) \(failure.reason)")
            }
        }
        do throws(TLSError) { return try TLSClientContext(trust: trust) } catch {
            throw CommandFailure("TLS cannot be set up: \(error)")
        }
    }

    func run(_ tool: String, _ arguments: JSONObject) throws -> ExitCode {
        guard !tool.utf8.isEmpty, tool.utf8.allSatisfy(isWordByte) else {
            throw UsageError("`\(tool)` is no name of a tool: letters, digits, `_`, `-`")
        }
        let group = try EventLoopGroup(count: 1)
        try group.start()
        let loop = group.next()
        return Lifetime().run(on: loop) {
            do throws(HTTPClientError) {
                return Self.told(try await send(tool, arguments, on: loop))
            } catch {
                throw CommandFailure(
                    "\(url.host):\(url.port) gave no answer: \(error). Whether the call ran, the server's record says."
                )
            }
        }
    }

    private func send(
        _ tool: String, _ arguments: JSONObject, on loop: EventLoop
    ) async throws(HTTPClientError) -> HTTPClientResponse {
        let path = url.path.hasSuffix("/mcp") ? url.path.dropLast(4) : url.path[...]
        let base = path.hasSuffix("/") ? path.dropLast() : path
        let deadline = loop.now.advanced(by: Self.patience)
        var limits = HTTPClient.Limits()
        limits.firstByte = Self.patience
        let exchange = HTTPClient.Exchange(
            request: HTTPClientRequest(
                method: "POST", target: "\(base)/v1/tools/\(tool)", host: url.authority,
                headers: [
                    ("authorization", "Bearer \(token)"), ("content-type", "application/json"),
                ], body: JSONValue.object(arguments).bytes),
            origin: HTTPClient.Origin(isSecure: url.isSecure, host: url.host, port: url.port),
            isRepeatable: false, bodyBytes: Self.answerBytesMax, deadline: deadline)
        return try await HTTPClient(limits, security: security).send(exchange, on: loop) {
            () async throws(HTTPClientError) in
            try await addresses(on: loop, until: deadline)
        }
    }

    private func addresses(
        on loop: EventLoop, until deadline: MonotonicTime
    ) async throws(HTTPClientError) -> [SocketAddress] {
        let name = HTTPClient.Origin(isSecure: url.isSecure, host: url.host, port: url.port).name
        if let address = SocketAddress(ip: name, port: url.port) { return [address] }
        do throws(NameLookupError) {
            let found = try await SystemNameLookup().addresses(
                of: name, on: loop, deadline: deadline)
            return found.compactMap { SocketAddress(bytes: $0, port: url.port) }
        } catch { throw .nowhere }
    }

    private static func told(_ response: HTTPClientResponse) -> ExitCode {
        if response.status == 200 {
            StandardStream.output.write(response.body + [0x0A])
            return .done
        }
        let problem = try? JSONParser.parse(response.body)
        StandardStream.error.line(
            problem?["detail"]?.string ?? "the server answered \(response.status)")
        if let code = problem?["code"]?.string { StandardStream.error.line("code: \(code)") }
        return .failed
    }
}
