import Enforcement
import JSON

/// One line of the record as one line of text: number, time, event, who, what, how it ended.
enum LineSummary {
    static func text(_ line: RecordedLine) -> String {
        let time = line.at.prefix(19).map { $0 == "T" ? " " : $0 }
        var words = [padded("\(line.sequence)", 6), String(time)]
        words.append(padded(line.event, 8))
        if let subject = line.subject { words.append(padded(subject, 8)) }
        if let person = line.person { words.append("for=\(person)") }
        if let tool = line.text("tool") { words.append(padded(tool, 20)) }
        if let code = line.text("code") { words.append(code) }
        if line.subject == nil, let call = line.call { words.append("call=\(call)") }
        for rule in line.names("rules") { words.append("rule=\(rule)") }
        for rule in line.names("held") { words.append("held=\(rule)") }
        if ["decision", "objection", "held"].contains(where: { line.event.isByteEqual(to: $0) }) {
            for name in ["decision", "approval", "phase"] {
                if let word = line.text(name) { words.append("\(name)=\(word)") }
            }
        }
        // A call's first line names its catalogue too, which no reader looks for there.
        for name in details where line.call == nil || !name.isByteEqual(to: "catalog") {
            if let detail = line[name] { words.append("\(name)=\(detail.string ?? detail.text)") }
        }
        let text = words.joined(separator: "  ")
        return printable(String(text.reversed().drop { $0 == " " }.reversed()), limit: 1_000)
    }

    private static let details = [
        "rows", "changed", "masked", "grant", "state", "arguments", "transport", "address",
        "unwritten", "refused",
        "catalog", "reason",
    ]

    static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
