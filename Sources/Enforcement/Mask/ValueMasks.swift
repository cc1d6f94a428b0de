package import JSON

/// What a policy says about values of some kinds, wherever they stand.
package struct ValueRule: Sendable {
    package enum Treatment: String, Sendable, CaseIterable {
        /// As they are. The policy's author knows that its tools need them.
        case keep
        case partial, pseudonym, redact
    }

    package enum Selector: Hashable, Sendable {
        case kind(ValueKind)
        case detector(Name)
    }

    package var id: Name
    package var selectors: [Selector]
    package var treatment: Treatment

    package init(id: Name, selectors: [Selector], treatment: Treatment) {
        self.id = id
        self.selectors = selectors
        self.treatment = treatment
    }
}

/// Lifts the masks of some kinds of values for the members of some groups.
package struct ValueReveal: Sendable {
    package var id: Name
    package var selectors: [ValueRule.Selector]
    package var groups: [Name]

    package init(id: Name, selectors: [ValueRule.Selector], groups: [Name]) {
        self.id = id
        self.selectors = selectors
        self.groups = groups
    }
}

/// How each kind of value is masked, compiled once a catalogue.
///
/// What no rule names is masked too: a secret is redacted, an identifier becomes a token. Without
/// a key for tokens it is redacted as well.
package struct ValueMasks: Sendable {
    private var kinds: [ValueKind: ValueRule.Treatment] = [:]
    private var own: [ValueRule.Treatment] = []
    private var reveals: [ValueReveal] = []
    private let labels: [[UInt8]]
    private var allWanted = WantedValues(of: EmptyCollection())
    let detectors: OwnDetectors
    let pseudonym: Pseudonym?

    package init(policy: Policy = Policy(), pseudonym: Pseudonym? = nil) {
        self.pseudonym = pseudonym
        detectors = OwnDetectors(all: policy.detectors)
        labels = policy.detectors.map { Pseudonym.kind(of: $0.name.text) }
        reveals = policy.valueReveals
        for kind in ValueKind.allCases {
            kinds[kind] =
                Self.treatment(of: .kind(kind), in: policy)
                ?? (kind.isSecret ? .redact : .pseudonym)
        }
        own = policy.detectors.map { Self.treatment(of: .detector($0.name), in: policy) ?? .redact }
        allWanted = wanted(lifted: [], only: nil)
    }

    /// Of several rules for one kind the strictest holds.
    private static func treatment(
        of selector: ValueRule.Selector, in policy: Policy
    ) -> ValueRule.Treatment? {
        let named = policy.values.filter { $0.selectors.contains(selector) }.map(\.treatment)
        return ValueRule.Treatment.allCases.last { named.contains($0) }
    }

    /// What is to be looked for in an answer to this caller; nil for the record, which nobody's
    /// groups open.
    func wanted(for caller: Caller?, only: Set<ValueKind>? = nil) -> WantedValues {
        if only == nil, caller == nil || reveals.isEmpty { return allWanted }
        let lifted = reveals.filter { reveal in
            caller.map { caller in reveal.groups.contains { caller.groups.contains($0) } } ?? false
        }
        return wanted(lifted: Set(lifted.flatMap(\.selectors)), only: only)
    }

    private func wanted(
        lifted: Set<ValueRule.Selector>, only: Set<ValueKind>?
    ) -> WantedValues {
        let kinds = ValueKind.allCases.filter { kind in
            treatment(of: kind) != .keep && !lifted.contains(.kind(kind))
                && only?.contains(kind) != false
        }
        let own = detectors.all.indices.filter { place in
            self.own[place] != .keep && !lifted.contains(.detector(detectors.all[place].name))
        }
        return WantedValues(of: kinds, own: own)
    }

    func treatment(of kind: ValueKind) -> ValueRule.Treatment { kinds[kind] ?? .redact }

    /// The word of a placeholder or token.
    func label(of what: Finding.What) -> [UInt8] {
        switch what {
        case .kind(let kind): Array(kind.rawValue.utf8)
        case .own(let place): labels[place]
        }
    }

    /// What stands in the place of `value`.
    func replacement(for value: Span<UInt8>, _ what: Finding.What) -> [UInt8] {
        var treatment = ValueRule.Treatment.redact
        var kind: ValueKind?
        switch what {
        case .kind(let found):
            kind = found
            treatment = self.treatment(of: found)
        case .own(let place): treatment = own[place]
        }
        switch treatment {
        case .keep, .redact: break
        case .partial where kind?.isSecret != true:
            return Partial.masked(Canonical.shown(value, kind: kind)[...])
        case .partial: break
        case .pseudonym:
            guard let pseudonym else { break }
            return pseudonym.token(
                for: Canonical.form(of: value, kind: kind), kind: label(of: what))
        }
        return [UInt8(ascii: "[")] + label(of: what) + [UInt8(ascii: "]")]
    }
}

extension Canonical {
    /// A number without what groups it, so that its last four digits are its last four.
    static func shown(_ value: Span<UInt8>, kind: ValueKind?) -> [UInt8] {
        switch kind {
        case .card, .phone, .ssn, .imei, .iban, .nationalID: form(of: value, kind: kind)
        default: form(of: value, kind: nil)
        }
    }
}
