import Enforcement
import JSON

/// `toolserver audit`: reads and proves the record. It asks the files and never a running server.
enum AuditCommand {
    private static let verbs = [
        "list", "show", "follow", "export", "replay", "risks", "advise", "retention", "streams",
        "reindex", "prove", "checkpoint", "verify",
    ]

    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let words = Array(words)
        let rest = words.dropFirst()
        do {
            switch words.first {
            case "list": return try ListView.run(rest)
            case "show": return try ShowView.run(rest)
            case "follow": return try FollowView.run(rest)
            case "export": return try ExportView.run(rest)
            case "replay": return try ReplayView.run(rest)
            case "risks": return try RisksView.run(rest)
            case "advise": return try AdviseView.run(rest)
            case "retention": return try RetentionView.run(rest)
            case "streams": return try StreamsView.run(rest)
            case "reindex": return try ReindexView.run(rest)
            case "prove": return try ProofView.prove(rest)
            case "checkpoint": return try ProofView.checkpoint(rest)
            case "verify": return try verify(rest)
            default: break
            }
        } catch let error as RecordError { throw CommandFailure(error.description) }
        let hint = words.first.flatMap { nearest($0, among: verbs) }.map { "; did you mean \($0)?" }
        throw UsageError("audit takes \(verbs.joined(separator: ", "))\(hint ?? "")")
    }

    // MARK: verify

    private static func verify(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words, options: ["--key", "--witness", "--keys"],
            flags: ["--json", "--without-bodies"],
            operands: 1)
        guard arguments.operands.count == 1, let keyFile = arguments["--key"] else {
            throw UsageError(
                "audit verify takes a directory and --key FILE, the public key that you kept from the first start"
            )
        }
        let key = try read(keyFile, "the public key")
        let kept = try arguments["--witness"].map {
            try KeptCheckpoint.read(read($0, "the kept checkpoints"))
        }
        let report = try AuditVerifier.verify(
            directory: arguments.operands[0], publicKey: String(decoding: key, as: UTF8.self),
            kept: kept ?? [], bodies: try bodyDepth(arguments))
        // A running server is always in the middle of a batch; without one, bytes that no
        // checkpoint covers are a crash's or a forger's, and the files cannot say whose.
        let isSettled =
            report.tailBytes == 0
            || AuditVerifier.isBeingWritten(directory: arguments.operands[0])
        let root = Base64.encode(report.root.bytes)
        if arguments.has("--json") {
            let facts: JSONValue = [
                "verified": .bool(isSettled), "lines": .number(JSONNumber(report.lines)),
                "calls": .number(JSONNumber(report.calls)),
                "checkpoints": .number(JSONNumber(report.checkpoints)),
                "segments": .number(JSONNumber(report.segments)),
                "keys": .number(JSONNumber(report.epochs.count)),
                "first": .string(report.firstTime), "last": .string(report.lastTime),
                "size": .number(JSONNumber(report.size)), "root": .string(root),
                "unacknowledgedBytes": .number(JSONNumber(report.tailBytes)),
                "removedLines": .number(JSONNumber(report.removedLines)),
                "bodies": .number(JSONNumber(report.bodies)),
                "destroyedBodies": .number(JSONNumber(report.destroyedBodies)),
            ]
            StandardStream.output.line(facts.text)
            return isSettled ? .done : .failed
        }
        StandardStream.output.line(
            """
            \(isSettled ? "verified" : "verified but for its end"): \(counted(report.lines, "line")), \(counted(report.calls, "call")), \(counted(report.checkpoints, "checkpoint")) by \(counted(report.epochs.count, "key")) in \(counted(report.segments, "file"))
            from \(report.firstTime) to \(report.lastTime)
            checkpoint: size \(report.size), root \(root)
            """)
        if !report.changedFiles.isEmpty {
            StandardStream.output.line(
                "somebody else changed \(report.changedFiles.joined(separator: ", ")) while it was written; every acknowledged line stands in it again"
            )
        }
        if report.removedLines > 0 {
            StandardStream.output.line(
                "\(counted(report.removedLines, "line")) of \(report.removedFiles.joined(separator: ", ")) were removed by rule, as the record says; their hashes are there"
            )
        }
        if report.bodies + report.destroyedBodies > 0 {
            StandardStream.output.line(bodies(report, arguments))
        }
        if report.tailBytes > 0 {
            let tail = "the last \(report.tailBytes) bytes stand behind the last checkpoint"
            StandardStream.output.line(
                isSettled
                    ? "\(tail): nobody was answered on them yet"
                    : "\(tail) and no server is writing: a crash leaves such an end, and so does somebody who adds lines. Start the server once, which cuts it and records what it cut, then verify again."
            )
        }
        return isSettled ? .done : .failed
    }

    /// `--keys` is the folder of the log's keys.
    private static func bodyDepth(_ arguments: Arguments) throws -> BodyDepth {
        let isWithout = arguments.has("--without-bodies")
        guard let keys = arguments["--keys"] else { return isWithout ? .none : .files }
        guard !isWithout else {
            throw UsageError("--keys and --without-bodies exclude each other")
        }
        return .keys(keys)
    }

    private static func bodies(
        _ report: AuditVerifier.Report, _ arguments: Arguments
    ) -> String {
        let destroyed =
            report.destroyedBodies == 0
            ? "" : "; \(report.destroyedBodies) more destroyed, as the record says"
        if arguments.has("--without-bodies") {
            return "\(counted(report.bodies, "answer")) kept beside it, not looked at\(destroyed)"
        }
        let how = arguments["--keys"] == nil ? "as its line says" : "as its line says, and readable"
        return "\(counted(report.bodies, "answer")) kept beside it, each \(how)\(destroyed)"
    }

    private static func read(_ file: String, _ what: String) throws -> [UInt8] {
        switch FileBytes.read(file) {
        case .success(let bytes): return bytes
        case .failure(let failure):
            throw CommandFailure("cannot read \(what): \(file) \(failure.reason)")
        }
    }
}
