package import JSON

/// Masks whole JSON documents: by the name of a field, then by value. Names, order, lengths and
/// types stay; a number that is masked becomes a text, and a name that is itself a value is masked
/// as well.
package struct DocumentMask {
    private var text: TextMask
    private let masks: ValueMasks
    private let wanted: WantedValues
    /// Fields that the policy speaks of, at any depth.
    private let fields: FieldRules
    package private(set) var maskedCount = 0

    /// For a caller's answer; nil for what belongs to nobody: the record, and the lab.
    package init(
        _ masks: ValueMasks, _ policy: Policy, for caller: Caller?, only: Set<ValueKind>? = nil
    ) {
        self.masks = masks
        wanted = masks.wanted(for: caller, only: only)
        text = TextMask(masks, wanted: wanted)
        fields = FieldRules(policy, for: caller)
    }

    /// A text that is a whole document is masked as one, and written anew only when it changes.
    mutating func maskedText(_ raw: String) -> String {
        if raw.utf8.span.beginsJSON, let document = try? JSONParser.parse(Array(raw.utf8)) {
            let countBefore = maskedCount
            let masked = masked(document)
            return maskedCount == countBefore ? raw : masked.text
        }
        guard let bytes = text.masked(raw.utf8.span) else { return raw }
        maskedCount += 1
        return String(decoding: bytes, as: UTF8.self)
    }

    package mutating func masked(_ value: JSONValue) -> JSONValue {
        masked(value, named: nil, around: .nothing)
    }

    private mutating func masked(
        _ value: JSONValue, named: NamedValues.Named?, around: Meaning
    ) -> JSONValue {
        switch value {
        case .null, .bool: return value
        case .number(let number): return masked(number, named: named)
        case .string(let string): return masked(string, named: named, around: around)
        case .array(let values):
            return .array(values.map { masked($0, named: named, around: around) })
        case .object(let object): return .object(masked(object))
        }
    }

    private mutating func masked(_ object: JSONObject) -> JSONObject {
        var members: [JSONObject.Member] = []
        members.reserveCapacity(object.count)
        for member in object.members {
            let name = maskedName(member.name, among: members)
            if let rule = fields.rule(for: member.name) {
                members.append((name, covered(member.value, by: rule)))
                continue
            }
            let key = member.name.utf8.span
            members.append(
                (
                    name,
                    masked(
                        member.value, named: NamedValues.name(key),
                        around: key.cues(before: key.count))
                ))
        }
        return JSONObject(distinct: members)
    }

    /// Two names may get one placeholder; then the second is numbered.
    private mutating func maskedName(_ name: String, among members: [JSONObject.Member]) -> String {
        guard let bytes = text.masked(name.utf8.span) else { return name }
        maskedCount += 1
        let base = String(decoding: bytes, as: UTF8.self)
        var candidate = base
        var number = 1
        while members.contains(where: { $0.name.isByteEqual(to: candidate) }) {
            number += 1
            candidate = "\(base)#\(number)"
        }
        return candidate
    }

    private mutating func masked(_ number: JSONNumber, named: NamedValues.Named?) -> JSONValue {
        let value = number.text.utf8.span
        guard let kind = named?.kind(of: value, isNumber: true), wanted.contains(.kind(kind)) else {
            return .number(number)
        }
        maskedCount += 1
        return .string(String(decoding: masks.replacement(for: value, .kind(kind)), as: UTF8.self))
    }

    private mutating func masked(
        _ string: String, named: NamedValues.Named?, around: Meaning
    ) -> JSONValue {
        let value = string.utf8.span
        if let kind = named?.kind(of: value), wanted.contains(.kind(kind)) {
            maskedCount += 1
            return .string(
                String(decoding: masks.replacement(for: value, .kind(kind)), as: UTF8.self))
        }
        guard let bytes = text.masked(value, around: around) else { return .string(string) }
        maskedCount += 1
        return .string(String(decoding: bytes, as: UTF8.self))
    }

    /// All that stands under a field that a rule masks.
    private mutating func covered(_ value: JSONValue, by rule: MaskRule) -> JSONValue {
        switch value {
        case .null: return .null
        case .array(let values): return .array(values.map { covered($0, by: rule) })
        case .object(let object):
            return .object(
                JSONObject(distinct: object.members.map { ($0.name, covered($0.value, by: rule)) }))
        case .bool, .number, .string:
            if rule.strategy == .keep { return value }
            maskedCount += 1
            return rule.strategy.masked(value, label: rule.target.label.text, masks: masks)
        }
    }
}

/// The rules about fields that hold for one caller, by folded name.
struct FieldRules {
    private var rules: [[UInt8]: MaskRule] = [:]

    init(_ policy: Policy, for caller: Caller?) {
        for rule in policy.masks {
            guard case .field(let name) = rule.target else { continue }
            let isRevealed = policy.reveals.contains { reveal in
                reveal.target == rule.target
                    && caller.map { reveal.to.include($0) } == true
            }
            var rule = rule
            if isRevealed { rule.strategy = .keep }
            let key = MaskRule.Target.folded(name.text)
            // Of two rules for one field the stricter holds.
            if rules[key].map({ $0.strategy.strictness < rule.strategy.strictness }) ?? true {
                rules[key] = rule
            }
        }
    }

    func rule(for name: String) -> MaskRule? {
        rules.isEmpty ? nil : rules[MaskRule.Target.folded(name)]
    }
}
