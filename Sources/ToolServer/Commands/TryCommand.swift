import Backends
import Enforcement
import EventLoop
import JSON

/// `toolserver try TOOL`: what the gate would decide about a call, with everything that led there.
///
/// The stages are those of a real call; nothing is run, recorded or counted, and no backend gets
/// more than the question what a call would touch.
enum TryCommand {
    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words, options: SupposedCaller.options + ["--manifests"],
            flags: ["--jsonl"],
            operands: 2)
        guard let tool = arguments.operands.first else {
            throw UsageError("try needs the name of a tool")
        }
        let isLines = arguments.has("--jsonl")
        if isLines, arguments.operands.count > 1 {
            throw UsageError("with --jsonl the arguments come as lines on standard input")
        }
        let given =
            try isLines ? JSONObject() : object(arguments.operands.dropFirst().first ?? "{}")
        let workers = Startup.workers()
        defer { workers.stop() }
        let names = LabNames()
        let (gate, server) = try gate(Startup.manifests(arguments), workers, names)
        let caller = try SupposedCaller.read(arguments, server)
        let group = try EventLoopGroup(count: 1)
        try group.start()
        return Lifetime().run(on: group.next()) {
            if isLines { return await lines(gate, tool, as: caller, names) }
            let judgement = await gate.judge(tool, given, as: caller)
            for line in judgement.reasoning { StandardStream.output.line(line) }
            return judgement.decision == .allow ? .done : .failed
        }
    }

    private static func lines(
        _ gate: Gate, _ tool: String, as caller: Caller, _ names: LabNames
    ) async -> ExitCode {
        await JSONLines.answer { (line) throws(UsageError) in
            try names.script(line["resolver"])
            return try await answer(line, gate, tool, as: caller)
        }
    }

    /// `{"id","arguments"}`, with `resolver` if `LabNames` is to say what names stand for →
    /// `{"id","decision","code","reason","rules","limits","observing","facts","masked","request"}`.
    static func answer(
        _ line: JSONObject, _ gate: Gate, _ tool: String, as caller: Caller
    ) async throws(UsageError) -> JSONObject {
        let known = ["id", "arguments", "resolver"]
        let other = line.members.first { member in
            !known.contains { $0.isByteEqual(to: member.name) }
        }
        if let other {
            throw UsageError(
                "unknown member `\(other.name)`; a line holds `id`, `arguments` and `resolver`")
        }
        guard case .object(let arguments) = line["arguments"] ?? .object(JSONObject()) else {
            throw UsageError("`arguments` must be an object")
        }
        return await gate.judge(tool, arguments, as: caller).json
    }

    static func object(_ text: String) throws(UsageError) -> JSONObject {
        guard let value = try? JSONParser.parse(Array(text.utf8)), case .object(let object) = value
        else { throw UsageError("`\(text)` is not a JSON object") }
        return object
    }

    static func gate(
        _ directory: String, _ workers: WorkerPool, _ names: any NameLookup
    ) throws -> (Gate, ServerSettings) {
        let catalog: Catalog
        do throws(ManifestError) {
            catalog = try Startup.catalogMaker(workers, names: names).load(directory: directory)
        } catch {
            throw CommandFailure("the manifests cannot be served:\n" + error.text)
        }
        let gate = Gate(
            identity: IdentityStage(issuers: TrustedIssuers()),
            limits: LimitStage(callsMax: catalog.server.limits.callsPerCaller),
            tools: catalog.tools, policy: catalog.policy,
            backend: Backends(catalog.backends), sink: NoRecord())
        return (gate, catalog.server)
    }
}

/// What is only judged is not recorded, and what cannot be recorded cannot run.
struct NoRecord: RecordSink {
    func append(_ bodies: [[UInt8]]) async throws(RecordError) -> RecordReceipt { throw .closed }
}

extension Judgement {
    private var code: String {
        switch decision {
        case .allow: "ok"
        case .approve: "approval.required"
        case .deny: refusal?.code.rawValue ?? ""
        }
    }

    private var reason: String {
        refusal?.told
            ?? holding.map { "`\($0.id)`: \($0.reason)" }.joined(separator: "; ")
    }

    /// Those that have values, each with all of them.
    private var facts: [(name: String, values: [JSONValue])] {
        let plain = Fact.plain.filter { if case .time = $0.fact { false } else { true } }
        return zip(plain, values(of: plain.map(\.fact)))
            .map { (name: $0.name, values: $1) }
            .filter { !$0.values.isEmpty }
    }

    var json: JSONObject {
        JSONObject(distinct: [
            ("decision", .string(decision.rawValue)), ("code", .string(code)),
            ("reason", .string(reason)), ("rules", .array(rules.map { .string($0.text) })),
            ("limits", .array(limiting.map { .string($0.id.text) })),
            ("observing", .array(observing.map { .string($0.id.text) })),
            ("facts", .object(JSONObject(distinct: facts.map { ($0.name, .array($0.values)) }))),
            ("masked", .array(maskedColumns.map { .string($0) })),
            ("request", request?.json ?? .null),
        ])
    }

    /// For a person.
    var reasoning: [String] {
        let told = reason.utf8.isEmpty ? [] : ["", reason]
        let facts = facts.map { "  \($0.name): \($0.values.map(\.text).joined(separator: ", "))" }
        let request = request.map { ["", "would send: \($0.json.text)"] } ?? []
        let other = [
            ("counted by", limiting), ("would match, if it did not only observe:", observing),
        ]
        .filter { !$0.1.isEmpty }
        .map { "\($0.0) \($0.1.map(\.id.text).joined(separator: ", "))" }
        return ["\(decision.rawValue) (\(code))"] + told + other
            + (facts.isEmpty ? [] : ["", "facts:"] + facts) + request
    }
}

extension BackendRequest {
    /// As the lab shows it.
    var json: JSONValue {
        switch self {
        case .access(let shown): .object(shown)
        case .sql(let text, let parameters): ["sql": .string(text), "params": .array(parameters)]
        case .http(let request):
            [
                // Where the name may be reached, where that was judged.
                "connect": .array(
                    request.addresses.compactMap { address in
                        SocketAddress(bytes: address, port: 0).map { .string($0.ip) }
                    }),
                "method": .string(request.method), "url": .string(request.url),
                "headers": .object(
                    JSONObject(distinct: request.headers.map { ($0.name, .string($0.value)) })),
                "body": request.body.map { .string(String(decoding: $0, as: UTF8.self)) } ?? .null,
            ]
        }
    }
}
