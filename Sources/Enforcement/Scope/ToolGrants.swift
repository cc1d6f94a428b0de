package import JSON

/// Whether a caller may use a tool. `depends`: on what the question does not say.
package enum Standing: Sendable { case none, depends, granted }

/// Who asks for which tool, from where, with what, and when.
struct ScopeQuestion {
    let caller: Caller
    let tool: Tool
    /// nil: from anywhere.
    let via: Transport?
    /// nil: with any.
    var arguments: JSONObject?
    let now: Int
    /// Of a call that the record tells of.
    var recorded: RecordedFacts?

    func known(_ fact: Fact) -> Facts.Known {
        switch fact {
        case .argument(let name):
            arguments.map { Facts.Known(values: Facts.flattened($0[name])) } ?? Self.unknown
        case .anyArgument:
            arguments.map { Facts.Known(values: Facts.strings(in: .object($0))) } ?? Self.unknown
        case .clientAddress: via.map { Facts.Known(values: $0.values) } ?? Self.unknown
        case .time: Facts.Known(values: [.number(JSONNumber(now))])
        case .toolName, .toolEffect, .toolTags, .backend:
            Facts.known(fact, of: tool) ?? Self.unknown
        case .callerSubject, .callerIssuer, .callerKind, .callerGroups, .callerPerson,
            .callerEmail, .callerClaim, .clientID:
            Facts.Known(values: caller.values(of: fact))
        // Known only when the call was examined, which is after this.
        case .statement, .httpMethod, .httpHost, .httpPath, .usage: Self.unknown
        }
    }

    private static let unknown = Facts.Known(values: [], isComplete: false)
}

/// What one grant says to a question, for people who ask.
package struct GrantFinding: Sendable {
    package enum Verdict: Sendable {
        case holds, depends
        case notYet, over
        /// Named, but not of an issuer whose word counts.
        case otherIssuer
        case conditionFails
    }
    package let grant: Grant
    package let verdict: Verdict
}

/// The grants of one tool, by those whom they are for.
struct ToolGrants: Sendable {
    private let grants: [Grant]
    private var ofSubject: [Name: [Int]] = [:]
    private var ofGroup: [Name: [Int]] = [:]

    init(_ grants: [Grant]) {
        self.grants = grants
        for (place, grant) in grants.enumerated() {
            for subject in grant.to.subjects { ofSubject[subject, default: []].append(place) }
            for group in grant.to.groups { ofGroup[group, default: []].append(place) }
        }
    }

    func standing(of question: ScopeQuestion) -> Standing {
        var best = weigh(ofSubject[Name(question.caller.subject)], question)
        for group in question.caller.groups where best != .granted {
            switch weigh(ofGroup[group], question) {
            case .granted: best = .granted
            case .depends: best = .depends
            case .none: break
            }
        }
        return best
    }

    /// The arguments on which the grants that may hold depend.
    func argumentsAsked(in question: ScopeQuestion) -> [String] {
        let names = findings(of: question).filter { $0.verdict == .depends }
            .flatMap { $0.grant.condition?.argumentsAsked ?? [] }
        return Set(names).sorted().map(\.text)
    }

    /// Of every grant that names the caller.
    func findings(of question: ScopeQuestion) -> [GrantFinding] {
        let places =
            (ofSubject[Name(question.caller.subject)] ?? [])
            + question.caller.groups.flatMap { ofGroup[$0] ?? [] }
        return Set(places).sorted().map { place in
            GrantFinding(grant: grants[place], verdict: grants[place].verdict(on: question))
        }
    }

    private func weigh(_ places: [Int]?, _ question: ScopeQuestion) -> Standing {
        var best = Standing.none
        for place in places ?? [] {
            switch grants[place].verdict(on: question) {
            case .holds: return .granted
            case .depends: best = .depends
            default: break
            }
        }
        return best
    }
}

extension Grant {
    /// To a caller whom it names.
    func verdict(on question: ScopeQuestion) -> GrantFinding.Verdict {
        guard to.trusts(question.caller.issuer) else { return .otherIssuer }
        if let from, question.now < from { return .notYet }
        if let until, question.now >= until { return .over }
        guard let condition else { return .holds }
        switch condition.verdict(question.recorded, { question.known($0) }) {
        case .matched: return .holds
        case .unmatched: return .conditionFails
        case .unknown:
            // A condition that nobody can judge gives nothing.
            let isOpen =
                question.arguments == nil && !condition.argumentsAsked.isEmpty
                || question.via == nil && condition.asksAddress
            return isOpen ? .depends : .conditionFails
        }
    }
}

extension Condition {
    /// The names of the arguments that it looks at; `*` where at any.
    package var argumentsAsked: [Name] {
        switch self {
        case .fact(.argument(let name), _): [Name(name)]
        case .fact(.anyArgument, _): ["*"]
        case .fact: []
        case .all(let parts), .any(let parts): parts.flatMap(\.argumentsAsked)
        case .not(let part): part.argumentsAsked
        }
    }

    fileprivate var asksAddress: Bool {
        switch self {
        case .fact(.clientAddress, _): true
        case .fact: false
        case .all(let parts), .any(let parts): parts.contains { $0.asksAddress }
        case .not(let part): part.asksAddress
        }
    }
}
