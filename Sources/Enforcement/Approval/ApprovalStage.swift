// Must a person decide first?
//
// The only maker of a `ClearedCall`, and so the last door before a backend. A rule that wants a
// person makes one request about exactly this call, in the store; the call waits for its decision a
// while, holding neither thread nor connection, then its caller gets a handle. Whoever waited or
// comes back, by the handle or with the same call, has passed every stage before this one anew. An
// approval is claimed by a compare-and-set and serves one run, whatever is killed in between. It
// must never let a call pass for want of somebody to ask.

import JSON
import Synchronization

/// A call that may run, once. The compiler refuses a second use.
package struct ClearedCall: ~Copyable, Sendable {
    package let job: Job
    /// What let it pass; nil where no rule asked for a person.
    let claim: ApprovalClaim?

    fileprivate init(_ call: ExaminedCall, claim: ApprovalClaim? = nil) {
        self.claim = claim
        // Under the approval's own id, every attempt is the same one for the backend.
        job = Job(
            call.scoped, request: call.request, examination: call.examination,
            blank: call.masks.blank(for: call.scoped.caller),
            hidden: call.masks.view(of: call.scoped).hidden, call: claim?.held.request.id.text,
            witness: claim)
    }
}

extension ClearedCall {
    /// A look at what a held change would meet, by somebody who is asked about it: nobody else is
    /// asked. In the database it is a read of whose change it is, and has their share of it.
    init(_ screened: ScreenedCall, for look: PreviewLook) throws(Refusal) {
        try look.check(screened)
        let call = screened.examined
        precondition(call.scoped.tool.effect == .read, "a preview only reads")
        claim = nil
        job = Job(
            tool: call.scoped.tool, arguments: call.scoped.arrived.arguments,
            caller: call.scoped.arrived.caller.id, identity: look.request.caller,
            deadline: .now + call.scoped.tool.limits.time, request: call.request,
            examination: call.examination, blank: call.masks.blank(for: call.scoped.caller),
            hidden: call.masks.view(of: call.scoped).hidden, call: call.scoped.arrived.id)
    }
}

/// A call of which people have said what they have to say, or about which nobody is asked.
struct DecidedCall: Sendable {
    let confirmed: ConfirmedCall
    /// Whether it may run, and minutes may have passed since the rules looked at it.
    let hasWaited: Bool
    fileprivate let held: ApprovalBook.Held?

    var mayRun: Bool { held.map { $0.request.phase == .approved } ?? true }

    fileprivate init(
        _ confirmed: ConfirmedCall, _ held: ApprovalBook.Held? = nil, hasWaited: Bool = false
    ) {
        self.confirmed = confirmed
        self.held = held
        self.hasWaited = hasWaited
    }
}

