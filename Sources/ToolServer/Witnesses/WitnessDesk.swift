import Backends
import Enforcement
import EventLoop
import JSON

/// The witnesses of one process's log: made at its start, each on a task of its own.
final class WitnessDesk: Sendable {
    let watch = WitnessWatch()
    private let shippers: [WitnessShipper]
    private let aside: TasksAside

    init(
        _ witnesses: [WitnessSettings], _ installation: Installation, log: String,
        workers: WorkerPool
    ) throws {
        aside = try TasksAside("witnesses", areNone: witnesses.isEmpty)
        guard !witnesses.isEmpty else {
            shippers = []
            return
        }
        try installation.prepareWitnesses()
        let directory = Startup.absolute(installation.directory) + "/witnesses"
        let means = WitnessShipper.Means(
            directory: directory,
            record: "\(Startup.absolute(installation.records))/\(log)", log: log,
            key: try installation.witnessKey(), workers: workers, watch: watch)
        try Self.publish(means)
        let names = SystemNameLookup(threads: 1)
        shippers = try witnesses.map { witness in
            let place = try DeliveryPlace.made(
                witness.url, networks: witness.networks, authorities: witness.authorities,
                application: "http/1.1", of: "witness \(witness.name)")
            return WitnessShipper(
                witness, WitnessDelivery(place, names: names), means: means)
        }
    }

    func start() {
        aside.start(shippers.map { shipper in { await shipper.run(on: $0) } })
    }

    func stop() async { await aside.stop() }

    /// What those who run a witness must be given to know the log by.
    private static func publish(_ means: WitnessShipper.Means) throws {
        let origin = try AuditReader(directory: means.record).origin()
        let text = WitnessedLogKey(means.key, origin: origin).text + "\n"
        let file = "\(means.directory)/\(means.log).vkey"
        guard case .success = FileBytes.replace(file, with: Array(text.utf8)) else {
            throw CommandFailure("\(file) cannot be written: witnesses know the log by it")
        }
    }
}
