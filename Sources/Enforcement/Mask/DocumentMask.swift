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
    /// Places that it speaks of, from the root of a document.
    private let places: PlaceRules
    /// Of documents in texts of documents.
    private var depth = 0
    private static let depthMax = 4
    package private(set) var maskedCount = 0
    /// The rules by which something was shown that is masked for others.
    private(set) var reveals: Set<Name> = []

    /// For a caller's answer; nil for what belongs to nobody: the record, and the lab.
    package init(
        _ masks: ValueMasks, _ policy: Policy, for caller: Caller?, only: Set<ValueKind>? = nil
    ) {
        let ofAnswers = policy.masks.filter { $0.target.isOfAnswers }
        self.init(masks, policy, for: caller, only: only, at: ofAnswers)
    }

    /// `rules` are about places: the documents in a column have their own.
    init(
        _ masks: ValueMasks, _ policy: Policy, for caller: Caller?, only: Set<ValueKind>? = nil,
        at rules: [MaskRule]
    ) {
        self.masks = masks
        wanted = masks.wanted(for: caller, only: only)
        text = TextMask(masks, wanted: wanted)
        fields = FieldRules(policy, for: caller)
        places = PlaceRules(rules.map { policy.held($0, by: caller) })
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

    /// A short piece of a text, on one line; of a document nothing or all, for its masks go by its
    /// fields. Cut when it is masked.
    mutating func maskedPiece(of raw: String, most: Int) -> String? {
        if (try? JSONParser.parse(Array(raw.utf8))) != nil {
            let shown = maskedText(raw)
            return shown.utf8.count <= most ? shown : nil
        }
        let line = text.maskedStart(of: raw, most: most).unicodeScalars.map { scalar in
            scalar.properties.generalCategory == .control ? " " : scalar
        }
        return line.isEmpty ? nil : String(String.UnicodeScalarView(line))
    }

    package mutating func masked(_ value: JSONValue) -> JSONValue {
        masked(value, named: nil, around: .nothing, at: places.start)
    }

    /// What a tool picked, each piece by the rules and names of the place that it was picked from
    /// as well as by its new name.
    mutating func masked(
        _ document: JSONValue, picked picks: [(name: String, path: DocumentPath)]
    ) -> JSONValue {
        guard case .object(let object) = document else { return masked(document) }
        if picks.isEmpty { return masked(whole: object) }
        let members = zip(object.members, picks).map { member, pick -> JSONObject.Member in
            var here = places.start
            var rule = fields.rule(for: pick.name)
            for step in pick.path.steps {
                let (next, found) = places.enter(step, from: here)
                here = next
                rule = MaskRule.stricter(rule, found)
                if case .member(let name) = step {
                    rule = MaskRule.stricter(rule, fields.rule(for: name.text))
                }
            }
            if let rule { return (member.name, covered(member.value, by: rule)) }
            let key = (pick.path.lastMember?.text ?? pick.name)
            let lists = pick.path.steps.count { $0 == .every }
            return (member.name, picked(member.value, of: lists, from: key, pick.name, at: here))
        }
        return .object(JSONObject(distinct: members))
    }

    /// An answer that was no object stands in one, as its `value`: that is its root as well.
    private mutating func masked(whole object: JSONObject) -> JSONValue {
        let name = "value"
        guard object.count == 1, let value = object[name], fields.rule(for: name) == nil else {
            return .object(masked(object, at: places.start))
        }
        let (next, rule) = places.enter(.member(Name(name)), from: places.start)
        let shown =
            rule.map { covered(value, by: $0) }
            ?? masked(value, named: nil, around: .nothing, at: next + places.start)
        return .object(JSONObject(distinct: [(name, shown)]))
    }

    /// A pick out of every element made a list, in which the place is each element's.
    private mutating func picked(
        _ value: JSONValue, of lists: Int, from key: String, _ name: String,
        at here: [PlaceRules.Reached]
    ) -> JSONValue {
        if lists > 0, case .array(let values) = value {
            return .array(values.map { picked($0, of: lists - 1, from: key, name, at: here) })
        }
        return masked(
            value,
            named: NamedValues.name(key.utf8.span) ?? NamedValues.name(name.utf8.span),
            around: key.utf8.span.cues(before: key.utf8.count), at: here)
    }

    private mutating func masked(
        _ value: JSONValue, named: NamedValues.Named?, around: Meaning,
        at here: [PlaceRules.Reached]
    ) -> JSONValue {
        switch value {
        case .null, .bool: return value
        case .number(let number): return masked(number, named: named)
        case .string(let string): return masked(string, named: named, around: around)
        case .array(let values):
            return .array(
                values.enumerated().map { index, value in
                    let (next, rule) = places.enter(.element(index), from: here)
                    if let rule { return covered(value, by: rule) }
                    return masked(value, named: named, around: around, at: next)
                })
        case .object(let object): return .object(masked(object, at: here))
        }
    }

    private mutating func masked(_ object: JSONObject, at here: [PlaceRules.Reached]) -> JSONObject
    {
        var members: [JSONObject.Member] = []
        members.reserveCapacity(object.count)
        for member in object.members {
            let name = maskedName(member.name, among: members)
            let (next, rule) = places.enter(.member(Name(member.name)), from: here)
            if let rule = MaskRule.stricter(rule, fields.rule(for: member.name)) {
                members.append((name, covered(member.value, by: rule)))
                continue
            }
            let key = member.name.utf8.span
            members.append(
                (
                    name,
                    masked(
                        member.value, named: NamedValues.name(key),
                        around: key.cues(before: key.count), at: next)
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
        if let inner = maskedInner(string) { return .string(inner) }
        guard let bytes = text.masked(value, around: around) else { return .string(string) }
        maskedCount += 1
        return .string(String(decoding: bytes, as: UTF8.self))
    }

    /// A text that is a document has fields too, and those of a text in it.
    private mutating func maskedInner(_ string: String) -> String? {
        guard !fields.isEmpty, depth < Self.depthMax, string.utf8.span.beginsJSON,
            let document = try? JSONParser.parse(Array(string.utf8))
        else { return nil }
        depth += 1
        defer { depth -= 1 }
        let countBefore = maskedCount
        let masked = masked(document, named: nil, around: .nothing, at: [])
        return maskedCount == countBefore ? nil : masked.text
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
            if let reveal = rule.liftedBy { reveals.insert(reveal) }
            if rule.strategy == .keep { return value }
            maskedCount += 1
            return rule.strategy.masked(value, label: rule.target.label.text, masks: masks)
        }
    }
}
