import Enforcement
import JSON

/// Compares the policy with the tools it is about: what protects nothing, and what cannot protect.
struct PolicyResolver {
    let manifests: ParsedManifests
    let tools: [Tool]
    let findings: Findings
    /// What a backend knows; nil for one that could not be opened.
    let columns: (_ backend: Name) throws(BackendError) -> BackendColumns?

    func policy() -> Policy {
        let policy = manifests.policy
        checkScopes()
        // Without a server manifest there is a problem already.
        let sources = manifests.server.map { IdentitySources($0) }
        var columns = KnownColumns(ask: columns, findings: findings)
        let masks = policy.masks.map { mask in
            let rule = mask.rule.value
            return MaskRule(
                id: rule.id, target: folded(rule.target, &columns), strategy: rule.strategy,
                mayFilter: rule.mayFilter)
        }
        let maskCheck = MaskCheck(tools: tools, findings: findings)
        for (mask, rule) in zip(policy.masks, masks) {
            checkBackend(of: rule.target, at: mask.target)
            guard columns.check(rule.target, at: mask.target) else { continue }
            maskCheck.checkMatch(of: rule, at: mask.target)
            if !rule.mayFilter { maskCheck.checkDeciding(of: rule, at: mask.target) }
        }
        checkDuplicates(masks)
        let reveals = policy.reveals.map { reveal in
            var rule = reveal.rule
            rule.target = folded(rule.target, &columns)
            checkBackend(of: rule.target, at: reveal.target)
            _ = columns.check(rule.target, at: reveal.target)
            if let sources { rule.to.issuers = sources.issuers(of: reveal.to, findings) }
            if !masks.contains(where: { $0.target == rule.target }) {
                findings.warning("reveals nothing: no rule masks it", at: reveal.target)
            }
            return rule
        }
        for rule in policy.rules { checkNames(in: rule.value.when, at: rule.place) }
        for rule in policy.rules
        where rule.value.approval?.preview != nil && !tools.contains(where: rule.value.mayPreview) {
            findings.problem(
                "`preview` has no rows to show: the rule holds no tool that changes them by a statement",
                at: rule.place)
        }
        if sources?.areSeveral == true { checkIssuers() }
        let objects = KnownObjects(of: tools) { backend in columns.known(backend) }
        for rule in policy.rules {
            objects?.check(rule.value.when, at: rule.place, findings: findings)
        }
        var resolved = policy.values.resolved(findings, sources)
        resolved.grants = policy.grants.map { entry in
            var grant = entry.grant
            if let sources { grant.to.issuers = sources.issuers(of: entry.to, findings) }
            return grant
        }
        resolved.access = offers(sources)
        resolved.rules = policy.rules.map { entry in
            var rule = entry.value
            if let sources, let named = policy.approvers[rule.id] {
                rule.approval?.issuers = sources.issuers(of: named, findings)
            }
            return rule
        }
        resolved.masks = masks
        resolved.reveals = reveals
        return resolved
    }

    /// A tool that nobody may call, a grant of nothing: allowed, but hardly meant.
    private func checkScopes() {
        let granted = manifests.policy.grants.map(\.grant)
        let offered = manifests.policy.access
        for tool in tools
        where !granted.contains(where: { $0.covers(tool) })
            && !offered.contains(where: { $0.covers(tool) })
        {
            guard let scope = manifests.tools.first(where: { $0.name.value == tool.name })?.scope
            else { continue }
            findings.warning(
                "no grant gives \(quoted(scope.value.text)): nobody can call this tool",
                at: scope.place)
        }
        let scopes = Set(manifests.tools.map(\.scope.value))
        let names = Set(manifests.tools.map(\.name.value))
        let patterns =
            manifests.policy.grants.map { ($0.scopes, $0.tools) }
            + offered.map { ($0.scopes, $0.tools) }
        for (ofScopes, ofTools) in patterns {
            check(ofScopes, among: scopes) { "no tool needs \($0)" }
            check(ofTools, among: names) { "no tool \($0)" }
        }
    }

