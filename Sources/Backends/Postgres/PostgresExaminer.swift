internal import Enforcement
internal import JSON

/// What the server says of a statement without running it: what it takes and gives, and how its
/// values become JSON. Blocks: for loading, and for workers.
struct PostgresExaminer {
    private static let allowedWords: [Tool.Effect: Set<Name>] = [
        .read: ["select", "values", "table", "with"],
        .write: ["select", "values", "table", "with", "insert", "update", "delete", "merge"],
    ]

    private let options: PostgresOptions
    private var made: PostgresMade?

    init(_ options: PostgresOptions) { self.options = options }

    /// `effect`: of a tool's statement; nil for a caller's, which was judged before.
    mutating func describe(
        _ text: PostgresText, _ effect: Tool.Effect?
    ) throws(PostgresFailure) -> PostgresDescribed {
        if let effect { try Self.checkWord(text.words.first, effect) }
        return try onConnection { (made) throws(PostgresFailure) in
            let described = try made.link.describe(text.text)
            let types = PostgresTypes(made.link)
            var columns: [PostgresColumn] = []
            for column in described.columns {
                columns.append(
                    PostgresColumn(
                        name: column.name, table: column.table, number: column.number,
                        type: column.type, form: try types.form(of: column.type)))
            }
            return PostgresDescribed(
                text: text, parameterTypes: described.parameters, columns: columns,
                origins: try PostgresOrigins(made.link, described.columns), roles: made.roles)
        }
    }

    private static func checkWord(
        _ word: Name?, _ effect: Tool.Effect
    ) throws(PostgresFailure) {
        let allowed = allowedWords[effect] ?? []
        if let word, allowed.contains(word) { return }
        let words = allowed.sorted().map { $0.text.uppercased() }.joined(separator: ", ")
        throw PostgresFailure(
            message: "a \(effect.rawValue) tool's statement starts with one of \(words)")
    }

    /// On the connection that is there, or on a new one where that has broken.
    private mutating func onConnection<Value>(
        _ body: (PostgresMade) throws(PostgresFailure) -> Value
    ) throws(PostgresFailure) -> Value {
        if let made {
            do throws(PostgresFailure) { return try body(made) } catch {
                guard error.isFatal else { throw error }
            }
        }
        let fresh = try PostgresMaking.make(options)
        made = fresh
        return try body(fresh)
    }
}

/// What the server said of one statement.
struct PostgresDescribed {
    private static let changingWords: Set<Name> = ["insert", "update", "delete", "merge", "into"]

    let text: PostgresText
    let parameterTypes: [UInt32]
    let columns: [PostgresColumn]
    let origins: PostgresOrigins
    let roles: Set<Name>

    /// What follows from the description alone. What is not in it is unknown, never none: which
    /// columns an expression reads, and which decide.
    func examination(isChange: Bool) -> Examination {
        Examination(
            columns: columns.map { column in
                // What a change has just written there may come from anywhere.
                let origin = isChange ? nil : origins.origin(of: column)
                return Column(name: column.name, origin: origin, kind: column.form.kind)
            },
            reads: nil, parameters: text.parameters,
            isReadOnly: Self.changingWords.isDisjoint(with: text.words))
    }

    /// With what was found out otherwise; names of parameters and kinds of values are ours.
    func plan(with found: Examination) -> PostgresPlan {
        var examination = found
        examination.parameters = text.parameters
        for index in examination.columns.indices where index < columns.count {
            examination.columns[index].kind = columns[index].form.kind
        }
        return PostgresPlan(
            text: text, parameterTypes: parameterTypes, columns: columns, examination: examination)
    }
}

extension Examination {
    /// The same columns, none of them known to come from elsewhere.
    func hasColumns(of judged: Examination) -> Bool {
        columns.count == judged.columns.count
            && zip(columns, judged.columns).allSatisfy { mine, theirs in
                mine.name.isByteEqual(to: theirs.name)
                    && (mine.origin == nil || theirs.origin == nil || mine.origin == theirs.origin)
            }
    }
}

/// The base columns that output columns are, unchanged.
struct PostgresOrigins {
    private struct Key: Hashable {
        var table: UInt32
        var number: Int
    }

    private var paths: [Key: ColumnPath] = [:]

    /// Only of tables: what a view shows may be anything, and stays unknown here. A table that has
    /// children or parents shares its values with them under another name.
    init(_ link: PostgresLink, _ columns: [PostgresDescription.Column]) throws(PostgresFailure) {
        let tables = Set(columns.filter { $0.number > 0 }.map(\.table)).subtracting([0])
        guard !tables.isEmpty else { return }
        let list = "{" + tables.map { String($0) }.joined(separator: ",") + "}"
        let rows = try link.rows(
            """
            SELECT n.nspname, c.relname, a.attname, c.oid, a.attnum
            FROM pg_catalog.pg_attribute a
            JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE c.oid = ANY ($1::pg_catalog.oid[]) AND a.attnum > 0 AND NOT a.attisdropped
            AND c.relkind IN ('r', 'f') AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent))
            """, [list])
        for row in rows {
            guard let schema = row[0], let name = row[1], let column = row[2],
                let table = row[3].flatMap({ UInt32($0) }),
                let number = row[4].flatMap({ Int($0) })
            else { continue }
            paths[Key(table: table, number: number)] = ColumnPath(
                schema: Name(schema), table: Name(name), column: Name(column))
        }
    }

    func origin(of column: PostgresColumn) -> ColumnPath? {
        paths[Key(table: column.table, number: column.number)]
    }
}
