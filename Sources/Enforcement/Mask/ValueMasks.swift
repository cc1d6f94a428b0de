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
    package var to: Grantees

    package init(
        id: Name, selectors: [ValueRule.Selector], groups: [Name],
        of issuers: Grantees.Issuers = .any
    ) {
        self.id = id
        self.selectors = selectors
        to = Grantees(groups: groups, of: issuers)
    }
}

/// How each kind of value is masked, compiled once a catalogue.
///
/// What no rule names is masked too: a secret is redacted, an identifier becomes a token. Without
/// a key for tokens it is redacted as well.
package final class ValueMasks: Sendable {
    private let reveals: [ValueReveal]
    /// By kind, then by own detector.
    private let labels: [[UInt8]]
    private let treatments: [ValueRule.Treatment]
    private let allWanted: WantedValues
    let detectors: OwnDetectors
    let pseudonym: Pseudonym?

    package init(policy: Policy = Policy(), pseudonym: Pseudonym? = nil) {
        self.pseudonym = pseudonym
        detectors = OwnDetectors(all: policy.detectors)
        labels =
            ValueKind.allCases.map { Array($0.rawValue.utf8) }
            + policy.detectors.map { Pseudonym.kind(of: $0.name.text) }
        reveals = policy.valueReveals
        treatments =
            ValueKind.allCases.map { kind in
                Self.treatment(of: .kind(kind), in: policy)
                    ?? (kind.isSecret ? .redact : .pseudonym)
            }
            + policy.detectors.map {
                Self.treatment(of: .detector($0.name), in: policy) ?? .redact
            }
        allWanted = Self.wanted(of: treatments, detectors, lifted: [], only: nil)
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
        let lifted = caller.map(holding) ?? []
        return Self.wanted(
            of: treatments, detectors, lifted: Set(lifted.flatMap(\.selectors)), only: only)
    }

    /// The same, where looking at the caller costs more than what it tells.
    func wanted(for call: ScopedCall) -> WantedValues {
        reveals.isEmpty ? allWanted : wanted(for: call.caller)
    }

    /// The rules under which a caller sees values as they are.
    func reveals(for call: ScopedCall) -> [Name] {
        reveals.isEmpty ? [] : holding(for: call.caller).map(\.id)
    }

    private func holding(for caller: Caller) -> [ValueReveal] {
        reveals.filter { $0.to.include(caller) }
    }

    private static func wanted(
        of treatments: [ValueRule.Treatment], _ detectors: OwnDetectors,
        lifted: Set<ValueRule.Selector>, only: Set<ValueKind>?
    ) -> WantedValues {
        let kinds = ValueKind.allCases.filter { kind in
            treatments[kind.place] != .keep && !lifted.contains(.kind(kind))
                && only?.contains(kind) != false
        }
        let own = detectors.all.indices.filter { place in
            treatments[ValueKind.allCases.count + place] != .keep
                && !lifted.contains(.detector(detectors.all[place].name))
        }
        return WantedValues(of: kinds, own: own)
    }

    func treatment(of kind: ValueKind) -> ValueRule.Treatment { treatments[kind.place] }

    private func place(of what: Finding.What) -> Int {
        switch what {
        case .kind(let kind): kind.place
        case .own(let place): ValueKind.allCases.count + place
        }
    }

    /// The word of a placeholder or token.
    func label(of what: Finding.What) -> [UInt8] { labels[place(of: what)] }

    /// What stands in the place of `value`.
    func replacement(for value: Span<UInt8>, _ what: Finding.What) -> [UInt8] {
        var bytes: [UInt8] = []
        append(replacementOf: value, what, to: &bytes)
        return bytes
    }

    func append(replacementOf value: Span<UInt8>, _ what: Finding.What, to bytes: inout [UInt8]) {
        let place = place(of: what)
        let kind = place < ValueKind.allCases.count ? ValueKind.allCases[place] : nil
        switch treatments[place] {
        case .partial where kind?.isSecret != true:
            bytes += Partial.masked(Canonical.shown(value, kind: kind)[...])
        case .pseudonym where pseudonym != nil:
            pseudonym?.append(
                tokenFor: value, kind, label: labels[place], to: &bytes)
        case .keep, .partial, .pseudonym, .redact:
            bytes.append(UInt8(ascii: "["))
            bytes += labels[place]
            bytes.append(UInt8(ascii: "]"))
        }
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