package final class ApprovalStage: Sendable {
    let means: ApprovalMeans?
    let backend: any CallRunner
    let scope: ScopeStage
    let now: @Sendable () -> Int
    /// Set when other rules took the place of those that this stage's calls passed.
    private let isOutdated = Atomic<Bool>(false)

    init(
        means: ApprovalMeans?, backend: any CallRunner, scope: ScopeStage,
        now: @escaping @Sendable () -> Int
    ) {
        self.means = means
        self.backend = backend
        self.scope = scope
        self.now = now
    }

    func outdate() { isOutdated.store(true, ordering: .relaxed) }

    func book(_ means: ApprovalMeans) -> ApprovalBook { ApprovalBook(store: means.store, now: now) }

    /// Asks people where a rule wants it, and waits for them.
    func decide(
        _ confirmed: ConfirmedCall, on trail: borrowing Trail
    ) async throws(Refusal) -> DecidedCall {
        let call = confirmed.screened
        let resumed = call.examined.scoped.arrived.resumption
        guard !call.holding.isEmpty || resumed.map({ $0.edit > 0 }) ?? false else {
            // It was asked for under rules that are no more.
            if let resumed { throw .approvalOutdated(resumed.handle) }
            return DecidedCall(confirmed)
        }
        guard let means, let needs = Self.needs(of: call.holding) else {
            throw .approvalUnreachable(call.holding)
        }
        let binding = try await binding(of: call.examined, means)
        let held =
            if let resumed {
                try await request(behind: resumed, of: confirmed, needs, binding, means)
            } else {
                try await request(confirmed, needs, binding, means, on: trail)
            }
        let isPending = held.request.phase == .pending && held.request.binding == binding.digest
        guard isPending, let waited = try await waited(for: held, call, means) else {
            return DecidedCall(confirmed, held)
        }
        return DecidedCall(confirmed, waited, hasWaited: waited.request.phase == .approved)
    }

    /// `screened` is the same call as every stage before this one sees it now.
    func clear(
        _ decided: DecidedCall, as screened: ScreenedCall
    ) async throws(Refusal) -> ClearedCall {
        guard let held = decided.held, let means else {
            guard screened.holding.isEmpty else { throw .approvalUnreachable(screened.holding) }
            return ClearedCall(screened.examined)
        }
        let binding = try await binding(of: screened.examined, means)
        guard held.request.binding == binding.digest else {
            throw try await refusal(of: held, screened, means)
        }
        guard held.request.phase == .approved else {
            throw try await refusal(of: held, screened, means)
        }
        let isSame = Self.needs(of: screened.holding).map { held.request.asks($0) } ?? false
        guard isSame, !decided.hasWaited || !isOutdated.load(ordering: .relaxed) else {
            throw .approvalOutdated(held.request.id)
        }
        return try await claim(held, screened.examined, means)
    }

    /// Nil where a rule names nobody who could decide.
    static func needs(of rules: [Rule]) -> [ApprovalRequest.Need]? {
        let needs = rules.compactMap { rule in
            rule.approval.map {
                ApprovalRequest.Need(
                    rule: rule.id, reason: rule.reason,
                    approvers: Grantees(groups: $0.groups, of: $0.issuers), count: $0.count,
                    escalation: $0.escalation, force: $0.force)
            }
        }
        return needs.count == rules.count ? needs : nil
    }

    func binding(
        of call: ExaminedCall, _ means: ApprovalMeans
    ) async throws(Refusal) -> ApprovalBinding {
        do throws(BackendError) {
            let whole = try await backend.examine(Job(call.scoped, request: nil))
            return ApprovalBinding(call, as: whole, version: means.version)
        } catch { throw Refusal(error) }
    }

    /// The request that its caller comes back for, as long as it is about this very call.
    private func request(
        behind resumed: Resumption, of confirmed: ConfirmedCall,
        _ needs: [ApprovalRequest.Need], _ binding: ApprovalBinding, _ means: ApprovalMeans
    ) async throws(Refusal) -> ApprovalBook.Held {
        let call = confirmed.screened
        let held = try await theirs(resumed.handle, of: call.examined.scoped.caller, means)
        // Somebody may have changed it just now.
        guard held.request.edits.count == resumed.edit else {
            throw try await refusal(of: held, call, means)
        }
        guard held.request.binding == binding.digest, held.request.asks(needs) else {
            throw .approvalOutdated(resumed.handle)
        }
        // Who said yes to the changed call need not be asked each time that they look.
        guard held.request.phase == .pending, held.request.question == nil,
            let question = confirmed.question
        else { return held }
        var request = held.request
        request.question = question
        return try await book(means).replace(held, with: request) ?? held
    }

    /// The request about this call: the one there is, or a new one, on record before it is open.
    private func request(
        _ confirmed: ConfirmedCall, _ needs: [ApprovalRequest.Need], _ binding: ApprovalBinding,
        _ means: ApprovalMeans, on trail: borrowing Trail
    ) async throws(Refusal) -> ApprovalBook.Held {
        let book = book(means)
        let call = confirmed.screened.examined.scoped
        if let known = try await book.find(about: binding.digest) {
            let isOpen = known.request.phase == .pending || known.request.phase == .approved
            guard isOpen, !known.request.asks(needs) else { return known }
            // More rules hold at this hour, or after so many calls, than when it was asked.
            _ = try await cancelled(known, means)
        }
        let request = try made(confirmed, needs, binding)
        try await trail.hold(request)
        if let held = try await book.open(request, for: call.caller.mark) { return held }
        throw .tooManyApprovals(most: ApprovalBook.perCallerMax)
    }

    private func made(
        _ confirmed: ConfirmedCall, _ needs: [ApprovalRequest.Need], _ binding: ApprovalBinding
    ) throws(Refusal) -> ApprovalRequest {
        let call = confirmed.screened.examined.scoped
        let reason = Self.reason(of: call.arrived)
        let wanting = confirmed.screened.holding.filter { $0.approval?.wantsReason == true }
        guard wanting.isEmpty || reason != nil else { throw .approvalReasonMissing(wanting) }
        guard let random = try? randomBytes(15) else { throw .withoutState }
        let seconds = confirmed.screened.holding.compactMap(\.approval?.expires).min()
        let request = ApprovalRequest(
            id: Name("apr_" + Base64URL.encode(random)), caller: call.caller, tool: call.tool.name,
            backend: call.tool.backend, effect: call.tool.effect,
            arguments: call.arrived.arguments, request: binding.request, touches: binding.touches,
            needs: needs, binding: binding.digest, created: now(),
            expires: now() + (seconds ?? ApprovalDemand.expiresStandard),
            question: confirmed.question, reason: reason, via: call.arrived.via)
        guard request.body.count <= ApprovalBook.bodyBytesMax else { throw .tooLargeToApprove }
        return request
    }

    /// What the tool asks for as an argument, or what came beside the call.
    private static func reason(of call: ArrivedCall) -> String? {
        [call.arguments["reason"]?.string, call.trace.reason].lazy.compactMap { $0 }
            .first { $0.contains { !$0.isWhitespace } }
    }

    // MARK: Running

    private func claim(
        _ held: ApprovalBook.Held, _ call: ExaminedCall, _ means: ApprovalMeans
    ) async throws(Refusal) -> ClearedCall {
        var request = held.request
        request.phase = .running
        request.trace = nil
        let claimed = try await book(means).replace(
            held, with: request, holder: means.store.holder)
        guard let claimed else { throw .approvalRunning(request.id) }
        return ClearedCall(call, claim: ApprovalClaim(claimed, in: book(means)))
    }

    /// Why a request lets nothing pass as it stands.
    private func refusal(
        of held: ApprovalBook.Held, _ call: ScreenedCall, _ means: ApprovalMeans
    ) async throws(Refusal) -> Refusal {
        if held.request.phase == .unknown {
            // Told now, so that the next call like it may ask anew.
            _ = try await book(means).free(held)
        }
        return .approval(held.request, of: call.examined.scoped.guarded)
    }
}
