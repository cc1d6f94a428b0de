internal import Enforcement
internal import JSON

/// What a statement about the schema touches, by its words: every name in it that the catalogue
/// knows as a relation or function, whatever its part in the statement. The server analyses no such
/// statement without running it, so this finds too much rather than too little.
struct PostgresSchemaWords {
    let tokens: PostgresTokens
    private(set) var facts = StatementFacts()
    private(set) var relations: Set<UInt32> = []
    /// Functions that the new object will call.
    private(set) var called: Set<UInt32> = []

    init(
        _ tokens: PostgresTokens, on link: PostgresLink
    ) throws(PostgresFailure) {
        self.tokens = tokens
        try addRelations(link)
        try addFunctions(link)
        if tokens.list.contains(where: { Self.isOperator($0) }) {
            facts.functions.isComplete = false
        }
        // Names in escapes are known to the server alone, and some words reach what is not named.
        let isWide = tokens.list.contains { token in
            token.kind == .string
                && tokens.bytes[token.range.lowerBound] | 0x20 == UInt8(ascii: "u")
                || token.kind == .word && Self.wideWords.contains(token.text)
        }
        if isWide {
            facts.reads.isComplete = false
            facts.writes.isComplete = false
            facts.columns.isComplete = false
            facts.functions.isComplete = false
        }
    }

    private static let wideWords: Set<Name> = [
        "cascade", "owned", "all", "import", "database", "system", "schema", "default_privileges",
        "tablespace", "extension", "server", "user", "role", "group", "publication",
    ]

    private static func isOperator(_ token: PostgresTokens.Token) -> Bool {
        token.kind == .symbol
            && token.text.text.utf8.contains { "+-/<>~!@#%^&|`?".utf8.contains($0) }
    }

    /// `a`, `a.b`, `a.b.c`: each as far as it goes. The server takes no longer name of a relation
    /// than two words and the database before them.
    private var paths: [[Name]] {
        var paths: [[Name]] = []
        var index = 0
        let end = newName ?? tokens.list.count
        while index < end {
            guard tokens.list[index].isName else {
                index += 1
                continue
            }
            var path = [tokens.list[index].text]
            index += 1
            while index + 1 < end, tokens.list[index].isSymbol("."),
                tokens.list[index + 1].isName
            {
                path.append(tokens.list[index + 1].text)
                index += 2
            }
            let isLong = path.count > 2
            paths.append(isLong ? Array(path[1...2]) : path)
            if path.count > 1 { paths.append(isLong ? Array(path[...1]) : path.dropLast()) }
        }
        return paths
    }

    /// Behind `RENAME … TO` stands what nothing is called yet.
    private var newName: Int? {
        guard tokens.word(0) == "alter", let last = tokens.list.indices.last, last > 1,
            tokens.list[last].isName, tokens.list[last - 1].isWord("to"),
            tokens.list.contains(where: { $0.isWord("rename") })
        else { return nil }
        return last
    }

    private mutating func addRelations(_ link: PostgresLink) throws(PostgresFailure) {
        let names = Set(
            paths.map { path in
                Name(
                    path.map { PostgresConnectionString.quotedIdentifier($0.text) }
                        .joined(separator: "."))
            })
        let rows = try link.rows(
            """
            SELECT DISTINCT n.nspname, c.relname, a.attname, c.oid
            FROM unnest($1::text[]) AS t, pg_class c
                JOIN pg_namespace n ON n.oid = c.relnamespace
                LEFT JOIN pg_attribute a
                    ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            -- What becomes of an index becomes of its table.
            WHERE c.oid = to_regclass(t) OR c.oid = ANY (
                SELECT indrelid FROM pg_index WHERE indexrelid = to_regclass(t))
            """, [Self.array(names)])
        let words = Set(tokens.list.filter(\.isName).map(\.text))
        let isGrant = tokens.word(0) == "grant" || tokens.word(0) == "revoke"
        for row in rows {
            guard let schema = row[0], let relation = row[1],
                let number = row[3].flatMap({ UInt32($0) })
            else { continue }
            relations.insert(number)
            facts.reads.insert(Name("\(schema).\(relation)"))
            facts.writes.insert(Name("\(schema).\(relation)"))
            if let column = row[2], isGrant || words.contains(Name(column)) {
                facts.columns.insert(Name("\(schema).\(relation).\(column)"))
            }
        }
    }

    private mutating func addFunctions(_ link: PostgresLink) throws(PostgresFailure) {
        var names: Set<Name> = []
        // Those that the statement is about may stand without their arguments.
        let isAboutFunctions = tokens.list.contains { token in
            token.kind == .word && Self.functionWords.contains(token.text)
        }
        for (index, token) in tokens.list.enumerated() where token.isName {
            let next = tokens.list.indices.contains(index + 1) ? tokens.list[index + 1] : nil
            if next?.isSymbol("(") == true || isAboutFunctions { names.insert(token.text) }
        }
        let makes = tokens.word(0) == "create" || tokens.word(0) == "alter"
        let rows = try link.rows(
            """
            SELECT n.nspname, p.proname, p.oid
            FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE p.proname = ANY ($1::text[])
            """, [Self.array(names)])
        for row in rows {
            guard let schema = row[0], let name = row[1] else { continue }
            facts.functions.insert(Name("\(schema).\(name)"))
            if makes, !isAboutFunctions, let number = row.number(2) { called.insert(number) }
        }
    }

    private static let functionWords: Set<Name> = ["function", "procedure", "routine", "aggregate"]

    /// An array of texts as the server reads it.
    private static func array(_ names: Set<Name>) -> String {
        var text: [UInt8] = [UInt8(ascii: "{")]
        for name in names.sorted() {
            if text.count > 1 { text.append(UInt8(ascii: ",")) }
            text.append(UInt8(ascii: "\""))
            for byte in name.text.utf8 {
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                    text.append(UInt8(ascii: "\\"))
                }
                text.append(byte)
            }
            text.append(UInt8(ascii: "\""))
        }
        text.append(UInt8(ascii: "}"))
        return String(decoding: text, as: UTF8.self)
    }
}
