import Enforcement
import EventLoop
import Glibc
import JSON

/// `toolserver import openapi FILE|URL`: manifests as a person would begin them, and a report of
/// what was left out. What stands there already is never changed.
enum ImportCommand {
    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words, options: ["--manifests", "--backend", "--base-url"], operands: 2)
        guard let kind = arguments.operands.first else {
            throw UsageError("import needs to know from what: openapi")
        }
        guard kind.isByteEqual(to: "openapi") else {
            throw UsageError("unknown import \(kind); there is openapi")
        }
        guard let source = arguments.operands.dropFirst().first else {
            throw UsageError("import openapi needs a FILE or a URL")
        }
        let document = try OpenAPISource(try bytes(of: source))
        let title = document.root["info"]?["title"]?.string ?? "api"
        let backend = arguments["--backend"] ?? ImportedName.snake(title, atMost: 24)
        guard (1...48).contains(backend.utf8.count), backend.utf8.allSatisfy(isWordByte) else {
            throw UsageError("--backend takes 1 to 48 letters, digits, `_`, `-`")
        }
        let result = try OpenAPIImport(
            backend: Name(backend), document: document, baseURL: arguments["--base-url"]
        ).result()
        return try write(result, into: Startup.manifests(arguments))
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
        _ result: OpenAPIImport.Result, into directory: String
    ) throws -> ExitCode {
        var written = 0
        for file in result.files {
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
}
