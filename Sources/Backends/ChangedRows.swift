internal import Enforcement
internal import JSON

/// The rows that an UPDATE or DELETE of the plainest form would meet, as a query of its own.
///
/// Nothing is read into the statement: the target and the condition stand in the query as they
/// stand in the change, which the database has analysed, and the query is analysed anew as one that
/// a caller wrote. Any other form is refused, since a query that meets other rows than the change
/// would mislead whoever decides about it.
struct ChangedRows {
    struct Token {
        enum Kind { case word, quoted, parameter, symbol, other }
        var kind: Kind
        /// Of a word in lower case; of a parameter as it stands.
        var text: Name
        var range: Range<Int>

        func isWord(_ word: Name) -> Bool { kind == .word && text == word }
        func isSymbol(_ symbol: Name) -> Bool { kind == .symbol && text == symbol }
        var isName: Bool { kind == .word || kind == .quoted }
    }

    /// Words that stand where only a plain statement has a name, an alias or nothing.
    private static let beyond: Set<Name> = [
        "only", "or", "from", "using", "order", "limit", "offset", "indexed", "not", "returning",
    ]

    private let bytes: [UInt8]
    private let tokens: [Token]
    private var target = 0..<0
    private var condition = 0..<0

    init(_ text: String, _ tokens: [Token]) throws(BackendError) {
        bytes = Array(text.utf8)
        var tokens = tokens
        while tokens.last?.isSymbol(";") == true { tokens.removeLast() }
        self.tokens = tokens
        var next = try takeTarget()
        if next < tokens.count, tokens[next].isWord("set") { next = try behindAssignments(next) }
        guard next < tokens.count, tokens[next].isWord("where") else {
            condition = tokens.count..<tokens.count
            guard next == tokens.count || tokens[next].isWord("returning") else {
                throw Self.other("the statement has parts besides its target and its condition")
            }
            return
        }
        condition = try conditionRange(from: next + 1)
    }

    private static func other(_ why: String) -> BackendError {
        BackendError(
            .refused, detail: "\(why); only a plain UPDATE or DELETE of one table can be shown")
    }

    /// Answers where what follows the target and its alias begins.
    private mutating func takeTarget() throws(BackendError) -> Int {
        let isUpdate = tokens.first?.isWord("update") == true
        let isDelete =
            tokens.count > 1 && tokens[0].isWord("delete") && tokens[1].isWord("from")
        guard isUpdate || isDelete else { throw Self.other("it starts with another word") }
        let start = isUpdate ? 1 : 2
        var next = start
        try name(at: next)
        next += 1
        while next < tokens.count, tokens[next].isSymbol(".") {
            try name(at: next + 1)
            next += 2
        }
        if next < tokens.count, tokens[next].isWord("as") {
            try name(at: next + 1)
            next += 2
        } else if next < tokens.count, tokens[next].isName, !tokens[next].isWord("set"),
            !tokens[next].isWord("where"), !tokens[next].isWord("returning")
        {
            try name(at: next)
            next += 1
        }
        target = start..<next
        guard !isUpdate || next < tokens.count && tokens[next].isWord("set") else {
            throw Self.other("its target has another form")
        }
        guard isUpdate || next == tokens.count || !tokens[next].isWord("set") else {
            throw Self.other("its target has another form")
        }
        return next
    }

    private func name(at index: Int) throws(BackendError) {
        guard index < tokens.count, tokens[index].isName,
            tokens[index].kind == .quoted || !Self.beyond.contains(tokens[index].text)
        else { throw Self.other("its target has another form") }
    }

    /// To the condition, or to the end.
    private func behindAssignments(_ start: Int) throws(BackendError) -> Int {
        var depth = 0
        for index in start..<tokens.count {
            try count(tokens[index], &depth)
            guard depth == 0, tokens[index].kind == .word else { continue }
            if tokens[index].isWord("where") || tokens[index].isWord("returning") { return index }
            if tokens[index].isWord("not") { continue }
            guard !Self.beyond.subtracting(["or"]).contains(tokens[index].text) else {
                throw Self.other("it has a word that may join other tables or bound the change")
            }
        }
        return tokens.count
    }

    private func conditionRange(from start: Int) throws(BackendError) -> Range<Int> {
        var depth = 0
        var end = tokens.count
        for index in start..<tokens.count {
            try count(tokens[index], &depth)
            guard depth == 0 else { continue }
            if tokens[index].isWord("returning") {
                end = index
                break
            }
            let isCursor =
                tokens[index].isWord("current") && index + 1 < tokens.count
                && tokens[index + 1].isWord("of")
            guard !isCursor, !tokens[index].isWord("order"), !tokens[index].isWord("limit") else {
                throw Self.other("its condition has another form")
            }
        }
        guard depth == 0, start < end else { throw Self.other("its condition has another form") }
        return start..<end
    }

    private func count(_ token: Token, _ depth: inout Int) throws(BackendError) {
        if token.isSymbol("(") || token.isSymbol("[") { depth += 1 }
        if token.isSymbol(")") || token.isSymbol("]") { depth -= 1 }
        guard depth >= 0 else { throw Self.other("its parentheses do not match") }
    }

    // MARK: As queries

    /// `places` says which of the values each parameter takes, by its token.
    func preview(
        _ values: [JSONValue], places: [Int: Int]
    ) throws(BackendError) -> ChangePreview {
        var given: [JSONValue] = []
        var numbers: [Int: Int] = [:]
        var text = ""
        if !condition.isEmpty {
            var position = tokens[condition.lowerBound].range.lowerBound
            let end = tokens[condition.upperBound - 1].range.upperBound
            for index in condition where tokens[index].kind == .parameter {
                guard let place = places[index], values.indices.contains(place) else {
                    throw Self.other("its parameters have another form")
                }
                if numbers[place] == nil {
                    given.append(values[place])
                    numbers[place] = given.count
                }
                text += String(
                    decoding: bytes[position..<tokens[index].range.lowerBound], as: UTF8.self)
                text += "$\(numbers[place] ?? 0)"
                position = tokens[index].range.upperBound
            }
            text += String(decoding: bytes[position..<end], as: UTF8.self)
            text = " WHERE (\(text))"
        }
        let from = tokens[target.lowerBound].range.lowerBound
        let to = tokens[target.upperBound - 1].range.upperBound
        let table = String(decoding: bytes[from..<to], as: UTF8.self)
        let bound = ChangePreview.countedMax + 1
        return ChangePreview(
            rows: "SELECT * FROM \(table)\(text)",
            count:
                "SELECT count(*) AS hits FROM (SELECT 1 FROM \(table)\(text) LIMIT \(bound)) AS hit",
            parameters: given)
    }
}
