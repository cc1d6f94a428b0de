import Enforcement
import JSON

/// `toolserver audit`: reads and proves the record. It asks the files and never a running server.
enum AuditCommand {
    private static let verbs = ["list", "show", "verify"]
    /// The record's own upkeep, which a reader seldom wants to see.
    private static let upkeep = [
        "checkpoint", "epoch", "segment", "clock", "resume", "underway",
    ]

    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let words = Array(words)
        let rest = words.dropFirst()
        do {
            switch words.first {
            case "list": return try list(rest)
            case "show": return try show(rest)
            case "verify": return try verify(rest)
            default: break
            }
        } catch let error as RecordError { throw CommandFailure(error.description) }
        let hint = words.first.flatMap { nearest($0, among: verbs) }.map { "; did you mean \($0)?" }
        throw UsageError("audit takes list, show or verify\(hint ?? "")")
    }

    // MARK: list

    private static func list(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words, options: ["--last", "--manifests", "--state", "--log"],
            flags: ["--json", "--all"])
        let count = try arguments.integer("--last", in: 1...100_000) ?? 20
        let reader = AuditReader(directory: try directory(arguments))
        let showsAll = arguments.has("--all")
        let lines = try reader.last(count) { line in showsAll || !isUpkeep(line) }
        for line in lines {
            if arguments.has("--json") {
                StandardStream.output.write(line.bytes + [0x0A])
            } else {
                StandardStream.output.line(printable(summary(line), limit: 1_000))
            }
        }
        return .done
    }

    private static func isUpkeep(_ line: AuditReader.Line) -> Bool {
        guard let event = try? JSONParser.parse(line.bytes)["event"]?.string else { return false }
        return upkeep.contains { $0.isByteEqual(to: event) }
    }

    /// One line of text: number, time, event, who, what, how it ended.
    private static func summary(_ line: AuditReader.Line) -> String {
        guard let value = try? JSONParser.parse(line.bytes) else {
            return "\(line.sequence)  not JSON"
        }
        let time = (value["at"]?.string ?? "").prefix(19).map { $0 == "T" ? " " : $0 }
        var words = [padded("\(line.sequence)", 6), String(time)]
        words.append(padded(value["event"]?.string ?? "", 8))
        if let subject = value["caller"]?["subject"]?.string { words.append(padded(subject, 8)) }
        if let tool = value["tool"]?.string { words.append(padded(tool, 20)) }
        if let code = value["code"]?.string { words.append(code) }
        if value["caller"] == nil, let call = value["call"]?.string { words.append("call=\(call)") }
        for rule in value["rules"]?.array ?? [] { words.append("rule=\(rule.string ?? "")") }
        for name in [
            "rows", "changed", "masked", "arguments", "transport", "address", "unwritten",
            "refused",
            "catalog",
        ] {
            if let detail = value[name] { words.append("\(name)=\(detail.string ?? detail.text)") }
        }
        let text = words.joined(separator: "  ")
        return String(text.reversed().drop { $0 == " " }.reversed())
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    // MARK: show

    private static func show(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words, options: ["--manifests", "--state", "--log"], operands: 1)
        guard arguments.operands.count == 1, let sequence = Int(arguments.operands[0]) else {
            throw UsageError("audit show takes the number of one line")
        }
        let reader = AuditReader(directory: try directory(arguments))
        guard let line = try reader.line(sequence: sequence) else {
            throw CommandFailure("the record has no line \(sequence)")
        }
        guard case .object(let object) = try? JSONParser.parse(line.bytes) else {
            throw CommandFailure("line \(sequence) is not JSON")
        }
        for member in object.members {
            let value = member.value.string ?? member.value.text
            let text = "\(padded(member.name, 12))  \(value)"
            StandardStream.output.line(printable(text, limit: 1 << 20))
        }
        return .done
    }

    // MARK: verify

    private static func verify(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(words, options: ["--key"], flags: ["--json"], operands: 1)
        guard arguments.operands.count == 1, let keyFile = arguments["--key"] else {
            throw UsageError(
                "audit verify takes a directory and --key FILE, the public key that you kept from the first start"
            )
        }
        let key: [UInt8]
        switch FileBytes.read(keyFile) {
        case .success(let bytes): key = bytes
        case .failure(let failure):
            throw CommandFailure("cannot read the public key: \(keyFile) \(failure.reason)")
        }
        let report = try AuditVerifier.verify(
            directory: arguments.operands[0], publicKey: String(decoding: key, as: UTF8.self))
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

    private static func counted(_ count: Int, _ word: String) -> String {
        "\(count) \(word)\(count == 1 ? "" : "s")"
    }

    private static func directory(_ arguments: Arguments) throws -> String {
        let installation =
            try arguments["--state"].map { Installation(directory: $0) }
            ?? Startup.installation(arguments, Startup.settings(arguments))
        return installation.directory + "/" + (arguments["--log"] ?? Installation.firstLog)
    }
}
