// The order of one call, whole.
//
// Identity before scope, or a stranger learns which tools exist. Scope before arguments, or an
// error about an argument does. What a call would do before any rule, or the rules judge another
// thing than is done. Rules before the caller's own yes and another's approval, or a person is
// asked about what is forbidden anyway. The intent before the backend, or a crash hides what was
// done. Masks before the outcome and the outcome before the answer, or something is shown that is
// not on record.
// Each stage takes what the one before proved and nothing else can make; adding a stage means
// editing `answer` or `screen`, where every reviewer looks.

package import JSON

package struct Gate: Sendable {
    private var identity: IdentityStage
    private let limits: LimitStage
    private let usage: UsageDesk
    private let scope: ScopeStage
    private let access: AccessBook?
    private let examination: ExamineStage
    private let deny: DenyStage
    private let confirmation: ConfirmationStage
    private let approval: ApprovalStage
    private let mask: MaskStage
    private let backend: any CallRunner
    private let sink: any RecordSink
    private let strangers: Strangers
    private let values: ValueMasks
    private let aside: (any Aside)?

    package init(
        identity: IdentityStage, limits: LimitStage, tools: [Tool], policy: Policy,
        backend: any CallRunner, sink: any RecordSink, pseudonym: Pseudonym? = nil,
        asking: ConfirmationMeans? = nil, approving: ApprovalMeans? = nil,
        counting: (any UsageStore)? = nil, lending: AccessBook? = nil, catalog: String = "",
        aside: (any Aside)? = nil, keeping: BodyKeeping? = nil,
        now: @escaping @Sendable () -> Int = WallClock.seconds
    ) {
        self.identity = identity
        self.limits = limits
        usage = UsageDesk(policy: policy, store: counting, now: now)
        let values = ValueMasks(policy: policy, pseudonym: pseudonym)
        self.values = values
        self.aside = aside
        scope = ScopeStage(
            tools: tools.map {
                GuardedTool(
                    $0, policy: policy, values: values, catalog: catalog,
                    keeping: keeping?.term(for: $0))
            },
            grants: policy.grants, access: policy.access, book: lending, now: now)
        access = policy.access.isEmpty ? nil : lending
        examination = ExamineStage(backend: backend)
        deny = DenyStage()
        confirmation = ConfirmationStage(identity: identity, means: asking, now: now)
        approval = ApprovalStage(means: approving, backend: backend, scope: scope, now: now)
        mask = MaskStage()
        self.backend = backend
        self.sink = sink
        strangers = Strangers(sink: sink)
    }

    /// The same for people who are known by other tokens, and who only decide: callers are who they
    /// were.
    package func deciding(by identity: IdentityStage) -> Gate {
        var gate = self
        gate.identity = identity
        return gate
    }

    /// Who is there? `address` is for the record of those who are turned away.
    package func identify(
        _ credential: Credential, at address: String
    ) async throws(Refusal) -> IdentifiedCaller {
        do throws(Refusal) { return try await identity.identify(credential) } catch {
            await strangers.turnAway(error, at: address)
            throw error
        }
    }

    /// Whether a proof of `identify` is still good, for a transport that keeps one for a while.
    package func stillHolds(_ caller: IdentifiedCaller) -> Bool { identity.holds(caller) }

    /// `via` nil: wherever they may call from.
    package func visibleTools(
        to caller: IdentifiedCaller, via: Transport?
    ) -> [GuardedTool] {
        scope.visible(to: caller.caller, via: via)
    }

    /// Whether this caller sees what all with the same id see, from anywhere and at any time.
    package func isVisibilitySteady(for caller: IdentifiedCaller) -> Bool {
        !scope.mayVary(for: caller.caller)
    }

    /// What was granted for a while is known as it is now, or counts as not granted.
    package func freshen() async { await access?.refresh() }

    /// A tool's arguments as this caller may give them.
    package func inputSchema(
        of guarded: GuardedTool, for caller: IdentifiedCaller, via: Transport?
    ) -> JSONValue {
        guard guarded.offers != nil else { return guarded.tool.inputSchema }
        return scope.askingSchema(for: caller.caller, via: via) ?? guarded.tool.inputSchema
    }

    /// How each tool stands for a caller, and why; for people who ask.
    package func standings(
        of caller: Caller, via: Transport?, at moment: Int
    ) -> [(tool: Tool, standing: Standing, grants: [GrantFinding])] {
        scope.standings(of: caller, via: via, at: moment)
    }

    /// Whether this caller may use this tool, asked of what was done for them before.
    package func admits(_ caller: IdentifiedCaller, to tool: Name, via: Transport) -> Bool {
        scope.allows(caller.caller, tool, via: via)
    }

    /// Whether there is such a tool. Says nothing of who may know.
    package func knows(_ tool: String) -> Bool { scope.tool(Name(tool)) != nil }

    /// Whether a call of this name may go on after its request was answered. Says nothing of who
    /// may make it.
    package func mayDetach(_ tool: String) -> Bool {
        Name(tool) == ApprovalResult.name || scope.tool(Name(tool))?.taskUse != nil
    }

    /// Whether a call of this caller may be held for a person, and so be asked for by its handle.
    package func mayHold(_ caller: IdentifiedCaller, via: Transport?) -> Bool {
        approval.means != nil
            && scope.visible(to: caller.caller, via: via).contains { $0.mayBeHeld }
    }

    /// Other rules hold from now on. Calls under way finish under these, but for those that wait
    /// for a person's yes: it was asked for under rules that are no more.
    package func retire() {
        confirmation.outdate()
        approval.outdate()
    }

    package func answer(_ arrived: ArrivedCall) async -> Outcome {
        var trail = Trail(arrived, sink: sink, values: values, aside: aside)
        var tab = usage.tab(for: arrived)
        var claim: ApprovalClaim?
        do throws(Refusal) {
            let identified = try await approval.resumed(identity.confirm(arrived))
            if identified.arrived.resumption != nil { tab.comeBack() }
            try limits.enter(arrived.caller.id)
            defer { limits.leave(arrived.caller.id) }
            let examined = try await examine(identified, seenBy: &trail)
            var screened = try await deny.screen(examined, on: &tab, seenBy: &trail)
            trail.screened(screened)
            try Detaching.check(screened)
            let confirmed = try await confirmation.confirm(screened, on: trail)
            trail.heard(confirmed)
            try await Detaching.begin(confirmed)
            let decided = try await approval.decide(confirmed, on: trail)
            if decided.hasWaited || tab.isComingBack && decided.mayRun {
                screened = try await screenAnew(examined, on: &tab, seenBy: &trail)
            }
            let cleared = try await approval.clear(decided, as: screened)
            claim = cleared.claim
            try await trail.intend(cleared)
            let raw = try await run(cleared, for: screened.examined)
            let masked = try await masked(consume raw, for: screened.examined)
            return await approval.settle(claim, tab.settle(trail.close(.answered(masked))))
        } catch {
            let refused = await trail.close(.refused(error.masked(by: values)))
            return await approval.settle(claim, tab.settle(refused))
        }
    }

    /// What was true of caller, grants, data, hours and limits may be so no more.
    private func screenAnew(
        _ call: ExaminedCall, on tab: inout UsageTab, seenBy trail: inout Trail
    ) async throws(Refusal) -> ScreenedCall {
        let identified = try await identity.confirm(call.scoped.arrived)
        let examined = try await examine(identified, seenBy: &trail)
        try await tab.beginAnew()
        let screened = try await deny.screen(examined, on: &tab, seenBy: &trail)
        trail.screened(screened)
        return screened
    }

    /// Asks backends what became of approved runs whose process is gone. Answers how many are still
    /// to be asked about.
    package func settleLostRuns() async -> Int { await approval.settleLostRuns(sink) }

    /// Another's change of what was asked for, judged as a call of who asked. Nothing is run or
    /// recorded; the desk takes it.
    package func edit(
        _ request: ApprovalRequest, changing members: JSONObject
    ) async throws(Refusal) -> ApprovalEdit {
        let call = ArrivedCall(
            caller: .supposed(request.caller), tool: request.tool.text,
            arguments: request.arguments(changing: members), via: request.via)
        let moment = Moment(usage: [:])
        var judgement = Judgement(at: moment)
        let examined = try await examine(.supposed(call), seenBy: &judgement)
        let screened = try deny.judge(examined, at: moment, seenBy: &judgement).call
        return try await approval.edit(request, as: screened)
    }

    /// The rows that a held change would meet, for somebody who is asked about it. Nil where no
    /// rule wants them shown.
    package func preview(
        _ request: ApprovalRequest, for approver: IdentifiedCaller, via: Transport
    ) async -> RowPreview? {
        guard let held = scope.guarded(request.tool), request.concerns(approver.caller),
            let look = PreviewLook(request, by: approver, via: via, under: held.rules)
        else { return nil }
        do throws(Refusal) {
            try limits.enter(approver.id)
            defer { limits.leave(approver.id) }
            guard let statement = look.statement, held.tool.operation.isStatement,
                held.tool.backend == request.backend
            else {
                return .none(reason: "the call is no statement of a database")
            }
            let queries: ChangePreview
            do throws(BackendError) {
                queries = try backend.preview(
                    of: statement.text, statement.parameters, on: request.backend)
            } catch { return .none(reason: error.detail) }
            let seen = try await shown(queries.rows, queries.parameters, look, held)
            guard seen.rows.isTruncated else {
                return .rows(seen.rowValues, count: seen.rows.rowCount)
            }
            // A count that fails takes nothing from what is shown.
            let counted = try? await shown(queries.count, queries.parameters, look, held)
            return .rows(seen.rowValues, count: counted?.rowValues.first?["hits"]?.int)
        } catch {
            return .none(reason: error.masked(by: values).told)
        }
    }

    /// A query of the approver's own, on record before anything of it is shown.
    private func shown(
        _ query: String, _ parameters: [JSONValue], _ look: PreviewLook, _ held: GuardedTool
    ) async throws(Refusal) -> MaskedResult {
        let guarded = GuardedTool(
            look.tool(like: held.tool), policy: held.policy, values: values)
        let outcome: Outcome
        do throws(Refusal) {
            let moment = Moment(usage: [:])
            var judgement = Judgement(at: moment)
            let valid = ValidCall(
                previewing: ScopedCall(
                    previewing: .supposed(look.call(query, parameters)), of: guarded,
                    at: WallClock.seconds()))
            let examined = try await examination.examine(valid, whole: true)
            let screened = try deny.judge(examined, at: moment, seenBy: &judgement).call
            let raw = try await run(ClearedCall(screened, for: look), for: examined)
            outcome = .answered(try mask.apply(raw, to: examined))
        } catch { outcome = .refused(error) }
        try await look.record(outcome, to: sink)
        switch outcome {
        case .answered(let result): return result
        case .refused(let refusal): throw refusal
        }
    }

    /// What would become of a call, and why. Nothing is run, recorded or counted. `moment` is that
    /// of a caller who has done nothing yet, where not given.
    package func judge(
        _ arrived: ArrivedCall, at moment: Moment = Moment(usage: [:])
    ) async -> Judgement {
        var judgement = Judgement(at: moment)
        do throws(Refusal) {
            let examined = try await examine(.supposed(arrived), seenBy: &judgement)
            let (screened, limiting) = try deny.judge(examined, at: moment, seenBy: &judgement)
            judgement.hold(screened.holding, limiting: limiting)
        } catch {
            judgement.refuse(error)
        }
        return judgement
    }

    /// What the call would touch. `witness` learns what was established on the way, also of a call
    /// that is refused in the end.
    private func examine<Witness: CallWitness & ~Copyable>(
        _ identified: IdentifiedCall, seenBy witness: inout Witness
    ) async throws(Refusal) -> ExaminedCall {
        let scoped: ScopedCall
        do throws(Refusal) { scoped = try scope.admit(identified) } catch {
            // Somebody has granted or ended something since it was read.
            guard let access, error.code == .stateUnavailable else { throw error }
            await access.refresh()
            scoped = try scope.admit(identified)
        }
        witness.found(scoped)
        let valid = try InputCheck.check(scoped)
        let examined = try await examination.examine(valid, whole: Witness.wantsRequest)
        witness.examined(examined)
        return examined
    }

    private func masked(
        _ raw: consuming RawResult, for call: ExaminedCall
    ) async throws(Refusal) -> MaskedResult {
        guard let aside, raw.content.isLarger(than: inlineBytesMax) else {
            return try mask.apply(raw, to: call)
        }
        let handover = Handover(raw)
        return try await aside.run { [mask] in
            Result { () throws(Refusal) in try mask.apply(handover.take(), to: call) }
        }.get()
    }

    private func run(
        _ cleared: consuming ClearedCall, for call: ExaminedCall
    ) async throws(Refusal) -> RawResult {
        do throws(BackendError) { return try await backend.run(cleared) } catch {
            throw Refusal(error, masked: error.words.flatMap { mask.masked($0, for: call) })
        }
    }
}

/// Who is told what a call turned out to be.
protocol CallWitness: ~Copyable {
    /// Whether the request is wanted even where tool and arguments say it already.
    static var wantsRequest: Bool { get }
    mutating func found(_ call: ScopedCall)
    mutating func examined(_ call: ExaminedCall)
    /// What the rules see besides the call.
    mutating func judged(at moment: Moment)
    /// Rules that would have decided, if they did not only observe.
    mutating func observed(_ rules: [Rule])
}

/// How a call ended. Whatever it is, it is on record before anyone sees it.
package enum Outcome: Sendable {
    case answered(MaskedResult)
    case refused(Refusal)

    /// Where the record can be asked for it later.
    func with(_ evidence: RecordEvidence) -> Outcome {
        switch self {
        case .answered(let result): return .answered(result.with(evidence))
        case .refused(var refusal):
            refusal.evidence = evidence
            return .refused(refusal)
        }
    }
}
