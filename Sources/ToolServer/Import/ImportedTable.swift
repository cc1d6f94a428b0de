import Backends
import Enforcement
import JSON

/// The two tools of one table: `find_customers`, `get_customer`.
struct ImportedTable {
    let relation: SchemaRelation
    let sensitive: SensitiveColumns
    let backend: Name
    /// How tools call it: `customers`, or `billing_invoices` outside of `public`.
    let label: String
    /// What gets one row of other tables, for columns that refer to them.
    let getters: [Name: Name]

    static let rowsShown = 100
    static let filtersMax = 8

    private struct Filter {
        let input: Name
        let column: SchemaColumn
        let comparison: String
        let schema: JSONObject
        let isGiven: String
    }

    init(
        _ relation: SchemaRelation, backend: Name, label: String, getters: [Name: Name]
    ) {
        self.relation = relation
        self.backend = backend
        self.label = label
        self.getters = getters
        sensitive = SensitiveColumns(relation)
    }

    static func key(_ schema: Name, _ relation: Name) -> Name { Name("\(schema)\0\(relation)") }

    var scope: Name { Name("\(backend).\(sensitive.isPersonal ? "personal" : "read")") }

    /// What is in an answer.
    var shown: [SchemaColumn] {
        relation.columns.filter { column in
            column.isReadable && !ColumnType(column).isOpaque
                && sensitive.proposals[column.name]?.isSecret != true
                && (sensitive.proposals[column.name] == nil || canBeMasked(column))
        }
    }

    /// A rule names a column by four names with points between.
    func canBeMasked(_ column: SchemaColumn) -> Bool {
        [relation.schema, relation.name, column.name].allSatisfy { name in
            !name.text.utf8.contains { ".*".utf8.contains($0) }
        }
    }

    /// What rows may be asked by: a mask that decides which rows come hides nothing.
    private var usable: [SchemaColumn] {
        shown.filter { sensitive.proposals[$0.name] == nil && ColumnType($0).schema != nil }
    }

    private func usable(_ name: Name) -> SchemaColumn? { usable.first { $0.name == name } }

    /// The columns that make out one row, if it may be asked by them.
    var key: [SchemaColumn]? {
        let keys = relation.indexes.lazy.filter(\.isUnique).map { index in
            index.columns.compactMap { usable($0) }
        }
        return zip(relation.indexes.filter(\.isUnique), keys)
            .first { $0.columns.count == $1.count && $1.count <= 4 }?.1
    }

    var getName: String { "get_\(Self.singular(label))" }
    var findName: String { "find_\(label)" }

    /// What is not in the answers, or not as one would think.
    var notes: [String] {
        var notes: [String] = []
        for column in relation.columns {
            let name = "\(relation.spelled).\(column.spelled)"
            if !column.isReadable {
                notes.append("\(name): left out, the login may not read it")
            } else if ColumnType(column).isOpaque {
                notes.append("\(name): left out, its type \(column.type) is of no use in an answer")
            } else if let proposal = sensitive.proposals[column.name] {
                if proposal.isSecret {
                    notes.append("\(name): left out, it holds secrets by its \(proposal.sign)")
                } else if !canBeMasked(column) {
                    notes.append("\(name): left out, no rule can name it to mask it")
                } else {
                    notes.append("\(name): masked by its \(proposal.sign), so not asked by")
                }
            }
        }
        if relation.hasRowSecurity {
            notes.append("\(relation.spelled): row-level security decides what the login sees")
        }
        if key == nil, !shown.isEmpty {
            notes.append("\(relation.spelled): no tool for one row, since no key may be asked by")
        }
        return notes
    }

    // MARK: One row

