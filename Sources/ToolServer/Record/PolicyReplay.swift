import Backends
import Enforcement
import EventLoop
import JSON

/// `audit replay --policy DIR`: what other manifests would have said of the recorded calls.
enum PolicyReplay {
    static func run(_ arguments: Arguments, policy directory: String) throws -> ExitCode {
        let place = try RecordPlace(arguments)
        let match = EntryMatch(try RecordFilter.query(arguments, most: 1))
        let most = try arguments.integer("--show", in: 0...1_000_000) ?? 50
        let workers = Startup.workers()
        defer { workers.stop() }
        let catalog: Catalog
        do throws(ManifestError) {
            catalog = try Startup.catalogMaker(workers)
                .load(directory: Startup.absolute(directory))
        } catch {
            throw CommandFailure("the manifests cannot be served:\n" + error.text)
        }
        var comparison = PolicyComparison(
            RuleReplay(tools: catalog.tools, policy: catalog.policy), most: most,
            isJSON: arguments.has("--json"))
        for log in place.logs {
            var tail = RecordTail(directory: place.directory(of: log))
            try tail.read { batch in
                for placed in batch where PolicyComparison.mayDecide(placed.line.bytes) {
                    guard let line = RecordedLine(placed.line), let call = RecordedCall(line),
                        match.holds(RecordedEntry(lines: [line]))
                    else { continue }
                    comparison.take(call, log: log)
                }
                return true
            }
        }
        comparison.finish()
        return comparison.isSame ? .done : .failed
    }
}

/// Counts and tells what differs.
struct PolicyComparison {
    private let replay: RuleReplay
    private let isJSON: Bool
    private let most: Int
    private var shown = 0
    private(set) var calls = 0
    private(set) var counts: [Difference: Int] = [:]

    enum Difference: String, CaseIterable {
        case denied = "newly denied"
        case allowed = "newly allowed"
        case held = "newly held"
        case open = "not to be told from the record"
        case otherwise = "as before, for other reasons"
    }

    init(_ replay: RuleReplay, most: Int, isJSON: Bool) {
        self.replay = replay
        self.most = most
        self.isJSON = isJSON
    }

    /// Whether every call would have been decided as it was.
    var isSame: Bool {
        counts.allSatisfy { $0.key == .otherwise || $0.value == 0 }
    }

    private static let mark = Array(#","decision":""#.utf8)

    /// Most lines are no call's first; they need not be parsed.
    static func mayDecide(_ line: [UInt8]) -> Bool {
        let first = mark[0]
        var at = 0
        while let start = line[at...].firstIndex(of: first) {
            if line[start...].starts(with: mark) { return true }
            at = start + 1
        }
        return false
    }

    mutating func take(_ call: RecordedCall, log: String) {
        calls += 1
        let finding = replay.judge(call)
        guard let difference = Self.difference(call, finding) else { return }
        counts[difference, default: 0] += 1
        guard difference != .otherwise, shown < most else { return }
        shown += 1
        tell(call, finding, difference, log)
    }

    static func difference(_ call: RecordedCall, _ finding: RuleReplay.Finding) -> Difference? {
        guard case .decided(let answer) = finding else { return .open }
        if answer.decision != call.decision {
            if answer.isUncertain { return .open }
            switch answer.decision {
            case .deny: return .denied
            case .allow: return .allowed
            case .hold: return .held
            }
        }
        let isSame =
            Set(answer.rules) == Set(call.rules)
            && (answer.decision != .deny || answer.code.isByteEqual(to: call.codeText))
        return isSame ? nil : .otherwise
    }

    private func tell(
        _ call: RecordedCall, _ finding: RuleReplay.Finding, _ difference: Difference,
        _ log: String
    ) {
        var why = ""
        var rules: [Name] = []
        switch finding {
        case .open(let reason): why = reason
        case .decided(let answer):
            rules = answer.rules
            why =
                answer.isUncertain
                ? "a rule asks what the record covers" : answer.code
        }
        if isJSON {
            let facts: JSONValue = [
                "difference": .string(difference.rawValue), "log": .string(log),
                "seq": .number(JSONNumber(call.line.sequence)),
                "call": .string(call.line.call ?? ""),
                "caller": .string(call.line.subject ?? ""), "tool": .string(call.tool),
                "before": .string(call.decision.rawValue),
                "beforeRules": .array(call.rules.map { .string($0.text) }),
                "now": .string(why), "rules": .array(rules.map { .string($0.text) }),
            ]
            return StandardStream.output.line(facts.text)
        }
        let by = rules.isEmpty ? "" : " by \(rules.map { "`\($0)`" }.joined(separator: ", "))"
        let text =
            "\(difference.rawValue): \(call.line.sequence)  \(call.line.subject ?? "")  \(call.tool)  was \(call.decision.rawValue), now \(why)\(by)"
        StandardStream.output.line(printable(text, limit: 1_000))
    }

    func finish() {
        let counted = Difference.allCases.map { ($0, counts[$0] ?? 0) }
        if isJSON {
            let members: [JSONObject.Member] =
                [("calls", .number(JSONNumber(calls)))]
                + counted.map { ($0.0.rawValue, .number(JSONNumber($0.1))) }
            return StandardStream.output.line(JSONValue.object(JSONObject(distinct: members)).text)
        }
        let words = counted.filter { $0.1 > 0 }.map { "\($0.1) \($0.0.rawValue)" }
        let rest = words.isEmpty ? "every one as before" : words.joined(separator: ", ")
        StandardStream.output.line("\(calls) call\(calls == 1 ? "" : "s"): \(rest)")
    }
}
