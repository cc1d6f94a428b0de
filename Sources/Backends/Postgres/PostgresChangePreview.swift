package import Enforcement
package import JSON

extension PostgresBackend {
    package func preview(
        of statement: String, _ values: [JSONValue], on backend: Name
    ) throws(BackendError) -> ChangePreview {
        let scan: PostgresTokens
        do throws(PostgresTokens.Refused) { scan = try PostgresTokens(statement) } catch {
            throw BackendError(.refused, detail: error.told)
        }
        var places: [Int: Int] = [:]
        var tokens: [ChangedRows.Token] = []
        for (index, token) in scan.list.enumerated() {
            let kind: ChangedRows.Token.Kind =
                switch token.kind {
                case .word: .word
                case .quoted: .quoted
                case .parameter: .parameter
                case .symbol: .symbol
                case .string, .number: .other
                }
            if token.kind == .parameter, let number = Int(token.text.text.dropFirst()) {
                places[index] = number - 1
            }
            tokens.append(ChangedRows.Token(kind: kind, text: token.text, range: token.range))
        }
        return try ChangedRows(statement, tokens).preview(values, places: places)
    }
}
