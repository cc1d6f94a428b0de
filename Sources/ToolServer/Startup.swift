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

    /// Threads for what would keep a loop from others: as many as may take the cores from it.
    static func aside() -> WorkerPool {
        WorkerPool(threads: 2, queueLimit: 1_024, name: "aside")
    }

    /// Without loops, backends can examine and run nothing.
    static func catalogMaker(
        _ workers: WorkerPool, loops: [EventLoop] = [],
        names: any NameLookup = SystemNameLookup()
    ) -> CatalogMaker {
        CatalogMaker(
            makeBackend: { settings throws(BackendError) in
                switch settings.kind {
                case .sqlite(let sqlite): try makeSQLite(sqlite, workers)
                case .postgres(let postgres): makePostgres(postgres, workers, loops)
                case .http(let http):
                    try HTTPBackendMaking(
                        name: settings.name, settings: http, workers: workers, names: names
                    ).backend()
                }
            },
            digest: { SHA256.digest($0).hex })
    }

    private static func makeSQLite(
        _ settings: BackendSettings.SQLite, _ workers: WorkerPool
    ) throws(BackendError) -> any Backend {
        try SQLiteBackend(
            SQLiteOptions(
                file: settings.file, createFrom: settings.create.map { Array($0.utf8) },
                busyTimeout: settings.timeout),
            pool: workers)
    }

    private static func makePostgres(
        _ settings: BackendSettings.Postgres, _ workers: WorkerPool, _ loops: [EventLoop]
    ) -> any Backend {
        var options = settings.options
        if let password = settings.password {
            options.password = { () throws(BackendError) in try password.read() }
        }
        return PostgresBackend(options, workers: workers, loops: loops)
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
        Installation(
            directory: arguments["--state"] ?? settings.stateDirectory, recorder: settings.recorder)
    }
}

extension WorkerPool: Aside {
    /// Where even the queue is full, it is done on the spot: nothing may go unmasked.
    package func run<T: Sendable>(_ work: @escaping @Sendable () -> T) async -> T {
        do throws(WorkerPoolFull) { return try await run { _ in work() } } catch { return work() }
    }
}
