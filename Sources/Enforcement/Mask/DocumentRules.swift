import JSON

/// The rules about fields that hold for one caller, by folded name.
struct FieldRules {
    private var rules: [[UInt8]: MaskRule] = [:]

    init(_ policy: Policy, for caller: Caller?) {
        for rule in policy.masks {
            guard case .field(let name) = rule.target else { continue }
            let key = MaskRule.Target.folded(name.text)
            rules[key] = MaskRule.stricter(rules[key], policy.held(rule, by: caller))
        }
    }

    var isEmpty: Bool { rules.isEmpty }

    func rule(for name: String) -> MaskRule? {
        rules.isEmpty ? nil : rules[MaskRule.Target.folded(name)]
    }
}

/// The rules about places in a document. Names are compared as those of fields are, and a list that
/// a path does not mention is gone through: `$.customer.ssn` holds also where there are several.
struct PlaceRules {
    /// How far into which rule's path a walk has come.
    struct Reached {
        fileprivate let rule: Int
        fileprivate let step: Int
    }

    private enum Step {
        case member([UInt8])
        case element(Int)
        case every

        init(_ step: DocumentPath.Step) {
            self =
                switch step {
                case .member(let name): .member(MaskRule.Target.folded(name.text))
                case .element(let index): .element(index)
                case .every: .every
                }
        }

        /// Whether entering `entered` goes this way. A pick of every element goes all ways.
        func leads(to entered: Step) -> Bool {
            switch (self, entered) {
            case (.member(let name), .member(let other)): name == other
            case (.element(let index), .element(let other)): index == other
            case (.every, .element), (.every, .every), (.element, .every): true
            default: false
            }
        }
    }

    private let rules: [(rule: MaskRule, path: [Step])]
    /// At the root.
    let start: [Reached]

    init(_ masks: [MaskRule]) {
        rules = masks.compactMap { rule in
            rule.target.place.map { (rule, $0.steps.map(Step.init)) }
        }
        start = rules.indices.map { Reached(rule: $0, step: 0) }
    }

    /// Where a step leads, and the rule that covers all that stands there.
    func enter(
        _ step: DocumentPath.Step, from here: [Reached]
    ) -> (next: [Reached], rule: MaskRule?) {
        if here.isEmpty { return ([], nil) }
        let step = Step(step)
        var next: [Reached] = []
        var covering: MaskRule?
        for reached in here {
            let (rule, path) = rules[reached.rule]
            switch step {
            case .member: break
            case .element, .every: next.append(reached)
            }
            guard path[reached.step].leads(to: step) else { continue }
            if reached.step + 1 == path.count {
                covering = MaskRule.stricter(covering, rule)
            } else {
                next.append(Reached(rule: reached.rule, step: reached.step + 1))
            }
        }
        return (next, covering)
    }
}

extension Policy {
    /// The rules that lift this one for some.
    func reveals(of rule: MaskRule) -> [RevealRule] { reveals.filter { $0.target == rule.target } }

    /// A rule that is lifted for the caller keeps what it names.
    func held(_ rule: MaskRule, by caller: Caller?) -> MaskRule {
        guard let caller, let reveal = reveals(of: rule).first(where: { $0.holds(for: caller) })
        else { return rule }
        var lifted = rule
        lifted.strategy = .keep
        lifted.liftedBy = reveal.id
        return lifted
    }
}

extension MaskRule {
    static func stricter(_ left: MaskRule?, _ right: MaskRule?) -> MaskRule? {
        guard let left, let right else { return left ?? right }
        return right.strategy.strictness > left.strategy.strictness ? right : left
    }
}

extension MaskRule.Target {
    /// A place in an answer, not in what a column holds.
    var isOfAnswers: Bool { if case .document = self { true } else { false } }

    fileprivate var place: DocumentPath? {
        switch self {
        case .document(let path), .inside(_, _, let path): path
        case .column, .field: nil
        }
    }
}
