import Backends
import Enforcement
import EventLoop
import JSON

/// `toolserver import postgres SERVICE|FILE`: of a service of ~/.pg_service.conf, or of a backend
/// that a manifest declares already.
struct PostgresImportCommand {
    /// Where the manifests are or will be.
    let directory: String
    let backend: Name
    /// Declares the backend; made here for a service.
    let declaration: ImportedFile

    init(_ source: String, _ arguments: Arguments) throws {
        if hasSuffix(source, ".json") {
            guard arguments["--backend"] == nil, arguments["--tls"] == nil else {
                throw UsageError("the backend's own file says its name and `tls`")
            }
            try self.init(file: Startup.absolute(source), arguments)
        } else {
            try self.init(service: source, arguments)
        }
    }

    private init(service: String, _ arguments: Arguments) throws {
        let name = arguments["--backend"] ?? ImportedName.snake(service, atMost: 24)
        backend = try ImportCommand.backendName(name)
        directory = Startup.manifests(arguments)
        let file = "backends/\(backend).json"
        let made = ImportedFile(
            name: file,
            comments: ["Host, database, user and password stand in ~/.pg_service.conf."],
            manifest: [
                "backend": .string(backend.text), "kind": "postgres", "service": .string(service),
                "tls": .string(arguments["--tls"] ?? "verify-full"),
            ])
        // What stands there is never changed, so it is what counts.
        if case .success(let bytes) = FileBytes.read("\(directory)/\(file)") {
            declaration = ImportedFile(
                name: file, statement: String(decoding: bytes, as: UTF8.self))
        } else {
            declaration = made
        }
    }

    private init(file: String, _ arguments: Arguments) throws {
        guard case .success(let bytes) = FileBytes.read(file) else {
            throw CommandFailure("\(file) cannot be read")
        }
        guard let value = try? JSONParser.parseManifest(bytes).plain(),
            let name = value["backend"]?.string
        else { throw CommandFailure("\(file) declares no backend") }
        backend = try ImportCommand.backendName(name)
        var parts = file.split(separator: "/")
        let last = parts.popLast() ?? ""
        let isInFolder = parts.last.map { $0 == "backends" } ?? false
        if isInFolder { parts.removeLast() }
        directory = "/" + parts.joined(separator: "/")
        if let given = arguments["--manifests"],
            absolutePath(of: given)?.isByteEqual(to: absolutePath(of: directory) ?? "") != true
        {
            throw UsageError("the backend's file does not stand in \(given)")
        }
        declaration = ImportedFile(
            name: (isInFolder ? "backends/" : "") + last,
            statement: String(decoding: bytes, as: UTF8.self))
    }

    /// Asks the database; nothing is written.
    func result(schemas: [Name]) throws -> ImportResult {
        let workers = Startup.workers()
        defer { workers.stop() }
        var work = try PostgresImport(
            backend: backend, relations: try relations(workers), schemas: schemas)
        do throws(ManifestError) {
            work.leaveOut(deciding: try load(work.result.files, workers).tools)
        } catch {
            work.leaveOut(problems: error.problems)
            do throws(ManifestError) {
                work.leaveOut(deciding: try load(work.result.files, workers).tools)
            } catch {
                throw CommandFailure("what was made does not load:\n" + error.text)
            }
        }
        var result = work.result
        result.files.insert(declaration, at: 0)
        result.files.append(work.policyFile())
        return result
    }

    private func relations(_ workers: WorkerPool) throws -> [SchemaRelation] {
        let catalog: Catalog
        do throws(ManifestError) { catalog = try load([], workers) } catch {
            throw CommandFailure("the backend cannot be used:\n" + error.text)
        }
        guard let source = catalog.backends[backend] as? any SchemaSource else {
            throw CommandFailure("the backend \(backend) is no Postgres")
        }
        do throws(BackendError) { return try source.relations() } catch {
            throw CommandFailure(
                "\(backend) cannot be asked: \(printable(error.detail, limit: 400))")
        }
    }

    /// The backend and these files alone, as they would load from the directory.
    private func load(
        _ files: [ImportedFile], _ workers: WorkerPool
    ) throws(ManifestError) -> Catalog {
        let findings = Findings()
        let all = [ImportedFile.server(backend), declaration] + files
        let made = ManifestFiles(
            all.map { ManifestFile(name: $0.name, bytes: Array($0.text.utf8)) }, findings: findings)
        return try Startup.catalogMaker(workers).load(
            made, directory: directory, findings: findings)
    }
}
