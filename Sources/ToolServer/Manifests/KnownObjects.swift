import Enforcement
import JSON

/// What the databases of all tools have, to compare with what rules name: a rule about a misspelt
/// table forbids nothing. Only told, since a table may be made later.
struct KnownObjects {
    private var relations: Set<Name> = []
    private var columns: Set<Name> = []
    /// Nil where some backend does not list them.
    private var functions: Set<Name>? = []
    private var foldsNames = false

    /// Nil when there is no database, or one cannot be asked.
    init?(of tools: [Tool], ask: (_ backend: Name) -> BackendColumns?) {
        let backends = Set(tools.filter { $0.operation.isStatement }.map(\.backend))
        guard !backends.isEmpty else { return nil }
        for backend in backends.sorted() {
            guard let known = ask(backend) else { return nil }
            for column in known.stored.union(known.viewed) {
                relations.insert(Name("\(column.schema).\(column.table)"))
                columns.insert(Name("\(column.schema).\(column.table).\(column.column)"))
            }
            functions = functions.flatMap { all in known.functions.map { all.union($0) } }
            foldsNames = foldsNames || known.foldsNames
        }
    }

    func check(_ condition: Condition, at place: Place, findings: Findings) {
        switch condition {
        case .all(let parts), .any(let parts):
            for part in parts { check(part, at: place, findings: findings) }
        case .not(let part): check(part, at: place, findings: findings)
        case .fact(.statement(let fact), .oneOf(let values)):
            for value in values { check(value, values, fact, at: place, findings: findings) }
        case .fact(.statement(let fact), .glob(let glob)):
            check(.string(glob), [], fact, at: place, findings: findings)
        case .fact: break
        }
    }

    private func check(
        _ value: JSONValue, _ siblings: [JSONValue], _ fact: StatementFact, at place: Place,
        findings: Findings
    ) {
        guard let pattern = value.string, let (kind, known) = objects(of: fact) else { return }
        // What stands for any schema is there beside itself.
        if siblings.contains(where: { $0.string?.isByteEqual(to: "*.\(pattern)") == true }) {
            return
        }
        let isAny = pattern.utf8.starts(with: "*.".utf8)
        let plain = isAny ? String(pattern.dropFirst(2)) : pattern
        // Written once, a glob may stand for both.
        let isBoth = siblings.contains { $0.string?.isByteEqual(to: plain) == true }
        let isThere = known.contains { object in
            Glob.matches(pattern, object.text, folding: foldsNames)
                || isBoth && Glob.matches(plain, object.text, folding: foldsNames)
        }
        guard !isThere, !isSystem(pattern), !isBoth || !isSystem(plain) else { return }
        let isShort = plain.utf8.count < pattern.utf8.count
        let names = known.map { isShort ? Self.last(of: $0.text) : $0.text }
        let near = nearest(plain, among: Set(names.map { Name($0) }).sorted().map(\.text))
        let hint = near.map { "; did you mean \(quoted($0))?" } ?? ""
        findings.warning("no \(kind) \(quoted(plain)) in any database\(hint)", at: place)
    }

    private func objects(of fact: StatementFact) -> (kind: String, known: Set<Name>)? {
        switch fact {
        case .reads, .writes: ("relation", relations)
        case .columns: ("column", columns)
        case .functions: functions.map { ("function", $0) }
        case .kind, .whereless, .rows, .cost: nil
        }
    }

    /// Catalogues are not listed, and are there.
    private func isSystem(_ pattern: String) -> Bool {
        ["pg_catalog.", "information_schema.", "main.sqlite_", "*.pg_"].contains {
            pattern.utf8.starts(with: $0.utf8)
        }
    }

    private static func last(of name: String) -> String {
        let start = name.utf8.lastIndex(of: UInt8(ascii: ".")).map { name.utf8.index(after: $0) }
        return start.map { String(name[$0...]) } ?? name
    }
}
