import Enforcement
import JSON

/// `toolserver help COMMAND` and `toolserver COMMAND --help`: what the table says of one command.
enum Help {
    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(words, options: [], flags: ["--man"], operands: 1)
        if arguments.has("--man") {
            StandardStream.output.line(ManPage.text)
            return .done
        }
        guard let command = arguments.operands.first else {
            StandardStream.output.line(CommandLineTool.usage)
            return .done
        }
        guard let help = of(command) else {
            let hint = nearest(command, among: CommandForm.commands)
            throw UsageError(
                "unknown command \(command)\(hint.map { "; did you mean \($0)?" } ?? "")")
        }
        StandardStream.output.line(help)
        return .done
    }

    /// Nil for a command that is not there.
    static func of(_ command: String) -> String? {
        let forms = CommandForm.all.filter { $0.command.isByteEqual(to: command) }
        return forms.isEmpty ? nil : text(of: forms)
    }

    static func text(of forms: [CommandForm]) -> String {
        forms.map(\.text).joined(separator: "\n")
    }

    /// The options of a command, as its forms name them.
    static func options(of command: String) -> [String] {
        let words = (of(command) ?? "").split { !isWordByte($0.asciiValue ?? 0) }
        let options = words.filter { $0.hasPrefix("--") && $0.utf8.count > 2 }
        return Set(options.map { Name(String($0)) }).sorted().map(\.text)
    }
}
