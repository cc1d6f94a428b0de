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
    func verdict(on facts: Facts) -> Verdict { verdict(facts.recorded) { facts.known($0) } }

    /// `recorded`: what the record says in place of values, of a call that it tells of.
    func verdict(_ recorded: RecordedFacts?, _ known: (Fact) -> Facts.Known) -> Verdict {
        switch self {
        case .fact(let fact, let test):
            return recorded?.verdict(fact, test) ?? test.verdict(on: known(fact))
        case .not(let condition): return condition.verdict(recorded, known).negated
        case .all(let conditions):
            return conditions.verdict(unless: .unmatched, recorded, known)
        case .any(let conditions): return conditions.verdict(unless: .matched, recorded, known)
        }
    }

    /// False when no call can ever meet the condition, whatever the facts that `known` does not
    /// settle, so that calls need not ask.
    func couldHold(_ known: (Fact) -> Facts.Known?) -> Bool {
        switch self {
        case .fact(let fact, let test): known(fact).map { test.verdict(on: $0).holds } ?? true
        case .all(let conditions): conditions.allSatisfy { $0.couldHold(known) }
        case .any(let conditions): conditions.contains { $0.couldHold(known) }
        case .not(.fact(let fact, let test)):
            known(fact).map { test.verdict(on: $0).negated.holds } ?? true
        case .not: true
        }
    }
}

extension [Condition] {
    /// One `decisive` verdict settles it; else one unknown makes it unknown; else it is the other.
    fileprivate func verdict(
        unless decisive: Verdict, _ recorded: RecordedFacts?, _ known: (Fact) -> Facts.Known
    ) -> Verdict {
        var verdict = decisive.negated
        for condition in self {
            switch condition.verdict(recorded, known) {
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
    func verdict(on known: Facts.Known) -> Verdict {
        if case .present(let wanted) = self {
            let isPresent = known.values.contains { $0 != .null }
            return isPresent || known.isComplete ? Verdict(isPresent == wanted) : .unknown
        }
        var verdict = known.isComplete ? Verdict.unmatched : .unknown
        for value in known.values {
            switch self.verdict(on: value, folding: known.foldsNames) {
            case .matched: return .matched
            case .unknown: verdict = .unknown
            case .unmatched: break
            }
        }
        return verdict
    }

    private func verdict(on value: JSONValue, folding: Bool) -> Verdict {
        switch self {
        case .oneOf(let wanted):
            Verdict(wanted.contains { Self.same($0, value, folding: folding) })
        case .glob(let pattern):
            value.string.map { Verdict(Glob.matches(pattern, $0, folding: folding)) } ?? .unknown
        case .matches(let pattern):
            value.string.map { Verdict(pattern.matches($0)) } ?? .unknown
        case .over(let bound):
            value.number.map { Verdict($0.compare(to: bound) == .greater) } ?? .unknown
        case .under(let bound):
            value.number.map { Verdict($0.compare(to: bound) == .less) } ?? .unknown
        case .within(let ranges):
            value.string.flatMap { NetworkRange.peer($0) }.map { address in
                Verdict(ranges.contains { $0.contains(address) })
            } ?? .unknown
        case .hours(let window): value.int.map { Verdict(window.contains($0)) } ?? .unknown
        case .present: .unknown
        }
    }

    private static func same(_ wanted: JSONValue, _ value: JSONValue, folding: Bool) -> Bool {
        switch (wanted, value) {
        case (.string(let pattern), .string(let text)):
            Glob.matches(pattern, text, folding: folding)
        case (.number(let one), .number(let other)): one.compare(to: other) == .equal
        default: wanted == value
        }
    }
}

/// `*` stands for any run of bytes; everything else for itself. No backtracking beyond the last
/// star, so the work is at most pattern × text.
package enum Glob {
    /// `folding`: ASCII letters of either case are one.
    package static func matches(
        _ pattern: String, _ text: String, folding: Bool = false
    ) -> Bool {
        guard folding || pattern.utf8.contains(UInt8(ascii: "*")) else {
            return pattern.isByteEqual(to: text)
        }
        return matches(pattern.utf8.span, text.utf8.span, folding: folding)
    }

    private static func matches(
        _ pattern: Span<UInt8>, _ text: Span<UInt8>, folding: Bool
    ) -> Bool {
        var at = 0
        var next = 0
        var star: (pattern: Int, text: Int)?
        while next < text.count {
            if at < pattern.count, pattern[at] == UInt8(ascii: "*") {
                star = (at, next)
                at += 1
            } else if at < pattern.count, same(pattern[at], text[next], folding: folding) {
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

    private static func same(_ left: UInt8, _ right: UInt8, folding: Bool) -> Bool {
        if left == right { return true }
        return folding && left ^ right == 0x20
            && (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(left | 0x20)
    }
}
