import Backends
import Enforcement
import JSON

/// Judges the cases that stand beside the rules: each as if its caller had called, with nothing
/// run. What comes out otherwise than its author expects is a problem at its place.
enum RuleCases {
    static func failures(of catalog: Catalog) async -> [Problem] {
        var failures: [Problem] = []
        for item in catalog.cases {
            guard let message = await failure(of: item, in: catalog) else { continue }
            var problem = item.place
            problem.message = message
            failures.append(problem)
        }
        return failures
    }

    private static func failure(of item: RuleCase, in catalog: Catalog) async -> String? {
        guard catalog.toolsByName[Name(item.tool)] != nil else {
            let near = nearest(item.tool, among: catalog.tools.map(\.name.text))
            return "no tool \(quoted(item.tool))"
                + (near.map { "; did you mean \(quoted($0))?" } ?? "")
        }
        var caller = item.caller
        if caller.issuer.isEmpty {
            caller.issuer = IdentitySources(catalog.server).names.first?.text ?? "try"
        }
        let judgement = await gate(for: item, catalog).judge(
            item.tool, item.arguments, as: caller, from: item.address,
            at: Moment(usage: item.usage))
        let named = (judgement.rules + judgement.limiting.map(\.id) + judgement.observing.map(\.id))
            .contains(item.rule)
        let isMet =
            item.expected == .allow ? judgement.decision == .allow && !named : named
        guard !isMet else { return nil }
        return "expects \(item.expected.rawValue), but \(words(judgement, item.rule, named))"
    }

    private static func words(_ judgement: Judgement, _ rule: Name, _ named: Bool) -> String {
        if named { return "the rule matches" }
        switch judgement.decision {
        case .allow: return "the rule does not match and the call is allowed"
        case .approve, .deny:
            let others = judgement.rules.map { quoted($0.text) }.joined(separator: ", ")
            let code = judgement.refusal?.code.rawValue ?? "approval.required"
            return "the call ends with \(quoted(code))" + (others.isEmpty ? "" : " by \(others)")
        }
    }

    private static func gate(for item: RuleCase, _ catalog: Catalog) -> Gate {
        let moment = item.moment ?? WallClock.seconds()
        return Gate(
            identity: IdentityStage(issuers: TrustedIssuers()), limits: LimitStage(),
            tools: catalog.tools, policy: catalog.policy, backend: Backends(catalog.backends),
            sink: NoRecord(), now: { moment })
    }
}
