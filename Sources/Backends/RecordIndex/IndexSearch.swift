internal import Enforcement
internal import JSON

extension IndexSession {
    /// The latest matches of a rule, a relation or words stand last where there is one log, and are
    /// mostly enough. All of them are looked through only where they were not.
    func find(_ query: RecordQuery) throws(SQLiteFailure) -> [RecordHit] {
        let isOneLog = try first("select count(*) < 2 from logs") { $0.integer(0) } == 1
        if isOneLog, query.relation != nil || query.rule != nil || query.text != nil {
            let hits = try find(query, among: max(4_096, query.most))
            if hits.count >= query.most { return hits }
        }
        return try find(query, among: nil)
    }

    private func find(
        _ query: RecordQuery, among latest: Int?
    ) throws(SQLiteFailure) -> [RecordHit] {
        var search = Search(query, latest: latest)
        if let relation = query.relation {
            search.relations = try all(
                "select name from relations where name = ?1 or substr(name, -length(?1) - 1) = '.' || ?1",
                [.text(relation)]
            ) { $0.text(0) }
        }
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
    /// Of the matches of each rule, relation and text, so many of the latest; nil: all.
    let latest: Int?
    /// Those that the query's relation names.
    var relations: [String] = []
    private(set) var values: [IndexSession.Value] = []
    private var conditions: [String] = []
    private(set) var text = ""

    init(_ query: RecordQuery, latest: Int?) {
        self.query = query
        self.latest = latest
    }

    /// The fewest entries share a value of the first of them.
    private static let telling: [RecordQuery.Field] = [
        .call, .approval, .grant, .session, .person, .client, .tool, .caller, .code, .decision,
        .backend, .event,
    ]

    mutating func build() {
        let whole = query.fields.filter { !$0.value.utf8.contains(UInt8(ascii: "*")) }
        let searched = Self.telling.first { field in whole.contains { $0.field == field } }
        for (field, value) in query.fields {
            // A plus keeps SQLite from another index than that of the most telling field.
            let column = (field == searched ? "" : "+") + field.rawValue
            if value.utf8.contains(UInt8(ascii: "*")) {
                add("\(column) glob ?", .text(Self.glob(value)))
            } else {
                add("\(column) = ?", .text(value))
            }
        }
        if let since = query.since { add("at >= ?", .text(since)) }
        if let until = query.until { add("at < ?", .text(until)) }
        if let log = query.log { add("logs.name = ?", .text(log)) }
        if query.relation != nil { addRelations() }
        if let rule = query.rule {
            add("entries.id in (\(latest("entry", "ruled", "name = ?")))", .text(rule))
        }
        if let words = query.text {
            add(
                "entries.id in (\(latest("rowid >> 8", "words", "words match ?", by: "rowid")))",
                .text(Self.words(words)))
        }
        let condition = conditions.isEmpty ? "1" : conditions.joined(separator: " and ")
        values.append(.integer(query.most))
        text = """
            select entries.id, logs.name, session from entries join logs on logs.id = log
                where \(condition) order by at desc, entries.id desc limit ?\(values.count)
            """
    }

    private mutating func addRelations() {
        let names = relations.map { name in
            values.append(.text(name))
            return "?\(values.count)"
        }
        guard (1...Self.relationsMax).contains(names.count) else {
            let all = "select entry from touched where name in (\(names.joined(separator: ", ")))"
            return conditions.append("entries.id in (\(all))")
        }
        let parts = names.map { "select * from (\(latest("entry", "touched", "name = \($0)")))" }
        conditions.append("entries.id in (\(parts.joined(separator: " union all ")))")
    }

    /// SQLite takes 500 in one statement.
    private static let relationsMax = 64

    private func latest(
        _ entry: String, _ table: String, _ condition: String, by order: String = "entry"
    ) -> String {
        let all = "select \(entry) from \(table) where \(condition)"
        return latest.map { "\(all) order by \(order) desc limit \($0)" } ?? all
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
