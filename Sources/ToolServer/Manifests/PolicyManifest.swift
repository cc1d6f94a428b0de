import Enforcement
import JSON

/// What the policy files declare together, each entry with its place.
struct PolicyManifest {
    static let keys = KeySet(
        required: [], optional: ["$schema", "grants", "access", "rules", "detectors"])
    static let denyKeys = KeySet(
        required: ["rule", "effect", "when", "reason"], optional: ["instead", "mode", "cases"])
    static let limitKeys = KeySet(
        required: ["rule", "effect", "limit", "reason"],
        optional: ["when", "instead", "mode", "cases"])
    static let approveKeys = KeySet(
        required: ["rule", "effect", "when", "reason", "approvers"],
        optional: [
            "instead", "expires", "hold", "mode", "cases", "escalate", "force", "callerReason",
            "preview",
        ])
    static let escalateKeys = KeySet(required: ["after", "groups"])
    static let forceKeys = KeySet(required: ["groups"])
    static let approverKeys = KeySet(required: ["groups"], optional: ["issuer", "count"])
    static let maskKeys = KeySet(
        required: ["rule", "effect", "with"],
        optional: ["column", "field", "path", "value", "filter", "reason"],
        unserved: ["when": "the mask holds for everyone; lift it for groups with `reveal`"])
    static let revealKeys = KeySet(
        required: ["rule", "effect", "to"],
        optional: ["column", "field", "path", "value", "reason"],
        unserved: ["when": "name the groups in `to`"])
    static let revealToKeys = KeySet(required: ["groups"], optional: ["issuer"])
    static let effects = ["deny", "approve", "limit", "mask", "reveal"]
    static let strategies = MaskRule.Strategy.allCases.map(\.rawValue)

    struct Reveal {
        let rule: RevealRule
        let target: Place
        let to: GrantManifest.Recipients
    }

    struct Mask {
        let rule: Located<MaskRule>
        let target: Place
    }

    private(set) var grants: [GrantManifest.Entry] = []
    var access: [AccessManifest] = []
    private(set) var rules: [Located<Rule>] = []
    private(set) var cases: [RuleCase] = []
    private(set) var masks: [Mask] = []
    private(set) var reveals: [Reveal] = []
    private(set) var values = ValueManifest()
    /// Whose groups may approve, by rule.
    var approvers: [Name: GrantManifest.Recipients] = [:]
    private var places: [Name: Place] = [:]

    mutating func read(_ object: ObjectReader) {
        for node in object["detectors"]?.elements() ?? [] { values.readDetector(node) }
        for node in object["grants"]?.elements() ?? [] {
            if let entry = GrantManifest.read(node) { grants.append(entry) }
        }
        for node in object["access"]?.elements() ?? [] { readAccess(node) }
        for node in object["rules"]?.elements() ?? [] { readRule(node) }
    }

    private mutating func readRule(_ node: Node) {
        guard let members = node.members() else { return }
        guard let effect = members.first(where: { $0.name.isByteEqual(to: "effect") }) else {
            return node.report("missing key `effect`")
        }
        let word = effect.node.choice(among: Self.effects)
        switch word {
        case "deny": readDecision(ObjectReader(node, members: members, keys: Self.denyKeys), .deny)
        case "approve":
            readDecision(ObjectReader(node, members: members, keys: Self.approveKeys), .approve)
        case "limit": readLimit(ObjectReader(node, members: members, keys: Self.limitKeys))
        case "mask":
            let object = ObjectReader(node, members: members, keys: Self.maskKeys)
            if object["value"] == nil {
                readMask(object)
            } else {
                values.readMask(object, id: identifier(of: object))
            }
        case "reveal":
            let object = ObjectReader(node, members: members, keys: Self.revealKeys)
            if object["value"] == nil {
                readReveal(object)
            } else {
                values.readReveal(object, id: identifier(of: object))
            }
        default: break
        }
    }

    /// No two rules or offers have the same.
    mutating func identifier(of object: ObjectReader, as key: String = "rule") -> Name? {
        guard let node = object[key], let id = node.ruleID() else { return nil }
        if let first = places[id] {
            node.report("\(quoted(id.text)) is already declared at \(first.reference)")
        } else {
            places[id] = node.place
        }
        return id
    }

    private mutating func readDecision(_ object: ObjectReader, _ effect: Rule.Effect) {
        let id = identifier(of: object)
        let when = object["when"].flatMap { Condition.read($0) }
        let reason = object["reason"]?.prose(atMost: 500)
        let instead = object["instead"]?.prose(atMost: 500)
        let mode = mode(of: object)
        let approval = effect == .approve ? approvalOfCalls(object, id) : nil
        readCases(object, of: id, effect)
        guard let id, let when, let reason, let mode else { return }
        // What is wrong with its approvers has been reported; nobody must take it for a plain rule.
        if effect == .approve, approval == nil { return }
        rules.append(
            object.node.located(
                Rule(
                    id: id, effect: effect, when: when, reason: reason, instead: instead,
                    mode: mode, approval: approval)))
    }

