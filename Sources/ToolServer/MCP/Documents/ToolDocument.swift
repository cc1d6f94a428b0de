import Enforcement
import JSON

/// The documentation of one tool, for a caller who may use it.
struct ToolDocument {
    let text: String

    init(_ guarded: GuardedTool, for caller: Caller) {
        let outlook = guarded.outlook(for: caller)
        let tool = guarded.tool
        var lines = [
            "# \(MarkdownText.plain(tool.title))", "",
            "`\(tool.name)` \(tool.effect == .read ? "reads" : "changes data in") `\(tool.backend)`.",
            "", MarkdownText.plain(tool.description), "",
        ]
        let arguments = MarkdownText.arguments(of: tool)
        if !arguments.isEmpty { lines += ["## Arguments", ""] + arguments + [""] }
        lines += ["## Answer", ""] + Self.answer(outlook) + [""]
        let conditions = ToolSection.conditions(outlook)
        if !conditions.isEmpty { lines += ["## Rules", ""] + conditions + [""] }
        text = MarkdownText.joined(lines.dropLast())
    }

    private static func answer(_ outlook: ToolOutlook) -> [String] {
        let tool = outlook.tool
        let columns = tool.operation.isSettledAtLoad ? MarkdownText.columns(of: outlook) : []
        guard tool.operation.isStatement else { return columns + [sizes(tool)] }
        return columns + [
            "At most \(tool.limits.rows) rows; where there are more, the answer says `truncated`.",
            sizes(tool),
        ]
    }

    private static func sizes(_ tool: Tool) -> String {
        "At most \(spelledBytes(tool.limits.bytes)), within \(spelled(tool.limits.time))."
    }
}
