// Does any rule forbid this call?
//
// Every rule is evaluated, so that the answer and the record name all that matched; `deny` beats
// `limit` beats `approve`. It must never skip a rule whose facts are missing: that counts as
// matched. A rule that only observes is named to the record and decides nothing.

import JSON

/// A call that no rule denies, with the rules that want a person to look at it.
package struct ScreenedCall: Sendable {
    package let examined: ExaminedCall
    let holding: [Rule]

    fileprivate init(_ call: ExaminedCall, holding: [Rule]) {
        examined = call
        self.holding = holding
    }
}

package struct DenyStage: Sendable {
    /// For a call that is about to run: it is counted.
    func screen<Witness: CallWitness & ~Copyable>(
        _ call: ExaminedCall, on tab: inout UsageTab, seenBy witness: inout Witness
    ) async throws(Refusal) -> ScreenedCall {
        let tool = call.scoped.tool
        let moment = try await tab.moment(for: tool)
        witness.judged(at: moment)
        let matched = Self.matched(call, at: moment)
        if matched.isEmpty { return try Self.passed(call, holding: []) }
        tab.apply(matched.filter { $0.effect == .limit }, to: tool)
        let observing = matched.filter { $0.mode == .observe && $0.effect != .limit }
        if !observing.isEmpty { witness.observed(observing) }
        let binding = matched.filter { $0.mode == .enforce && $0.effect != .limit }
        let screened = try Self.decide(call, binding)
        let overdrawn = try await tab.draw()
        if !overdrawn.isEmpty { witness.observed(observing + overdrawn) }
        return screened
    }

    /// For whoever asks what would become of a call: nothing is counted, and a limit that applies
    /// is only named.
    func judge<Witness: CallWitness & ~Copyable>(
        _ call: ExaminedCall, at moment: Moment, seenBy witness: inout Witness
    ) throws(Refusal) -> (call: ScreenedCall, limiting: [Rule]) {
        let matched = Self.matched(call, at: moment)
        let observing = matched.filter { $0.mode == .observe }
        if !observing.isEmpty { witness.observed(observing) }
        let binding = matched.filter { $0.mode == .enforce }
        let screened = try Self.decide(call, binding.filter { $0.effect != .limit })
        return (screened, binding.filter { $0.effect == .limit })
    }

    private static func matched(_ call: ExaminedCall, at moment: Moment) -> [Rule] {
        let facts = Facts(call: call, at: moment)
        let rules = call.rules.rules
        // What the record says of a caller may be less than the index asks.
        let places =
            facts.recorded == nil
            ? call.rules.places(for: call.scoped.caller) : Array(rules.indices)
        // By place: a rule is long, and a copy of each would cost more than what it asks.
        var matched: [Rule] = []
        for place in places where rules[place].when.verdict(on: facts).holds {
            matched.append(rules[place])
        }
        return matched
    }

    private static func decide(
        _ call: ExaminedCall, _ matched: [Rule]
    ) throws(Refusal) -> ScreenedCall {
        let denying = matched.filter { $0.effect == .deny }
        guard let first = denying.first else { return try passed(call, holding: matched) }
        var told = "Refused by rule `\(first.id)`: \(first.reason)."
        if let instead = first.instead {
            told += " Instead: \(instead)."
        } else {
            told += " \(NextStep(after: first, of: call.scoped.tool).text)"
        }
        if denying.count > 1 {
            let others = denying.dropFirst().map { "`\($0.id)` (\($0.reason))" }
            told += " Also refused by \(others.joined(separator: ", "))."
        }
        var refusal = Refusal(.denied, told, rules: denying.map(\.id))
        refusal.isOfUsage = denying.allSatisfy { $0.when.asksUsage }
        throw refusal
    }

    private static func passed(
        _ call: ExaminedCall, holding: [Rule]
    ) throws(Refusal) -> ScreenedCall {
        if call.masks.mayRefuse, let refusal = call.masks.refusal(for: call.scoped.caller) {
            throw refusal
        }
        return ScreenedCall(call, holding: holding)
    }
}
