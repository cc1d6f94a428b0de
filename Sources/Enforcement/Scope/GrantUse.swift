import JSON

/// Which grants gave a recorded caller their tool.
package struct GrantUse {
    private let grants: [Grant]
    private let tools: [Name: (tool: Tool, covering: [Int])]

    package init(_ grants: [Grant], tools: [Tool]) {
        self.grants = grants
        self.tools = Dictionary(
            tools.map { tool in
                (tool.name, (tool, grants.indices.filter { grants[$0].covers(tool) }))
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Their places in the list. None where no grant that stands there now did.
    package func giving(_ call: RecordedCall) -> [Int] {
        guard let (tool, covering) = tools[Name(call.tool)] else { return [] }
        let question = ScopeQuestion(
            caller: call.caller, tool: tool, via: call.arrived.via,
            arguments: call.arrived.arguments, now: call.at, recorded: call.arrived.recorded)
        return covering.filter { place in
            guard grants[place].to.include(call.caller) else { return false }
            if case .holds = grants[place].verdict(on: question) { return true }
            return false
        }
    }
}
