import JSON

/// What a condition says about a call. `unknown` counts as matched: a rule that cannot be
/// evaluated must not let a call pass.
enum Verdict {
    case matched, unmatched, unknown

    var holds: Bool { self != .unmatched }

    var negated: Verdict {
        switch self {
        case .matched: .unmatched
        case .unmatched: .matched
        case .unknown: .unknown
        }
    }

    init(_ matched: Bool) { self = matched ? .matched : .unmatched }
}

extension Condition {
    func verdict(on facts: Facts) -> Verdict {
        switch self {
        case .fact(let fact, let test): return test.verdict(on: facts.values(of: fact))
        case .not(let condition): return condition.verdict(on: facts).negated
        case .all(let conditions): return conditions.verdict(unless: .unmatched, on: facts)
        case .any(let conditions): return conditions.verdict(unless: .matched, on: facts)
        }
    }

    /// False when no call of this tool can ever meet the condition, so that its calls need not ask.
    func couldHold(for tool: Tool) -> Bool {
        switch self {
        case .fact(let fact, let test):
            Facts.values(of: fact, for: tool).map { test.verdict(on: $0).holds } ?? true
        case .all(let conditions): conditions.allSatisfy { $0.couldHold(for: tool) }
        case .any(let conditions): conditions.contains { $0.couldHold(for: tool) }
        case .not(.fact(let fact, let test)):
            Facts.values(of: fact, for: tool).map { test.verdict(on: $0).negated.holds } ?? true
        case .not: true
        }
    }
}

extension [Condition] {
    /// One `decisive` verdict settles it; else one unknown makes it unknown; else it is the other.
    fileprivate func verdict(unless decisive: Verdict, on facts: Facts) -> Verdict {
        var verdict = decisive.negated
        for condition in self {
            switch condition.verdict(on: facts) {
            case decisive: return decisive
            case .unknown: verdict = .unknown
            default: break
            }
        }
        return verdict
    }
}

extension Test {
    /// Any value that meets the test decides; one that the test cannot judge makes it unknown.
    func verdict(on values: [JSONValue]) -> Verdict {
        if case .present(let wanted) = self {
            let isPresent = values.contains { $0 != .null }
            return Verdict(isPresent == wanted)
        }
        var verdict = Verdict.unmatched
        for value in values {
            switch self.verdict(on: value) {
            case .matched: return .matched
            case .unknown: verdict = .unknown
            case .unmatched: break
            }
        }
        return verdict
    }

    private func verdict(on value: JSONValue) -> Verdict {
        switch self {
        case .oneOf(let wanted): Verdict(wanted.contains { Self.same($0, value) })
        case .glob(let pattern):
            value.string.map { Verdict(Glob.matches(pattern, $0)) } ?? .unknown
        case .matches(let pattern):
            value.string.map { Verdict(pattern.matches($0)) } ?? .unknown
        case .over(let bound):
            value.number.map { Verdict($0.compare(to: bound) == .greater) } ?? .unknown
        case .under(let bound):
            value.number.map { Verdict($0.compare(to: bound) == .less) } ?? .unknown
        case .present: .unknown
        }
    }

    private static func same(_ wanted: JSONValue, _ value: JSONValue) -> Bool {
        switch (wanted, value) {
        case (.string(let pattern), .string(let text)): Glob.matches(pattern, text)
        case (.number(let one), .number(let other)): one.compare(to: other) == .equal
        default: wanted == value
        }
    }
}

/// `*` stands for any run of bytes; everything else for itself. No backtracking beyond the last
/// star, so the work is at most pattern × text.
enum Glob {
    static func matches(_ pattern: String, _ text: String) -> Bool {
        guard pattern.utf8.contains(UInt8(ascii: "*")) else { return pattern.isByteEqual(to: text) }
        return matches(pattern.utf8.span, text.utf8.span)
    }

    private static func matches(_ pattern: Span<UInt8>, _ text: Span<UInt8>) -> Bool {
        var at = 0
        var next = 0
        var star: (pattern: Int, text: Int)?
        while next < text.count {
            if at < pattern.count, pattern[at] == UInt8(ascii: "*") {
                star = (at, next)
                at += 1
            } else if at < pattern.count, pattern[at] == text[next] {
                at += 1
                next += 1
            } else if let last = star {
                star = (last.pattern, last.text + 1)
                at = last.pattern + 1
                next = last.text + 1
            } else {
                return false
            }
        }
        while at < pattern.count, pattern[at] == UInt8(ascii: "*") { at += 1 }
        return at == pattern.count
    }
}
