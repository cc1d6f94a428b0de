import JSON

/// Covers the fields of a document that the policy masks by name, at any depth and whatever the
/// document is. Names, order and lengths stay, null stays null.
struct DocumentCover {
    private struct Cover {
        let strategy: MaskRule.Strategy
        let token: String
    }

    private var fields: [[UInt8]: Cover] = [:]
    private(set) var maskedCount = 0

    init(_ policy: Policy, for caller: Caller) {
        for rule in policy.masks {
            guard case .field(let name) = rule.target else { continue }
            let isRevealed = policy.reveals.contains { reveal in
                reveal.target == rule.target
                    && reveal.groups.contains { caller.groups.contains($0) }
            }
            let key = MaskRule.Target.folded(name.text)
            // Of two rules for one field the stricter holds.
            if !isRevealed, fields[key]?.strategy != .redact {
                fields[key] = Cover(strategy: rule.strategy, token: "[\(name.text)]")
            }
        }
    }

    var coversAnything: Bool { !fields.isEmpty }

    mutating func covered(_ value: JSONValue) -> JSONValue {
        guard coversAnything else { return value }
        switch value {
        case .null, .bool, .number, .string: return value
        case .array(let values): return .array(values.map { covered($0) })
        case .object(let object):
            return .object(
                JSONObject(
                    distinct: object.members.map { member in
                        let cover = fields[MaskRule.Target.folded(member.name)]
                        let value =
                            cover.map { whole(member.value, by: $0) } ?? covered(member.value)
                        return (member.name, value)
                    }))
        }
    }

    /// Everything under a field that is masked.
    private mutating func whole(_ value: JSONValue, by cover: Cover) -> JSONValue {
        switch value {
        case .null: return .null
        case .array(let values): return .array(values.map { whole($0, by: cover) })
        case .object(let object):
            return .object(
                JSONObject(distinct: object.members.map { ($0.name, whole($0.value, by: cover)) }))
        case .string(let text) where cover.strategy == .partial:
            maskedCount += 1
            let masked = Partial.masked(Array(text.utf8)[...])
            return .string(String(decoding: masked, as: UTF8.self))
        case .bool, .number, .string:
            maskedCount += 1
            return .string(cover.token)
        }
    }
}
