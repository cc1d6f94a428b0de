// The command line: its first word chooses a command.
//
// To add one: a case here, a line in `CommandForm.all`, and a file beside this one.

import Enforcement
import Glibc
import JSON

enum CommandLineTool {
    static let summary = "an MCP tool server that stands between Claude and your data"

    /// What holds for several commands.
    static let notes = """
        --manifests defaults to ./manifests, --state to the folder that server.json names, --log to
        record. FILTER is --since, --until, --caller, --person, --client, --tool, --backend, --relation,
        --rule, --decision, --code, --session, --approval, --grant, --event, --call or --text, all of which must hold.
        Whatever loads manifests makes the SQLite files that they name with `create`.
        Exit codes: 0 done, 1 refused or failed, 2 usage.
        """

    static let usage = """
        toolserver: \(summary)

        \(Help.text(of: CommandForm.all))

        \(notes)
        """

    static func run(_ words: [String]) -> ExitCode {
        do {
            return try dispatch(words)
        } catch let error as UsageError {
            StandardStream.error.line("toolserver: \(error.message)\nSee `toolserver help`.")
            return .usage
        } catch let error as CommandFailure {
            StandardStream.error.line("toolserver: \(error.message)")
            return .failed
        } catch {
            StandardStream.error.line("toolserver: \(error)")
            return .failed
        }
    }

    /// Only before the first word that could be a value.
    private static func asksForHelp(_ rest: ArraySlice<String>) -> Bool {
        rest.first.map { $0.isByteEqual(to: "--help") || $0.isByteEqual(to: "-h") } ?? false
    }

    private static func dispatch(_ words: [String]) throws -> ExitCode {
        let rest = words.dropFirst()
        if let command = words.first, asksForHelp(rest), let help = Help.of(command) {
            StandardStream.output.line(help)
            return .done
        }
        switch words.first {
        case "serve": return try ServeCommand.run(rest)
        case "recorder": return try RecorderCommand.run(rest)
        case "stdio": return try StdioCommand.run(rest)
        case "check": return CheckCommand.run(rest)
        case "call": return try CallCommand.run(rest)
        case "try": return try TryCommand.run(rest)
        case "grants" where rest.contains("--sql"): return try GrantsSQLCommand.run(rest)
        case "grants" where rest.first == "list" || rest.first == "revoke":
            return try AccessCommand.run(rest)
        case "grants": return try GrantsCommand.run(rest)
        case "whoami": return try WhoAmICommand.run(rest)
        case "mask": return try MaskCommand.run(rest)
        case "token": return try TokenCommand.run(rest)
        case "register": return try RegisterCommand.run(rest)
        case "import": return try ImportCommand.run(rest)
        case "new": return try NewToolCommand.run(rest)
        case "keys": return try KeysCommand.run(rest)
        case "approvals": return try ApprovalsCommand.run(rest)
        case "audit": return try AuditCommand.run(rest)
        case "json-check": return try JSONCheckCommand.run(rest)
        case "version", "--version":
            StandardStream.output.line("toolserver \(ServerDescription.version)")
        case "help", "--help", "-h": return try Help.run(rest)
        case "completion": return try CompletionCommand.run(rest)
        case let word?:
            let hint =
                nearest(word, among: CommandForm.commands).map { "; did you mean \($0)?" } ?? ""
            throw UsageError("unknown command \(word)\(hint)")
        case nil:
            StandardStream.error.line(usage)
            return .usage
        }
        return .done
    }
}
