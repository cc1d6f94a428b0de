package import JSON
import Synchronization

/// A tool with what the policy means for it, compiled once a catalogue.
package final class GuardedTool: Sendable {
    package let tool: Tool
    let policy: Policy
    /// For what was examined at load.
    let masks: MaskPlan
    /// For values wherever they stand.
    let values: ValueMasks
    /// In the order of the policy, without those that can never hold for this tool.
    let rules: [Rule]
    /// The folded names of what is masked, with the label to record in place of a value.
    private let maskedNames: [[UInt8]: String]
    /// The part of a record's line that is the same for every call of this tool.
    let recordMembers: [UInt8]
    /// For statements of callers that were examined before, by identity.
    private let known = Mutex<[ObjectIdentifier: StatementGuards]>([:])

    /// What the policy means for one examined call.
    struct StatementGuards {
        /// Held, so that no other examination gets its place in memory.
        let identity: Examination.Identity?
        let masks: MaskPlan
        let rules: [Rule]
    }

    package init(_ tool: Tool, policy: Policy, values: ValueMasks? = nil) {
        self.tool = tool
        self.values = values ?? ValueMasks(policy: policy)
        self.policy = policy
        masks = MaskPlan(tool.examination, on: tool.backend, policy: policy, isSettled: true)
        rules = policy.rules.filter { rule in
            rule.when.couldHold { Facts.known($0, of: tool) }
        }
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
        case .freeSQL, .describe: break
        case .http(let http): writer.member("method", http.method)
        }
        recordMembers = writer.finish()
    }

    /// More statements than this and the memory starts anew.
    private static let knownMax = 1_000

    /// The rules and masks for a call that was examined by itself.
    func guards(for examination: Examination) -> StatementGuards {
        if let identity = examination.identity,
            let guards = known.withLock({ $0[ObjectIdentifier(identity)] })
        {
            return guards
        }
        let guards = StatementGuards(
            identity: examination.identity,
            masks: MaskPlan(
                examination, on: tool.backend, policy: policy,
                isSettled: tool.operation.isSettledAtLoad),
            rules: rules.filter { rule in
                rule.when.couldHold { fact in
                    Facts.known(fact, of: tool)
                        ?? Facts.known(fact, in: examination, of: tool.operation)
                }
            })
        if let identity = examination.identity {
            known.withLock { known in
                if known.count >= Self.knownMax { known = [:] }
                known[ObjectIdentifier(identity)] = guards
            }
        }
        return guards
    }

    /// What to record instead of the value of an argument, at any depth, that bears the name of
    /// something masked.
    func label(forArgument name: String) -> String? {
        maskedNames.isEmpty ? nil : maskedNames[MaskRule.Target.folded(name)]
    }

    /// The schema of this tool's `structuredContent`, masks included.
    /// Nil where there is none.
    package var outputSchema: JSONValue? {
        ResultSchema.make(for: tool, masks: masks, policy: policy)
    }
}
