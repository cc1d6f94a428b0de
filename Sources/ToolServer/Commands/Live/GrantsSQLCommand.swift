import Backends
import Enforcement
import EventLoop
import JSON

/// `toolserver grants --sql`.
enum GrantsSQLCommand {
    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words, options: ["--backend", "--manifests"], flags: ["--sql"])
        let workers = Startup.workers()
        defer { workers.stop() }
        let catalog: Catalog
        do throws(ManifestError) {
            catalog = try Startup.catalogMaker(workers).load(
                directory: Startup.manifests(arguments))
        } catch {
            throw CommandFailure("the manifests cannot be served:\n" + error.text)
        }
        let names = catalog.backends.keys.sorted().filter { name in
            arguments["--backend"].map { Name($0) == name } ?? true
        }
        guard !names.isEmpty else { throw CommandFailure("no such backend") }
        var isFirst = true
        for name in names {
            guard let source = catalog.backends[name] as? any PrivilegeSource else { continue }
            let found: RolePrivileges
            do throws(BackendError) { found = try source.privileges() } catch {
                throw CommandFailure("\(name) cannot be asked: \(printable(error.detail))")
            }
            if !isFirst { StandardStream.output.line("") }
            isFirst = false
            for line in GrantStatements(BackendNeeds(name, catalog.tools), found).lines {
                StandardStream.output.line(line)
            }
        }
        guard !isFirst else { throw CommandFailure("no backend has privileges to grant") }
        return .done
    }
}
