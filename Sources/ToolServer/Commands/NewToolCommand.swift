import Enforcement
import EventLoop
import Glibc
import JSON

/// `toolserver new tool NAME`: one tool with a statement, loaded before it is written. What is not
/// given as an option is asked.
enum NewToolCommand {
    private static let options = [
        "--manifests", "--backend", "--scope", "--title", "--description", "--sql",
    ]

    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(words, options: options, flags: ["--write"], operands: 2)
        guard arguments.operands.count == 2, arguments.operands[0].isByteEqual(to: "tool") else {
            throw UsageError("new makes a tool: toolserver new tool NAME")
        }
        let name = arguments.operands[1]
        guard (1...64).contains(name.utf8.count), name.utf8.allSatisfy(isWordByte) else {
            throw UsageError("a tool's name is 1 to 64 letters, digits, `_`, `-`")
        }
        let backend = try answer("--backend", "Which backend?", arguments)
        let statement = try answer(
            "--sql", "Which statement, with :NAME for each argument?", arguments)
        let manifest = JSONObject(distinct: [
            ("tool", .string(name)),
            ("title", .string(try answer("--title", "What is it called?", arguments))),
            (
                "description",
                .string(
                    try answer(
                        "--description", "What does it answer, and when is it of use?", arguments))
            ),
            ("backend", .string(backend)),
            ("scope", .string(try answer("--scope", "Which scope must a caller have?", arguments))),
            ("effect", arguments.has("--write") ? "write" : "read"),
        ])
        return try write(name, manifest, statement, into: Startup.manifests(arguments))
    }

    private static func answer(
        _ option: String, _ question: String, _ arguments: Arguments
    ) throws -> String {
        if let given = arguments[option] { return given }
        StandardStream.error.line(question)
        guard let line = readLine(), !line.utf8.isEmpty else {
            throw UsageError("\(option) is not given, and the question not answered")
        }
        return line
    }

    private static func write(
        _ name: String, _ head: JSONObject, _ statement: String, into directory: String
    ) throws -> ExitCode {
        var manifest = head
        let inputs = parameters(of: statement)
        if !inputs.isEmpty {
            manifest["input"] = .object(
                JSONObject(distinct: inputs.map { ($0, ["type": "string", "maxLength": 500]) }))
        }
        let file = ImportedFile(name: "tools/\(name).json", manifest: .object(manifest))
        let sql = ImportedFile(name: "tools/\(name).sql", statement: statement + "\n")
        try check([file, sql], in: directory)
        try Folders.make("\(directory)/tools")
        for made in [sql, file] {
            let path = "\(directory)/\(made.name)"
            if case .failure(let fault) = FileBytes.writeNew(Array(made.text.utf8), to: path) {
                throw CommandFailure("cannot write \(path): \(SystemText.error(fault.code))")
            }
        }
        let types = inputs.isEmpty ? "" : " Its arguments are texts: say more about them there."
        StandardStream.output.line("written: tools/\(name).json and .sql.\(types)")
        return .done
    }

    /// Nothing is written that would keep the server from starting.
    private static func check(_ files: [ImportedFile], in directory: String) throws {
        let workers = Startup.workers()
        defer { workers.stop() }
        let findings = Findings()
        let there = ManifestFiles(directory: directory, findings: findings)
        let made = files.map { ManifestFile(name: $0.name, bytes: Array($0.text.utf8)) }
        if let taken = there.all.first(where: { old in
            made.contains { $0.name.isByteEqual(to: old.name) }
        }) {
            throw CommandFailure("\(taken.name) is there already")
        }
        do throws(ManifestError) {
            _ = try Startup.catalogMaker(workers).load(
                ManifestFiles(there.all + made, findings: findings), directory: directory,
                findings: findings)
        } catch {
            throw CommandFailure("not written, since it would not load:\n" + error.text)
        }
    }

    /// `:name`, in the order of their first use; not `::type`.
    private static func parameters(of statement: String) -> [String] {
        var names: [String] = []
        let parts = statement.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated().dropFirst() where !parts[index - 1].isEmpty {
            let name = String(part.prefix { isWordByte($0.asciiValue ?? 0) && $0 != "-" })
            if isParameterName(name), !names.contains(where: { $0.isByteEqual(to: name) }) {
                names.append(name)
            }
        }
        return names
    }
}
