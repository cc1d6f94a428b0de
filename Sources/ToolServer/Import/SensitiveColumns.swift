import Backends
import Enforcement
import JSON

/// Which columns of a table should not be shown as they are: by what they are called, by their
/// type, and by how many different values they have. No value is read for it.
struct SensitiveColumns {
    enum Sign: String, CaseIterable {
        case name, type, statistics
    }

    struct Proposal {
        let strategy: MaskRule.Strategy
        let sign: Sign
        /// A credential, which no tool needs to read at all.
        var isSecret = false
    }

    private(set) var proposals: [Name: Proposal] = [:]
    /// Whether rows are about people.
    private(set) var isPersonal = false

    init(_ relation: SchemaRelation) {
        // A view shows columns of tables, and is masked with them. Keys join, and identify nobody.
        guard relation.kind != .view else { return }
        let joining = Set(relation.references.map(\.column))
        let columns = relation.columns.filter { $0.isReadable && !joining.contains($0.name) }
        for column in columns {
            let words = ImportedName.snake(column.name.text)
            if Self.personal.contains(where: { Self.ends(words, $0) }) { isPersonal = true }
            guard let proposal = Self.byNameOrType(column, words) else { continue }
            proposals[column.name] = proposal
            if !proposal.isSecret { isPersonal = true }
        }
        guard isPersonal else { return }
        let indexed = Set(relation.indexes.flatMap(\.columns))
        for column in columns where proposals[column.name] == nil && !indexed.contains(column.name)
        {
            if Self.isLikeAnIdentifier(column) {
                proposals[column.name] = Proposal(strategy: .pseudonym, sign: .statistics)
            }
        }
    }

    // MARK: By name and type

    /// Names of columns that say who somebody is. They are not masked, since that is what a person
    /// is asked for by; whoever may read them is granted it apart.
    private static let personal = [
        "first_name", "last_name", "surname", "full_name", "given_name", "family_name",
        "maiden_name", "middle_name",
    ]

    private static let masked: [(word: String, strategy: MaskRule.Strategy)] = [
        ("email", .partial), ("mail", .partial), ("email_address", .partial),
        ("ip_address", .pseudonym), ("ip", .pseudonym), ("mac_address", .pseudonym),
        ("address", .redact), ("street", .redact), ("address_line", .redact),
        ("address1", .redact), ("address2", .redact), ("postcode", .redact),
        ("postal_code", .redact), ("zip_code", .redact), ("salary", .null), ("income", .null),
        ("wage", .null), ("gender", .redact), ("ethnicity", .redact), ("religion", .redact),
        ("nationality", .redact), ("diagnosis", .redact), ("disability", .redact),
    ]

    private static func ends(_ name: String, _ word: String) -> Bool {
        name.isByteEqual(to: word) || hasSuffix(name, "_" + word)
    }

    private static func byNameOrType(_ column: SchemaColumn, _ words: String) -> Proposal? {
        if ["inet", "cidr", "macaddr", "macaddr8"].contains(column.type) {
            return Proposal(strategy: .pseudonym, sign: .type)
        }
        guard column.type != "boolean" else { return nil }
        if let named = byName(column.name.text, words, column) { return named }
        // A domain is a name that somebody gave to a kind of value.
        guard let domain = column.domain?.text,
            let named = byName(domain, ImportedName.snake(domain), column)
        else { return nil }
        return Proposal(strategy: named.strategy, sign: .type, isSecret: named.isSecret)
    }

    private static func byName(
        _ name: String, _ words: String, _ column: SchemaColumn
    ) -> Proposal? {
        let isText = ColumnType(column).isText
        func proposal(_ strategy: MaskRule.Strategy) -> Proposal {
            Proposal(strategy: isText ? strategy : .null, sign: .name)
        }
        // The longest word first: an `ip_address` is no `address`.
        let matches = masked.filter { ends(words, $0.word) }
        if let known = matches.max(by: { $0.word.utf8.count < $1.word.utf8.count }) {
            return proposal(known.strategy)
        }
        switch NameMeaning(name) ?? secretDigest(words) {
        case .secret:
            let mayHold = isText || column.type == "bytea"
            return mayHold ? Proposal(strategy: .redact, sign: .name, isSecret: true) : nil
        case .kind(.phone), .kind(.email): return proposal(.partial)
        case .kind: return proposal(.redact)
        case nil: return nil
        }
    }

    /// `password_hash`: a secret still.
    private static func secretDigest(_ words: String) -> NameMeaning? {
        for ending in ["_hash", "_digest", "_salt", "_encrypted"] where hasSuffix(words, ending) {
            let meaning = NameMeaning(String(words.dropLast(ending.count)))
            return meaning == .secret ? .secret : nil
        }
        return nil
    }

    // MARK: By statistics

    /// Words for what rows are called, which people read.
    private static let shown = [
        "name", "title", "description", "note", "notes", "comment", "body", "text", "subject",
        "label", "slug", "url", "summary", "message",
    ]

    /// Nearly every row has its own short value: that may well say who somebody is.
    private static func isLikeAnIdentifier(_ column: SchemaColumn) -> Bool {
        guard let distinct = column.distinctPart, let bytes = column.meanBytes,
            column.labels.isEmpty, ColumnType(column).isText
        else { return false }
        let words = ImportedName.snake(column.name.text)
        return distinct > 0.9 && (6...40).contains(bytes)
            && !shown.contains { ends(words, $0) }
    }
}

/// What a column can be asked by.
struct ColumnType {
    /// As the property of an input; nil for what is no single value.
    let schema: JSONObject?
    let isMoment: Bool
    let isText: Bool
    /// What an answer shows of it would help nobody.
    let isOpaque: Bool

    init(_ column: SchemaColumn) {
        let type = column.type.text
        isMoment = type.hasPrefix("timestamp") || type.isByteEqual(to: "date")
        isText = ["text", "character varying", "character", "citext", "name"].contains(column.type)
        isOpaque = [
            "bytea", "tsvector", "tsquery", "geometry", "geography", "vector", "raster", "xid",
            "pg_lsn",
        ].contains(column.type)
        schema = Self.schema(column, isText: isText)
    }

    private static func schema(_ column: SchemaColumn, isText: Bool) -> JSONObject? {
        if !column.labels.isEmpty {
            return JSONObject(distinct: [
                ("type", "string"), ("enum", .array(column.labels.map { .string($0) })),
            ])
        }
        if isText { return JSONObject(distinct: [("type", "string"), ("maxLength", 500)]) }
        let type: JSONValue
        var format: JSONValue?
        switch column.type {
        case "smallint", "integer", "bigint": type = "integer"
        case "numeric", "real", "double precision": type = "number"
        case "boolean": type = "boolean"
        case "uuid": (type, format) = ("string", "uuid")
        case "date": (type, format) = ("string", "date")
        case "timestamp with time zone": (type, format) = ("string", "date-time")
        case "timestamp without time zone": type = "string"
        default: return nil
        }
        var schema = JSONObject(distinct: [("type", type)])
        schema["format"] = format
        return schema
    }
}
