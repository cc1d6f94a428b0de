import Enforcement
import JSON

/// One call as its lines tell it together, or another event by itself.
struct RecordedEntry {
    let lines: [RecordedLine]

    /// What the first of the call's lines says that says it.
    subscript(_ name: String) -> JSONValue? {
        for line in lines { if let value = line[name] { return value } }
        return nil
    }

    func text(_ name: String) -> String? { self[name]?.string }

    var first: RecordedLine? { lines.first }
    var isCall: Bool { first?.call != nil }
    var outcome: RecordedLine? { lines.last { $0.event.isByteEqual(to: "outcome") } }
    var subject: String? { lines.lazy.compactMap(\.subject).first }
    var person: String? { lines.lazy.compactMap(\.person).first }

    var rules: [String] { lines.flatMap { $0.names("held") + $0.names("rules") } }
    var relations: [String] { lines.flatMap(\.relations) }
}

/// Ties the lines of calls together while they are read in order.
struct EntryJoiner {
    private var open: [Name: [RecordedLine]] = [:]
    private var order: [Name] = []
    /// Beyond it the oldest is told without its end.
    private static let openMax = 10_000

    /// The number of the first line of a call whose end has not come.
    var firstOpen: Int? {
        mutating get {
            while let first = order.first {
                if let line = open[first]?.first { return line.sequence }
                order.removeFirst()
            }
            return nil
        }
    }

    /// What is complete with this line.
    mutating func take(_ line: RecordedLine) -> [RecordedEntry] {
        guard let call = line.call else { return [RecordedEntry(lines: [line])] }
        let key = Name(call)
        if line.event.isByteEqual(to: "outcome") {
            let before = open.removeValue(forKey: key) ?? []
            return [RecordedEntry(lines: before + [line])]
        }
        if open[key] == nil { order.append(key) }
        open[key, default: []].append(line)
        guard open.count > Self.openMax else {
            if order.count > 4 * Self.openMax { order.removeAll { open[$0] == nil } }
            return []
        }
        return oldest().map { [$0] } ?? []
    }

    private mutating func oldest() -> RecordedEntry? {
        while !order.isEmpty {
            let key = order.removeFirst()
            if let lines = open.removeValue(forKey: key) { return RecordedEntry(lines: lines) }
        }
        return nil
    }

    /// Calls without an end: under way, or a crash's.
    mutating func rest() -> [RecordedEntry] {
        var entries: [RecordedEntry] = []
        while let entry = oldest() { entries.append(entry) }
        return entries
    }
}
