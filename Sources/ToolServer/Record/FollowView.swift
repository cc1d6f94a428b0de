import Backends
import Enforcement
import Glibc
import JSON

/// `audit follow`: every line as soon as it is durable, until nobody reads any more.
enum FollowView {
    /// Between two looks at the file.
    private static let pauseMilliseconds: Int32 = 200

    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words,
            options: ["--from"] + RecordPlace.options + RecordFilter.options,
            flags: ["--json", "--once"])
        let place = try RecordPlace(arguments)
        let match = EntryMatch(try RecordFilter.query(arguments, most: 1))
        let start = try arguments.integer("--from", in: 0...(1 << 60))
        var tail = RecordTail(directory: place.directory)
        var joiner = EntryJoiner()
        // Without a beginning, what is there already is only read for the calls that are open.
        var isShown = start != nil
        while true {
            var isRead = true
            try tail.read { batch in
                for line in batch.compactMap({ RecordedLine($0.line) }) where !line.isUpkeep {
                    guard isShown, line.sequence >= start ?? 0 else {
                        _ = joiner.take(line)
                        continue
                    }
                    isRead = isRead && show(line, &joiner, match, arguments.has("--json"))
                }
                return isRead
            }
            isShown = true
            if !isRead || arguments.has("--once") { return .done }
            poll(nil, 0, pauseMilliseconds)
        }
    }

    /// A call's lines come together, when its outcome does.
    private static func show(
        _ line: RecordedLine, _ joiner: inout EntryJoiner, _ match: EntryMatch, _ isJSON: Bool
    ) -> Bool {
        for entry in joiner.take(line) where match.holds(entry) {
            for line in entry.lines {
                let bytes = isJSON ? line.bytes : Array(LineSummary.text(line).utf8)
                guard StandardStream.output.write(bytes + [0x0A]) else { return false }
            }
        }
        return true
    }
}
