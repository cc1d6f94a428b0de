internal import Enforcement
internal import JSON

/// What sort of statement a text is, by the words that it starts with. The server then says what
/// a query means; a statement about the schema is judged by its words, and nothing else is served.
enum PostgresStatementForm {
    /// The server analyses it.
    case query
    /// `SHOW`: reads a setting.
    case show
    /// `EXPLAIN` of what stands in these tokens.
    case explain(Range<Int>)
    /// A statement about the schema; `inner` is the text of a query that it holds.
    case schema(kinds: Set<Name>, inner: String?)

    static let queries: Set<Name> = [
        "select", "values", "table", "with", "insert", "update", "delete", "merge",
    ]

    init(_ tokens: PostgresTokens, effect: Tool.Effect) throws(PostgresTokens.Refused) {
        try self.init(tokens, 0..<tokens.list.count, effect, isInner: false)
    }

    init(
        _ tokens: PostgresTokens, _ range: Range<Int>, _ effect: Tool.Effect, isInner: Bool
    ) throws(PostgresTokens.Refused) {
        let first = range.first { !tokens.list[$0].isSymbol("(") }
        guard let first, let word = tokens.word(first) else {
            throw PostgresTokens.Refused(told: "the statement starts with no word of SQL")
        }
        if Self.queries.contains(word) {
            guard let into = Self.into(tokens, range) else {
                self = .query
                return
            }
            guard effect == .write else { throw Self.refusal(of: "create", effect) }
            self = .schema(
                kinds: ["create", "select"],
                inner: Self.blanked(tokens, range, into, upTo: Self.end(ofInto: into, tokens)))
            return
        }
        switch word {
        case "explain" where !isInner:
            self = .explain(try Self.explained(tokens, first))
        case "show" where !isInner: self = .show
        default:
            guard effect == .write, let kinds = Self.kinds(tokens, first) else {
                throw Self.refusal(of: word, effect)
            }
            self = .schema(kinds: kinds, inner: Self.innerQuery(tokens, first..<range.upperBound))
        }
    }

    private static func refusal(of word: Name, _ effect: Tool.Effect) -> PostgresTokens.Refused {
        // A word of some length is none of SQL's, and whatever it holds is not repeated.
        let name = word.text.utf8.count <= 16 ? word.text.uppercased() : "what stands first"
        switch word {
        case "begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release":
            return .init(told: "\(name) is refused: the server keeps the transaction of a call")
        case "set", "reset", "discard", "listen", "unlisten", "load":
            return .init(told: "\(name) is refused: settings of the session are not a call's")
        case "do", "call", "execute":
            return .init(told: "\(name) is refused: it runs code that cannot be examined")
        case "prepare", "deallocate", "declare", "fetch", "move", "close":
            return .init(told: "\(name) is refused: nothing outlives a call; send the query itself")
        case "copy":
            return .init(told: "COPY is refused: select the rows instead")
        default: break
        }
        if effect == .read {
            return .init(
                told: "\(name) is refused: this tool only reads (SELECT, VALUES, TABLE, WITH, "
                    + "EXPLAIN, SHOW)")
        }
        return .init(told: "\(name) is refused: it is not served, or runs code that cannot be seen")
    }

    // MARK: SELECT … INTO

    private static func into(_ tokens: PostgresTokens, _ range: Range<Int>) -> Int? {
        range.dropFirst().first { index in
            guard tokens.list[index].isWord("into") else { return false }
            let before = tokens.list[index - 1]
            return !before.isWord("insert") && !before.isWord("merge") && !before.isWord("as")
                && !before.isSymbol(".")
        }
    }

    private static let intoWords: Set<Name> = [
        "into", "temp", "temporary", "local", "global", "unlogged", "table",
    ]

    private static func end(ofInto start: Int, _ tokens: PostgresTokens) -> Int {
        var index = start
        while let word = tokens.word(index), intoWords.contains(word) { index += 1 }
        index += 1
        while tokens.list.indices.contains(index), tokens.list[index].isSymbol(".") { index += 2 }
        return min(index, tokens.list.count)
    }

    private static func blanked(
        _ tokens: PostgresTokens, _ range: Range<Int>, _ start: Int, upTo end: Int
    ) -> String {
        let before = tokens.text(range.lowerBound..<start)
        return "\(before) \(tokens.text(end..<max(end, range.upperBound)))"
    }

