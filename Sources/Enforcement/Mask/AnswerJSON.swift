package import JSON

/// A document that answers a call: as it is, and rows as `{"rows":[{…}],"changed":1,"truncated":true}`,
/// both as `ResultSchema` declares them.
package struct AnswerJSON {
    private enum Form {
        case rows(Rows, RowNames, changed: Int?)
        /// Written once, whole.
        case document([UInt8])
    }

    private let form: Form

    /// Nil for what is no document.
    package init?(_ result: MaskedResult) {
        switch result.content {
        case .rows(let rows): form = .rows(rows, result.names, changed: result.changed)
        case .document(let document): form = .document(document.bytes)
        case .text, .binary: return nil
        }
    }

    /// About what both forms take together, so that a large answer is not moved while it grows.
    package var bytesExpected: Int {
        switch form {
        case .rows(let rows, let names, _):
            names.plain.bytesExpected(for: rows) + names.inString.bytesExpected(for: rows)
        case .document(let bytes): 2 * bytes.count + bytes.count / 4
        }
    }

    /// For `structuredContent`.
    package func write(into writer: inout JSONWriter) {
        switch form {
        case .rows(let rows, let names, let changed):
            let table = RowsJSON(rows, names.plain, changed: changed, inString: false)
            writer.valueInParts { table.write(into: &$0) }
        case .document(let bytes): writer.raw(bytes)
        }
    }

    /// The same as the content of one string, quotes and all.
    package func writeText(into writer: inout JSONWriter) {
        switch form {
        case .rows(let rows, let names, let changed):
            let table = RowsJSON(rows, names.inString, changed: changed, inString: true)
            writer.valueInParts { table.write(into: &$0) }
        case .document(let bytes): writer.quotedJSON(bytes)
        }
    }
}
