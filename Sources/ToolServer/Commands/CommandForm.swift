// The one table of commands: what `help` prints, the completion offers and the man page holds.

import Enforcement
import JSON

/// One form of a command: what stands behind `toolserver`, and what it does.
struct CommandForm {
    let usage: String
    let does: String

    private init(_ usage: String, _ does: String) {
        self.usage = usage
        self.does = does
    }

    /// The word that chooses the command.
    var command: String { usage.split(separator: " ").first.map(String.init) ?? usage }

    /// The first of two columns; longer ones have the second on a line below.
    private static let columnWidth = 82

    /// As `help` prints it.
    var text: String {
        let form = "toolserver \(usage)"
        let room = Self.columnWidth - form.count
        let gap = room >= 2 ? "" : "\n"
        return form + gap + String(repeating: " ", count: room >= 2 ? room : Self.columnWidth)
            + does
    }

    static let all = [
        CommandForm(
            "serve [--manifests DIR] [--state DIR] [--http ADDRESS:PORT]",
            "serve over HTTP at /mcp"),
        CommandForm(
            "stdio [--manifests DIR] [--state DIR]",
            "serve one client over a pipe"),
        CommandForm(
            "recorder [--status [--json]] [--manifests DIR]",
            "keep the record for servers of another user, as `record` in server.json says; --status: how the running one does"
        ),
        CommandForm(
            "check [--live] [--manifests DIR] [--json]",
            "load the manifests, report every problem; --live: prove them against the databases"),
        CommandForm(
            "grants --sql [--backend NAME] [--manifests DIR]",
            "the GRANT statements that its tools need"),
        CommandForm(
            "call TOOL [ARGUMENTS] [--url URL [--ca FILE] | --manifests DIR --state DIR]",
            "make one call: at a running server, or in this process"),
        CommandForm(
            "try TOOL [ARGUMENTS] --as SUBJECT [--issuer NAME] [--groups A,B] [--claims JSON] [--manifests DIR] [--jsonl]",
            "what would be decided and sent, without running it"),
        CommandForm(
            "grants --as SUBJECT [--issuer NAME] [--groups A,B] [--claims JSON] [--from ADDRESS] [--at MOMENT] [--tool TOOL] [--json]",
            "which tools that caller could use, and by which grants"),
        CommandForm(
            "grants list [--all] [--json] | revoke GRANT [--manifests DIR] [--state DIR]",
            "what was granted for a while, by approval; end it now"),
        CommandForm(
            "whoami [--manifests DIR] [--state DIR] [--json]",
            "as whom stdio would call here, and what they may use"),
        CommandForm(
            "mask [--jsonl | --spans] [--types A,B] [--manifests DIR]",
            "standard input with its values masked"),
        CommandForm(
            "token --as SUBJECT [--groups A,B] [--for PERSON] [--minutes N] [--headers] [--console] [--manifests DIR] [--state DIR]",
            "mint a short token of this installation"),
        CommandForm(
            "register CLIENT [--write | --check] [--file FILE] [--transport stdio|http] [--url URL] [--name NAME] [--as SUBJECT] [--issuer ISSUER] [--groups A,B] [--token-file FILE] [--manifests DIR] [--state DIR]",
            "for claude-code, claude-desktop, agent-sdk, api; `skill NAME [--folder DIR]` makes a plugin"
        ),
        CommandForm(
            "import openapi FILE|URL [--backend NAME] [--base-url URL] [--manifests DIR]",
            "tools from an OpenAPI 3 document, and what was left out"),
        CommandForm(
            "import postgres SERVICE|FILE [--schema A,B] [--backend NAME] [--tls MODE] [--manifests DIR]",
            "two tools for each table of a service of ~/.pg_service.conf, or of the backend that FILE declares"
        ),
        CommandForm(
            "new tool NAME [--backend NAME] [--scope SCOPE] [--title TEXT] [--description TEXT] [--sql TEXT] [--write] [--manifests DIR]",
            "one tool with a statement; asks for what is not given"),
        CommandForm(
            "token check TOKEN | --jsonl [--now SECONDS] [--manifests DIR]",
            "would this token count, whose is it, and why not"),
        CommandForm(
            "token revoke --id JTI | --subject SUBJECT | --client CLIENT | --certificate SHA256 | --serial HEX [--issuer NAME] [--manifests DIR] [--state DIR]",
            "end tokens now, for every process on this state"),
        CommandForm(
            "keys list | rotate [--at-once] [--manifests DIR] [--state DIR]",
            "the keys of this installation's tokens; another one"),
        CommandForm(
            "approvals list [--all] [--json] [--manifests DIR] [--state DIR]",
            "the requests that wait for a person"),
        CommandForm(
            "approvals show HANDLE [--json]",
            "one of them, whole"),
        CommandForm(
            "approvals approve HANDLE [--edit N] [--for TIME] [--tools A,B] | reject HANDLE --reason TEXT",
            "decide, as TOOLSERVER_TOKEN or the login name; of access perhaps less than was asked"),
        CommandForm(
            "approvals modify HANDLE JSON [--edit N]",
            "change these arguments (null takes one away); another person approves it"),
        CommandForm(
            "approvals force HANDLE --reason TEXT [--edit N]",
            "decide alone, where a rule lets you"),
        CommandForm(
            "approvals notices",
            "which places were told of them, and which were not; 1 where there are such"),
        CommandForm(
            "approvals watch",
            "the list, as it changes"),
        CommandForm(
            "audit list [--last N] [FILTER…] [--risk SIGN] [--all] [--json]",
            "the latest lines of the record, or of the calls that match"),
        CommandForm(
            "audit show SEQ | CALL [--body] [--json]",
            "one line, or all lines of a call, whole"),
        CommandForm(
            "audit follow [--from SEQ] [FILTER…] [--json]",
            "lines as they become durable"),
        CommandForm(
            "audit export [--format FORM] [--bodies] [FILTER…] [--risk SIGN]",
            "for other programs: jsonl, csv or ocsf"),
        CommandForm(
            "audit replay [SESSION] [--pauses keep|skip] [--bodies]",
            "a session's calls as they happened; without one, the sessions"),
        CommandForm(
            "audit replay --policy DIR [FILTER…] [--show N] [--json]",
            "what other manifests would have said of these calls; 1 where they differ"),
        CommandForm(
            "audit risks [--score N] [FILTER…] [--show N] [--json]",
            "what insiders do who abuse their rights, scored; 1 where there is any"),
        CommandForm(
            "audit advise [--days N] [--json]",
            "what nobody used, and narrower grants that a replay proves enough"),
        CommandForm(
            "audit retention",
            "what the next look of a server would remove"),
        CommandForm(
            "audit reindex",
            "make the index anew from the record"),
        CommandForm(
            "audit prove SEQ | --from SIZE",
            "a proof for strangers: the line is in the record; it only grew since"),
        CommandForm(
            "audit checkpoint",
            "the last checkpoint, to be kept elsewhere"),
        CommandForm(
            "audit verify DIR --key PUBLIC [--witness FILE] [--keys DIR]",
            "prove the record with its public key and kept checkpoints"),
        CommandForm(
            "json-check",
            "read one JSON document from standard input strictly, write it back"),
        CommandForm(
            "completion bash|zsh|fish",
            "completion for a shell: source it"),
        CommandForm(
            "help [COMMAND | --man]",
            "this, or one command of it; --man: all as a man page"),
        CommandForm(
            "version",
            "which build this is"),
    ]

    /// Their first words, each once.
    static let commands: [String] = {
        var seen: Set<Name> = []
        return all.map(\.command).filter { seen.insert(Name($0)).inserted }
    }()
}
