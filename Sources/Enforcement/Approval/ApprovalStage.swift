// Must a person decide first?
//
// The only maker of a `ClearedCall`, and so the last door before a backend. A rule that wants a
// person makes one request about exactly this call, in the store; the call waits for its decision a
// while, holding neither thread nor connection, then its caller gets a handle. Whoever comes back,
// by the handle or with the same call, has passed every stage before this one anew. An approval is
// claimed by a compare-and-set and serves one run, whatever is killed in between. It must never
// let a call pass for want of somebody to ask.

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
            call: claim?.held.request.id.text)
    }
}

/// One approval taken for one run. Its entry's version is the fence: who holds an older one can
/// write nothing any more.
final class ApprovalClaim: Sendable {
    let held: ApprovalBook.Held
    private let mayHaveActed = Atomic<Bool>(false)

    init(_ held: ApprovalBook.Held) { self.held = held }

    /// The intent is on disk; from here on the backend may do something.
    func begin() { mayHaveActed.store(true, ordering: .relaxed) }

    var hasBegun: Bool { mayHaveActed.load(ordering: .relaxed) }
}

package final class ApprovalStage: Sendable {
    let means: ApprovalMeans?
    let backend: any CallRunner
    let identity: IdentityStage
    private let scope: ScopeStage
    let now: @Sendable () -> Int
    /// Set when other rules took the place of those that this stage's calls passed.
    private let isOutdated = Atomic<Bool>(false)

    init(
        means: ApprovalMeans?, backend: any CallRunner, identity: IdentityStage,
        scope: ScopeStage, now: @escaping @Sendable () -> Int
    ) {
        self.means = means
        self.backend = backend
        self.identity = identity
        self.scope = scope
        self.now = now
    }

    func outdate() { isOutdated.store(true, ordering: .relaxed) }

    func book(_ means: ApprovalMeans) -> ApprovalBook { ApprovalBook(store: means.store, now: now) }

    func clear(
        _ confirmed: ConfirmedCall, on trail: borrowing Trail
    ) async throws(Refusal) -> ClearedCall {
        let call = confirmed.screened
        let resumed = call.examined.scoped.arrived.resumption
        guard !call.holding.isEmpty else {
            // It was asked for under rules that are no more.
            if let resumed { throw .approvalOutdated(resumed.handle) }
            return ClearedCall(call.examined)
        }
        guard let means, let needs = Self.needs(of: call.holding) else {
            throw .approvalUnreachable(call.holding)
        }
        let binding = try await binding(of: call.examined, means)
        var held = try await request(confirmed, needs, binding, means, on: trail)
        if let resumed, resumed.handle != held.request.id {
            throw .approvalOutdated(resumed.handle)
        }
        if held.request.phase == .pending {
            held = try await decided(held, call, binding, means)
        }
        return try await claim(held, call.examined, means)
    }

    /// Nil where a rule names nobody who could decide.
    private static func needs(of rules: [Rule]) -> [ApprovalRequest.Need]? {
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

    private func binding(
        of call: ExaminedCall, _ means: ApprovalMeans
    ) async throws(Refusal) -> ApprovalBinding {
        do throws(BackendError) {
            let whole = try await backend.examine(Job(call.scoped, request: nil))
            return ApprovalBinding(call, as: whole, version: means.version)
        } catch { throw Refusal(error) }
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
            if let resumed = call.arrived.resumption { throw .approvalOutdated(resumed.handle) }
            _ = try await cancelled(known, means)
        }
        if let resumed = call.arrived.resumption { throw .approvalOutdated(resumed.handle) }
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
            question: confirmed.question, reason: reason)
        guard request.body.count <= ApprovalBook.bodyBytesMax else { throw .tooLargeToApprove }
        return request
    }

    /// What the tool asks for as an argument, or what came beside the call.
    private static func reason(of call: ArrivedCall) -> String? {
        [call.arguments["reason"]?.string, call.trace.reason].lazy.compactMap { $0 }
            .first { $0.contains { !$0.isWhitespace } }
    }

    // MARK: Waiting

    /// As it stands when somebody decided, or when the call may not wait any longer.
    private func decided(
        _ held: ApprovalBook.Held, _ call: ScreenedCall, _ binding: ApprovalBinding,
        _ means: ApprovalMeans
    ) async throws(Refusal) -> ApprovalBook.Held {
        let arrived = call.examined.scoped.arrived
        let demanded = call.holding.compactMap(\.approval?.hold).min() ?? .zero
        // A task has its handle already and waits as long as its request is open.
        var hold = arrived.isDetached ? .seconds(held.request.expires - now()) : demanded
        if let wish = arrived.resumption?.wait { hold = min(wish, ApprovalDemand.holdStandard) }
        guard hold > .zero, means.waits.enter(arrived.via.kind) else { return held }
        defer { means.waits.leave(arrived.via.kind) }
        arrived.notice?.waits(held.request.waitingLine)
        defer { arrived.notice?.goesOn() }
        let decided = try await wait(for: held, until: .now + hold, means)
        guard decided.request.phase == .approved else { return decided }
        // Minutes may have passed: what was true of caller, grants, rules and data must be so now.
        _ = try await scope.admit(identity.confirm(arrived))
        let isSame = try await self.binding(of: call.examined, means).digest == binding.digest
        guard isSame, !isOutdated.load(ordering: .relaxed) else {
            throw .approvalOutdated(held.request.id)
        }
        return decided
    }

    private func wait(
        for held: ApprovalBook.Held, until deadline: ContinuousClock.Instant,
        _ means: ApprovalMeans
    ) async throws(Refusal) -> ApprovalBook.Held {
        var held = held
        let id = held.request.id
        while held.request.phase == .pending, !means.waits.isEnding {
            if Task.isCancelled { throw try await cancelled(held, means) }
            // The second that a request ends in is not over when it begins.
            let left = min(deadline - .now, .seconds(max(1, held.request.expires - now())))
            guard left > .zero else { break }
            await means.store.change(of: .approval, id, after: held.entry.version, within: left)
            guard let found = try await book(means).find(id) else { throw .approvalExpired(id) }
            held = found
        }
        return held
    }

    /// Its caller does not want it any more, so that nobody has to decide. Said only where it is
    /// so: somebody else may decide, or run it, at the same moment.
    func cancelled(
        _ held: ApprovalBook.Held, _ means: ApprovalMeans
    ) async throws(Refusal) -> Refusal {
        var held = held
        for _ in 0..<8 {
            var request = held.request
            guard request.phase == .pending || request.phase == .approved else {
                return .approval(request)
            }
            request.phase = .cancelled
            request.end = ApprovalRequest.End(at: now())
            if try await book(means).replace(held, with: request) != nil {
                return .approvalCancelled(request.id)
            }
            guard let found = try await book(means).find(request.id) else {
                return .approvalExpired(request.id)
            }
            held = found
        }
        throw ApprovalBook.raced
    }

    // MARK: Running

    private func claim(
        _ held: ApprovalBook.Held, _ call: ExaminedCall, _ means: ApprovalMeans
    ) async throws(Refusal) -> ClearedCall {
        guard held.request.phase == .approved else {
            throw try await refusal(of: held, means)
        }
        var request = held.request
        request.phase = .running
        let claimed = try await book(means).replace(
            held, with: request, holder: means.store.holder)
        guard let claimed else { throw .approvalRunning(request.id) }
        return ClearedCall(call, claim: ApprovalClaim(claimed))
    }

    /// Why a request lets nothing pass as it stands.
    private func refusal(
        of held: ApprovalBook.Held, _ means: ApprovalMeans
    ) async throws(Refusal) -> Refusal {
        if held.request.phase == .unknown {
            // Told now, so that the next call like it may ask anew.
            _ = try await book(means).free(held)
        }
        return .approval(held.request)
    }
}
