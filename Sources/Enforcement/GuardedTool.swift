package import JSON

/// A tool with what the policy means for it, compiled once a catalogue.
package final class GuardedTool: Sendable {
    package let tool: Tool
    let policy: Policy
    /// For what was examined at load.
    let masks: MaskPlan
    /// In the order of the policy, without those that can never hold for this tool.
    let rules: [Rule]
    /// The folded names of what is masked, with the label to record in place of a value.
    private let maskedNames: [[UInt8]: String]
    /// The part of a record's line that is the same for every call of this tool.
    let recordMembers: [UInt8]

    package init(_ tool: Tool, policy: Policy) {
        self.tool = tool
        self.policy = policy
        masks = MaskPlan(tool.examination, on: tool.backend, policy: policy)
        rules = policy.rules.filter { $0.when.couldHold(for: tool) }
        maskedNames = Dictionary(
            policy.masks.map { mask in
                let label = mask.target.label.text
                return (MaskRule.Target.folded(label), label)
            }, uniquingKeysWith: { first, _ in first })
        var writer = JSONWriter()
        writer.member("backend", tool.backend.text)
        writer.member("effect", tool.effect.rawValue)
        switch tool.operation {
        case .sql(let sql): writer.member("statement", sql.text)
        }
        recordMembers = writer.finish()
    }

    /// What to record instead of the value of an argument, at any depth, that bears the name of
    /// something masked.
    func label(forArgument name: String) -> String? {
        maskedNames.isEmpty ? nil : maskedNames[MaskRule.Target.folded(name)]
    }

    /// The schema of this tool's `structuredContent`, masks included.
    package var outputSchema: JSONValue { ResultSchema.make(for: tool, masks: masks) }
}
