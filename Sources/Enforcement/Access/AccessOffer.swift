package import JSON

/// What some callers may ask for, for a while, and whose yes it takes.
package struct AccessOffer: Sendable {
    package var id: Name
    /// By their own names, sorted: patterns were resolved at load.
    package var tools: [Name]
    /// Who may ask, and use what they were granted.
    package var to: Grantees
    /// What must hold of caller, address and time besides, when they ask and at each call.
    package var condition: Condition?
    /// In seconds.
    package var longest: Int
    package var demand: ApprovalDemand
    /// Why a person decides.
    package var reason: String
    /// Where it stands, for people.
    package var place: String

    package static let longestMax = 7 * 86_400

    package init(
        id: Name, tools: [Name], to: Grantees, where condition: Condition? = nil, longest: Int,
        demand: ApprovalDemand, reason: String, place: String = ""
    ) {
        self.id = id
        self.tools = tools
        self.to = to
        self.condition = condition
        self.longest = longest
        self.demand = demand
        self.reason = reason
        self.place = place
    }

    /// Gives the tool by which they ask, and nothing else.
    var grant: Grant {
        var grant = Grant(
            scopes: ["*"], tools: [AccessTool.name], where: condition, place: place)
        grant.to = to
        grant.isForAsking = true
        return grant
    }

    /// Holds their request for people. It may match more than `AccessOffers` finds, which then asks
    /// more people; where it matches less, nobody has approved, and nothing is granted.
    package var rule: Rule {
        let named = [
            Condition.fact(.callerSubject, .oneOf(to.subjects.map { .string($0.text) })),
            .fact(.callerGroups, .oneOf(to.groups.map { .string($0.text) })),
        ]
        var parts: [Condition] = [
            .fact(.toolName, .oneOf([.string(AccessTool.name.text)])),
            .fact(.argument("tools"), .oneOf(tools.map { .string($0.text) })), .any(named),
        ]
        if case .of(let issuers) = to.issuers {
            parts.append(.fact(.callerIssuer, .oneOf(issuers.map { .string($0.text) })))
        }
        if let condition { parts.append(condition) }
        return Rule(
            id: id, effect: .approve, when: .all(parts), reason: reason, approval: demand)
    }
}

/// All offers of a policy, by the tools that they are about.
struct AccessOffers: Sendable {
    private let all: [(offer: AccessOffer, grant: Grant)]
    private let byTool: [Name: [Int]]

    init(_ offers: [AccessOffer]) {
        all = offers.map { ($0, $0.grant) }
        var byTool: [Name: [Int]] = [:]
        for (place, offer) in offers.enumerated() {
            for tool in offer.tools { byTool[tool, default: []].append(place) }
        }
        self.byTool = byTool
    }

    var isEmpty: Bool { all.isEmpty }
    var tools: [Name] { byTool.keys.sorted() }

    /// Those under which this caller may ask for this tool, and use it once it is granted.
    func holding(for tool: Name, _ question: ScopeQuestion) -> [AccessOffer] {
        (byTool[tool] ?? []).compactMap { place in
            let (offer, grant) = all[place]
            guard grant.to.include(question.caller) else { return nil }
            switch grant.verdict(on: question) {
            case .holds: return offer
            // Of a list for anywhere.
            case .depends: return question.via == nil ? offer : nil
            default: return nil
            }
        }
    }

    /// Whether all that is asked for may be, for that long.
    func check(_ call: ScopedCall) throws(Refusal) {
        let question = ScopeQuestion(
            caller: call.caller, tool: call.tool, via: call.arrived.via, arguments: nil,
            now: call.at, recorded: call.arrived.recorded)
        guard let terms = AccessTerms(call.arrived.arguments) else {
            throw .notOffered(nil, among: [])
        }
        var longest = AccessOffer.longestMax
        for tool in terms.tools {
            let offers = holding(for: tool, question)
            guard !offers.isEmpty else {
                throw .notOffered(tool, among: tools.filter { !holding(for: $0, question).isEmpty })
            }
            longest = offers.map(\.longest).reduce(longest, min)
        }
        guard terms.seconds <= longest else { throw .askedTooLong(longest) }
    }
}

extension Refusal {
    /// The same for what does not exist and for what this caller may not ask for.
    fileprivate static func notOffered(_ tool: Name?, among offered: [Name]) -> Refusal {
        let named = tool.map { "`\($0)` is not among the tools" } ?? "These are no tools"
        let known = offered.prefix(50).map { "`\($0)`" }.joined(separator: ", ")
        return Refusal(
            .accessNotOffered,
            "\(named) that you may ask for. Nothing was asked. You may ask for: \(known). Call `\(AccessTool.name)` again with these alone, or ask the operator."
        )
    }

    fileprivate static func askedTooLong(_ longest: Int) -> Refusal {
        Refusal(
            .accessNotOffered,
            "These tools may be asked for for at most \(longest / 60) minutes together. Nothing was asked. Call `\(AccessTool.name)` again with \"minutes\": \(longest / 60) or less."
        )
    }

    /// For who may not use a tool and may ask for it, and so knows that it exists.
    static func mayBeAskedFor(_ tool: Name, longest: Int) -> Refusal {
        let minutes = min(30, longest / 60)
        return Refusal(
            .accessNotGranted,
            "You may not use `\(tool)` now, but you may ask for it. Nothing was done. Next step: call `\(AccessTool.name)` with {\"tools\": [\"\(tool)\"], \"minutes\": \(minutes), \"reason\": \"why you need it\"}, at most \(longest / 60) minutes; when a person has approved, call `\(tool)` again."
        )
    }

    static var grantsUnreadable: Refusal {
        Refusal(
            .stateUnavailable,
            "What was granted to you for a while cannot be read at the moment, so it does not count. Nothing was done. Try again in a minute, then tell the operator.",
            retryAfterSeconds: 5)
    }
}
