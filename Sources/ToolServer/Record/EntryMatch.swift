import Backends
import Enforcement
import JSON

/// Whether an entry is what a query looks for, without the index; a test holds the two to one
/// answer.
struct EntryMatch {
    private let query: RecordQuery
    private let words: [[UInt8]]

    init(_ query: RecordQuery) {
        self.query = query
        words = (query.text ?? "").split(whereSeparator: \.isWhitespace)
            .map { Array($0.lowercased().utf8) }
    }

    func holds(_ entry: RecordedEntry, session: String? = nil) -> Bool {
        let at = entry.first?.at ?? ""
        if let since = query.since, at.utf8.lexicographicallyPrecedes(since.utf8) { return false }
        if let until = query.until, !at.utf8.lexicographicallyPrecedes(until.utf8) { return false }
        return query.fields.allSatisfy { field, value in
            Self.value(of: field, entry).map { Glob.matches(value, $0) } ?? false
        }
            && query.rule.map { rule in
                entry.rules.contains { $0.isByteEqual(to: rule) }
            } ?? true
            && query.relation.map { relation in
                entry.relations.contains { Self.isNamed($0, relation) }
            } ?? true
            && holdsWords(entry)
    }

    private static func value(of field: RecordQuery.Field, _ entry: RecordedEntry) -> String? {
        switch field {
        case .caller: entry.subject
        case .person: entry.person
        case .client: entry.lines.lazy.compactMap(\.client).first
        case .event: entry.isCall ? "call" : entry.first?.event
        case .approval: entry.text("approval") ?? entry["approval"]?["id"]?.string
        case .tool, .backend, .decision, .code, .session, .grant, .call: entry.text(field.rawValue)
        }
    }

    /// Whole, or from a point on.
    private static func isNamed(_ relation: String, _ wanted: String) -> Bool {
        relation.isByteEqual(to: wanted)
            || relation.utf8.count > wanted.utf8.count
                && relation.utf8.suffix(wanted.utf8.count + 1)
                    .elementsEqual(".\(wanted)".utf8)
    }

    private func holdsWords(_ entry: RecordedEntry) -> Bool {
        guard !words.isEmpty else { return true }
        return entry.lines.contains { line in
            let text = Self.searched.compactMap { name in
                line[name].map { $0.string ?? $0.text }
            }.joined(separator: " ").lowercased()
            return words.allSatisfy { text.utf8.firstRange(of: $0) != nil }
        }
    }

    private static let searched = [
        "arguments", "argumentNames", "reason", "noted", "path", "address", "traceparent",
        "toolUse",
    ]
}

extension String.UTF8View {
    fileprivate func firstRange(of other: [UInt8]) -> Int? {
        let text = Array(self)
        guard !other.isEmpty, text.count >= other.count else { return nil }
        return (0...text.count - other.count).first {
            text[$0..<$0 + other.count].elementsEqual(other)
        }
    }
}
