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
        let end = Conduct.lines(tools)
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
        main = MarkdownText.joined(head + shown.flatMap { $0 } + note + end)
        more =
            rest.isEmpty
            ? nil : MarkdownText.joined(["# More tools of \(server)", ""] + rest.flatMap { $0 })
    }

    private static func head(_ name: Name, _ server: Name, _ tools: [ToolOutlook]) -> [String] {
        [
            "---", "name: \(name)",
            "description: \(JSONValue.string(description(server, tools)).text)", "---", "",
        ] + opening(server)
    }

    static func opening(_ server: Name) -> [String] {
        [
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
            let title = MarkdownText.plain(tool.title)
            let piece = (isFirst ? "" : "; ") + title.prefix(1).lowercased() + title.dropFirst()
            // One byte is kept for the full stop.
            guard text.utf8.count + piece.utf8.count < descriptionMax else { break }
            text += piece
            isFirst = false
        }
        return text + "."
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
            MarkdownText.plain(tool.description)
                + (tool.effect == .write ? " Changes data." : ""), "",
        ]
        lines += MarkdownText.arguments(of: tool)
        lines += Self.conditions(outlook)
        if !outlook.maskedColumns.isEmpty {
            lines.append(
                "- Covered for this user: \(MarkdownText.quoted(outlook.maskedColumns)).")
        }
        lines.append("")
        return lines
    }

    /// What may keep a call from running, a line each.
    static func conditions(_ outlook: ToolOutlook) -> [String] {
        outlook.rules.map(line)
            + (outlook.tool.confirmation == nil
                ? [] : ["- The user is asked before each call runs."])
    }

    private static func line(_ rule: Rule) -> String {
        let verb = rule.effect == .deny ? "May be refused" : "May be held for a person's approval"
        let instead = rule.instead.map { " Instead: \(MarkdownText.plain($0))." } ?? ""
        return "- \(verb) by rule `\(rule.id)`: \(MarkdownText.plain(rule.reason)).\(instead)"
    }
}
