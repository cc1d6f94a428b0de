import Enforcement
import JSON

/// The calls and events of several logs, about in the order of time: those of each log as they
/// ended, and of all logs the one that began first. Memory holds a piece of each log.
struct RecordEntries {
    struct Placed {
        let log: String
        let entry: RecordedEntry
    }

    private struct Source {
        let log: String
        var tail: RecordTail
        var joiner = EntryJoiner()
        var waiting: [RecordedEntry] = []
        var next = 0
        var isAtEnd = false

        var first: RecordedEntry? { next < waiting.count ? waiting[next] : nil }
    }

    private var sources: [Source]
    /// Lines of one log that are read at once.
    private static let pieceLines = 4_096

    init(_ place: RecordPlace) {
        sources = place.logs.map { log in
            Source(log: log, tail: RecordTail(directory: place.directory(of: log)))
        }
    }

    mutating func next() throws(RecordError) -> Placed? {
        var earliest: (index: Int, at: String)?
        for index in sources.indices {
            try fill(&sources[index])
            guard let at = sources[index].first?.first?.at else { continue }
            if earliest.map({ at.utf8.lexicographicallyPrecedes($0.at.utf8) }) ?? true {
                earliest = (index, at)
            }
        }
        guard let index = earliest?.index, let entry = sources[index].first else { return nil }
        sources[index].next += 1
        return Placed(log: sources[index].log, entry: entry)
    }

    private func fill(_ source: inout Source) throws(RecordError) {
        while source.first == nil, !source.isAtEnd {
            source.waiting.removeAll(keepingCapacity: true)
            source.next = 0
            var lines: [RecordedLine] = []
            var count = 0
            try source.tail.read { batch in
                count += batch.count
                lines += batch.compactMap { RecordedLine($0.line) }.filter { !$0.isUpkeep }
                return count < Self.pieceLines
            }
            for line in lines { source.waiting += source.joiner.take(line) }
            guard count < Self.pieceLines else { continue }
            source.isAtEnd = true
            source.waiting += source.joiner.rest()
        }
    }
}