    private mutating func readLimit(_ object: ObjectReader) {
        let id = identifier(of: object)
        let when = object["when"].map { Condition.read($0) } ?? .always
        let quota = object["limit"].flatMap(QuotaManifest.read)
        let reason = object["reason"]?.prose(atMost: 500)
        let instead = object["instead"]?.prose(atMost: 500)
        let mode = mode(of: object)
        readCases(object, of: id, .limit)
        guard let id, let when, let quota, let reason, let mode else { return }
        rules.append(
            object.node.located(
                Rule(
                    id: id, effect: .limit, when: when, reason: reason, instead: instead,
                    mode: mode, quota: quota)))
    }

    mutating func readCases(
        _ object: ObjectReader, of rule: Name?, _ effect: Rule.Effect
    ) {
        for node in object["cases"]?.elements() ?? [] {
            guard let rule else { continue }
            CaseManifest.read(node, of: rule, effect).map { cases.append($0) }
        }
    }

    /// Whoever reads the warnings must not believe that the rule refuses anything.
    private func mode(of object: ObjectReader) -> Rule.Mode? {
        guard let node = object["mode"] else { return .enforce }
        let word = node.choice(among: Rule.Mode.allCases.map(\.rawValue))
        let mode = word.flatMap(Rule.Mode.init)
        if mode == .observe {
            node.findings.warning(
                "ONLY OBSERVES: what this rule is about is recorded and let pass", at: node.place)
        }
        return mode
    }

    private mutating func readMask(_ object: ObjectReader) {
        let id = identifier(of: object)
        let target = target(of: object)
        _ = object["reason"]?.prose(atMost: 500)
        let word = object["with"]?.choice(among: Self.strategies)
        let filter = object["filter"].map { $0.choice(among: ["allowed", "refused"]) } ?? "refused"
        guard let id, let target, let filter, let word,
            let strategy = MaskRule.Strategy(rawValue: word)
        else { return }
        let rule = MaskRule(
            id: id, target: target.value, strategy: strategy,
            mayFilter: filter.isByteEqual(to: "allowed"))
        masks.append(Mask(rule: object.node.located(rule), target: target.place))
    }

    private mutating func readReveal(_ object: ObjectReader) {
        let id = identifier(of: object)
        let target = target(of: object)
        _ = object["reason"]?.prose(atMost: 500)
        let to = object["to"].flatMap { GrantManifest.grantees($0, keys: Self.revealToKeys) }
        guard let id, let target, let to else { return }
        let rule = RevealRule(id: id, target: target.value, groups: to.named.groups)
        reveals.append(Reveal(rule: rule, target: target.place, to: to.recipients))
    }

    private func target(of object: ObjectReader) -> Located<MaskRule.Target>? {
        switch (object["column"], object["field"], object["path"]) {
        case (let column?, nil, nil):
            return column.located { node in node.column().map { .column(backend: $0, $1) } }
        case (let column?, nil, let path?):
            let place = path.maskedPath()
            return column.located { node in
                guard let (backend, column) = node.column(), let place else { return nil }
                return .inside(backend: backend, column, place)
            }
        case (nil, let field?, nil):
            return field.located { node in node.prose(atMost: 128).map { .field(Name($0)) } }
        case (nil, nil, let path?):
            return path.located { node in node.maskedPath().map { .document($0) } }
        case (nil, nil, nil):
            object.node.report("must name a `column`, a `field`, a `path` or kinds of `value`")
        case (_, let field?, _):
            field.report("stands beside `column` or `path`; declare one of them")
        }
        return nil
    }
}

extension Node {
    /// A place below the whole document, which a `column` or a tool's own scope keeps back better.
    fileprivate func maskedPath() -> DocumentPath? {
        guard let path = documentPath() else { return nil }
        if path.lastMember == nil { report("must end in the name of a member, or below one") }
        return path.lastMember == nil ? nil : path
    }

    /// `BACKEND.SCHEMA.TABLE.COLUMN`.
    fileprivate func column() -> (Name, ColumnPath)? {
        guard let text = prose(atMost: 512) else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map {
            Name(String($0))
        }
        guard parts.count == 4,
            parts.allSatisfy({ !$0.text.isEmpty && !$0.text.utf8.contains(UInt8(ascii: "*")) })
        else {
            report("must be BACKEND.SCHEMA.TABLE.COLUMN, such as \"shop.main.customers.email\"")
            return nil
        }
        return (parts[0], ColumnPath(schema: parts[1], table: parts[2], column: parts[3]))
    }
}
