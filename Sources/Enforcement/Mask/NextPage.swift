import JSON

/// How a caller gets the rows that a cut answer leaves out: the arguments of the tool that take up
/// behind the last row, for a tool that declares an order.
enum NextPage {
    /// Nil where the answer is whole, and where a mask covers a value that would be needed: who may
    /// not see it may not be told to send it.
    ///
    /// `unmasked`: so many bytes were there before any mask.
    static func arguments(
        behind rows: Rows, unmasked byteCount: Int, of call: ExaminedCall
    ) -> JSONObject? {
        guard rows.isTruncated, rows.rowCount > 0,
            case .sql(let operation) = call.scoped.tool.operation, !operation.next.isEmpty
        else { return nil }
        var arguments = JSONObject()
        for (argument, column) in operation.next {
            let names = call.examination.columns
            guard let place = names.firstIndex(where: { Name($0.name) == column }) else {
                return nil
            }
            let cell = rows[row: rows.rowCount - 1, column: place]
            guard cell.start < byteCount, let value = value(of: cell, in: rows) else { return nil }
            arguments[argument.text] = value
        }
        return arguments
    }

    /// Nil for what has no place in an order: nothing, and documents.
    private static func value(of cell: Rows.Cell, in rows: Rows) -> JSONValue? {
        let content = rows.content(of: cell)
        switch cell.kind {
        case .text: return .string(String(decoding: content, as: UTF8.self))
        case .number, .bool: return try? JSONParser.parse(content, limits: JSONLimits())
        case .null, .json: return nil
        }
    }
}
