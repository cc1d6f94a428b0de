import Backends
import Enforcement
import EventLoop
import JSON

/// A running server without its transport: what `serve` and `stdio` have in common.
final class Server: Sendable {
    let installation: Installation
    let recorder: Recorder
    let streams: StreamDesk
    let witnesses: WitnessDesk
    let notices: NoticeDesk
    private let retention: RetentionDesk
    /// nil where this process keeps the record itself.
    let recorderWatch: RecorderWatch?
    private let lostRuns: LostRunsDesk
    private let consoleDesk: ConsoleDesk
    private let lending: LendingWatch
    private let loop: EventLoop
    let workers: WorkerPool
    let current: CurrentServing
    let settings: ServerSettings
    let tasks: TaskDesk
    private let state: StateDatabase
    private let usage: UsageDatabase
    private let maker: CatalogMaker
    private let directory: String
    private let kept: Kept
    private let catalogDigest: String

    /// Starts in order: manifests, keys, state, record; the first that fails ends it with nothing
    /// begun.
    init(_ arguments: Arguments, loops: [EventLoop]) throws {
        directory = Startup.manifests(arguments)
        workers = Startup.workers()
        maker = Startup.catalogMaker(workers, loops: loops)
        let catalog = try Self.load(directory, with: maker)
        settings = catalog.server
        installation = Startup.installation(arguments, catalog.server)
        try installation.prepare()
        let seal = RequestSeal(key: try installation.stateKey())
        state = try installation.openState()
        usage = installation.usage
        if catalog.policy.countsCalls { try Self.checkUsage(usage) }
        let subscriptions = Subscriptions()
        tasks = TaskDesk(store: state, changed: { subscriptions.changed(task: $0) })
        let opened = try installation.openRecord(
            givesEvidence: catalog.server.givesReceipts,
            segmentSeconds: catalog.server.retention.map { _ in RetentionDesk.segmentSeconds },
            keepsBodies: catalog.server.bodies != nil)
        recorder = opened.recorder
        let recorder = recorder
        streams = try StreamDesk(
            catalog.server.streams, installation, recorder: recorder, ownLog: opened.log,
            workers: workers)
        witnesses = try WitnessDesk(
            catalog.server.witnesses, installation, log: opened.log, workers: workers)
        loop = loops[0]
        let streamNames = catalog.server.streams.map(\.name)
        retention = RetentionDesk(
            // A recorder of its own carries it out.
            catalog.server.recorder == nil ? catalog.server.retention : nil,
            state: Startup.absolute(installation.directory), log: opened.log,
            streams: streamNames, recorder: recorder, workers: workers,
            bodies: catalog.server.bodies)
        recorderWatch = catalog.server.recorder.map { [workers, installation] settings in
            RecorderWatch(
                settings, state: Startup.absolute(installation.directory), streams: streamNames,
                workers: workers)
        }
        kept = Kept(
            installation: try InstallationKeys(installation),
            issuers: IssuerConnections(
                loop: loops[0], workers: workers,
                notice: { await KeyNotice.tell($0, $1, $2, in: recorder) }),
            revocations: Revocations(state), pseudonymKey: try installation.pseudonymKey(),
            recorder: recorder, sink: streams.sink, state: state,
            asking: ConfirmationMeans(store: state, seal: seal), usage: usage,
            lending: AccessBook(state), aside: Startup.aside(), tasks: tasks,
            keeping: catalog.server.bodies)
        current = CurrentServing(kept.serving(catalog), subscriptions: subscriptions)
        consoleDesk = ConsoleDesk(
            store: state, sink: streams.sink,
            change: { [state] in await state.anyChange(within: $0) })
        lending = LendingWatch(kept.lending, state, subscriptions)
        let serving = current
        lostRuns = LostRunsDesk(serving)
        notices = try NoticeDesk(
            catalog.server.notices, state: state, workers: workers,
            rules: { serving.value.rules })
        for warning in catalog.warnings {
            StandardStream.error.line("warning: \(warning.text)")
        }
        catalogDigest = catalog.digest
    }

