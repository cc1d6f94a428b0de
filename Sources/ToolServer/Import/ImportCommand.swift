import Enforcement
import EventLoop
import Glibc
import JSON

/// `toolserver import openapi FILE|URL`, `toolserver import postgres SERVICE|FILE`: manifests as a
/// person would begin them, and a report of what was left out. What stands there already is never
/// changed.
enum ImportCommand {
    static let kinds = ["openapi", "postgres"]

    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words, options: ["--manifests", "--backend", "--base-url", "--schema", "--tls"],
            operands: 2)
        guard let kind = arguments.operands.first else {
            throw UsageError("import needs to know from what: \(kinds.joined(separator: " or "))")
        }
        let source = arguments.operands.dropFirst().first
        switch Name(kind) {
        case "openapi":
            try refuse(["--schema", "--tls"], arguments)
            guard let source else { throw UsageError("import openapi needs a FILE or a URL") }
            return try write(openAPI(source, arguments), into: Startup.manifests(arguments))
        case "postgres":
            try refuse(["--base-url"], arguments)
            guard let source else {
                throw UsageError(
                    "import postgres needs a SERVICE of ~/.pg_service.conf, or the FILE of a backend"
                )
            }
            let schemas = (arguments["--schema"] ?? "").split(separator: ",").map {
                Name(String($0))
            }
            let command = try PostgresImportCommand(source, arguments)
            return try write(try command.result(schemas: schemas), into: command.directory)
        default:
            throw UsageError("unknown import \(kind); there are openapi and postgres")
        }
    }

    private static func refuse(_ options: [String], _ arguments: Arguments) throws(UsageError) {
        for option in options where arguments[option] != nil {
            throw UsageError("\(option) is not for this import")
        }
    }

    private static func openAPI(
        _ source: String, _ arguments: Arguments
    ) throws -> ImportResult {
        let document = try OpenAPISource(try bytes(of: source))
        let title = document.root["info"]?["title"]?.string ?? "api"
        return try OpenAPIImport(
            backend: backendName(
                arguments["--backend"] ?? ImportedName.snake(title, atMost: 24)),
            document: document, baseURL: arguments["--base-url"]
        ).result()
    }

    static func backendName(_ text: String) throws(UsageError) -> Name {
        guard (1...48).contains(text.utf8.count), text.utf8.allSatisfy(isWordByte) else {
            throw UsageError("--backend takes 1 to 48 letters, digits, `_`, `-`")
        }
        return Name(text)
    }

    private static func bytes(of source: String) throws -> [UInt8] {
        if source.hasPrefix("https://") || source.hasPrefix("http://") {
            return try Download(source).bytes()
        }
        switch FileBytes.read(source, atMost: Download.bytesMax) {
        case .success(let bytes): return bytes
        case .failure(let failure): throw CommandFailure("\(source) \(failure.reason)")
        }
    }

    private static func write(
        _ result: ImportResult, into directory: String
    ) throws -> ExitCode {
        var written = 0
        for file in result.files + [serverFile(result, in: directory)].compactMap({ $0 }) {
            let path = "\(directory)/\(file.name)"
            try Folders.make(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
            switch FileBytes.writeNew(Array(file.text.utf8), to: path) {
            case .success: written += 1
            case .failure(let fault) where fault.code == EEXIST:
                StandardStream.output.line("kept as it was: \(file.name)")
            case .failure(let fault):
                throw CommandFailure("cannot write \(path): \(SystemText.error(fault.code))")
            }
        }
        for note in result.notes { StandardStream.output.line(note) }
        StandardStream.output.line(
            "\(result.toolCount) tools, \(written) files written below \(directory), \(result.notes.count) notes. Read policy/ before you serve them, then run `toolserver check`."
        )
        return .done
    }

    /// Nil where some file says already whose tokens count.
    private static func serverFile(_ result: ImportResult, in directory: String) -> ImportedFile? {
        let files = ManifestFiles(directory: directory, findings: Findings())
        let hasServer = files.manifests.contains { file in
            (try? JSONParser.parseManifest(file.bytes).plain())?["server"] != nil
        }
        return hasServer ? nil : .server(result.backend)
    }
}
