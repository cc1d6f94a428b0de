// Does any rule forbid this call?
//
// Every rule is evaluated, so that the answer and the record name all that matched; `deny` beats
// `approve`. It must never skip a rule whose facts are missing: that counts as matched.

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
    func screen(_ call: ExaminedCall) throws(Refusal) -> ScreenedCall {
        let facts = Facts(call: call)
        let rules = call.rules
        // By place: a rule is long, and a copy of each would cost more than what it asks.
        let matched = rules.indices.filter { rules[$0].when.verdict(on: facts).holds }
            .map { rules[$0] }
        let denying = matched.filter { $0.effect == .deny }
        guard let first = denying.first else {
            if let refusal = call.masks.refusal(for: call.scoped.caller) { throw refusal }
            return ScreenedCall(call, holding: matched)
        }
        var told = "Refused by rule `\(first.id)`: \(first.reason)."
        if let instead = first.instead { told += " Instead: \(instead)." }
        if denying.count > 1 {
            let others = denying.dropFirst().map { "`\($0.id)` (\($0.reason))" }
            told += " Also refused by \(others.joined(separator: ", "))."
        }
        throw Refusal(.denied, told, rules: denying.map(\.id))
    }
}