    func getTool(_ name: Name) -> [ImportedFile] {
        guard let key else { return [] }
        var names = UniqueNames()
        let inputs = key.map { (column: $0, name: names.unique(ImportedName.snake($0.name.text))) }
        let conditions = inputs.map { "\($0.column.spelled) = :\($0.name)" }
        let statement = """
            select \(list)
            from \(relation.spelled)
            where \(conditions.joined(separator: "\n  and "))

            """
        let by = inputs.map(\.name.text).joined(separator: " and ")
        var manifest = head(
            name, title: "Get one of \(words)",
            description: "\(sentence)The row with this \(by).\(details)")
        manifest["input"] = .object(
            JSONObject(
                distinct: inputs.map { input in
                    (input.name.text, .object(described(input.column)))
                }))
        return files(name, manifest, statement)
    }

    // MARK: Many rows

    func findTool(_ name: Name) -> [ImportedFile] {
        let filters = filters
        let order = key ?? []
        var conditions = filters.map { "(\($0.comparison) or :\($0.input) is null)" }
        var inputs = filters.map { filter -> (name: String, value: JSONValue) in
            var schema = described(filter.column, instead: filter.isGiven)
            schema["optional"] = true
            return (filter.input.text, .object(schema))
        }
        let pages = order.count == 1 && !filters.contains { $0.input == "after" }
        if pages, let column = order.first {
            conditions.append("(\(column.spelled) > :after or :after is null)")
            var schema = ColumnType(column).schema ?? JSONObject()
            schema["optional"] = true
            schema["description"] = .string(
                "Only rows behind this \(ImportedName.snake(column.name.text)), for the next page")
            inputs.append(("after", .object(schema)))
        }
        var statement = "select \(list)\nfrom \(relation.spelled)\n"
        if !conditions.isEmpty {
            statement += "where \(conditions.joined(separator: "\n  and "))\n"
        }
        if !order.isEmpty {
            statement += "order by \(order.map(\.spelled).joined(separator: ", "))\n"
        }
        // One more than an answer has: so it is known whether there are more.
        statement += "limit \(Self.rowsShown + 1)\n"
        var manifest = head(
            name, title: "Find \(words)", description: "\(sentence)\(finding(order))\(details)")
        if !inputs.isEmpty { manifest["input"] = .object(JSONObject(distinct: inputs)) }
        manifest["rowsAs"] = "table"
        manifest["limits"] = ["rows": .number(JSONNumber(Self.rowsShown))]
        if pages, let column = order.first {
            manifest["next"] = ["after": .string(column.name.text)]
        }
        return files(name, manifest, statement)
    }

    private func finding(_ order: [SchemaColumn]) -> String {
        let by =
            order.isEmpty ? "in no order" : "by \(order.map(\.name.text).joined(separator: ", "))"
        let one = getters[Self.key(relation.schema, relation.name)].map { " One row: \($0)." }
        return "Rows of \(words), \(by), at most \(Self.rowsShown) at a time.\(one ?? "")"
    }

    /// What has an index, what refers to another table, and what is one of few values: asked by
    /// these, the database need not read the whole table, or the answer is worth it.
    private var filters: [Filter] {
        let order = key?.count == 1 ? key?.first?.name : nil
        let first = Set(relation.indexes.compactMap(\.columns.first))
        let referring = Set(relation.references.map(\.column))
        let wanted = usable.filter { column in
            column.name != order
                && (first.contains(column.name) || referring.contains(column.name)
                    || !column.labels.isEmpty
                    || relation.kind != .table && hasSuffix(column.name.text, "_id"))
        }
        var names = UniqueNames()
        _ = names.unique("after")
        return wanted.prefix(Self.filtersMax).flatMap { column -> [Filter] in
            let snake = ImportedName.snake(column.name.text)
            func filter(_ ending: String, _ sign: String, _ told: String) -> Filter {
                let input = names.unique(snake + ending)
                return Filter(
                    input: input, column: column, comparison: "\(column.spelled) \(sign) :\(input)",
                    schema: ColumnType(column).schema ?? JSONObject(), isGiven: told)
            }
            guard ColumnType(column).isMoment else { return [filter("", "=", "")] }
            return [
                filter("_from", ">=", "\(snake) at this time or later"),
                filter("_before", "<", "\(snake) before this time"),
            ]
        }
    }

