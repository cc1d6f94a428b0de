package import Enforcement
package import JSON

extension SQLiteBackend {
    package func preview(
        of statement: String, _ values: [JSONValue], on backend: Name
    ) throws(BackendError) -> ChangePreview {
        let bytes = Array(statement.utf8)
        let list = SQLiteTokens(bytes).list
        let ranges = SQLiteTokens.places(in: statement)
        guard list.count == ranges.count else {
            throw BackendError(.refused, detail: "the statement cannot be taken apart")
        }
        var numbers: [Name: Int] = [:]
        var places: [Int: Int] = [:]
        var tokens: [ChangedRows.Token] = []
        for (index, (token, range)) in zip(list, ranges).enumerated() {
            let kind: ChangedRows.Token.Kind =
                switch token.kind {
                case .word: .word
                case .quoted: token.isLiteral ? .other : .quoted
                case .parameter: .parameter
                case .symbol: .symbol
                }
            // SQLite counts those without a name among the others, and the scan does not.
            guard !token.isSymbol("?") else {
                throw BackendError(.refused, detail: "its parameters have no names")
            }
            if token.kind == .parameter {
                let name = Name(String(decoding: bytes[range], as: UTF8.self))
                let number = numbers[name] ?? numbers.count
                numbers[name] = number
                places[index] = number
            }
            tokens.append(ChangedRows.Token(kind: kind, text: token.text, range: range))
        }
        guard numbers.count == values.count else {
            throw BackendError(.refused, detail: "its parameters have another form")
        }
        return try ChangedRows(statement, tokens).preview(values, places: places)
    }
}
