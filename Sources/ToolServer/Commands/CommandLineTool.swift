// The command line: its first word chooses a command.
//
// To add one: a case here, a line in `usage`, and a file beside this one.

import Enforcement
import Glibc
import JSON

enum CommandLineTool {
    static let usage = """
        toolserver: an MCP tool server that stands between Claude and your data

        toolserver serve  [--manifests DIR] [--state DIR] [--http ADDRESS:PORT]   serve over HTTP at /mcp
        toolserver stdio  [--manifests DIR] [--state DIR]                         serve one client over a pipe
        toolserver check  [--live] [--manifests DIR] [--json]                     load the manifests, report every problem; --live: prove them against the databases
        toolserver grants --sql [--backend NAME] [--manifests DIR]                the GRANT statements that its tools need
        toolserver call   TOOL [ARGUMENTS] [--url URL [--ca FILE] | --manifests DIR --state DIR]
                                                                                  make one call: at a running server, or in this process
        toolserver try    TOOL [ARGUMENTS] --as SUBJECT [--issuer NAME] [--groups A,B] [--claims JSON] [--manifests DIR] [--jsonl]
                                                                                  what would be decided and sent, without running it
        toolserver grants --as SUBJECT [--issuer NAME] [--groups A,B] [--claims JSON] [--from ADDRESS] [--at MOMENT] [--tool TOOL] [--json]
                                                                                  which tools that caller could use, and by which grants
        toolserver whoami [--manifests DIR] [--state DIR] [--json]                as whom stdio would call here, and what they may use
        toolserver mask   [--jsonl | --spans] [--types A,B] [--manifests DIR]     standard input with its values masked
        toolserver token  --as SUBJECT [--groups A,B] [--for PERSON] [--minutes N] [--headers] [--manifests DIR] [--state DIR]
                                                                                  mint a short token of this installation
        toolserver register CLIENT [--write | --check] [--file FILE] [--transport stdio|http] [--url URL] [--name NAME]
                            [--as SUBJECT] [--issuer ISSUER] [--groups A,B] [--token-file FILE] [--manifests DIR] [--state DIR]
                                                                                  for claude-code, claude-desktop, agent-sdk, api; `skill NAME [--folder DIR]` makes a plugin
        toolserver import openapi FILE|URL [--backend NAME] [--base-url URL] [--manifests DIR]
                                                                                  tools from an OpenAPI 3 document, and what was left out
        toolserver import postgres SERVICE|FILE [--schema A,B] [--backend NAME] [--tls MODE] [--manifests DIR]
                                                                                  two tools for each table of a service of ~/.pg_service.conf, or of the backend that FILE declares
        toolserver new tool NAME [--backend NAME] [--scope SCOPE] [--title TEXT] [--description TEXT] [--sql TEXT] [--write] [--manifests DIR]
                                                                                  one tool with a statement; asks for what is not given
        toolserver token check  TOKEN | --jsonl [--now SECONDS] [--manifests DIR]  would this token count, whose is it, and why not
        toolserver token revoke --id JTI | --subject SUBJECT | --client CLIENT [--issuer NAME] [--manifests DIR] [--state DIR]
                                                                                  end tokens now, for every process on this state
        toolserver keys list | rotate [--at-once] [--manifests DIR] [--state DIR]  the keys of this installation's tokens; another one
        toolserver approvals list [--all] [--json] [--manifests DIR] [--state DIR]  the requests that wait for a person
        toolserver approvals show HANDLE [--json]                                 one of them, whole
        toolserver approvals approve HANDLE | reject HANDLE --reason TEXT         decide, as TOOLSERVER_TOKEN or the login name
        toolserver approvals force HANDLE --reason TEXT         decide alone, where a rule lets you
        toolserver approvals watch                                                the list, as it changes
        toolserver audit list   [--last N] [FILTER…] [--all] [--json]             the latest lines of the record, or of the calls that match
        toolserver audit show   SEQ | CALL [--json]                               one line, or all lines of a call, whole
        toolserver audit follow [--from SEQ] [FILTER…] [--json]                   lines as they become durable
        toolserver audit export [--format jsonl|csv|ocsf] [FILTER…]               for other programs
        toolserver audit replay [SESSION] [--pauses keep|skip]                    a session's calls as they happened; without one, the sessions
        toolserver audit replay --policy DIR [FILTER…] [--show N] [--json]        what other manifests would have said of these calls; 1 where they differ
        toolserver audit risks  [--score N] [FILTER…] [--show N] [--json]         what insiders do who abuse their rights, scored; 1 where there is any
        toolserver audit advise [--days N] [--json]                               what nobody used, and narrower grants that a replay proves enough
        toolserver audit reindex                                                  make the index anew from the record
        toolserver audit prove  SEQ | --from SIZE                                 a proof for strangers: the line is in the record; it only grew since
        toolserver audit checkpoint                                               the last checkpoint, to be kept elsewhere
        toolserver audit verify DIR --key PUBLIC [--witness FILE]                 prove the record with its public key and kept checkpoints
        toolserver json-check                                                     read one JSON document from standard input strictly, write it back
        toolserver completion bash                                                completion for a shell: source it
        toolserver help [COMMAND]                                                 this, or one command of it
        toolserver version

        --manifests defaults to ./manifests, --state to the folder that server.json names, --log to
        record. FILTER is --since, --until, --caller, --person, --client, --tool, --backend, --relation,
        --rule, --decision, --code, --session, --approval, --event, --call or --text, all of which must hold.
        Whatever loads manifests makes the SQLite files that they name with `create`.
        Exit codes: 0 done, 1 refused or failed, 2 usage.
        """

    static let commands = [
        "serve", "stdio", "check", "call", "try", "grants", "whoami", "mask", "token",
        "register", "import", "new", "keys", "approvals", "audit", "json-check", "completion",
        "version", "help",
    ]

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
        case "stdio": return try StdioCommand.run(rest)
        case "check": return CheckCommand.run(rest)
        case "call": return try CallCommand.run(rest)
        case "try": return try TryCommand.run(rest)
        case "grants" where rest.contains("--sql"): return try GrantsSQLCommand.run(rest)
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
            let hint = nearest(word, among: commands).map { "; did you mean \($0)?" } ?? ""
            throw UsageError("unknown command \(word)\(hint)")
        case nil:
            StandardStream.error.line(usage)
            return .usage
        }
        return .done
    }
}