    // MARK: What both say

    /// `customers`, `order lines`.
    private var words: String { label.replacing("_", with: " ") }

    private var list: String {
        var lines: [String] = []
        for column in shown {
            // An input's name cannot be every column's; an answer's can.
            if let last = lines.last, last.utf8.count + column.spelled.utf8.count < 90 {
                lines[lines.count - 1] = "\(last), \(column.spelled)"
            } else {
                lines.append(column.spelled)
            }
        }
        return lines.joined(separator: ",\n    ")
    }

    private var sentence: String {
        var text = ImportedName.prose(relation.comment ?? "", atMost: 300)
        guard !text.utf8.isEmpty else { return "" }
        if !".!?…".unicodeScalars.contains(text.unicodeScalars.last ?? ".") { text += "." }
        return text + " "
    }

    /// What the columns mean, as far as somebody wrote it down.
    private var details: String {
        var text = ""
        let masked = shown.filter { sensitive.proposals[$0.name] != nil }.map(\.name.text)
        if !masked.isEmpty {
            text += " Masked: \(ImportedName.prose(masked.joined(separator: ", "), atMost: 200))."
        }
        let told = shown.compactMap { column -> String? in
            let meaning = meaning(column)
            return meaning.isEmpty ? nil : "\(column.name): \(meaning)"
        }
        guard !told.isEmpty else { return text }
        return ImportedName.prose(
            "\(text) Columns: \(told.joined(separator: "; ")).", atMost: 1_100
        )
        .withSpaceBefore
    }

    private func meaning(_ column: SchemaColumn) -> String {
        var parts: [String] = []
        let comment = ImportedName.prose(column.comment ?? "", atMost: 120)
        if !comment.utf8.isEmpty { parts.append(comment) }
        if let reference = relation.references.first(where: { $0.column == column.name }),
            let getter = getters[Self.key(reference.schema, reference.relation)]
        {
            parts.append("see \(getter)")
        }
        return parts.joined(separator: ", ")
    }

    private func described(_ column: SchemaColumn, instead: String = "") -> JSONObject {
        var schema = ColumnType(column).schema ?? JSONObject()
        let told = instead.utf8.isEmpty ? meaning(column) : instead
        if !told.utf8.isEmpty { schema["description"] = .string(told) }
        return schema
    }

    private func head(_ name: Name, title: String, description: String) -> JSONObject {
        JSONObject(distinct: [
            ("tool", .string(name.text)),
            ("title", .string(ImportedName.prose(title, atMost: 110))),
            ("description", .string(description)), ("backend", .string(backend.text)),
            ("scope", .string(scope.text)), ("effect", "read"),
        ])
    }

    private func files(
        _ name: Name, _ manifest: JSONObject, _ statement: String
    ) -> [ImportedFile] {
        [
            ImportedFile(name: "tools/\(name).json", manifest: .object(manifest)),
            ImportedFile(name: "tools/\(name).sql", statement: statement),
        ]
    }

    /// As far as English has rules: `categories` → `category`, `addresses` → `address`.
    static func singular(_ plural: String) -> String {
        let keep = ["ss", "us", "is", "news", "series"]
        if keep.contains(where: { plural.hasSuffix($0) }) { return plural }
        if plural.hasSuffix("ies"), plural.utf8.count > 4 { return plural.dropLast(3) + "y" }
        if ["sses", "xes", "ches", "shes", "zes"].contains(where: { plural.hasSuffix($0) }) {
            return String(plural.dropLast(2))
        }
        return plural.hasSuffix("s") && plural.utf8.count > 1 ? String(plural.dropLast()) : plural
    }
}

extension String {
    fileprivate var withSpaceBefore: String { hasPrefix(" ") ? self : " " + self }
}
