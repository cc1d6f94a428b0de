internal import Enforcement
internal import JSON

extension IndexSession {
    func find(_ query: RecordQuery) throws(SQLiteFailure) -> [RecordHit] {
        var search = Search(query)
        search.build()
        var hits = try all(search.text, search.values) { row in
            (
                Int(row.integer(0)),
                RecordHit(
                    log: row.text(1), session: row.type(2) == .null ? nil : row.text(2), lines: [])
            )
        }
        for index in hits.indices {
            hits[index].1.lines = try all(
                "select sequence, segment, offset from lines where entry = ?1 order by sequence",
                [.integer(hits[index].0)]
            ) { row in
                RecordHit.Line(
                    sequence: Int(row.integer(0)), segment: Int(row.integer(1)),
                    offset: Int(row.integer(2)))
            }
        }
        return hits.reversed().map(\.1)
    }

    func sessions(most: Int) throws(SQLiteFailure) -> [RecordSession] {
        try all(
            """
            select session, logs.name, min(caller), min(at), max(at), count(*) from entries
                join logs on logs.id = log where session is not null
                group by session, log order by max(at) desc limit ?1
            """, [.integer(most)]
        ) { row in
            RecordSession(
                id: row.text(0), log: row.text(1), subject: row.text(2), first: row.text(3),
                last: row.text(4), calls: Int(row.integer(5)))
        }.reversed()
    }
}

/// The statement for one query; every value is bound.
private struct Search {
    let query: RecordQuery
    private(set) var values: [IndexSession.Value] = []
    private var conditions: [String] = []
    private(set) var text = ""

    init(_ query: RecordQuery) { self.query = query }

    mutating func build() {
        for (field, value) in query.fields {
            let column = field.rawValue
            if value.utf8.contains(UInt8(ascii: "*")) {
                add("\(column) glob ?", .text(Self.glob(value)))
            } else {
                add("\(column) = ?", .text(value))
            }
        }
        if let since = query.since { add("at >= ?", .text(since)) }
        if let until = query.until { add("at < ?", .text(until)) }
        if let log = query.log { add("logs.name = ?", .text(log)) }
        if let relation = query.relation {
            add(
                """
                entries.id in (select entry from touched where name in
                    (select name from relations
                        where name = ? or substr(name, -length(?) - 1) = '.' || ?))
                """, .text(relation))
        }
        if let rule = query.rule {
            add("entries.id in (select entry from ruled where name = ?)", .text(rule))
        }
        if let words = query.text {
            add(
                "entries.id in (select rowid >> 8 from words where words match ?)",
                .text(Self.words(words)))
        }
        let condition = conditions.isEmpty ? "1" : conditions.joined(separator: " and ")
        values.append(.integer(query.most))
        text = """
            select entries.id, logs.name, session from entries join logs on logs.id = log
                where \(condition) order by at desc, entries.id desc limit ?\(values.count)
            """
    }

    /// Every `?` in the condition is the one value.
    private mutating func add(_ condition: String, _ value: IndexSession.Value) {
        values.append(value)
        let parts = condition.split(separator: "?", omittingEmptySubsequences: false)
        conditions.append(parts.joined(separator: "?\(values.count)"))
    }

    /// Only `*` means more than itself.
    private static func glob(_ text: String) -> String {
        var pattern = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "[", "?", "]": pattern += "[\(scalar)]"
            default: pattern.unicodeScalars.append(scalar)
            }
        }
        return pattern
    }

    /// Each word as a string of the full-text language, the last one as a beginning.
    private static func words(_ text: String) -> String {
        let words = text.split(whereSeparator: \.isWhitespace).flatMap { word in
            word.unicodeScalars.split { !$0.properties.isAlphabetic && !("0"..."9" ~= $0) }
                .map { "\"\(String(String.UnicodeScalarView($0)))\"" }
        }
        return words.isEmpty ? "\"\"" : words.joined(separator: " ") + "*"
    }
}
