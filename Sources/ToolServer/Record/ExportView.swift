import Backends
import Enforcement
import JSON

/// `audit export`: the record for other programs, on standard output, in the order in which calls
/// ended.
enum ExportView {
    enum Format: String, CaseIterable { case jsonl, csv, ocsf }

    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words,
            options: ["--format", RiskFilter.option] + RecordPlace.options + RecordFilter.options,
            flags: ["--bodies"])
        let text = arguments["--format"] ?? Format.jsonl.rawValue
        guard let format = Format.allCases.first(where: { $0.rawValue.isByteEqual(to: text) })
        else { throw UsageError("--format takes jsonl, csv or ocsf") }
        guard format == .jsonl || !arguments.has("--bodies") else {
            throw UsageError("--bodies takes --format jsonl: other forms have no place for answers")
        }
        let place = try RecordPlace(arguments)
        let match = EntryMatch(try RecordFilter.query(arguments, most: 1))
        let risk = try RiskFilter(arguments, place)
        var writer = ExportWriter(format)
        writer.begin()
        for log in place.logs {
            let origin = try AuditReader(directory: place.directory(of: log)).identity()
            if arguments.has("--bodies") { writer.answers = KeptAnswers(place, log: log) }
            let isRead = try export(log, origin, in: place, &writer) { entry in
                match.holds(entry) && risk?.holds(entry, log: log) ?? true
            }
            guard isRead else { return .failed }
        }
        return writer.flush() ? .done : .failed
    }

    private static func export(
        _ log: String, _ origin: String, in place: RecordPlace, _ writer: inout ExportWriter,
        where holds: (RecordedEntry) -> Bool
    ) throws -> Bool {
        var tail = RecordTail(directory: place.directory(of: log))
        var joiner = EntryJoiner()
        var isRead = true
        try tail.read { batch in
            for line in batch.compactMap({ RecordedLine($0.line) }) where !line.isUpkeep {
                for entry in joiner.take(line) where holds(entry) {
                    isRead = isRead && writer.write(entry, log: log, origin: origin)
                }
            }
            return isRead
        }
        for entry in joiner.rest() where holds(entry) {
            isRead = isRead && writer.write(entry, log: log, origin: origin)
        }
        return isRead
    }
}

/// One entry after the other in one format, written in large pieces.
struct ExportWriter {
    private let format: ExportView.Format
    /// Of the log that is written; nil where none are wanted.
    var answers: KeptAnswers?
    private var buffer: [UInt8] = []
    private static let pieceBytes = 1 << 16

    init(_ format: ExportView.Format) { self.format = format }

    mutating func begin() {
        if format == .csv { buffer += CSVLine.header }
    }

    /// False when nobody reads any more.
    mutating func write(_ entry: RecordedEntry, log: String, origin: String) -> Bool {
        switch format {
        case .jsonl:
            for line in entry.lines { buffer += line.bytes + [0x0A] }
            if let answer = entry.outcome.flatMap({ answers?.answer(of: $0) }) {
                buffer += answer.line + [0x0A]
            }
        case .csv: buffer += CSVLine.bytes(of: entry, log: log)
        case .ocsf: buffer += OCSFEvent.bytes(of: entry, log: log, origin: origin) + [0x0A]
        }
        return buffer.count < Self.pieceBytes || flush()
    }

    mutating func flush() -> Bool {
        defer { buffer.removeAll(keepingCapacity: true) }
        return StandardStream.output.write(buffer)
    }
}
