import Enforcement
import JSON

/// An entry as one row of RFC 4180, with what a spreadsheet would take for a formula made text.
enum CSVLine {
    private static let columns = [
        "log", "seq", "at", "event", "call", "caller", "person", "client", "tool", "backend",
        "effect", "decision", "code", "rules", "rows", "changed", "masked", "microseconds",
        "session", "address", "traceparent", "toolUse", "reason", "arguments",
    ]

    static var header: [UInt8] { Array((columns.joined(separator: ",") + "\r\n").utf8) }

    static func bytes(of entry: RecordedEntry, log: String) -> [UInt8] {
        let cells = columns.map { cell(value(of: $0, entry, log)) }
        return Array((cells.joined(separator: ",") + "\r\n").utf8)
    }

    private static func value(of column: String, _ entry: RecordedEntry, _ log: String) -> String {
        switch column {
        case "log": log
        case "seq": entry.first.map { String($0.sequence) } ?? ""
        case "at": entry.first?.at ?? ""
        case "event": entry.isCall ? "call" : entry.first?.event ?? ""
        case "caller": entry.subject ?? ""
        case "person": entry.person ?? ""
        case "client": entry.lines.lazy.compactMap(\.client).first ?? ""
        case "rules": entry.rules.joined(separator: " ")
        default: entry[column].map { $0.string ?? $0.text } ?? ""
        }
    }

    private static func cell(_ text: String) -> String {
        let formula: [UInt8] = Array("=+-@\t\r".utf8)
        let isFormula = text.utf8.first.map { formula.contains($0) } ?? false
        let safe = isFormula ? "'" + text : text
        let special: [UInt8] = Array(",\"\r\n".utf8)
        guard safe.utf8.contains(where: { special.contains($0) }) else { return safe }
        var quoted: [UInt8] = [UInt8(ascii: "\"")]
        for byte in safe.utf8 {
            if byte == UInt8(ascii: "\"") { quoted.append(byte) }
            quoted.append(byte)
        }
        return String(decoding: quoted + [UInt8(ascii: "\"")], as: UTF8.self)
    }
}
