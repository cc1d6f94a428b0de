package import JSON

/// A tool with what the policy means for it, compiled once a catalogue.
package final class GuardedTool: Sendable {
    package let tool: Tool
    let masks: MaskPlan
    /// Arguments that bear the name of something masked, with the label to record instead.
    let maskedArguments: [Name: String]
    /// The part of a record's line that is the same for every call of this tool.
    let recordMembers: [UInt8]

    package init(_ tool: Tool, policy: Policy) {
        self.tool = tool
        masks = MaskPlan(tool: tool, policy: policy)
        maskedArguments = Self.maskedArguments(of: tool, under: policy.masks)
        var writer = JSONWriter()
        writer.member("tool", tool.name.text)
        writer.member("backend", tool.backend.text)
        writer.member("effect", tool.effect.rawValue)
        switch tool.operation {
        case .sql(let sql): writer.member("statement", sql.text)
        }
        recordMembers = writer.finish()
    }

    private static func maskedArguments(of tool: Tool, under masks: [MaskRule]) -> [Name: String] {
        var labels: [Name: String] = [:]
        for parameter in tool.inputSchema["properties"]?.object?.members ?? [] {
            let folded = MaskRule.Target.folded(parameter.name)
            let mask = masks.first { MaskRule.Target.folded($0.target.label.text) == folded }
            if let mask { labels[Name(parameter.name)] = mask.target.label.text }
        }
        return labels
    }

    /// The schema of this tool's `structuredContent`, masks included.
    package var outputSchema: JSONValue { ResultSchema.make(for: tool, masks: masks) }
}
