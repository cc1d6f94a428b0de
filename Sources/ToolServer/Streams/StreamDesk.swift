import Backends
import Enforcement
import EventLoop
import JSON

/// The streams of one process: made at its start, each on a task of its own.
final class StreamDesk: Sendable {
    let backlog: StreamBacklog
    /// Where calls are recorded.
    let sink: StreamedRecord
    private let shippers: [StreamShipper]
    private let aside: TasksAside

    init(
        _ streams: [StreamSettings], _ installation: Installation, recorder: Recorder,
        ownLog: String, workers: WorkerPool
    ) throws {
        let backlog = StreamBacklog(streams)
        let sink = StreamedRecord(recorder: recorder, backlog: backlog)
        self.backlog = backlog
        self.sink = sink
        if !streams.isEmpty { try installation.prepareStreams() }
        aside = try TasksAside("streams", areNone: streams.isEmpty)
        let names = SystemNameLookup(threads: 1)
        let means = StreamShipper.Means(
            state: Startup.absolute(installation.directory),
            records: Startup.absolute(installation.records), ownLog: ownLog, workers: workers,
            backlog: backlog, sink: sink)
        shippers = try streams.enumerated().map { index, stream in
            let target = try Self.target(stream, workers, names)
            return StreamShipper(stream, index: index, target: target, means: means)
        }
    }

    func start() {
        aside.start(shippers.map { shipper in { await shipper.run(on: $0) } })
    }

    /// What has not arrived goes on from its cursor at the next start.
    func stop() async { await aside.stop() }

    private static func target(
        _ stream: StreamSettings, _ workers: WorkerPool, _ names: any NameLookup
    ) throws -> any StreamTarget {
        switch stream.target {
        case .file(let path): return FileTarget(path: path, workers: workers)
        case .syslog(let url):
            return SyslogTarget(SyslogDelivery(try place(url, stream), names: names))
        case .webhook(let url, let secret):
            return WebhookTarget(
                delivery: WebhookDelivery(try place(url, stream), names: names),
                key: KeptSecret(secret, workers))
        }
    }

    private static func place(
        _ url: HTTPURL, _ stream: StreamSettings
    ) throws(CommandFailure) -> DeliveryPlace {
        var isWebhook = false
        if case .webhook = stream.target { isWebhook = true }
        return try DeliveryPlace.made(
            url, networks: stream.networks, authorities: stream.authorities,
            application: isWebhook ? "http/1.1" : nil, of: "stream \(stream.name)")
    }
}

extension DeliveryPlace {
    /// `subject` is what declares it, for the operator.
    static func made(
        _ url: HTTPURL, networks: [NetworkRange], authorities: String?, application: String?,
        of subject: String
    ) throws(CommandFailure) -> DeliveryPlace {
        guard url.isSecure else {
            return DeliveryPlace(url: url, networks: networks, security: nil)
        }
        do throws(TLSError) {
            var trust = TLSClientContext.Trust.system
            if let authorities {
                guard case .success(let bytes) = FileBytes.read(authorities) else {
                    throw .badAuthority
                }
                trust = .systemAnd(authorities: bytes)
            }
            return DeliveryPlace(
                url: url, networks: networks,
                security: try TLSClientContext(trust: trust, application: application))
        } catch {
            throw CommandFailure("\(subject): its `ca` cannot be used: \(error)")
        }
    }
}