    /// Calls that wait for people are answered with their handles, since nobody could resume them
    /// otherwise.
    func release() {
        kept.waits.end()
        consoleDesk.end()
        state.wakeAll()
    }

    /// Where people decide over HTTP.
    func console(listening port: UInt16, as settings: ConsoleSettings) -> ConsoleEndpoint {
        ConsoleEndpoint(
            current: current, origins: OriginCheck(port: port, resource: settings.resource),
            desk: consoleDesk)
    }

    /// Takes calls: the record is written, and no stream is further behind than it may be.
    var isReady: Bool { recorder.isWritable && !streams.backlog.isOver }

    /// What supervisors ask.
    var health: HealthPages {
        HealthPages(obstacle: { self.obstacle }, complaint: { self.witnesses.watch.complaint })
    }

    private var obstacle: String? {
        guard !isReady else { return nil }
        let place = recorderWatch == nil ? "the disk" : "the recorder"
        switch recorder.figures.standing {
        case .stalled: return "\(place) does not answer"
        case .failed: return "\(place) \(recorderWatch == nil ? "refuses" : "is away or refuses")"
        case .good where streams.backlog.isOver: return "a stream is further behind than it may be"
        case .good: return "the server ends"
        }
    }

    /// Streams run from then on, and whoever waits hears of what other processes change.
    /// `removes`: what has outlived its days goes from then on. A command that is over in a moment
    /// may have been given other rules, and removes nothing.
    func recordStart(_ transport: String, removes: Bool = true) async throws {
        try await record("start") { writer in
            writer.member("version", ServerDescription.version)
            writer.member("transport", transport)
            writer.member("catalog", self.catalogDigest)
        }
        state.listen(on: loop)
        streams.start()
        witnesses.start()
        notices.start()
        // Otherwise what is here is of a log that nobody writes any more.
        if settings.recorder == nil, removes { retention.start(on: loop) }
        recorderWatch?.start(on: loop)
        lostRuns.start(on: loop)
        lending.start(on: loop)
    }

    /// What places answer that are told of requests; as the settings of the start say.
    var replies: ApprovalReplies {
        let places = settings.notices.compactMap { notice -> (Name, ApprovalReplies.Place)? in
            guard case .webhook(let webhook) = notice.way, !webhook.people.isEmpty else {
                return nil
            }
            let secret = KeptSecret(webhook.secret, workers)
            let place = ApprovalReplies.Place(
                people: webhook.people, secret: { try? await secret.value() })
            return (notice.name, place)
        }
        let serving = current
        return ApprovalReplies(
            places: Dictionary(uniqueKeysWithValues: places), store: state, sink: streams.sink,
            masks: { serving.value.rules?.masks ?? ValueMasks() }, now: WallClock.seconds)
    }

    func stop() async {
        try? await record("stop") { _ in }
        await lostRuns.stop()
        lending.stop()
        await notices.stop()
        await retention.stop()
        await recorderWatch?.stop()
        await witnesses.stop()
        await streams.stop()
        recorder.close()
        state.close()
        usage.close()
        workers.stop()
        kept.aside.stop()
    }

    /// All of the new manifests, or none of them. `prepare` makes what the transport takes from
    /// their settings, and answers how that takes effect.
    func reload(
        _ prepare: @escaping @Sendable (ServerSettings) throws -> @Sendable () -> Void = { _ in {} }
    ) async {
        let outcome: String
        do {
            // On a worker: to examine a statement may block.
            let (catalog, settle) = try await workers.run { [directory, maker] _ in
                Result {
                    let catalog = try Self.load(directory, with: maker)
                    return (catalog, try prepare(catalog.server))
                }
            }.get()
            let next = kept.serving(catalog)
            // On record before it holds: rules that nobody can be shown later must not decide.
            try await record("reload") { $0.member("catalog", catalog.digest) }
            current.replace(with: next)
            settle()
            outcome = "ok"
        } catch {
            let reason = (error as? CommandFailure)?.message ?? "\(error)"
            outcome = "refused, the manifests before it stay in force: \(reason)"
            try? await record("reload") { $0.member("refused", true) }
        }
        StandardStream.error.line("reload: \(outcome)")
    }

