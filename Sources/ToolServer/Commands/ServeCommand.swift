import Enforcement
import EventLoop
import Glibc

/// `toolserver serve`: HTTP until a signal says stop.
enum ServeCommand {
    static let drainLimit = Duration.seconds(30)

    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(words, options: ["--manifests", "--state", "--http"])
        let lifetime = Lifetime()
        try lifetime.awaitSignals()
        let core = try Core(arguments)
        let group = try EventLoopGroup()
        let listen = try arguments["--http"].map { (text) throws(UsageError) in
            guard let endpoint = parsedEndpoint(text), endpoint.port > 0 else {
                throw UsageError("--http takes ADDRESS:PORT with a numeric address")
            }
            return endpoint
        }
        let address = listen?.address ?? core.settings.http.address
        let port = listen?.port ?? core.settings.http.port
        let endpoint = HTTPEndpoint(
            mcp: MCPEndpoint(current: core.current, sessions: try SessionSeal()),
            origins: OriginCheck(port: port, resource: core.settings.http.resource),
            isReady: { core.recorder.isWritable })
        var limits = HTTPLimits()
        limits.connections = core.settings.limits.connections
        try group.start()
        return lifetime.run(on: group.next()) { [limits] in
            try await core.recordStart("http")
            let server = try HTTPServer(
                group: group, address: address, port: port, limits: limits, handler: endpoint)
            StandardStream.error.line("serving http://\(address):\(server.port)/mcp")
            await lifetime.untilStopped(reload: { await core.reload() })
            await server.drain(deadline: .now().advanced(by: drainLimit))
            await core.stop()
        }
    }
}
