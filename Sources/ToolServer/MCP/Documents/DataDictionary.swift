import Enforcement
import JSON

/// What a caller may know of a backend's data.
///
/// Where one of their tools describes the backend, that tool is asked, as a call of theirs.
/// Otherwise it is what their tools answer with, as it was found at load: no backend is touched.
struct DataDictionary {
    let backend: Name
    /// The tool to ask.
    let describing: GuardedTool?
    /// Those whose columns are known.
    private let tools: [GuardedTool]

    /// By the names of the backends; only those of which these tools tell anything.
    static func all(of tools: [GuardedTool]) -> [DataDictionary] {
        let known = tools.filter {
            $0.tool.operation.isDescription ? $0.answersAtOnce : $0.hasKnownColumns
        }
        return Dictionary(grouping: known, by: \.tool.backend).map { backend, tools in
            DataDictionary(
                backend: backend,
                describing: tools.first { $0.tool.operation.isDescription },
                tools: tools.filter { !$0.tool.operation.isDescription })
        }.sorted { $0.backend < $1.backend }
    }

    var mediaType: String { describing == nil ? MarkdownText.mediaType : "application/json" }

    var summary: String {
        describing.map { "Relations and columns, as the tool `\($0.tool.name)` answers them." }
            ?? "The columns that your tools show, with their types and what is covered."
    }

    func text(for caller: Caller) -> String {
        var lines = [
            "# Data of \(backend)", "",
            "What your tools show of `\(backend)`; there may be more that they do not.", "",
        ]
        for guarded in tools {
            lines += ["## \(guarded.tool.name)", "", MarkdownText.plain(guarded.tool.title), ""]
            lines += MarkdownText.columns(of: guarded.outlook(for: caller)) + [""]
        }
        return MarkdownText.joined(lines)
    }
}

extension GuardedTool {
    fileprivate var hasKnownColumns: Bool {
        tool.operation.isSettledAtLoad && !tool.examination.columns.isEmpty
    }
}