    private func record(_ event: String, _ members: (inout JSONWriter) -> Void) async throws {
        var writer = JSONWriter()
        writer.member("event", event)
        writer.member("v", RecordForm.version)
        members(&writer)
        do throws(RecordError) { _ = try await streams.sink.append([writer.finish()]) } catch {
            throw CommandFailure("the record cannot be written: \(error)")
        }
    }

    /// A store of counts that cannot be used would refuse every call: better not to start.
    private static func checkUsage(_ usage: UsageDatabase) throws(CommandFailure) {
        do throws(StateError) { try usage.check() } catch {
            throw CommandFailure(
                "usage.db cannot be used: \(error.detail). Remove it to start the counts anew.")
        }
    }

    private static func load(_ directory: String, with maker: CatalogMaker) throws -> Catalog {
        do throws(ManifestError) { return try maker.load(directory: directory) } catch {
            throw CommandFailure("the manifests cannot be served:\n" + error.text)
        }
    }
}

/// What stays as it is when the manifests are loaded again.
private struct Kept: Sendable {
    let installation: InstallationKeys
    let issuers: IssuerConnections
    let revocations: Revocations
    let pseudonymKey: [UInt8]
    let recorder: Recorder
    /// Where calls are recorded.
    let sink: any RecordSink
    let state: StateDatabase
    let asking: ConfirmationMeans
    let usage: UsageDatabase
    let lending: AccessBook
    let aside: WorkerPool
    let waits = ApprovalWaits()
    let tasks: TaskDesk
    /// As the settings of the start say: the record was opened for it.
    let keeping: BodyKeeping?

    func serving(_ catalog: Catalog) -> Serving {
        let pseudonym = Pseudonym(master: pseudonymKey, tenant: catalog.server.name.text)
        var backends = catalog.backends
        if backends[AccessTool.backend] != nil {
            backends[AccessTool.backend] = AccessBackend(
                tools: catalog.tools, offers: catalog.policy.access, means: (state, sink))
        }
        let gate = Gate(
            identity: IdentityStage(
                issuers: issuers.trusted(catalog.server, installation: installation),
                localUsers: catalog.server.localUsers, revocations: revocations, proofs: state),
            limits: LimitStage(callsMax: catalog.server.limits.callsPerCaller),
            tools: catalog.tools, policy: catalog.policy,
            backend: Backends(backends), sink: sink,
            pseudonym: pseudonym,
            asking: asking,
            approving: ApprovalMeans(store: state, version: catalog.digest, waits: waits),
            counting: usage, lending: lending, catalog: catalog.digest, aside: aside,
            keeping: keeping)
        let rules = MaskRules(
            masks: ValueMasks(policy: catalog.policy, pseudonym: pseudonym), policy: catalog.policy)
        return Serving(
            gate: gate, description: ServerDescription(name: catalog.server.name.text),
            resource: ProtectedResource(catalog.server), tasks: tasks,
            tokens: tokens(catalog.server), rules: rules,
            console: console(catalog.server, gate, rules))
    }

    private func console(
        _ settings: ServerSettings, _ gate: Gate, _ rules: MaskRules
    ) -> ConsoleServing? {
        guard let console = settings.console else { return nil }
        let identity = IdentityStage(
            issuers: issuers.trusted(settings.meant(for: console), installation: installation),
            revocations: revocations, proofs: state)
        let serving = Serving(
            gate: gate.deciding(by: identity),
            description: ServerDescription(name: settings.name.text),
            resource: ProtectedResource(
                resource: console.resource,
                issuers: settings.issuers.filter(\.isSignIn).map(\.rules.issuer), scopes: []))
        return ConsoleServing(serving: serving, rules: rules, groups: console.groups)
    }

    private func tokens(_ settings: ServerSettings) -> TokenEndpoint? {
        guard settings.issuers.contains(where: \.isInstallation) else { return nil }
        let rules = settings.issuers.compactMap(\.assertions)
        return TokenEndpoint(
            exchange: AssertionExchange(rules, store: state, sink: recorder), keys: installation,
            sink: recorder, targets: [settings.http.resource] + rules.map(\.issuer.audience))
    }
}
