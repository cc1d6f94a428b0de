import Backends
import Enforcement
import EventLoop
import JSON

/// One person at work on the requests of an installation.
struct ApprovalsSession: Sendable {
    private let approver: IdentifiedCaller
    private let state: StateDatabase
    private let installation: Installation
    private let rules: MaskRules
    private let arguments: Arguments
    private let workers: WorkerPool
    private let loop: EventLoop

    static func run(
        _ arguments: Arguments,
        _ body: @escaping @Sendable (ApprovalsSession) async throws -> ExitCode
    ) throws -> ExitCode {
        let settings = try Startup.settings(arguments)
        let installation = Startup.installation(arguments, settings)
        try installation.prepare()
        let keys = try InstallationKeys(installation)
        let rules = try MaskRules(manifests: arguments)
        let state = try installation.openState()
        let workers = Startup.workers()
        let group = try EventLoopGroup(count: 1)
        let issuers = IssuerConnections(loop: group.next(), workers: workers)
        let identity = IdentityStage(
            issuers: issuers.trusted(settings, installation: keys), localUsers: settings.localUsers,
            revocations: Revocations(state), proofs: state)
        try group.start()
        state.listen(on: group.next())
        defer {
            state.close()
            workers.stop()
        }
        return Lifetime().run(on: group.next()) {
            do {
                let approver = try await identity.identify(LocalCredential.read())
                return try await body(
                    ApprovalsSession(
                        approver: approver, state: state, installation: installation, rules: rules,
                        arguments: arguments, workers: workers, loop: group.next()))
            } catch let refusal as Refusal {
                throw CommandFailure(refusal.told)
            } catch let objection as ApprovalObjection {
                throw CommandFailure(objection.told)
            } catch let error as ManifestError {
                throw CommandFailure("the manifests cannot be read:\n" + error.text)
            }
        }
    }

    func requests(all: Bool) async throws(ApprovalObjection) -> [ApprovalRequest] {
        let desk = ApprovalDesk(store: state, sink: NoSink())
        if all { return try await desk.list() }
        return try await desk.list(.pending, most: 10_000)
    }

    /// Those of requests that wait and the last that do not, the latest changed first.
    func notices() async throws(ApprovalObjection) -> [(Name, NoticeDelivery)] {
        let entries: [StateEntry]
        do throws(StateError) {
            entries = try await state.entries(.notice, in: nil, most: 1_000)
        } catch { throw .unusable(Refusal(error)) }
        return entries.compactMap { entry in NoticeDelivery(entry).map { (entry.id, $0) } }
    }

    func find(_ handle: String) async throws(ApprovalObjection) -> ApprovalRequest {
        try await ApprovalDesk(store: state, sink: NoSink()).find(handle)
    }

    func decide(
        _ request: ApprovalRequest, _ decision: ApprovalDesk.Decision, seeing edit: Int,
        narrowing: AccessTerms.Narrowing? = nil
    ) async throws -> ApprovalRequest {
        try await onRecord { recorder in
            let desk = ApprovalDesk(store: state, sink: recorder, values: rules.masks)
            try await desk.check(request, for: decision.kind, by: approver)
            return try await desk.decide(
                request.id, decision, by: approver, seeing: edit, narrowing: narrowing)
        }
    }

    /// Judged by the manifests beside this command: where the server has others, the change counts
    /// for nothing there.
    func modify(
        _ request: ApprovalRequest, _ members: JSONObject, seeing edit: Int
    ) async throws -> ApprovalRequest {
        try await onRecord { recorder in
            let desk = ApprovalDesk(store: state, sink: recorder, values: rules.masks)
            try await desk.check(request, for: .modify, by: approver)
            let changed = try await gate(NoSink()).edit(request, changing: members)
            return try await desk.decide(
                request.id, .modify(changed), by: approver, seeing: edit)
        }
    }

    private func onRecord<Value>(
        _ body: (Recorder) async throws -> Value
    ) async throws -> Value {
        let recorder = try installation.openRecord().recorder
        defer { recorder.close() }
        return try await body(recorder)
    }

    // MARK: What was granted for a while

    func grants() async throws(ApprovalObjection) -> [AccessGrant] {
        try await AccessDesk(store: state, sink: NoSink()).list()
    }

    func revoke(_ grant: String) async throws -> AccessGrant {
        try await onRecord { recorder in
            try await AccessDesk(store: state, sink: recorder).revoke(grant, by: approver)
        }
    }

    private func gate(_ sink: any RecordSink) async throws -> Gate {
        let catalog = try await workers.run { [arguments, workers, loop] _ in
            Result { () throws(ManifestError) in
                try Startup.catalogMaker(workers, loops: [loop])
                    .load(directory: Startup.manifests(arguments))
            }
        }.get()
        return Gate(
            identity: IdentityStage(issuers: TrustedIssuers()), limits: LimitStage(),
            tools: catalog.tools, policy: catalog.policy, backend: Backends(catalog.backends),
            sink: sink,
            pseudonym: Pseudonym(
                master: try installation.pseudonymKey(), tenant: catalog.server.name.text),
            approving: ApprovalMeans(store: state, version: catalog.digest),
            catalog: catalog.digest)
    }

    /// By the manifests beside this command, and on record as this person's.
    private func preview(of request: ApprovalRequest) async -> RowPreview? {
        guard request.wantsPreview(under: rules.policy.rules) else { return nil }
        do {
            let recorder = try installation.openRecord().recorder
            defer { recorder.close() }
            return try await gate(recorder).preview(
                request, for: approver, via: Transport(kind: .stdio, address: ""))
        } catch {
            return .none(reason: "the manifests, their backends or the record cannot be opened")
        }
    }

    func view(of request: ApprovalRequest) -> ApprovalView {
        ApprovalView(request, for: approver.caller, rules)
    }

    /// With what became of others like it.
    func wholeView(of request: ApprovalRequest) async throws(ApprovalObjection) -> ApprovalView {
        let earlier = try await ApprovalDesk(store: state, sink: NoSink())
            .earlier(than: request, for: approver.caller)
        return ApprovalView(
            request, for: approver.caller, rules, earlier: earlier,
            preview: await preview(of: request))
    }

    /// Until something in the store changes.
    func change() async { await state.anyChange(within: .seconds(60)) }
}

/// For who only looks.
private struct NoSink: RecordSink {
    func append(_ bodies: [[UInt8]]) async throws(RecordError) -> RecordReceipt { throw .closed }
}
