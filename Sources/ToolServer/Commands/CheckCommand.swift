import Backends
import Enforcement
import EventLoop
import JSON
import Synchronization

/// Where a command's text goes; handed in, so that commands are tested without a process.
package struct Output {
    /// Each takes one line, without its end.
    package let line: (String) -> Void
    package let errorLine: (String) -> Void

    package init(line: @escaping (String) -> Void, errorLine: @escaping (String) -> Void) {
        self.line = line
        self.errorLine = errorLine
    }
}

/// `toolserver check [--manifests DIR] [--json]`: loads the manifests as `serve` would, shows
/// everything that is wrong or the settings that would hold, and ends.
package enum CheckCommand {
    package static let usage = "usage: toolserver check [--live] [--manifests DIR] [--json]"

    static func run(_ words: some Sequence<String>) -> ExitCode {
        let workers = Startup.workers()
        defer { workers.stop() }
        let code = run(
            arguments: Array(words), maker: Startup.catalogMaker(workers),
            output: Output(
                line: StandardStream.output.line, errorLine: StandardStream.error.line),
            asking: { judged($0) })
        return ExitCode(rawValue: code) ?? .failed
    }

    /// What comes out otherwise than the cases beside the rules expect.
    private static func judged(_ catalog: Catalog) -> [Problem] {
        guard !catalog.cases.isEmpty else { return [] }
        let found = Mutex<[Problem]>([])
        guard let group = try? EventLoopGroup(count: 1), (try? group.start()) != nil else {
            return catalog.cases.map { item in
                var problem = item.place
                problem.message = "cannot be judged: no loop could be started"
                return problem
            }
        }
        _ = Lifetime().run(on: group.next()) {
            let failures = await RuleCases.failures(of: catalog)
            found.withLock { $0 = failures }
            return .done
        }
        return found.withLock { $0 }
    }

    /// The exit code: 0 when the manifests load, 1 when not, 2 for arguments that make no sense.
    /// `asking` is what loading does not tell.
    package static func run(
        arguments: [String], maker: CatalogMaker, output: Output,
        asking: (Catalog) -> [Problem] = { _ in [] }
    ) -> Int32 {
        guard let options = Options(arguments) else {
            output.errorLine(usage)
            return 2
        }
        do throws(ManifestError) {
            let catalog = try maker.load(directory: Startup.absolute(options.directory))
            _ = try catalog.server.http.tls?.context()
            let failures = asking(catalog)
            let live = options.isLive ? LiveCheck(catalog) : nil
            if !failures.isEmpty { throw ManifestError(problems: failures) }
            if options.isJSON {
                output.line(json(catalog, live))
            } else {
                for line in lines(catalog) + (live?.lines ?? []) { output.line(line) }
            }
            return live?.problems.isEmpty == false ? 1 : 0
        } catch {
            if options.isJSON {
                output.line(json(error))
            } else {
                for problem in error.problems { output.line(problem.text) }
            }
            return 1
        }
    }

    private struct Options {
        var directory: String
        var isJSON = false
        var isLive = false

        init?(_ arguments: [String]) {
            var directory: String?
            var rest = arguments[...]
            while let argument = rest.popFirst() {
                switch Name(argument) {
                case "--json": isJSON = true
                case "--live": isLive = true
                case "--manifests":
                    guard directory == nil, let path = rest.popFirst() else { return nil }
                    directory = path
                default: return nil
                }
            }
            if directory?.isEmpty == true { return nil }
            self.directory = directory ?? Startup.defaultManifests
        }
    }
}

/// For people.
extension CheckCommand {
    private static func lines(_ catalog: Catalog) -> [String] {
        catalog.warnings.map { "warning: \($0.text)" } + [summary(catalog)]
            + settings(catalog).map { "  \($0.name): \($0.value)" }
    }

    private static func summary(_ catalog: Catalog) -> String {
        let policy = catalog.policy
        let ruleCount = policy.rules.count + policy.masks.count + policy.reveals.count
        let parts = [
            counted(catalog.tools.count, "tool"),
            counted(catalog.backendSettings.count, "backend"),
            counted(ruleCount, "rule"), counted(policy.grants.count, "grant"),
        ]
        return "ok: \(parts.joined(separator: ", "))"
    }

