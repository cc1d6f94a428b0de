// May this caller use this tool at all?
//
// Listing and calling ask the same function, so what is not listed cannot be called. It must
// never let a refusal tell whether the tool exists.

import JSON

/// A call whose tool exists for its caller. One object: all stages after this one hold it.
package final class ScopedCall: Sendable {
    package let arrived: ArrivedCall
    package let guarded: GuardedTool
    /// When that was judged, in seconds since 1970.
    let at: Int
    /// What lets it pass where no standing grant does, until it ends.
    let grant: Name?

    fileprivate init(
        _ call: IdentifiedCall, _ guarded: GuardedTool, at: Int, under grant: Name? = nil
    ) {
        arrived = call.arrived
        self.guarded = guarded
        self.at = at
        self.grant = grant
    }

    /// Of somebody who looks at what they may decide about: that they are asked to is what admits
    /// them. For `Gate.preview`.
    init(previewing call: IdentifiedCall, of guarded: GuardedTool, at moment: Int) {
        arrived = call.arrived
        self.guarded = guarded
        at = moment
        grant = nil
    }

    package var tool: Tool { _read { yield guarded.tool } }
    var caller: Caller { _read { yield arrived.caller.caller } }
}

package struct ScopeStage: Sendable {
    /// By name, in the order in which they are listed.
    private let tools: [GuardedTool]
    private let byName: [Name: GuardedTool]
    private let grants: [Name: ToolGrants]
    private let lending: Lending
    private let now: @Sendable () -> Int
    /// Whether what a caller may use follows from issuer, subject and groups alone.
    let isSteady: Bool

    init(
        tools: [GuardedTool], grants: [Grant], access: [AccessOffer] = [],
        book: AccessBook? = nil, now: @escaping @Sendable () -> Int = WallClock.seconds
    ) {
        lending = Lending(AccessOffers(access), book)
        let grants = grants + access.map(\.grant)
        self.tools = tools.sorted { $0.tool.name < $1.tool.name }
        byName = Dictionary(
            tools.map { ($0.tool.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.grants = byName.mapValues { guarded in
            ToolGrants(grants.filter { $0.covers(guarded.tool) })
        }
        isSteady = grants.allSatisfy {
            $0.condition == nil && $0.from == nil && $0.until == nil
        }
        self.now = now
    }

    /// `via` nil: wherever they may call from.
    func visible(to caller: Caller, via: Transport?) -> [GuardedTool] {
        let now = now()
        return tools.filter { allows(caller, $0.tool, via: via, now: now) }
    }

    /// `moment` is that of a call which the record tells of.
    func admit(_ call: IdentifiedCall, at moment: Int? = nil) throws(Refusal) -> ScopedCall {
        let arrived = call.arrived
        let now = moment ?? now()
        guard let guarded = byName[Name(arrived.tool)], let grants = grants[guarded.tool.name]
        else { throw .unknownTool(arrived.tool) }
        var question = ScopeQuestion(
            caller: arrived.caller.caller, tool: guarded.tool, via: arrived.via,
            arguments: arrived.arguments, now: now, recorded: arrived.recorded)
        guard grants.standing(of: question) != .granted else {
            return ScopedCall(call, guarded, at: now)
        }
        question.arguments = nil
        if let grant = try lending.grant(on: question) {
            return ScopedCall(call, guarded, at: now, under: grant)
        }
        // Who sees the tool in the list knows that it exists.
        if grants.standing(of: question) == .depends {
            throw .argumentsNotGranted(guarded.tool, asking: grants.argumentsAsked(in: question))
        }
        if let longest = lending.longest(on: question) {
            throw .mayBeAskedFor(guarded.tool.name, longest: longest)
        }
        throw .unknownTool(arrived.tool)
    }

    func tool(_ name: Name) -> Tool? { byName[name]?.tool }

    func guarded(_ name: Name) -> GuardedTool? { byName[name] }

    func allows(_ caller: Caller, _ tool: Name, via: Transport?) -> Bool {
        byName[tool].map { allows(caller, $0.tool, via: via, now: now()) } ?? false
    }

    /// With any arguments.
    func standing(
        of caller: Caller, _ tool: Name, via: Transport, at moment: Int, _ recorded: RecordedFacts?
    ) -> Standing {
        guard let guarded = byName[tool], let grants = grants[tool] else { return .none }
        let question = ScopeQuestion(
            caller: caller, tool: guarded.tool, via: via, arguments: nil, now: moment,
            recorded: recorded)
        let standing = grants.standing(of: question)
        return standing == .none && lending.isLent(on: question) ? .granted : standing
    }

    /// How each tool stands for a caller, and by which grants; for people who ask.
    func standings(
        of caller: Caller, via: Transport?, at moment: Int
    ) -> [(tool: Tool, standing: Standing, grants: [GrantFinding])] {
        tools.map { guarded in
            let question = ScopeQuestion(
                caller: caller, tool: guarded.tool, via: via, arguments: nil, now: moment)
            let grants = grants[guarded.tool.name] ?? ToolGrants([])
            return (guarded.tool, grants.standing(of: question), grants.findings(of: question))
        }
    }

    private func allows(_ caller: Caller, _ tool: Tool, via: Transport?, now: Int) -> Bool {
        let question = ScopeQuestion(
            caller: caller, tool: tool, via: via, arguments: nil, now: now)
        return grants[tool.name].map { $0.standing(of: question) != .none } ?? false
            || lending.isLent(on: question)
    }

    /// Whether a caller's list may be another one than that of others like them, or than before.
    func mayVary(for caller: Caller) -> Bool {
        !isSteady || lending.mayLend(to: caller, at: now())
    }

    /// The arguments of the tool that asks, as this caller may give them.
    func askingSchema(for caller: Caller, via: Transport?) -> JSONValue? {
        lending.schema(for: caller, via: via, at: now(), tools)
    }
}

extension Refusal {
    fileprivate static func argumentsNotGranted(_ tool: Tool, asking names: [String]) -> Refusal {
        let named = names.map { "`\($0)`" }.joined(separator: ", ")
        return Refusal(
            .argumentsNotGranted,
            "You may use `\(tool.name)`, but not with these arguments: what is granted to you depends on \(named). Change that, or ask the operator."
        )
    }
}
