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
        guard case .bearer(let token, _) = LocalCredential.read() else {
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
        return try await OneRequest(url, security: security, patience: Self.patience).send(
            "POST", "\(base)/v1/tools/\(tool)",
            headers: [("authorization", "Bearer \(token)"), ("content-type", "application/json")],
            body: JSONValue.object(arguments).bytes, bodyBytes: Self.answerBytesMax, on: loop)
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
