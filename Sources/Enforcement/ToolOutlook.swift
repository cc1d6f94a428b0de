import JSON

/// What a caller has to expect of one of their tools: which rules could refuse or hold a call, and
/// what of its answers they would not see. For texts about tools; nothing is decided by it.
package struct ToolOutlook: Sendable {
    package let tool: Tool
    /// Some calls of this caller may meet them, depending on the arguments.
    package let rules: [Rule]
    /// The columns of its answers that are covered.
    package let maskedColumns: [String]
}

extension Gate {
    /// For each tool that `caller` may use, in the order of the list.
    package func outlook(for caller: Caller) -> [ToolOutlook] {
        visibleTools(to: .supposed(caller), via: nil).map { $0.outlook(for: caller) }
    }
}

extension GuardedTool {
    package func outlook(for caller: Caller) -> ToolOutlook {
        let rules = rules.filter { couldApply($0, to: caller) }
        let columns = tool.examination.columns
        let masked = columns.indices.filter { masks.cover(over: $0, for: caller) != nil }
        return ToolOutlook(tool: tool, rules: rules, maskedColumns: masked.map { columns[$0].name })
    }

    /// Whether a person may have to decide about a call of this caller, whatever its arguments.
    package func mayBeHeld(for caller: Caller) -> Bool {
        rules.contains { $0.mayHold && couldApply($0, to: caller) }
    }

    private func couldApply(_ rule: Rule, to caller: Caller) -> Bool {
        rule.when.couldHold { Facts.known($0, of: tool) ?? Facts.known($0, of: caller) }
    }
}

extension Rule {
    /// Whether it can have a call wait for a person.
    var mayHold: Bool { effect == .approve && mode == .enforce && approval != nil }
}

extension Facts {
    /// What is the same for every call of a person; claims may differ between their tokens.
    fileprivate static func known(_ fact: Fact, of caller: Caller) -> Known? {
        switch fact {
        case .callerSubject: Known(values: [.string(caller.subject)])
        case .callerIssuer: Known(values: [.string(caller.issuer)])
        case .callerGroups: Known(values: caller.groups.map { .string($0.text) })
        default: nil
        }
    }
}
