package import JSON

/// A document that answers a call: as it is, and rows as `{"rows":[{…}],"changed":1,"truncated":true}`,
/// both as `ResultSchema` declares them.
package struct AnswerJSON {
    private enum Form {
        case rows(MaskedResult)
        /// Written once, whole.
        case document([UInt8])
    }

    private let form: Form

    /// Nil for what is no document.
    package init?(_ result: MaskedResult) {
        switch result.content {
        case .rows: form = .rows(result)
        case .document(let document): form = .document(document.bytes)
        case .text, .binary: return nil
        }
    }

    /// About what both forms take together, so that a large answer is not moved while it grows.
    package var bytesExpected: Int {
        switch form {
        case .rows(let result):
            [false, true].reduce(0) { sum, inString in
                let names = result.names.line(for: result.rows, inString: inString)
                return sum + names.bytesExpected(for: result.rows)
            }
        case .document(let bytes): 2 * bytes.count + bytes.count / 4
        }
    }

    /// For `structuredContent`.
    package func write(into writer: inout JSONWriter) {
        switch form {
        case .rows(let result):
            let table = RowsJSON(result, inString: false)
            writer.valueInParts { table.write(into: &$0) }
        case .document(let bytes): writer.raw(bytes)
        }
    }

    /// The same as the content of one string, quotes and all; many rows as a table, where the
    /// manifest does not say how.
    package func writeText(into writer: inout JSONWriter) {
        switch form {
        case .rows(let result):
            let table = RowsJSON(result, inString: true)
            writer.valueInParts { table.write(into: &$0) }
        case .document(let bytes): writer.quotedJSON(bytes)
        }
    }
}
