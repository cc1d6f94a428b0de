import Enforcement
import EventLoop
import Glibc
import JSON

/// `toolserver mask`: what the masks of values make of a text, for those who write rules.
///
/// As a filter it copies standard input to standard output, masked. With `--jsonl` each line is
/// `{"id","text"}` or `{"id","doc"}`. Nothing is called and no backend is opened.
enum MaskCommand {
    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words, options: ["--types", "--manifests", "--state"],
            flags: ["--jsonl", "--spans", "--measure"])
        let only = try arguments["--types"].map { try kinds($0) }
        let rules = try MaskRules(arguments)
        if arguments.has("--measure") {
            try measure(rules, only: only, areLines: arguments.has("--jsonl"))
            return .done
        }
        guard arguments.has("--jsonl") else {
            if arguments.has("--spans") {
                try spans(rules, only: only)
            } else {
                try filter(rules, only: only)
            }
            return .done
        }
        let group = try EventLoopGroup(count: 1)
        try group.start()
        return Lifetime().run(on: group.next()) { await lines(rules, only: only) }
    }

    private static func kinds(_ text: String) throws(UsageError) -> Set<ValueKind> {
        var kinds: Set<ValueKind> = []
        let known = ValueKind.allCases.map(\.rawValue)
        for part in text.split(separator: ",") {
            let word = String(part)
            guard let kind = ValueKind(rawValue: word),
                known.contains(where: { $0.isByteEqual(to: word) })
            else {
                let hint = nearest(word, among: known).map { "; did you mean \($0)?" } ?? ""
                throw UsageError(
                    "--types: no type `\(word)`\(hint) There are \(known.joined(separator: ", "))")
            }
            kinds.insert(kind)
        }
        return kinds
    }

    /// Standard input in pieces; at most one window of the text is held.
    private static func filter(_ rules: MaskRules, only: Set<ValueKind>?) throws(CommandFailure) {
        var stream = StreamMask(rules.masks, only: only)
        while let bytes = try StandardInput.read() {
            guard StandardStream.output.write(stream.feed(bytes)) else { return }
        }
        StandardStream.output.write(stream.finish())
    }

    /// The places of what is found, one line each.
    private static func spans(_ rules: MaskRules, only: Set<ValueKind>?) throws(CommandFailure) {
        var lab = ValueLab(rules.masks, only: only)
        for span in lab.mask(String(decoding: try StandardInput.all(), as: UTF8.self)).spans {
            StandardStream.output.line(value(of: span).text)
        }
    }

    private static func value(of span: ValueLab.Span) -> JSONValue {
        [
            "start": .number(JSONNumber(span.start)), "end": .number(JSONNumber(span.end)),
            "type": .string(span.kind),
        ]
    }

    /// How fast the masks are on this input: one text, or with `--jsonl` the text of each line.
    private static func measure(
        _ rules: MaskRules, only: Set<ValueKind>?, areLines: Bool
    ) throws(CommandFailure) {
        let input = try StandardInput.all()
        var texts = [String(decoding: input, as: UTF8.self)]
        if areLines {
            texts = input.split(separator: 0x0A).compactMap { line in
                (try? JSONParser.parse(line))?["text"]?.string
            }
        }
        var meter = ValueMeter(rules.masks, only: only)
        let speed = meter.measure(texts, for: .seconds(2))
        StandardStream.output.line(
            "\(texts.count) texts, \(speed.bytes) bytes, \(speed.findings) found: \(speed.megabytes) MB/s"
        )
    }

    /// `{"id","text"}` or `{"id","doc"}` → the same masked, with `spans` for a text.
    private static func lines(_ rules: MaskRules, only: Set<ValueKind>?) async -> ExitCode {
        var lab = ValueLab(rules.masks, only: only)
        return await JSONLines.answer { (line) throws(UsageError) in
            if let text = line["text"]?.string {
                let (masked, spans) = lab.mask(text)
                return JSONObject(distinct: [
                    ("text", .string(masked)), ("spans", .array(spans.map { value(of: $0) })),
                ])
            }
            guard let document = line["doc"] else {
                throw UsageError("a line must have a string `text`, or `doc`")
            }
            var mask = DocumentMask(rules.masks, rules.policy, for: nil, only: only)
            return JSONObject(distinct: [("doc", mask.masked(document))])
        }
    }
}

/// What of the manifests is about values: no tool is examined for it.
struct MaskRules {
    let masks: ValueMasks
    /// Values, fields and what rules ask for; what is about columns needs a backend.
    let policy: Policy

    init(masks: ValueMasks, policy: Policy) {
        self.masks = masks
        self.policy = policy
    }

    /// Without `--manifests` the built-in rules alone, under a key that ends with the process.
    init(_ arguments: Arguments) throws {
        guard arguments["--manifests"] != nil else {
            let key = try randomBytes(32)
            self.init(
                masks: ValueMasks(pseudonym: Pseudonym(master: key, tenant: "")), policy: Policy())
            return
        }
        try self.init(manifests: arguments)
    }

    init(manifests arguments: Arguments) throws {
        let directory = Startup.manifests(arguments)
        let findings = Findings()
        let files = ManifestFiles(directory: directory, findings: findings)
        let manifests = ParsedManifests(files: files, directory: directory, findings: findings)
        var policy = manifests.policy.values.resolved(
            findings, manifests.server.map { IdentitySources($0) })
        if let error = findings.error { throw CommandFailure(error.text) }
        guard let settings = manifests.server else {
            preconditionFailure("a missing server manifest is a problem")
        }
        let installation = Startup.installation(arguments, settings)
        let key = try installation.existingPseudonymKey() ?? randomBytes(32)
        let masks = ValueMasks(
            policy: policy, pseudonym: Pseudonym(master: key, tenant: settings.name.text))
        policy.masks = manifests.policy.masks.map(\.rule.value)
        policy.reveals = manifests.policy.reveals.map(\.rule)
        policy.rules = manifests.policy.rules.map(\.value)
        self.init(masks: masks, policy: policy)
    }
}

/// Standard input as bytes.
enum StandardInput {
    /// Nil at its end.
    static func read() throws(CommandFailure) -> [UInt8]? {
        while true {
            var count = 0
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) {
                buffer, initialized in
                count = unsafe Glibc.read(STDIN_FILENO, buffer.baseAddress, buffer.count)
                initialized = max(0, count)
            }
            if count > 0 { return bytes }
            if count == 0 { return nil }
            guard errno == EINTR else {
                throw CommandFailure("cannot read standard input: \(SystemText.error(errno))")
            }
        }
    }

    static let bytesMax = 256 << 20

    static func all() throws(CommandFailure) -> [UInt8] {
        var all: [UInt8] = []
        while let bytes = try read() {
            all += bytes
            guard all.count <= bytesMax else {
                throw CommandFailure("standard input is longer than \(bytesMax >> 20) MiB")
            }
        }
        return all
    }
}
