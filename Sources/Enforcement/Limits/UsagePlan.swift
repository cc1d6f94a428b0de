import JSON

/// What a policy wants to know of its callers' doings, so that nothing else is counted.
struct UsagePlan: Sendable {
    /// In a fixed order.
    let asked: [UsageFact]
    /// Rules of effect `limit` that hold for every call of a caller, known or not.
    let unconditional: [Rule]
    private let hasLimits: Bool

    init(_ policy: Policy) {
        let asked = policy.rules.reduce(into: Set<UsageFact>()) { $1.when.collectUsage(into: &$0) }
        self.asked = UsageFact.all.filter { asked.contains($0) }
        let limits = policy.rules.filter { $0.effect == .limit }
        hasLimits = !limits.isEmpty
        unconditional = limits.filter { rule in
            guard case .all(let parts) = rule.when, parts.isEmpty, let quota = rule.quota else {
                return false
            }
            return quota.measure == .denials && quota.shares.allSatisfy { $0 == .caller }
        }
    }

    var isEmpty: Bool { asked.isEmpty && !hasLimits }
}

extension Policy {
    /// Whether some rule needs to know what was done before.
    package var countsCalls: Bool { !UsagePlan(self).isEmpty }
}

extension Condition {
    /// Holds for every call.
    package static let always = Condition.all([])

    fileprivate func collectUsage(into found: inout Set<UsageFact>) {
        switch self {
        case .fact(.usage(let fact), _): found.insert(fact)
        case .fact: break
        case .all(let parts), .any(let parts): for part in parts { part.collectUsage(into: &found) }
        case .not(let part): part.collectUsage(into: &found)
        }
    }

    /// Whether it looks at what its caller did before.
    var asksUsage: Bool {
        var found: Set<UsageFact> = []
        collectUsage(into: &found)
        return !found.isEmpty
    }
}
