internal import Enforcement
internal import JSON

/// An answer about the schema in the making, within the limits of its tool.
struct SchemaRows {
    private(set) var rows = Rows(columnCount: SchemaDescription.columns.count)
    private let limits: ToolLimits
    /// With or without its schema.
    let relation: String?
    let after: String?

    init(_ job: Job) {
        limits = job.tool.limits
        relation = job.arguments[SchemaDescription.relation.text]?.string
        after = job.arguments[SchemaDescription.after.text]?.string
    }

    /// One column of a relation. False when no more is to come.
    mutating func append(
        _ name: String, kind: String, column: String, type: String?, key: String?,
        comment: String?, count: Int?
    ) -> Bool {
        if let relation, !relation.isByteEqual(to: name),
            !name.utf8.drop(while: { $0 != UInt8(ascii: ".") }).dropFirst()
                .elementsEqual(relation.utf8)
        {
            return true
        }
        if let after, !after.utf8.lexicographicallyPrecedes(name.utf8) { return true }
        guard rows.rowCount < limits.rows, rows.byteCount < limits.bytes else {
            rows.isTruncated = true
            return false
        }
        for text in [name, kind, column, type, key, comment] {
            if let text { rows.append(.text, Array(text.utf8)) } else { rows.appendNull() }
        }
        if let count {
            rows.append(.number, Array(String(count).utf8))
        } else {
            rows.appendNull()
        }
        return true
    }
}
