import Backends
import Enforcement
import EventLoop
import JSON

/// `audit advise`: what nobody used, and the rights that would have allowed all that happened.
enum AdviseView {
    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words, options: ["--days"] + RecordPlace.options, flags: ["--json"])
        let days = try arguments.integer("--days", in: 1...36_500) ?? 30
        let place = try RecordPlace(arguments)
        let workers = Startup.workers()
        defer { workers.stop() }
        let catalog: Catalog
        do throws(ManifestError) {
            catalog = try Startup.catalogMaker(workers)
                .load(directory: Startup.manifests(arguments))
        } catch {
            throw CommandFailure("the manifests cannot be served:\n" + error.text)
        }
        let since = WallClock.text(WallClock.seconds() - days * Calendar.day)
        let calls = PassedCalls(place: place, since: since)
        var survey = UsageSurvey(catalog)
        try calls.forEach { call, _ in survey.take(call) }
        let grants = NarrowerGrants(survey)
        var proof = NarrowingProof(catalog, grants.grants)
        try calls.forEach { call, log in proof.take(call, log: log) }
        let report = AdviceReport(
            days: days, start: try calls.start(), survey: survey, grants: grants, proof: proof,
            statements: try statements(survey))
        arguments.has("--json") ? report.writeJSON() : report.writeText()
        guard proof.refused.isEmpty else {
            throw CommandFailure(
                "\(counted(proof.refused.count, "call")) would be refused by the narrower grants, the first in line \(proof.refused[0].sequence) of \(proof.refused[0].log): do not take them, and report this"
            )
        }
        return .done
    }

    /// By backend whose database gives rights to roles.
    private static func statements(
        _ survey: UsageSurvey
    ) throws(CommandFailure) -> [(backend: Name, lines: [String])] {
        var found: [(backend: Name, lines: [String])] = []
        for name in survey.catalog.backends.keys.sorted() {
            guard let source = survey.catalog.backends[name] as? any PrivilegeSource else {
                continue
            }
            do throws(BackendError) {
                let privileges = try source.privileges()
                found.append(
                    (name, GrantStatements(survey.needs(of: name), privileges).lines))
            } catch {
                throw CommandFailure("\(name) cannot be asked: \(printable(error.detail))")
            }
        }
        return found
    }
}

/// The recorded calls since a time that the rules let pass, or held for a person.
struct PassedCalls {
    let place: RecordPlace
    let since: String

    func forEach(_ body: (RecordedCall, String) -> Void) throws(RecordError) {
        for log in place.logs {
            var tail = RecordTail(directory: place.directory(of: log))
            try tail.read { batch in
                for placed in batch where PolicyComparison.mayDecide(placed.line.bytes) {
                    guard let line = RecordedLine(placed.line),
                        !line.at.utf8.lexicographicallyPrecedes(since.utf8),
                        let call = RecordedCall(line), call.decision != .deny
                    else { continue }
                    body(call, log)
                }
                return true
            }
        }
    }

    /// When the record began; nil where nothing is in it.
    func start() throws(RecordError) -> String? {
        var first: String?
        for log in place.logs {
            var tail = RecordTail(directory: place.directory(of: log))
            try tail.read { batch in
                let at = batch.lazy.compactMap { RecordedLine($0.line)?.at }.first
                if let at, first.map({ at.utf8.lexicographicallyPrecedes($0.utf8) }) ?? true {
                    first = at
                }
                return first == nil
            }
        }
        return first
    }
}
