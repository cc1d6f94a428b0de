package import JSON

/// What an answer about the schema looks like, a row a column.
package enum SchemaDescription {
    package static let columns = [
        column("relation"), column("kind"), column("column"), column("type"), column("key"),
        column("comment"), Column(name: "rows", origin: nil, sources: [], kind: .integer),
    ]

    package static let examination = Examination(
        columns: columns, reads: [], deciding: [], parameters: [], isReadOnly: true)

    /// The arguments: one relation, or those after one in the order of their names.
    package static let relation: Name = "relation"
    package static let after: Name = "after"

    private static func column(_ name: String) -> Column {
        Column(name: name, origin: nil, sources: [], kind: .string)
    }
}

/// Leaves out of an answer about the schema what the caller could not read anyway: each column as
/// if the caller asked for it in some statement, through some tool. Of that call nothing else is
/// known, and a rule that cannot be settled counts as matched here too.
enum SchemaFilter {
    static func visible(_ rows: consuming Rows, to call: ExaminedCall) -> Rows {
        guard case .describe = call.scoped.tool.operation,
            rows.columnCount == SchemaDescription.columns.count
        else { return rows }
        let rules = call.scoped.guarded.policy.rules.filter {
            $0.effect == .deny && $0.when.namesObjects
        }
        var shown = Rows(columnCount: rows.columnCount)
        shown.isTruncated = rows.isTruncated
        for row in 0..<rows.rowCount where isVisible(row, of: rows, to: call, rules) {
            for column in 0..<rows.columnCount {
                let cell = rows[row: row, column: column]
                shown.append(cell.kind, rows.content(of: cell))
            }
        }
        return shown
    }

    private static func isVisible(
        _ row: Int, of rows: Rows, to call: ExaminedCall, _ rules: [Rule]
    ) -> Bool {
        func text(_ column: Int) -> String {
            String(decoding: rows.content(of: rows[row: row, column: column]), as: UTF8.self)
        }
        let relation = text(0)
        let facts = Facts(
            call: call,
            supposing: StatementFacts(
                kinds: .init(["select"]), reads: .init([Name(relation)]),
                columns: .init([Name("\(relation).\(text(2))")]),
                foldsNames: true))
        return !rules.contains { $0.when.verdict(on: facts).holds }
    }
}

extension Condition {
    /// Whether it is about relations or columns at all.
    fileprivate var namesObjects: Bool {
        switch self {
        case .fact(.statement(.reads), _), .fact(.statement(.columns), _): true
        case .fact: false
        case .all(let parts), .any(let parts): parts.contains { $0.namesObjects }
        case .not(let part): part.namesObjects
        }
    }
}
