import JSON

/// Rules in their order, by what they demand of the caller: many rules are about the members of a
/// few groups, and a call of somebody else must not pay for them.
///
/// A rule is only left out where its condition cannot hold, whatever the rest of the call is.
struct RuleIndex: Sendable {
    let rules: [Rule]
    /// Asked of every call.
    private var open: [Int] = []
    /// Asked of callers who have the value.
    private var gated: [Gate.Fact: [Name: [Int]]] = [:]

    /// What a caller must have one of, or the condition does not hold.
    struct Gate {
        enum Fact: CaseIterable { case groups, subject, person, client }
        var fact: Fact
        var values: Set<Name>
    }

    init(_ rules: [Rule]) {
        self.rules = rules
        for (place, rule) in rules.enumerated() {
            guard let gate = rule.when.gate else {
                open.append(place)
                continue
            }
            for value in gate.values {
                gated[gate.fact, default: [:]][value, default: []].append(place)
            }
        }
    }

    /// The places of the rules that a call of this caller must be asked about, in their order.
    func places(for caller: Caller) -> [Int] {
        guard !gated.isEmpty else { return open }
        var found: Set<Int> = []
        for (fact, places) in gated {
            for value in caller.values(of: fact) { found.formUnion(places[value] ?? []) }
        }
        return found.isEmpty ? open : found.union(open).sorted()
    }
}

extension Caller {
    fileprivate func values(of fact: RuleIndex.Gate.Fact) -> [Name] {
        switch fact {
        case .groups: groups
        case .subject: [Name(subject)]
        case .person: [Name(onBehalfOf ?? subject)]
        case .client: clientID.map { [Name($0)] } ?? []
        }
    }
}

extension Condition {
    /// Nil where it may hold for any caller.
    fileprivate var gate: RuleIndex.Gate? {
        switch self {
        case .fact(let fact, .oneOf(let values)): Self.gate(fact, values)
        case .all(let conditions): conditions.lazy.compactMap(\.gate).first
        case .any(let conditions): Self.either(conditions)
        case .fact, .not: nil
        }
    }

    private static func gate(_ fact: Fact, _ values: [JSONValue]) -> RuleIndex.Gate? {
        let names = values.compactMap(\.string).filter { !$0.utf8.contains(UInt8(ascii: "*")) }
        guard names.count == values.count else { return nil }
        let gated: RuleIndex.Gate.Fact
        switch fact {
        case .callerGroups: gated = .groups
        case .callerSubject: gated = .subject
        case .callerPerson: gated = .person
        case .clientID: gated = .client
        default: return nil
        }
        return RuleIndex.Gate(fact: gated, values: Set(names.map { Name($0) }))
    }

    private static func either(_ conditions: [Condition]) -> RuleIndex.Gate? {
        guard var gate = conditions.first?.gate else { return nil }
        for condition in conditions.dropFirst() {
            guard let other = condition.gate, other.fact == gate.fact else { return nil }
            gate.values.formUnion(other.values)
        }
        return gate
    }
}
