// What would these rules have said of that call?
//
// The stages that decide are asked again, with the facts that the record holds in place of a
// backend. Nothing is run or counted, and nothing can be run on the answer. Where the record does
// not say what a rule asks, the answer says so: it must never guess.

package import JSON

package struct RuleReplay: Sendable {
    package struct Answer: Sendable, Equatable {
        package let decision: RuleDecision
        /// `ok`, or a code of docs/errors.md.
        package let code: String
        package let rules: [Name]
        /// Some rule asked what the record does not say. It counted as matched.
        package let isUncertain: Bool
    }

    package enum Finding: Sendable, Equatable {
        case decided(Answer)
        /// The record does not hold what it takes.
        case open(String)
    }

    private let scope: ScopeStage

    package init(tools: [Tool], policy: Policy) {
        let values = ValueMasks(policy: policy)
        scope = ScopeStage(
            tools: tools.map { GuardedTool($0, policy: policy, values: values) },
            grants: policy.grants, access: policy.access)
    }

    package func judge(_ call: RecordedCall) -> Finding {
        guard call.hasArguments else { return withoutArguments(call) }
        do throws(Refusal) {
            let scoped = try scope.admit(.recorded(call.arrived), at: call.at)
            let valid: ValidCall
            switch try Self.arguments(of: call, scoped) {
            case .success(let found): valid = found
            case .failure(let gap): return .open(gap.reason)
            }
            guard let examined = try Self.examined(call, valid) else {
                return .open("what the call would touch is not on record")
            }
            return try Self.screened(call, examined)
        } catch {
            return Self.decided(
                call, RuleDecision(refusing: error.code), error.code.rawValue, error.rules)
        }
    }

    private struct Gap: Error {
        let reason: String
    }

    /// Of a tool that did not exist for the caller only the names of arguments are on record.
    private func withoutArguments(_ call: RecordedCall) -> Finding {
        let caller = call.arrived.caller.caller
        let standing = scope.standing(
            of: caller, Name(call.tool), via: call.arrived.via, at: call.at,
            call.arrived.recorded)
        guard standing == .granted else {
            return Self.decided(call, .deny, call.codeText, [])
        }
        return .open("the caller may use the tool now, and the arguments are not on record")
    }

    private static func arguments(
        of call: RecordedCall, _ scoped: ScopedCall
    ) throws(Refusal) -> Result<ValidCall, Gap> {
        let isSame = call.line.text("schema").map {
            $0.isByteEqual(to: scoped.guarded.schemaDigest)
        }
        if isSame == true {
            guard call.code == .argumentsInvalid else {
                try scoped.guarded.offers?.check(scoped)
                return .success(.recorded(scoped))
            }
            throw Refusal(.argumentsInvalid, "")
        }
        guard call.line.names("covered").isEmpty else {
            return .failure(
                Gap(reason: "the input schema is another, and some arguments are covered"))
        }
        return .success(try InputCheck.check(scoped))
    }

    /// Nil where the record does not say. What a backend refused to look at, it refuses again.
    private static func examined(
        _ call: RecordedCall, _ valid: ValidCall
    ) throws(Refusal) -> ExaminedCall? {
        if let settled = ExamineStage.settled(valid) { return settled }
        if let code = call.code, code == .statementRefused || code == .statementInvalid {
            throw Refusal(code, "")
        }
        guard var found = call.examination else { return nil }
        if case .http = found.request { found.examination = valid.scoped.tool.examination }
        return .recorded(valid, found)
    }

    private static func screened(
        _ call: RecordedCall, _ examined: ExaminedCall
    ) throws(Refusal) -> Finding {
        var witness = Judgement(at: Moment())
        let holding = try DenyStage().judge(examined, at: Moment(), seenBy: &witness).call.holding
        return decided(
            call, holding.isEmpty ? .allow : .hold,
            holding.isEmpty ? "ok" : Refusal.Code.approvalUnreachable.rawValue, holding.map(\.id))
    }

    private static func decided(
        _ call: RecordedCall, _ decision: RuleDecision, _ code: String, _ rules: [Name]
    ) -> Finding {
        .decided(
            Answer(
                decision: decision, code: code, rules: rules,
                isUncertain: call.arrived.recorded?.isUncertain ?? false))
    }
}
