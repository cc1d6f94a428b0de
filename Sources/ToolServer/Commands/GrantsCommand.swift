import Enforcement
import EventLoop
import JSON

/// `toolserver grants --as SUBJECT`: which tools could this caller use, and by which grants?
///
/// The scope stage answers, as it does for a call; no rule is asked, since rules look at calls.
enum GrantsCommand {
    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words,
            options: SupposedCaller.options + ["--from", "--at", "--tool", "--manifests"],
            flags: ["--json"])
        let workers = Startup.workers()
        defer { workers.stop() }
        let (gate, server) = try TryCommand.gate(
            Startup.manifests(arguments), workers, SystemNameLookup())
        let caller = try SupposedCaller.read(arguments, server)
        var lines = gate.standings(
            of: caller, via: arguments["--from"].map { Transport(kind: .http, address: $0) },
            at: try moment(arguments["--at"]))
        if let tool = arguments["--tool"] {
            lines = lines.filter { $0.tool.name == Name(tool) }
            guard !lines.isEmpty else { throw CommandFailure("no tool `\(tool)`") }
        }
        let answers = lines.map { GrantAnswer($0.tool, $0.standing, $0.grants) }
        for answer in answers {
            StandardStream.output.line(
                arguments.has("--json") ? JSONValue.object(answer.json).text : answer.line)
        }
        return .done
    }

    private static func moment(_ text: String?) throws(UsageError) -> Int {
        guard let text else { return WallClock.seconds() }
        guard let moment = WallClock.moment(text) else {
            throw UsageError("--at takes a moment such as 2026-12-31T18:00:00Z")
        }
        return moment
    }
}

/// How one tool stands, in words.
struct GrantAnswer {
    let tool: Name
    let standing: Standing
    let reasons: [String]

    init(_ tool: Tool, _ standing: Standing, _ grants: [GrantFinding]) {
        self.tool = tool.name
        self.standing = standing
        reasons = grants.map { Self.reason($0) }
    }

    private var word: String {
        switch standing {
        case .granted: "yes"
        case .depends: "depends"
        case .none: "no"
        }
    }

    private static func reason(_ finding: GrantFinding) -> String {
        let grant = finding.grant
        return switch finding.verdict {
        case .holds: "\(grant.place) grants it"
        case .depends: "\(grant.place) grants it while \(open(grant)) fits its `where`"
        case .notYet: "\(grant.place) begins at \(grant.from.map { WallClock.text($0) } ?? "")"
        case .over: "\(grant.place) ended at \(grant.until.map { WallClock.text($0) } ?? "")"
        case .otherIssuer: "\(grant.place) means names of another issuer"
        case .conditionFails: "\(grant.place) has a `where` that does not hold"
        }
    }

    private static func open(_ grant: Grant) -> String {
        let names = grant.condition?.argumentsAsked ?? []
        return names.isEmpty
            ? "the address" : Set(names).sorted().map { "`argument.\($0)`" }.joined(separator: ", ")
    }

    var line: String {
        let reasons =
            reasons.isEmpty ? "no grant names this caller" : reasons.joined(separator: "; ")
        let column = word + String(repeating: " ", count: 8 - word.utf8.count)
        return "\(column)\(tool): \(reasons)"
    }

    var json: JSONObject {
        JSONObject(distinct: [
            ("tool", .string(tool.text)), ("may", .string(word)),
            ("because", .array(reasons.map { .string($0) })),
        ])
    }
}
