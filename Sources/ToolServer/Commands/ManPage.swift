import JSON

/// `toolserver help --man`: the table of commands as a man page, for `man -l`.
enum ManPage {
    static var text: String {
        var lines = [
            ".TH TOOLSERVER 1 \"\" \"toolserver \(ServerDescription.version)\"", ".SH NAME",
            "toolserver \\- \(escaped(CommandLineTool.summary))", ".SH SYNOPSIS",
            ".B toolserver", ".I COMMAND", "[\\fIOPTIONS\\fR]", ".SH COMMANDS",
        ]
        for form in CommandForm.all {
            lines += [".TP", ".B \(escaped("toolserver " + form.usage))", escaped(form.does)]
        }
        lines +=
            [".SH NOTES"] + CommandLineTool.notes.split(separator: "\n").map { escaped(String($0)) }
        lines += [".SH ENVIRONMENT"]
        for (name, meaning) in environment {
            lines += [".TP", ".B \(name)", escaped(meaning)]
        }
        return lines.joined(separator: "\n")
    }

    private static let environment = [
        (
            LocalCredential.tokenVariable,
            "The token of whoever calls, for stdio, call and approvals."
        ),
        (LocalCredential.tokenFileVariable, "The file that holds it."),
        (
            LocalCredential.tokenCommandVariable,
            "The shell command that writes it, run again before it ends."
        ),
    ]

    /// As roff takes it: in ASCII, no escape of its own, and no request at the start of a line.
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\e"
            case "-": escaped += "\\-"
            case ".", "'": escaped += escaped.isEmpty ? "\\&\(scalar)" : "\(scalar)"
            case "\u{80}"...:
                let digits = String(scalar.value, radix: 16, uppercase: true)
                escaped +=
                    "\\[u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + "]"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
