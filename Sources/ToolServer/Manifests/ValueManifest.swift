import Enforcement
import JSON

/// What the policy files say about values: own detectors, and masks and reveals by kind.
struct ValueManifest {
    static let detectorKeys = KeySet(
        required: ["detector", "matches"], optional: ["check", "context", "reason"])

    private var detectors: [Located<OwnDetector>] = []
    private var masks: [(rule: Located<ValueRule>, selectors: [Located<Name>])] = []
    private struct Reveal {
        let rule: ValueReveal
        let selectors: [Located<Name>]
        let to: GrantManifest.Recipients
    }
    private var reveals: [Reveal] = []

    private static let kinds = ValueKind.allCases.map(\.rawValue)

    mutating func readDetector(_ node: Node) {
        guard let object = node.object(Self.detectorKeys) else { return }
        let name = object["detector"]?.name()
        let pattern = object["matches"]?.pattern()
        let check = object["check"].map {
            $0.choice(among: OwnDetector.Check.allCases.map(\.rawValue))
        }
        let context = object["context"].map { $0.names { $0.prose(atMost: 64).map { Name($0) } } }
        _ = object["reason"]?.prose(atMost: 500)
        guard let name, let pattern else { return }
        if Self.kinds.contains(where: { $0.isByteEqual(to: name.text) }) {
            return node.report("\(quoted(name.text)) is a kind of this build; choose another name")
        }
        if let first = detectors.first(where: { $0.value.name == name }) {
            return node.report(
                "\(quoted(name.text)) is already declared at \(first.place.reference)")
        }
        if detectors.count == OwnDetector.countMax {
            return node.report("is one detector too many; \(OwnDetector.countMax) are allowed")
        }
        let words = (context ?? [])?.map { lowercased($0).text } ?? []
        detectors.append(
            node.located(
                OwnDetector(
                    name: name, pattern: pattern,
                    check: check.flatMap { $0 }.flatMap { OwnDetector.Check(rawValue: $0) },
                    context: words)))
    }

    mutating func readMask(_ object: ObjectReader, id: Name?) {
        Self.refuseTargets(object, also: ["filter"])
        let selectors = Self.selectors(object)
        _ = object["reason"]?.prose(atMost: 500)
        let words = ValueRule.Treatment.allCases.map(\.rawValue)
        let unserved = MaskRule.Strategy.allCases.map(\.rawValue).filter { !words.contains($0) }
        guard let with = object["with"] else { return }
        if case .string(let word) = with.value.content,
            unserved.contains(where: { $0.isByteEqual(to: word) })
        {
            return with.report(
                "is for a `column` or `field`: a part of a text is masked with \(quoted(words))")
        }
        guard let word = with.choice(among: words), let id, let selectors,
            let treatment = ValueRule.Treatment(rawValue: word)
        else { return }
        if treatment == .partial || treatment == .pseudonym {
            for selector in selectors
            where ValueKind(rawValue: selector.value.text)?.isSecret == true {
                selector.place.report(
                    "is a secret: it is masked with \"redact\", or left with \"keep\"",
                    object.node.findings)
            }
        }
        let rule = ValueRule(id: id, selectors: [], treatment: treatment)
        masks.append((object.node.located(rule), selectors))
    }

    mutating func readReveal(_ object: ObjectReader, id: Name?) {
        Self.refuseTargets(object, also: [])
        let selectors = Self.selectors(object)
        _ = object["reason"]?.prose(atMost: 500)
        let to = object["to"].flatMap {
            GrantManifest.grantees($0, keys: PolicyManifest.revealToKeys)
        }
        guard let id, let selectors, let to else { return }
        let rule = ValueReveal(id: id, selectors: [], groups: to.named.groups)
        reveals.append(Reveal(rule: rule, selectors: selectors, to: to.recipients))
    }

    private static func refuseTargets(_ object: ObjectReader, also: [String]) {
        for key in ["column", "field", "path"] + also {
            object[key]?.report("stands beside `value`; declare one of them")
        }
    }

    private static func selectors(_ object: ObjectReader) -> [Located<Name>]? {
        guard let elements = object["value"]?.someElements() else { return nil }
        let names = elements.compactMap { node in node.located { $0.name() } }
        return names.count == elements.count ? names : nil
    }

    /// Every name tied to what it names, and the policy with nothing but values in it.
    func resolved(_ findings: Findings, _ sources: IdentitySources?) -> Policy {
        var policy = Policy()
        policy.detectors = detectors.map(\.value)
        var taken: [Name: Name] = [:]
        for (rule, selectors) in masks {
            var resolved = rule.value
            resolved.selectors = selectors.compactMap { selector($0, findings) }
            for name in selectors {
                if let first = taken[name.value] {
                    name.place.report("is already masked by \(quoted(first.text))", findings)
                } else {
                    taken[name.value] = rule.value.id
                }
            }
            policy.values.append(resolved)
        }
        policy.valueReveals = reveals.map { reveal in
            var resolved = reveal.rule
            resolved.selectors = reveal.selectors.compactMap { selector($0, findings) }
            if let sources { resolved.to.issuers = sources.issuers(of: reveal.to, findings) }
            return resolved
        }
        return policy
    }

    private func selector(_ name: Located<Name>, _ findings: Findings) -> ValueRule.Selector? {
        if detectors.contains(where: { $0.value.name == name.value }) {
            return .detector(name.value)
        }
        if let kind = ValueKind.allCases.first(where: {
            $0.rawValue.isByteEqual(to: name.value.text)
        }) {
            return .kind(kind)
        }
        let known = Self.kinds + detectors.map(\.value.name.text)
        let near = nearest(name.value.text, among: known).map { "; did you mean \(quoted($0))?" }
        name.place.report(
            "no kind of value and no detector \(quoted(name.value.text))\(near ?? "; kinds are \(quoted(Self.kinds))")",
            findings)
        return nil
    }
}

extension Place {
    fileprivate func report(_ message: String, _ findings: Findings) {
        findings.problem(message, at: self)
    }
}
