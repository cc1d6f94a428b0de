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

    /// As roff takes it: no escape of its own, and no request at the start of a line.
    private static func escaped(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): bytes += Array("\\e".utf8)
            case UInt8(ascii: "-"): bytes += Array("\\-".utf8)
            case UInt8(ascii: "."), UInt8(ascii: "'"):
                bytes += bytes.isEmpty ? Array("\\&".utf8) + [byte] : [byte]
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
