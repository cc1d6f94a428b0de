import Enforcement
import JSON

/// Can the masks hide what they cover? A value behind a mask is found out all the same by whoever
/// may ask often, when it decides anything else about an answer.
struct MaskCheck {
    let tools: [Tool]
    let findings: Findings

    func checkMatch(of rule: MaskRule, at place: Place) {
        let isMatched = tools.contains { tool in
            guard rule.target.applies(toToolOf: tool.backend) else { return false }
            // A document may have any members.
            switch (rule.target, tool.operation) {
            case (.field, .http), (.document, .http): return true
            case (.document, _): return false
            default: break
            }
            guard let reads = tool.examination.reads else { return true }
            return tool.examination.columns.contains { rule.target.covers($0) }
                || reads.contains { rule.target.covers($0) }
        }
        if !isMatched { findings.warning("masks nothing: no tool reads it", at: place) }
    }

    /// One rule for all tools: no masked column decides. What an examination could not find out
    /// counts as deciding.
    func checkDeciding(of rule: MaskRule, at place: Place) {
        if case .document = rule.target { return }
        // A caller's own statement is judged when it comes.
        for tool in tools
        where tool.operation.isSettledAtLoad && rule.target.applies(toToolOf: tool.backend) {
            guard let reason = reasonAgainst(rule.target, in: tool) else { continue }
            findings.problem(
                "\(quoted(rule.id.text)) cannot hide \(reason), or say \"filter\": \"allowed\"",
                at: place)
        }
    }

    private func reasonAgainst(_ target: MaskRule.Target, in tool: Tool) -> String? {
        let examination = tool.examination
        let name = quoted(tool.name.text)
        guard let deciding = examination.deciding ?? examination.reads else {
            return "anything in tool \(name), since what it reads is unknown (a virtual table, or "
                + "text that cannot be followed); write it without"
        }
        // A field is also what an answer calls so.
        let renamed = Set(examination.columns.filter { target.covers($0) }.compactMap(\.origin))
        let found = deciding.filter {
            target.covers($0) || renamed.contains($0)
        }
        guard let column = found.map(\.text).min(by: { Name($0) < Name($1) }) else { return nil }
        let subject = "\(quoted("\(tool.backend.text).\(column)")) in tool \(name), "
        if !examination.isReadOnly {
            return subject + "which reads or compares it to change data; leave it out there"
        }
        if examination.deciding == nil {
            return subject + "which cannot be followed, so it may decide which rows come; write "
                + "it more plainly"
        }
        return subject + "where it may decide which rows come, their order, their number or an "
            + "error; only show it there"
    }
}

/// Whether the columns that rules name are there: a mask of a misspelt one would hide nothing.
struct KnownColumns {
    private let ask: (_ backend: Name) throws(BackendError) -> BackendColumns?
    private let findings: Findings
    private var answers: [Name: BackendColumns] = [:]

    init(
        ask: @escaping (_ backend: Name) throws(BackendError) -> BackendColumns?,
        findings: Findings
    ) {
        self.ask = ask
        self.findings = findings
    }

    /// What a backend has; nil for one that cannot say it now.
    mutating func known(_ backend: Name) -> BackendColumns? {
        if let answer = answers[backend] { return answer }
        let answer = try? ask(backend)
        answers[backend] = answer
        return answer
    }

    /// True when rules about the target can be checked further.
    mutating func check(_ target: MaskRule.Target, at place: Place) -> Bool {
        guard let (backend, path) = target.column else { return true }
        let known: BackendColumns
        do throws(BackendError) {
            if answers[backend] == nil { answers[backend] = try ask(backend) }
            // A backend that is absent or broken has its own report.
            guard let answer = answers[backend] else { return false }
            known = answer
        } catch {
            findings.problem(
                "cannot be compared with the backend: \(printable(error.detail))", at: place)
            return false
        }
        if known.stored.contains(path) { return true }
        let text = quoted("\(backend.text).\(path.text)")
        if known.viewed.contains(path) {
            findings.problem(
                "\(text) is a view's; name the column of the table that the view shows", at: place)
            return false
        }
        let near = Self.nearest(to: path, among: known.stored).map {
            "; did you mean \(quoted("\(backend.text).\($0)"))?"
        }
        findings.problem("no column \(text)\(near ?? "")", at: place)
        return false
    }

    private static func nearest(to path: ColumnPath, among known: Set<ColumnPath>) -> String? {
        let siblings = known.filter { $0.schema == path.schema && $0.table == path.table }
        let candidates = (siblings.isEmpty ? known : siblings).map(\.text).sorted()
        return JSON.nearest(path.text, among: candidates)
    }
}

extension ColumnPath {
    fileprivate var text: String { "\(schema).\(table).\(column)" }
}

extension MaskRule.Target {
    fileprivate func applies(toToolOf backend: Name) -> Bool {
        switch self {
        case .column(let owner, _), .inside(let owner, _, _): owner == backend
        case .field, .document: true
        }
    }

    /// The column that it names, if it names one.
    var column: (backend: Name, path: ColumnPath)? {
        switch self {
        case .column(let backend, let path), .inside(let backend, let path, _): (backend, path)
        case .field, .document: nil
        }
    }

    fileprivate func covers(_ column: ColumnPath) -> Bool {
        switch self {
        case .column(_, let path), .inside(_, let path, _): column == path
        case .document: false
        case .field(let name): Self.folded(column.column.text) == Self.folded(name.text)
        }
    }

    fileprivate func covers(_ column: Column) -> Bool {
        if let origin = column.origin, covers(origin) { return true }
        return switch self {
        case .column, .inside, .document: false
        case .field(let name): Self.folded(column.name) == Self.folded(name.text)
        }
    }
}
