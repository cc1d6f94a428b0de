import Enforcement

/// What to do when a call is refused, held or masked, for whoever has these tools.
enum Conduct {
    static func lines(_ tools: [ToolOutlook]) -> [String] {
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
}
