import Backends
import Enforcement
import JSON

/// `audit list`: the latest lines, or the lines of the calls and events that a filter finds.
enum ListView {
    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words,
            options: ["--last", RiskFilter.option] + RecordPlace.options + RecordFilter.options,
            flags: ["--json", "--all"])
        let count = try arguments.integer("--last", in: 1...100_000) ?? 20
        let place = try RecordPlace(arguments)
        let query = try RecordFilter.query(arguments, most: count)
        let isJSON = arguments.has("--json")
        let risk = try RiskFilter(arguments, place)
        guard query.isEmpty, risk == nil else {
            if arguments.has("--all") { throw UsageError("--all lists lines, a filter calls") }
            if let risk {
                try risky(risk, EntryMatch(query), most: count, in: place, isJSON: isJSON)
                return .done
            }
            try found(query, in: place, isJSON: isJSON)
            return .done
        }
        let showsAll = arguments.has("--all")
        let lines = try AuditReader(directory: place.directory).last(count) { line in
            showsAll || RecordedLine(line)?.isUpkeep == false
        }
        for line in lines.compactMap({ RecordedLine($0) }) {
            guard show(line, isJSON: isJSON) else { break }
        }
        return .done
    }

    /// What makes up a sign stands in no index.
    private static func risky(
        _ risk: RiskFilter, _ match: EntryMatch, most: Int, in place: RecordPlace, isJSON: Bool
    ) throws {
        var latest: [RecordEntries.Placed] = []
        var entries = RecordEntries(place)
        while let placed = try entries.next() {
            guard risk.holds(placed.entry, log: placed.log), match.holds(placed.entry) else {
                continue
            }
            latest.append(placed)
            if latest.count >= 2 * most { latest.removeFirst(latest.count - most) }
        }
        for placed in latest.suffix(most) {
            for line in placed.entry.lines {
                guard show(line, isJSON: isJSON, log: placed.log) else { return }
            }
        }
    }

    private static func found(_ query: RecordQuery, in place: RecordPlace, isJSON: Bool) throws {
        let hits = try place.failing { try place.index().find(query) }
        for hit in hits {
            for line in try place.lines(of: hit) {
                guard show(line, isJSON: isJSON, log: hit.log) else { return }
            }
        }
    }

    /// False when nobody reads any more.
    private static func show(
        _ line: RecordedLine, isJSON: Bool, log: String = Installation.firstLog
    ) -> Bool {
        if isJSON { return StandardStream.output.write(line.bytes + [0x0A]) }
        let name = log.isByteEqual(to: Installation.firstLog) ? "" : "\(log):"
        return StandardStream.output.write(Array((name + LineSummary.text(line) + "\n").utf8))
    }
}
