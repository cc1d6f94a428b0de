import JSON

/// One thing wrong with, or doubtful about, the manifests, at the place where it is put right.
package struct Problem: Sendable {
    /// Relative to the manifests directory.
    package var file: String
    package var line: Int
    package var column: Int
    /// `input.id.type`; empty for the whole file.
    package var path: String
    package var message: String

    package init(file: String, line: Int, column: Int, path: String, message: String) {
        self.file = file
        self.line = line
        self.column = column
        self.path = path
        self.message = message
    }

    /// `tools/refund.json:4:12: input.id.type: …`, which editors and terminals make a link of.
    package var text: String {
        let place = "\(file):\(line):\(column)"
        return path.isEmpty ? "\(place): \(message)" : "\(place): \(path): \(message)"
    }
}

extension Problem: Comparable {
    package static func == (left: Problem, right: Problem) -> Bool {
        left.line == right.line && left.column == right.column
            && left.text.isByteEqual(to: right.text)
    }

    package static func < (left: Problem, right: Problem) -> Bool {
        if !left.file.isByteEqual(to: right.file) { return Name(left.file) < Name(right.file) }
        if left.line != right.line { return left.line < right.line }
        if left.column != right.column { return left.column < right.column }
        return Name(left.text) < Name(right.text)
    }
}

/// Why the manifests do not load: everything found at once, never only the first.
package struct ManifestError: Error, Sendable {
    package let problems: [Problem]

    /// A line a problem.
    var text: String { problems.map(\.text).joined(separator: "\n") }
}

/// Collects what one load finds. A load is one synchronous piece of work on one thread, so the
/// readers share this instead of passing lists up through every return value.
final class Findings {
    /// What is shown; a person who repairs a hundred starts again anyway.
    static let shownCount = 100
    /// What is kept before sorting; bounds the memory that a hostile directory can cost.
    static let keptCount = 5_000

    private var problems: [Problem] = []
    private var warnings: [Problem] = []
    private(set) var problemCount = 0

    var hasProblems: Bool { problemCount > 0 }

    func problem(_ message: String, at place: Place) {
        problemCount += 1
        if problems.count < Self.keptCount { problems.append(place.problem(message)) }
    }

    func warning(_ message: String, at place: Place) {
        if warnings.count < Self.keptCount { warnings.append(place.problem(message)) }
    }

    var sortedWarnings: [Problem] { Array(warnings.sorted().prefix(Self.shownCount)) }

    /// The error to throw; nil when nothing is wrong.
    var error: ManifestError? {
        guard hasProblems else { return nil }
        var shown = Array(problems.sorted().prefix(Self.shownCount))
        if problemCount > shown.count, let last = shown.last {
            let rest = problemCount - shown.count
            shown.append(
                Problem(
                    file: last.file, line: last.line, column: last.column, path: "",
                    message: "\(rest) more problems are not shown"))
        }
        return ManifestError(problems: shown)
    }
}

/// Where something stands, kept until it is known to be right.
struct Place {
    let file: ManifestFile
    let offset: Int
    let path: String

    func problem(_ message: String) -> Problem {
        let (line, column) = file.source.position(of: offset)
        return Problem(
            file: file.name, line: line, column: column, path: path, message: message)
    }

    /// `tools/refund.json:4`, for a message elsewhere that points here.
    var reference: String { "\(file.name):\(file.source.position(of: offset).line)" }

    func member(_ name: String, at offset: Int) -> Place {
        let name = printable(name)
        return Place(file: file, offset: offset, path: path.isEmpty ? name : "\(path).\(name)")
    }

    func element(_ index: Int, at offset: Int) -> Place {
        Place(file: file, offset: offset, path: "\(path)[\(index)]")
    }
}

/// A value together with the place that a problem with it is reported at.
struct Located<Value> {
    let value: Value
    let place: Place
}

/// Text that somebody else wrote as it may stand on a terminal: on one line, without controls that
/// would let it move the cursor of whoever reads it or pass for another line.
func printable(_ text: String, limit: Int = 80) -> String {
    var shown = ""
    for scalar in text.unicodeScalars.prefix(limit) {
        let isControl = scalar.properties.generalCategory == .control
        let isFormat = scalar.properties.generalCategory == .format
        shown.unicodeScalars.append(isControl || isFormat ? "\u{FFFD}" : scalar)
    }
    return text.unicodeScalars.count > limit ? shown + "…" : shown
}

func quoted(_ text: String) -> String { "`\(printable(text))`" }

func quoted(_ texts: [String]) -> String {
    texts.map { quoted($0) }.joined(separator: ", ")
}

/// `1 call`, `2 calls`.
func counted(_ count: Int, _ word: String) -> String {
    "\(count) \(word)\(count == 1 ? "" : "s")"
}
