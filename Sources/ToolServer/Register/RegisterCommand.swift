import Enforcement
import EventLoop
import JSON

/// `toolserver register CLIENT`: what makes this server known to a client of Claude.
///
/// It prints; with `--write` it puts that where the client looks for it, and leaves alone what is
/// there beside it; with `--check` it says what is out of date, and writes nothing.
enum RegisterCommand {
    static let clients = ["claude-code", "claude-desktop", "agent-sdk", "api", "skill"]

    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words,
            options: SupposedCaller.options + [
                "--manifests", "--state", "--name", "--transport", "--url", "--token-file",
                "--file", "--folder",
            ], flags: ["--write", "--check"], operands: 2)
        guard let client = arguments.operands.first else {
            throw UsageError("register needs a client: \(clients.joined(separator: ", "))")
        }
        if arguments.has("--write"), arguments.has("--check") {
            throw UsageError("--write and --check are two commands")
        }
        let files = try files(client, arguments)
        if arguments.has("--check") { return try check(files) }
        if arguments.has("--write") { return try write(files) }
        for file in files {
            if files.count > 1 { StandardStream.output.line("== \(file.path)") }
            StandardStream.output.write(Array(file.text.utf8))
        }
        return .done
    }

    private static func files(
        _ client: String, _ arguments: Arguments
    ) throws -> [RegisteredFile] {
        let operand = arguments.operands.dropFirst().first
        if !client.isByteEqual(to: "skill"), let operand {
            throw UsageError("unexpected `\(operand)`; options begin with --")
        }
        let settings = try Startup.settings(arguments)
        let registration = try Registration(arguments, settings)
        switch Name(client) {
        case "claude-code":
            return [
                RegisteredFile(
                    path: arguments["--file"] ?? ".mcp.json",
                    content: .server(name: registration.name, entry: try registration.entry()))
            ]
        case "claude-desktop": return [try desktop(registration, arguments)]
        case "agent-sdk":
            let options = try AgentOptions.make(
                registration, try outlook(registration, arguments))
            return [try snippet(options, arguments)]
        case "api":
            let blocks = try ConnectorBlocks.make(
                registration, try outlook(registration, arguments))
            return [try snippet(blocks, arguments)]
        case "skill":
            guard let operand else { throw UsageError("register skill needs a NAME") }
            let skill = try SkillFolder(
                name: operand, server: registration,
                tools: try outlook(registration, arguments))
            return try skill.files(under: arguments["--folder"] ?? operand)
        default:
            let hint = nearest(client, among: clients).map { "; did you mean \($0)?" } ?? ""
            throw UsageError("unknown client \(client)\(hint)")
        }
    }

    /// Its file lists servers over stdio; those over HTTP are added in its settings.
    private static func desktop(
        _ registration: Registration, _ arguments: Arguments
    ) throws -> RegisteredFile {
        guard registration.way == .stdio else {
            throw CommandFailure(
                "Claude Desktop's file lists servers over stdio only: list this user under `localUsers` in server.json, or give --token-file FILE. A server over https is added in its settings, under Connectors, as \(registration.url)"
            )
        }
        return RegisteredFile(
            path: try arguments["--file"] ?? desktopFile(),
            content: .server(
                name: registration.name, entry: try registration.entry(isTyped: false)))
    }

    private static func desktopFile() throws(UsageError) -> String {
        guard let home = LocalCredential.variable("HOME") else {
            throw UsageError("HOME is not set; give --file FILE")
        }
        let folder = LocalCredential.variable("XDG_CONFIG_HOME") ?? home + "/.config"
        return folder + "/Claude/claude_desktop_config.json"
    }

    private static func snippet(
        _ value: JSONValue, _ arguments: Arguments
    ) throws(UsageError) -> RegisteredFile {
        if arguments["--file"] == nil, arguments.has("--write") || arguments.has("--check") {
            throw UsageError("give --file FILE: programs have no usual place for this")
        }
        return RegisteredFile(
            path: arguments["--file"] ?? "", content: .whole(value.laidOut(indent: 2) + "\n"))
    }

    private static func outlook(
        _ registration: Registration, _ arguments: Arguments
    ) throws -> [ToolOutlook] {
        guard let caller = registration.caller else {
            throw CommandFailure(
                "tools differ by caller: give --as SUBJECT --groups A,B, or list this user under `localUsers` in server.json"
            )
        }
        let workers = Startup.workers()
        defer { workers.stop() }
        let (gate, _) = try TryCommand.gate(
            Startup.manifests(arguments), workers, SystemNameLookup())
        let tools = gate.outlook(for: caller)
        guard !tools.isEmpty else {
            throw CommandFailure(
                "no grant gives `\(caller.subject)` a tool; groups: \(caller.groups.map(\.text))")
        }
        return tools
    }

    private static func write(_ files: [RegisteredFile]) throws -> ExitCode {
        for file in files {
            let isChanged = try file.write()
            StandardStream.output.line("\(isChanged ? "written" : "up to date"): \(file.path)")
        }
        return .done
    }

    private static func check(_ files: [RegisteredFile]) throws -> ExitCode {
        var code = ExitCode.done
        for file in files {
            for fault in try file.outdated() {
                StandardStream.output.line("out of date: \(file.path) \(fault)")
                code = .failed
            }
        }
        if code == .done { StandardStream.output.line("up to date") }
        return code
    }
}
