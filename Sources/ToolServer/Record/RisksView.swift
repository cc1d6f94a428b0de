import Backends
import Enforcement
import JSON

/// `audit risks`: who in the record does what insiders do, how sure that is, and by which calls.
enum RisksView {
    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words, options: ["--score", "--show"] + RecordPlace.options + RecordFilter.options,
            flags: ["--json"])
        let place = try RecordPlace(arguments)
        let query = try RecordFilter.query(arguments, most: 1)
        // What came before a time is what the calls since then are judged by.
        var filter = query
        (filter.since, filter.until) = (nil, nil)
        let match = EntryMatch(filter)
        var watch = RiskWatch()
        var entries = RecordEntries(place)
        while let placed = try entries.next() {
            if match.holds(placed.entry) { watch.take(placed.entry, log: placed.log) }
        }
        watch.finish()
        var report = RiskReport(
            watch, over: try arguments.integer("--score", in: 1...99) ?? RiskFilter.scoreMin,
            since: query.since, until: query.until)
        report.callsShown = try arguments.integer("--show", in: 0...RiskFinding.callsMax) ?? 8
        let isTold = arguments.has("--json") ? report.writeJSON() : report.writeText()
        return report.isEmpty && isTold ? .done : .failed
    }
}

/// What was found, by caller, the most likely first.
struct RiskReport {
    struct Person {
        let subject: RiskSubject
        let score: Int
        let findings: [RiskFinding]
    }

    private(set) var people: [Person] = []
    private let calls: Int
    var callsShown = 8

    /// The times are in the record's form, whole or cut; a finding counts that reaches into them.
    init(_ watch: RiskWatch, over score: Int, since: String? = nil, until: String? = nil) {
        calls = watch.calls
        var found: [RiskSubject: [RiskFinding]] = [:]
        for (subject, finding) in watch.findings where finding.score >= score {
            let first = WallClock.text(finding.first / 1_000_000)
            let last = WallClock.text(finding.last / 1_000_000)
            if let since, last.utf8.lexicographicallyPrecedes(since.utf8) { continue }
            if let until, !first.utf8.lexicographicallyPrecedes(until.utf8) { continue }
            found[subject, default: []].append(finding)
        }
        people = found.map { subject, findings in
            // The same again makes it no likelier.
            let best = RiskSign.allCases.compactMap { sign in
                findings.filter { $0.sign == sign }.map(\.score).max()
            }
            return Person(
                subject: subject, score: RiskFinding.together(best),
                findings: findings.sorted { ($1.score, $0.first) < ($0.score, $1.first) })
        }
        .sorted { ($1.score, $0.subject.name) < ($0.score, $1.subject.name) }
    }

    var isEmpty: Bool { people.isEmpty }

    private var count: Int { people.reduce(0) { $0 + $1.findings.count } }

    /// False when nobody reads any more.
    func writeText() -> Bool {
        for person in people {
            var lines = ["\(person.score)  \(person.subject.text)"]
            for finding in person.findings {
                let first = Self.time(finding.first)
                let last = Self.time(finding.last)
                lines.append("    \(finding.score)  \(finding.sign.rawValue): \(finding.why)")
                let when = first.isByteEqual(to: last) ? first : "\(first) to \(last)"
                lines.append("        \(when): \(numbers(of: finding))")
            }
            let text = lines.map { printable($0, limit: 1_000) + "\n" }.joined()
            guard StandardStream.output.write(Array(text.utf8)) else { return false }
        }
        let what =
            isEmpty
            ? "no sign" : "\(counted(count, "sign")) of \(counted(people.count, "caller"))"
        StandardStream.output.line("\(counted(calls, "call")): \(what)")
        return true
    }

    private func numbers(of finding: RiskFinding) -> String {
        let shown = finding.calls.prefix(callsShown).map { call in
            call.log.isByteEqual(to: Installation.firstLog)
                ? "\(call.sequence)" : "\(call.log):\(call.sequence)"
        }
        let rest = finding.calls.count - shown.count + finding.more
        let more = rest > 0 ? " and \(rest) more" : ""
        return "lines \(shown.joined(separator: ", "))\(more)"
    }

    private static func time(_ microseconds: Int) -> String {
        String(WallClock.text(microseconds / 1_000_000).prefix(19).map { $0 == "T" ? " " : $0 })
    }

    func writeJSON() -> Bool {
        for person in people {
            for finding in person.findings {
                guard StandardStream.output.write(Array((line(person, finding) + "\n").utf8))
                else { return false }
            }
        }
        let summary: JSONValue = [
            "calls": .number(JSONNumber(calls)), "signs": .number(JSONNumber(count)),
            "callers": .number(JSONNumber(people.count)),
        ]
        StandardStream.output.line(summary.text)
        return true
    }

    private func line(_ person: Person, _ finding: RiskFinding) -> String {
        var members: [JSONObject.Member] = [
            ("sign", .string(finding.sign.rawValue)), ("score", .number(JSONNumber(finding.score))),
            ("callerScore", .number(JSONNumber(person.score))),
        ]
        let subject = person.subject
        if let issuer = subject.issuer {
            members.append(("caller", .string(subject.name.text)))
            members.append(("issuer", .string(issuer.text)))
            if let person = subject.person { members.append(("for", .string(person.text))) }
        } else {
            members.append(("address", .string(subject.name.text)))
        }
        members += [
            ("from", .string(WallClock.text(finding.first / 1_000_000))),
            ("to", .string(WallClock.text(finding.last / 1_000_000))),
            ("why", .string(finding.why)),
            (
                "lines",
                .array(
                    finding.calls.map { call in
                        [
                            "log": .string(call.log),
                            "seq": .number(JSONNumber(call.sequence)),
                        ]
                    })
            ),
            ("more", .number(JSONNumber(finding.more))),
        ]
        return JSONValue.object(JSONObject(distinct: members)).text
    }
}
