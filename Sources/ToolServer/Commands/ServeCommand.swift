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
        let group = try EventLoopGroup()
        let server = try Server(arguments, loops: group.loops)
        let listen = try arguments["--http"].map { (text) throws(UsageError) in
            guard let endpoint = parsedEndpoint(text), endpoint.port > 0 else {
                throw UsageError("--http takes ADDRESS:PORT with a numeric address")
            }
            return endpoint
        }
        let address = listen?.address ?? server.settings.http.address
        let port = listen?.port ?? server.settings.http.port
        let endpoint = HTTPEndpoint(
            mcp: MCPEndpoint(current: server.current, sessions: try SessionSeal()),
            origins: OriginCheck(port: port, resource: server.settings.http.resource),
            health: server.health, replies: server.replies)
        let tls = try ListenerTLS.atStart(server.settings)
        var limits = HTTPLimits()
        limits.connections = server.settings.limits.connections
        try group.start()
        return lifetime.run(on: group.next()) { [limits] in
            try await server.recordStart("http")
            let listener = try HTTPServer(
                group: group, address: address, port: port, tls: tls, limits: limits,
                handler: endpoint)
            let scheme = tls == nil ? "http" : "https"
            StandardStream.error.line("serving \(scheme)://\(address):\(listener.port)/mcp")
            let console = try Self.console(of: server, on: group, tls: tls)
            let metrics = try Self.metrics(of: server, on: group)
            await lifetime.untilStopped(reload: {
                await server.reload { try ListenerTLS.renewal(of: tls, by: $0) }
            })
            server.current.subscriptions.endAll()
            server.release()
            let deadline = MonotonicTime.now().advanced(by: drainLimit)
            await console?.drain(deadline: deadline)
            await metrics?.drain(deadline: deadline)
            await listener.drain(deadline: deadline)
            await server.tasks.drain(until: deadline, on: group.next())
            await server.stop()
            return .done
        }
    }

    /// As the settings of the start say.
    private static func metrics(
        of server: Server, on group: EventLoopGroup
    ) throws -> HTTPServer? {
        guard let settings = server.settings.metrics else { return nil }
        var limits = HTTPLimits()
        limits.connections = 64
        let listener = try HTTPServer(
            group: group, address: settings.address, port: settings.port, tls: nil, limits: limits,
            handler: MetricsEndpoint(health: server.health, metrics: { server.metrics }))
        StandardStream.error.line("metrics http://\(settings.address):\(listener.port)/metrics")
        return listener
    }

    /// As the settings of the start say.
    private static func console(
        of server: Server, on group: EventLoopGroup, tls: CurrentTLS?
    ) throws -> HTTPServer? {
        guard let settings = server.settings.console else { return nil }
        var limits = HTTPLimits()
        limits.connections = 256
        let listener = try HTTPServer(
            group: group, address: settings.address, port: settings.port, tls: tls, limits: limits,
            handler: server.console(listening: settings.port, as: settings))
        let scheme = tls == nil ? "http" : "https"
        StandardStream.error.line(
            "console \(scheme)://\(settings.address):\(listener.port)/v1/approvals")
        return listener
    }
}
