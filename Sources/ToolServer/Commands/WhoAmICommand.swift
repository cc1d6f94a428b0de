import Enforcement
import EventLoop
import JSON

/// `toolserver whoami`: as whom would `stdio` call, and what may they use?
enum WhoAmICommand {
    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words, options: ["--manifests", "--state"], flags: ["--json"])
        let workers = Startup.workers()
        defer { workers.stop() }
        let (gate, server) = try TryCommand.gate(
            Startup.manifests(arguments), workers, SystemNameLookup())
        let group = try EventLoopGroup(count: 1)
        let identity = IdentityStage(
            issuers: try TokenCheckCommand.issuers(
                arguments, server, IssuerConnections(loop: group.next(), workers: workers)),
            localUsers: server.localUsers)
        try group.start()
        return Lifetime().run(on: group.next()) {
            let caller: Caller
            do throws(Refusal) {
                caller = try await identity.identify(LocalCredential.read()).caller
            } catch { throw CommandFailure(error.told) }
            let tools = gate.standings(
                of: caller, via: Transport(kind: .stdio, address: ""), at: WallClock.seconds()
            ).filter { $0.standing != .none }.map(\.tool.name)
            let lines =
                arguments.has("--json")
                ? [JSONValue.object(json(caller, tools)).text] : text(caller, tools)
            for line in lines { StandardStream.output.line(line) }
            return .done
        }
    }

    private static func json(_ caller: Caller, _ tools: [Name]) -> JSONObject {
        JSONObject(distinct: [
            ("caller", caller.json), ("tools", .array(tools.map { .string($0.text) })),
        ])
    }

    private static func text(_ caller: Caller, _ tools: [Name]) -> [String] {
        var lines = ["\(caller.subject), \(caller.kind.rawValue), says \(caller.issuer)"]
        if let person = caller.onBehalfOf { lines.append("for:     \(person)") }
        if let client = caller.clientID { lines.append("client:  \(client)") }
        if let email = caller.email { lines.append("e-mail:  \(email)") }
        let groups = caller.groups.map(\.text).joined(separator: ", ")
        lines.append("groups:  \(groups.isEmpty ? "none" : groups)")
        if let expires = caller.expires {
            lines.append("until:   \(WallClock.text(expires))")
        }
        let named = tools.map(\.text).joined(separator: ", ")
        lines.append("tools:   \(named.isEmpty ? "none; see `toolserver grants --as …`" : named)")
        return lines
    }
}