    private func check(
        _ patterns: [Located<Name>], among known: Set<Name>, _ complaint: (String) -> String
    ) {
        for pattern in patterns
        where !known.contains(where: { Glob.matches(pattern.value.text, $0.text) }) {
            let near = nearest(pattern.value.text, among: known.sorted().map(\.text))
            let hint = near.map { "; did you mean \(quoted($0))?" } ?? ""
            findings.warning(complaint(quoted(pattern.value.text)) + hint, at: pattern.place)
        }
    }

    /// With several issuers a group alone is nobody's in particular.
    private func checkIssuers() {
        for rule in manifests.policy.rules {
            let condition = rule.value.when
            let asksNames = condition.asks { fact in
                switch fact {
                case .callerSubject, .callerGroups, .callerPerson, .clientID: true
                default: false
                }
            }
            let asksIssuer = condition.asks { if case .callerIssuer = $0 { true } else { false } }
            guard asksNames, !asksIssuer else { continue }
            findings.warning(
                "asks for a name whoever vouches for it; test `caller.issuer` too, where an issuer is meant",
                at: rule.place)
        }
    }

    private func checkBackend(of target: MaskRule.Target, at place: Place) {
        guard let backend = target.column?.backend else { return }
        guard !manifests.declaredBackends.contains(backend) else { return }
        let known = manifests.declaredBackends.sorted().map(\.text)
        let near = nearest(backend.text, among: known).map { "; did you mean \(quoted($0))?" }
        findings.problem(
            "no backend \(quoted(backend.text))\(near ?? "")", at: place)
    }

    private func checkDuplicates(_ masks: [MaskRule]) {
        for (index, mask) in masks.enumerated() {
            guard let first = masks[..<index].first(where: { $0.target == mask.target })
            else {
                continue
            }
            findings.problem(
                "masks what \(quoted(first.id.text)) already masks",
                at: manifests.policy.masks[index].target)
        }
    }

    /// Whether there is a tool that asks for others, which rules may be about.
    private var asksForAccess: Bool { !manifests.policy.access.isEmpty }

    /// Names in a rule that no tool or backend has.
    private func checkNames(in condition: Condition, at place: Place) {
        switch condition {
        case .all(let parts), .any(let parts): for part in parts { checkNames(in: part, at: place) }
        case .not(let part): checkNames(in: part, at: place)
        case .fact(.toolName, .oneOf(let values)):
            let own: Set<Name> = asksForAccess ? [AccessTool.name] : []
            let names = own.union(manifests.tools.map(\.name.value))
            check(values, among: names, as: "tool", at: place)
        case .fact(.backend, .oneOf(let values)):
            let own: Set<Name> = asksForAccess ? [AccessTool.backend] : []
            check(values, among: own.union(manifests.declaredBackends), as: "backend", at: place)
        case .fact(.argument(let name), _):
            let own: Set<Name> = asksForAccess ? ["tools", "minutes", "reason"] : []
            let inputs = own.union(
                manifests.tools.flatMap { $0.input.properties.map(\.value) })
            check([.string(name)], among: inputs, as: "input", at: place)
        default: break
        }
    }

    private func check(
        _ values: [JSONValue], among known: Set<Name>, as kind: String, at place: Place
    ) {
        for value in values {
            guard let text = value.string, !text.utf8.contains(UInt8(ascii: "*")),
                !known.contains(Name(text))
            else { continue }
            let near = nearest(text, among: known.sorted().map(\.text))
            let hint = near.map { "; did you mean \(quoted($0))?" } ?? ""
            findings.warning("no \(kind) \(quoted(text))\(hint)", at: place)
        }
    }

    /// SQLite folds ASCII letters in names; Postgres keeps what is quoted, as a rule's names are.
    private func folded(
        _ target: MaskRule.Target, _ columns: inout KnownColumns
    ) -> MaskRule.Target {
        guard let (backend, path) = target.column, columns.known(backend)?.foldsNames != false
        else { return target }
        let lowered = ColumnPath(
            schema: lowercased(path.schema), table: lowercased(path.table),
            column: lowercased(path.column))
        if case .inside(_, _, let place) = target {
            return .inside(backend: backend, lowered, place)
        }
        return .column(backend: backend, lowered)
    }
}
