import Enforcement
import JSON

/// `SKILL.md`: what the tools are for, and what to do when a call is refused, held or masked.
///
/// All of it comes from the manifests and from the rules that could meet this caller; a tool that
/// they may not use is not named.
struct SkillText {
    /// Within what Claude reads at once (a skill's body should stay below 500 lines).
    static let linesMax = 400
    static let descriptionMax = 1_024

    /// `SKILL.md`.
    let main: String
    /// `tools.md`, with the tools for which there was no room; nil where there was.
    let more: String?

    init(name: Name, server: Name, tools: [ToolOutlook]) {
        let head = Self.head(name, server, tools)
        let sections = tools.map { ToolSection(server: server, $0).lines }
        let end = Self.conduct(tools)
        var room = Self.linesMax - head.count - end.count
        let shown = sections.prefix { section in
            room -= section.count
            return room >= 0
        }
        let rest = sections.dropFirst(shown.count)
        let note =
            rest.isEmpty
            ? []
            : ["More tools stand in [tools.md](tools.md); read it when none of these fits.", ""]
        main = Self.joined(head + shown.flatMap { $0 } + note + end)
        more =
            rest.isEmpty
            ? nil : Self.joined(["# More tools of \(server)", ""] + rest.flatMap { $0 })
    }

    private static func joined(_ lines: [String]) -> String {
        lines.joined(separator: "\n") + "\n"
    }

    private static func head(_ name: Name, _ server: Name, _ tools: [ToolOutlook]) -> [String] {
        [
            "---", "name: \(name)",
            "description: \(JSONValue.string(description(server, tools)).text)", "---", "",
            "# \(server)", "",
            "The tools of the MCP server `\(server)`. Each is one checked call on a data source, under rules that hold for this user, and each call is recorded.",
            "", "## Tools", "",
        ]
    }

    /// What it is for and when: from this alone Claude decides whether to read on.
    private static func description(_ server: Name, _ tools: [ToolOutlook]) -> String {
        var text = "Tools of \(server). Use when the user wants to: "
        var isFirst = true
        for tool in tools.map(\.tool) {
            let title = plain(tool.title)
            let piece = (isFirst ? "" : "; ") + title.prefix(1).lowercased() + title.dropFirst()
            // One byte is kept for the full stop.
            guard text.utf8.count + piece.utf8.count < descriptionMax else { break }
            text += piece
            isFirst = false
        }
        return text + "."
    }

    private static func conduct(_ tools: [ToolOutlook]) -> [String] {
        var lines = [
            "## When a call does not succeed", "",
            "A refusal says why in words, and ends with `code: …`. Do what it says; the same call with the same arguments is refused again.",
            "",
            "- `arguments.invalid`: correct what is listed, all of it, and call again.",
            "- `deny.rule`: a rule forbids it. Do what stands behind \"Instead\", or tell the user the reason. Do not look for a way around the rule.",
            "- `limit.concurrency`, `backend.busy`, `record.unavailable`: wait a little, then try once more.",
            "- `backend.outcome_unknown`: the change may have been made. Look before you call again.",
            "- Any other: tell the user what it says.",
        ]
        if tools.contains(where: { $0.rules.contains { $0.effect == .approve } }) {
            lines.append(
                "- A call that is held for approval needs a person's yes. Tell the user who decides and what was asked for; do not send it again meanwhile."
            )
        }
        if tools.contains(where: { $0.tool.confirmation != nil }) {
            lines.append(
                "- `confirm.…`: the user is asked before the call runs, and their no is final.")
        }
        lines += [
            "", "## Values that are covered", "",
            "Values like `[email]`, `a***@example.com` or `<email:k2mf…>` are masked for this user. Pass them on as they are; do not guess what they stand for. Equal `<…>` tokens stand for equal values.",
        ]
        return lines
    }

    /// A text of a manifest on one line; angle brackets would be tags in a skill's front matter.
    static func plain(_ text: String) -> String {
        let bytes = text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "<"): UInt8(ascii: "(")
            case UInt8(ascii: ">"): UInt8(ascii: ")")
            case 0..<0x20: UInt8(ascii: " ")
            default: byte
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// What `SKILL.md` says of one tool.
struct ToolSection {
    private let server: Name
    private let outlook: ToolOutlook

    init(server: Name, _ outlook: ToolOutlook) {
        self.server = server
        self.outlook = outlook
    }

    var lines: [String] {
        let tool = outlook.tool
        var lines = [
            "### \(server):\(tool.name)", "",
            SkillText.plain(tool.description)
                + (tool.effect == .write ? " Changes data." : ""), "",
        ]
        lines += arguments
        lines += outlook.rules.map(ruleLine)
        if tool.confirmation != nil { lines.append("- The user is asked before each call runs.") }
        if !outlook.maskedColumns.isEmpty {
            lines.append("- Covered for this user: \(Self.quoted(outlook.maskedColumns)).")
        }
        lines.append("")
        return lines
    }

    private var arguments: [String] {
        let schema = outlook.tool.inputSchema
        let required = schema["required"]?.array?.compactMap(\.string) ?? []
        return (schema["properties"]?.object?.members ?? []).map { member in
            let isRequired = required.contains { $0.isByteEqual(to: member.name) }
            let text = member.value["description"]?.string.map { ": \(SkillText.plain($0))" } ?? ""
            return "- `\(member.name)`\(isRequired ? "" : ", optional")\(text)"
        }
    }

    private func ruleLine(_ rule: Rule) -> String {
        let verb = rule.effect == .deny ? "May be refused" : "May be held for a person's approval"
        let instead = rule.instead.map { " Instead: \(SkillText.plain($0))." } ?? ""
        return "- \(verb) by rule `\(rule.id)`: \(SkillText.plain(rule.reason)).\(instead)"
    }

    private static func quoted(_ names: [String]) -> String {
        names.map { "`\(SkillText.plain($0))`" }.joined(separator: ", ")
    }
}