    /// What holds, whether it was written down or is a default.
    private static func settings(_ catalog: Catalog) -> [(name: String, value: String)] {
        let server = catalog.server
        let host = server.http.address
        let address = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        let issuers = server.issuers.map { "\($0.rules.issuer) for \($0.rules.audience)" }
        let users = server.localUsers.map { "\($0.user) as \($0.subject)" }
        return [
            ("server", server.name.text),
            ("http.listen", "\(address):\(server.http.port)"),
            ("http.resource", server.http.resource),
            ("http.tls", server.http.tls.map(tls) ?? "none: served in clear"),
            ("state.directory", server.stateDirectory),
            ("issuers", listed(issuers, or: "none, so that nobody is identified over HTTP")),
            ("localUsers", listed(users, or: "none, so that nobody is identified over stdio")),
            ("limits.callsPerCaller", String(server.limits.callsPerCaller)),
            ("limits.connections", String(server.limits.connections)),
            ("console", console(server.console)), ("digest", catalog.digest),
        ].map { (name: $0.0, value: printable($0.1)) }
            + catalog.backendSettings.map(backend) + catalog.policy.access.map(access)
            + catalog.tools.map(tool)
    }

    private static func access(_ offer: AccessOffer) -> (name: String, value: String) {
        let tools = offer.tools.map(\.text).joined(separator: ", ")
        let groups = offer.demand.groups.map(\.text).joined(separator: " or ")
        let value =
            "\(tools) for at most \(spelled(.seconds(offer.longest))), "
            + "approved by \(offer.demand.count) of \(groups)"
        return ("access \(offer.id.text)", printable(value))
    }

    private static func console(_ console: ConsoleSettings?) -> String {
        guard let console else { return "none: people decide at the command line" }
        let groups = console.groups.map(\.text)
        return "\(console.address):\(console.port) for \(console.audience), "
            + listed(groups, or: "whoever a rule asks")
    }

    private static func tls(_ files: TLSFiles) -> String {
        "TLS 1.2 and 1.3 with \(files.certificate.path), "
            + "client certificates: \(files.clientCertificates.rawValue)"
    }

    private static func listed(_ values: [String], or nothing: String) -> String {
        values.isEmpty ? nothing : values.joined(separator: "; ")
    }

    private static func backend(_ settings: BackendSettings) -> (name: String, value: String) {
        switch settings.kind {
        case .sqlite(let sqlite):
            let value = "sqlite \(printable(sqlite.file)), timeout \(spelled(sqlite.timeout))"
            return ("backend \(settings.name.text)", value)
        case .http(let http):
            return ("backend \(settings.name.text)", printable(http.description))
        case .postgres(let postgres):
            return ("backend \(settings.name.text)", description(of: postgres.options))
        }
    }

    private static func description(of options: PostgresOptions) -> String {
        let hosts = options.hosts.map { printable("\($0.name):\($0.port)") }
        let place =
            hosts.isEmpty ? "service \(printable(options.service ?? ""))" : listed(hosts, or: "")
        let pool = options.pool
        return "postgres \(place), tls \(options.tls.rawValue), "
            + "\(pool.min) to \(pool.max) connections, wait \(spelled(pool.wait)), "
            + "timeout \(spelled(options.connectTimeout))"
    }

    private static func tool(_ tool: Tool) -> (name: String, value: String) {
        let limits = tool.limits
        let value =
            "\(tool.effect.rawValue) on \(tool.backend.text), scope \(tool.scope.text), "
            + "at most \(limits.rows) rows, \(spelledBytes(limits.bytes)), \(spelled(limits.time))"
        return ("tool \(tool.name.text)", value)
    }
}

/// For programs.
extension CheckCommand {
    private static func json(_ catalog: Catalog, _ live: LiveCheck?) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("ok", live?.problems.isEmpty != false)
        writer.member("tools", catalog.tools.count)
        writer.member("backends", catalog.backendSettings.count)
        writer.member("digest", catalog.digest)
        writer.name("settings")
        writer.beginObject()
        for setting in settings(catalog) { writer.member(setting.name, setting.value) }
        writer.endObject()
        write(catalog.warnings, as: "warnings", to: &writer)
        if let live { writer.member("live", .object(live.json)) }
        writer.endObject()
        return String(decoding: writer.finish(), as: UTF8.self)
    }

    private static func json(_ error: ManifestError) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("ok", false)
        write(error.problems, as: "problems", to: &writer)
        writer.endObject()
        return String(decoding: writer.finish(), as: UTF8.self)
    }

    private static func write(
        _ problems: [Problem], as name: String, to writer: inout JSONWriter
    ) {
        writer.name(name)
        writer.beginArray()
        for problem in problems {
            writer.beginObject()
            writer.member("file", problem.file)
            writer.member("line", problem.line)
            writer.member("column", problem.column)
            writer.member("path", problem.path)
            writer.member("message", problem.message)
            writer.endObject()
        }
        writer.endArray()
    }
}