    // MARK: EXPLAIN

    private static func explained(
        _ tokens: PostgresTokens, _ start: Int
    ) throws(PostgresTokens.Refused) -> Range<Int> {
        var index = start + 1
        if index < tokens.list.count, tokens.list[index].isSymbol("("),
            let word = tokens.word(index + 1), !queries.contains(word)
        {
            while index < tokens.list.count, !tokens.list[index].isSymbol(")") { index += 1 }
            index += 1
        } else {
            while let word = tokens.word(index), ["analyze", "analyse", "verbose"].contains(word) {
                index += 1
            }
        }
        guard index < tokens.list.count else {
            throw PostgresTokens.Refused(told: "EXPLAIN of nothing")
        }
        return index..<tokens.list.count
    }

    // MARK: Statements about the schema

    private static let opaqueObjects: Set<Name> = [
        "function", "procedure", "trigger", "rule", "language", "extension", "aggregate",
        "subscription", "transform", "routine", "event",
    ]

    /// The kinds of a statement about the schema; nil for one that is not served.
    private static func kinds(_ tokens: PostgresTokens, _ start: Int) -> Set<Name>? {
        let words = tokens.list[start...].filter { $0.kind == .word }.map(\.text)
        switch words[0] {
        case "create":
            let object = words.dropFirst().first { !creationWords.contains($0) }
            guard let object, !opaqueObjects.contains(object) else { return nil }
            var kinds: Set<Name> = ["create"]
            // CREATE SCHEMA may hold grants.
            if object == "schema", words.contains("grant") { kinds.insert("grant") }
            return kinds
        case "alter":
            guard words.count > 1, words[1] != "system" else { return nil }
            var kinds: Set<Name> = ["alter"]
            if dropsPart(tokens, start) { kinds.insert("drop") }
            if words[1] == "default" { kinds.insert("grant") }
            return kinds
        case "drop": return ["drop"]
        case "truncate": return ["truncate"]
        case "grant": return ["grant"]
        case "revoke": return ["grant", "revoke"]
        case "comment": return ["alter", "comment"]
        case "security", "reassign": return ["alter"]
        case "import": return ["create", "import"]
        case "refresh", "reindex", "cluster", "lock", "notify": return [words[0]]
        case "analyze", "analyse": return ["analyze"]
        default: return nil
        }
    }

    private static let creationWords: Set<Name> = [
        "or", "replace", "temp", "temporary", "local", "global", "unlogged", "unique",
        "materialized", "recursive", "foreign", "trusted", "procedural", "constraint", "default",
    ]

    /// ALTER … DROP; not a column that is called so.
    private static func dropsPart(_ tokens: PostgresTokens, _ start: Int) -> Bool {
        tokens.list.indices.dropFirst(start + 1).contains { index in
            guard tokens.list[index].isWord("drop") else { return false }
            let before = tokens.list[index - 1]
            return !["add", "column", "rename", "to", "table"].contains { before.isWord($0) }
                && !before.isSymbol(".")
        }
    }

    private static func innerQuery(_ tokens: PostgresTokens, _ range: Range<Int>) -> String? {
        var depth = 0
        for index in range {
            if tokens.list[index].isSymbol("(") { depth += 1 }
            if tokens.list[index].isSymbol(")") { depth -= 1 }
            guard depth == 0, tokens.list[index].isWord("as") else { continue }
            let first = (index + 1..<range.upperBound).first { !tokens.list[$0].isSymbol("(") }
            guard let first, let word = tokens.word(first), queries.contains(word) else { continue }
            return tokens.text((index + 1)..<endOfQuery(tokens, range.upperBound))
        }
        return nil
    }

    /// Without WITH [NO] DATA and WITH CHECK OPTION, which are not the query's.
    private static func endOfQuery(_ tokens: PostgresTokens, _ end: Int) -> Int {
        if tokens.word(end - 1) == "data" {
            return tokens.word(end - 2) == "no" ? end - 3 : end - 2
        }
        if tokens.word(end - 1) == "option", tokens.word(end - 2) == "check" {
            return tokens.word(end - 3) == "with" ? end - 3 : end - 4
        }
        return end
    }
}
