import Enforcement
import JSON

/// `toolserver completion bash|zsh|fish`: a shell's own script, made of the table of commands.
enum CompletionCommand {
    enum Shell: String, CaseIterable { case bash, zsh, fish }

    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(words, options: [], operands: 1)
        guard let shell = arguments.operands.first.flatMap({ Shell(rawValue: $0) }) else {
            throw UsageError("name a shell: bash, zsh or fish")
        }
        StandardStream.output.line(script(for: shell))
        return .done
    }

    /// Words that stand behind a command of themselves.
    private static let operands = [
        "register": RegisterCommand.clients, "import": ImportCommand.kinds,
        "completion": Shell.allCases.map(\.rawValue), "help": CommandForm.commands,
    ].sorted { Name($0.key) < Name($1.key) }

    private static let folderOptions = ["--manifests", "--state", "--folder"]
    private static let fileOptions = ["--file", "--ca", "--token-file"]

    static func script(for shell: Shell) -> String {
        switch shell {
        case .bash: "# source <(toolserver completion bash)\n" + bash
        // It takes the completions of bash when it is asked to.
        case .zsh:
            "# source <(toolserver completion zsh)\nautoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n"
                + bash
        case .fish: "# toolserver completion fish | source\n" + fish
        }
    }

    private static var bash: String {
        let behind = operands.map { command, words in
            "        \(command)) words='\(words.joined(separator: " "))' ;;"
        }
        let options = CommandForm.commands.map { command in
            "        \(command)) words='\(Help.options(of: command).joined(separator: " "))' ;;"
        }
        return """
            _toolserver() {
                local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} words=
                if [ "$COMP_CWORD" -eq 1 ]; then
                    words='\(CommandForm.commands.joined(separator: " "))'
                    COMPREPLY=($(compgen -W "$words" -- "$current"))
                    return
                fi
                case $previous in
                    \(folderOptions.joined(separator: "|"))) COMPREPLY=($(compgen -d -- "$current")); return ;;
                    \(fileOptions.joined(separator: "|"))) COMPREPLY=($(compgen -f -- "$current")); return ;;
            \(behind.joined(separator: "\n"))
                esac
                if [ -z "$words" ]; then
                    case ${COMP_WORDS[1]} in
            \(options.joined(separator: "\n"))
                    esac
                fi
                COMPREPLY=($(compgen -W "$words" -- "$current"))
            }
            complete -F _toolserver toolserver
            """
    }

    private static var fish: String {
        var lines = ["complete -c toolserver -f"]
        for command in CommandForm.commands {
            let does = CommandForm.all.first { $0.command.isByteEqual(to: command) }?.does ?? ""
            lines.append(
                "complete -c toolserver -n __fish_use_subcommand -a \(command) -d \(quoted(does))")
            for option in Help.options(of: command) {
                let takes =
                    folderOptions.contains(option)
                    ? " -r -a '(__fish_complete_directories)'"
                    : fileOptions.contains(option) ? " -r -F" : ""
                lines.append(
                    "complete -c toolserver -n '__fish_seen_subcommand_from \(command)' -l \(option.dropFirst(2))\(takes)"
                )
            }
        }
        for (command, words) in operands {
            lines.append(
                "complete -c toolserver -n '__fish_seen_subcommand_from \(command)' -a '\(words.joined(separator: " "))'"
            )
        }
        return lines.joined(separator: "\n")
    }

    private static func quoted(_ text: String) -> String {
        let escaped = text.flatMap { $0 == "'" || $0 == "\\" ? ["\\", $0] : [$0] }
        return "'\(String(escaped))'"
    }
}
