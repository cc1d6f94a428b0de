// Must a person decide first?
//
// The only maker of a `ClearedCall`, and so the last door before a backend. As long as there is
// no way to reach an approver, a call that needs one is refused: it must never pass for want of
// somebody to ask.

import JSON

/// A call that may run, once. The compiler refuses a second use.
package struct ClearedCall: ~Copyable, Sendable {
    package let job: Job

    fileprivate init(_ call: ExaminedCall) {
        job = Job(call.scoped, request: call.request, examination: call.examination)
    }
}

package struct ApprovalStage: Sendable {
    func clear(_ confirmed: ConfirmedCall) async throws(Refusal) -> ClearedCall {
        let call = confirmed.screened
        guard let rule = call.holding.first else { return ClearedCall(call.examined) }
        var told =
            "Held by rule `\(rule.id)`: \(rule.reason). No approver is reachable, so the call is refused."
        told +=
            rule.instead.map { " Instead: \($0)." } ?? " Ask the operator, or change the arguments."
        throw Refusal(.approvalUnreachable, told, rules: call.holding.map(\.id))
    }
}
