// What would this call touch, and what would be sent?
//
// The answer is settled here, before any rule, person or record sees it, and nothing is judged
// again later. It must never have an effect.

import JSON

/// A call of which is known what it would touch. One object, or each stage and the record would
/// copy all of it.
package final class ExaminedCall: Sendable {
    package let scoped: ScopedCall
    package let examination: Examination
    let masks: MaskPlan
    /// Those that may hold for what the call would touch.
    let rules: RuleIndex
    /// Nil where tool and arguments say it already.
    package let request: BackendRequest?

    fileprivate init(settled call: ValidCall) {
        scoped = call.scoped
        examination = call.scoped.tool.examination
        masks = call.scoped.guarded.masks
        rules = call.scoped.guarded.index
        request = nil
    }

    fileprivate init(_ call: ValidCall, _ found: CallExamination) {
        scoped = call.scoped
        examination = found.examination
        let guards = call.scoped.guarded.guards(for: found.examination)
        masks = guards.masks
        rules = guards.index
        request = found.request
    }
}

extension ExaminedCall {
    /// As the record says. Only for asking rules again, where nothing can run on it.
    static func recorded(_ call: ValidCall, _ found: CallExamination) -> ExaminedCall {
        precondition(call.scoped.arrived.recorded != nil, "not a call of the record")
        return ExaminedCall(call, found)
    }
}

struct ExamineStage: Sendable {
    let backend: any CallRunner

    /// `whole`: with the request, also where tool and arguments say it already.
    func examine(_ call: ValidCall, whole: Bool = false) async throws(Refusal) -> ExaminedCall {
        if !whole, let settled = Self.settled(call) { return settled }
        do throws(BackendError) {
            return ExaminedCall(call, try await backend.examine(Job(call.scoped, request: nil)))
        } catch {
            throw Refusal(error)
        }
    }

    /// Declared statements were examined at load and cost nothing here; nil for others.
    static func settled(_ call: ValidCall) -> ExaminedCall? {
        call.scoped.tool.operation.isSettledAtLoad ? ExaminedCall(settled: call) : nil
    }
}

extension Job {
    init(
        _ call: ScopedCall, request: BackendRequest?, examination: Examination? = nil,
        blank: Set<ColumnPath> = [], hidden: [Bool] = [], call id: String? = nil,
        witness: (any RunWitness)? = nil
    ) {
        self.init(
            tool: call.tool, arguments: call.arrived.arguments, caller: call.arrived.caller.id,
            identity: call.arrived.caller.caller, deadline: .now + call.tool.limits.time,
            request: request, examination: examination, blank: blank, hidden: hidden,
            call: id ?? call.arrived.id, witness: witness)
    }
}
