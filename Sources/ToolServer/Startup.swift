import Backends
import Enforcement
import EventLoop
import Glibc
import JSON

/// From manifests and a state directory to something that can serve.
enum Startup {
    static let defaultManifests = "manifests"

    /// Threads for calls that block: SQLite and name lookup. Many more than cores, because they
    /// wait for locks and disks; asleep they cost nothing, and few are awake at a time.
    static func workers() -> WorkerPool {
        WorkerPool(threads: 32, queueLimit: 1_024, name: "worker")
    }

    static func catalogMaker(_ workers: WorkerPool) -> CatalogMaker {
        CatalogMaker(
            makeBackend: { settings throws(BackendError) in
                switch settings.kind {
                case .sqlite(let sqlite): try makeSQLite(sqlite, workers)
                }
            },
            digest: { SHA256.digest($0).hex })
    }

    private static func makeSQLite(
        _ settings: BackendSettings.SQLite, _ workers: WorkerPool
    ) throws(BackendError) -> any Backend {
        return try SQLiteBackend(
            SQLiteOptions(
                file: settings.file, createFrom: settings.create.map { Array($0.utf8) },
                busyTimeout: settings.timeout),
            pool: workers)
    }

    /// Absolute, so that what the manifests name does not move with the working directory.
    static func manifests(_ arguments: Arguments) -> String {
        absolute(arguments["--manifests"] ?? defaultManifests)
    }

    static func absolute(_ path: String) -> String {
        if path.utf8.starts(with: "/".utf8) { return path }
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        guard let current = unsafe getcwd(&buffer, buffer.count) else { return path }
        return unsafe String(cString: current) + "/" + path
    }

    /// server.json alone, for commands that need no backend.
    static func settings(_ arguments: Arguments) throws -> ServerSettings {
        do throws(ManifestError) {
            return try ServerSettings.load(directory: manifests(arguments))
        } catch {
            throw CommandFailure(error.text)
        }
    }

    static func installation(_ arguments: Arguments, _ settings: ServerSettings) -> Installation {
        Installation(directory: arguments["--state"] ?? settings.stateDirectory)
    }
}

/// A running server without its transport: what `serve` and `stdio` have in common.
final class Core: Sendable {
    let installation: Installation
    let recorder: Recorder
    let workers: WorkerPool
    let current: CurrentServing
    let settings: ServerSettings
    private let maker: CatalogMaker
    private let directory: String
    private let tokenKey: ES256PublicKey

    /// Starts in order: manifests, keys, record; the first that fails ends it with nothing begun.
    init(_ arguments: Arguments) throws {
        directory = Startup.manifests(arguments)
        workers = Startup.workers()
        maker = Startup.catalogMaker(workers)
        let catalog = try Self.load(directory, with: maker)
        settings = catalog.server
        installation = Startup.installation(arguments, catalog.server)
        try installation.prepare()
        tokenKey = try installation.tokenKey().publicKey
        recorder = try installation.openRecord()
        current = CurrentServing(
            Self.serving(catalog, tokenKey: tokenKey, recorder: recorder))
        for warning in catalog.warnings {
            StandardStream.error.line("warning: \(warning.text)")
        }
        catalogDigest = catalog.digest
    }

    private let catalogDigest: String

    func recordStart(_ transport: String) async throws {
        try await record("start") { writer in
            writer.member("version", ServerDescription.version)
            writer.member("transport", transport)
            writer.member("catalog", self.catalogDigest)
        }
    }

    func stop() async {
        try? await record("stop") { _ in }
        recorder.close()
        workers.stop()
    }

    /// All of the new manifests, or none of them.
    func reload() async {
        let outcome: String
        do {
            let catalog = try Self.load(directory, with: maker)
            current.replace(with: Self.serving(catalog, tokenKey: tokenKey, recorder: recorder))
            outcome = "ok"
            try? await record("reload") { $0.member("catalog", catalog.digest) }
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
        members(&writer)
        do throws(RecordError) { _ = try await recorder.append([writer.finish()]) } catch {
            throw CommandFailure("the record cannot be written: \(error)")
        }
    }

    private static func load(_ directory: String, with maker: CatalogMaker) throws -> Catalog {
        do throws(ManifestError) { return try maker.load(directory: directory) } catch {
            throw CommandFailure("the manifests cannot be served:\n" + error.text)
        }
    }

    private static func serving(
        _ catalog: Catalog, tokenKey: ES256PublicKey, recorder: Recorder
    ) -> Serving {
        let verifier = catalog.server.localIssuer.map { issuer in
            TokenVerifier(
                key: tokenKey, keyID: LocalToken.keyID(of: tokenKey), issuer: issuer.issuer,
                audience: issuer.audience)
        }
        let gate = Gate(
            identity: IdentityStage(verifier: verifier, localUsers: catalog.server.localUsers),
            limits: LimitStage(callsMax: catalog.server.limits.callsPerCaller),
            tools: catalog.tools, policy: catalog.policy,
            backend: Backends(catalog.backends), sink: recorder)
        return Serving(
            gate: gate, description: ServerDescription(name: catalog.server.name.text))
    }
}
