import Enforcement
import JSON

/// Grants that give no more than was used, made of those that stand there.
struct NarrowerGrants {
    struct Advice {
        let grant: Grant
        /// Nil: nobody used it.
        let narrower: Grant?
        /// How many tools it gives now.
        let toolCount: Int
    }

    /// For each grant of which something was not used.
    private(set) var advice: [Advice] = []
    /// All that would be left.
    private(set) var grants: [Grant] = []

    init(_ survey: UsageSurvey) {
        let tools = survey.catalog.toolsByName
        for (place, grant) in survey.catalog.policy.grants.enumerated() {
            let covered = survey.catalog.tools.filter { grant.covers($0) }
            guard let need = survey.grants[place] else {
                advice.append(
                    Advice(grant: grant, narrower: nil, toolCount: covered.count))
                continue
            }
            var narrower = grant
            if need.tools.count < covered.count {
                narrower.tools = need.tools.sorted()
                narrower.scopes = Set(need.tools.compactMap { tools[$0]?.scope }).sorted()
            }
            narrower.to.groups.removeAll { !need.groups.contains($0) }
            narrower.to.subjects.removeAll { !need.subjects.contains($0) }
            grants.append(narrower)
            guard need.tools.count < covered.count || narrower.to != grant.to else { continue }
            advice.append(Advice(grant: grant, narrower: narrower, toolCount: covered.count))
        }
    }
}

extension NarrowerGrants.Advice {
    /// The members that would be other in the grant's file; all others stay as they are.
    var members: JSONValue? {
        guard let narrower else { return nil }
        var members: [JSONObject.Member] = []
        if narrower.tools != grant.tools {
            members.append(("grant", Self.json(narrower.scopes)))
            members.append(("tools", Self.json(narrower.tools)))
        }
        if narrower.to != grant.to {
            var to: [JSONObject.Member] = []
            if !narrower.to.groups.isEmpty { to.append(("groups", Self.json(narrower.to.groups))) }
            if !narrower.to.subjects.isEmpty {
                to.append(("subjects", Self.json(narrower.to.subjects)))
            }
            members.append(("to", .object(JSONObject(distinct: to))))
        }
        return .object(JSONObject(distinct: members))
    }

    private static func json(_ names: [Name]) -> JSONValue {
        .array(names.map { .string($0.text) })
    }

    var text: String {
        guard let narrower else { return "\(grant.place): nobody used it; leave it out" }
        var words: [String] = []
        if narrower.tools != grant.tools {
            words.append("\(narrower.tools.count) of \(counted(toolCount, "tool"))")
        }
        let unused =
            grant.to.groups.filter { !narrower.to.groups.contains($0) }.map { "group `\($0)`" }
            + grant.to.subjects.filter { !narrower.to.subjects.contains($0) }
            .map { "subject `\($0)`" }
        if !unused.isEmpty { words.append("nobody of \(unused.joined(separator: ", "))") }
        return "\(grant.place): only \(words.joined(separator: "; "))"
    }
}

/// Whether the recorded calls would still be let pass.
struct NarrowingProof {
    private let before: RuleReplay
    private let after: RuleReplay
    private(set) var calls = 0
    /// The first calls that would be refused; the advice is wrong where there are any.
    private(set) var refused: [(log: String, sequence: Int)] = []
    /// Today's manifests refuse them too.
    private(set) var refusedBefore = 0
    private(set) var open = 0

    init(_ catalog: Catalog, _ grants: [Grant]) {
        before = RuleReplay(tools: catalog.tools, policy: catalog.policy)
        var policy = catalog.policy
        policy.grants = grants
        after = RuleReplay(tools: catalog.tools, policy: policy)
    }

    mutating func take(_ call: RecordedCall, log: String) {
        calls += 1
        switch after.judge(call) {
        case .open: open += 1
        case .decided(let answer):
            guard answer.decision == .deny else { return }
            if answer.isUncertain {
                open += 1
            } else if case .decided(let answer) = before.judge(call), answer.decision == .deny {
                refusedBefore += 1
            } else {
                refused.append((log, call.line.sequence))
            }
        }
    }
}
