// May this caller use this tool at all?
//
// Listing and calling ask the same function, so what is not listed cannot be called. It must
// never let a refusal tell whether the tool exists.

import JSON

/// A call whose tool exists for its caller.
package struct ScopedCall: Sendable {
    package let arrived: ArrivedCall
    package let guarded: GuardedTool

    fileprivate init(_ call: IdentifiedCall, _ guarded: GuardedTool) {
        arrived = call.arrived
        self.guarded = guarded
    }

    package var tool: Tool { guarded.tool }
    var caller: Caller { arrived.caller.caller }
}

package struct ScopeStage: Sendable {
    /// By name, in the order in which they are listed.
    private let tools: [GuardedTool]
    private let byName: [Name: GuardedTool]
    private let scopesOfGroup: [Name: Set<Name>]
    private let scopesOfSubject: [Name: Set<Name>]

    init(tools: [GuardedTool], grants: [Grant]) {
        self.tools = tools.sorted { $0.tool.name < $1.tool.name }
        byName = Dictionary(
            tools.map { ($0.tool.name, $0) }, uniquingKeysWith: { first, _ in first })
        var ofGroup: [Name: Set<Name>] = [:]
        var ofSubject: [Name: Set<Name>] = [:]
        for grant in grants {
            for group in grant.groups { ofGroup[group, default: []].formUnion(grant.scopes) }
            for subject in grant.subjects {
                ofSubject[subject, default: []].formUnion(grant.scopes)
            }
        }
        scopesOfGroup = ofGroup
        scopesOfSubject = ofSubject
    }

    func visible(to caller: Caller) -> [GuardedTool] { tools.filter { allows(caller, $0.tool) } }

    func admit(_ call: IdentifiedCall) throws(Refusal) -> ScopedCall {
        let name = call.arrived.tool
        guard let guarded = byName[Name(name)], allows(call.arrived.caller.caller, guarded.tool)
        else { throw .unknownTool(name) }
        return ScopedCall(call, guarded)
    }

    func tool(_ name: Name) -> Tool? { byName[name]?.tool }

    func allows(_ caller: Caller, _ tool: Name) -> Bool {
        byName[tool].map { allows(caller, $0.tool) } ?? false
    }

    private func allows(_ caller: Caller, _ tool: Tool) -> Bool {
        if scopesOfSubject[Name(caller.subject)]?.contains(tool.scope) == true { return true }
        return caller.groups.contains { scopesOfGroup[$0]?.contains(tool.scope) == true }
    }
}
