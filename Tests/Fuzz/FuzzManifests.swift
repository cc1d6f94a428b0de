import Enforcement
import JSON

@testable import ToolServer

/// A file among manifests that are right is judged alike each time and without its comments, and
/// every problem has its place within the file.
func fuzzManifests(_ bytes: [UInt8]) {
    let found = problems(with: bytes)
    hold(found == problems(with: bytes), "the second load")
    let lineCount = bytes.count { $0 == 0x0A } + 1
    for problem in found where problem.file == fileName {
        hold((1...lineCount).contains(problem.line), "the line of a problem")
        hold((1...bytes.count + 1).contains(problem.column), "the column of a problem")
        hold(problem.text.utf8.allSatisfy { $0 >= 0x20 }, "a problem is one line")
    }
    guard let document = try? JSONParser.parseManifest(bytes) else {
        return hold(!found.isEmpty, "a file that is no manifest has a problem")
    }
    // Of more than are shown, those are shown that come first.
    guard found.count <= Findings.shownCount else { return }
    let plain = problems(with: document.plain().bytes)
    hold(
        plain.map(withoutPlace).sorted() == found.map(withoutPlace).sorted(),
        "a file without its comments")
}

/// Without the line of another problem that its message may name.
private func withoutPlace(_ problem: Problem) -> String {
    let parts = problem.message.components(around: fileName + ":")
    let rest = parts.dropFirst().map { $0.drop { $0.isASCII && $0.isNumber } }
    return problem.path + " " + ([parts[0]] + rest).joined(separator: fileName)
}

extension String {
    fileprivate func components(around mark: String) -> [Substring] {
        var parts: [Substring] = []
        var rest = self[...]
        while let range = rest.firstRange(of: mark) {
            parts.append(rest[..<range.lowerBound])
            rest = rest[range.upperBound...]
        }
        return parts + [rest]
    }
}

private let fileName = "z.json"

private let others: [(name: String, text: String)] = [
    ("server.json", #"{"server": "fuzz", "issuers": [{"issuer": "local"}]}"#),
    ("backend.json", #"{"backend": "shop", "kind": "sqlite", "file": "shop.db"}"#),
    (
        "tool.json",
        #"{"tool": "lookup", "title": "t", "description": "d", "backend": "shop", "scope": "s", "effect": "read", "input": {"id": {"type": "integer"}}, "sql": "select 1 as n"}"#
    ),
]

/// All that is wrong when these bytes stand beside manifests that are right; a server among them
/// takes the place of ours.
private func problems(with bytes: [UInt8]) -> [Problem] {
    let findings = Findings()
    let document = (try? JSONParser.parseManifest(bytes))?.plain()
    let first = document?.object?.members.first { $0.name != "$schema" }
    let isServer = first?.name == "server"
    let kept = others.filter { !(isServer && $0.name == "server.json") }
    let files = ManifestFiles(
        kept.map { ManifestFile(name: $0.name, bytes: Array($0.text.utf8)) }
            + [ManifestFile(name: fileName, bytes: bytes)], findings: findings)
    let manifests = ParsedManifests(files: files, directory: "/", findings: findings)
    let resolver = Resolver(manifests: manifests, findings: findings) {
        (_, _, effect) throws(BackendError) in
        Examination(
            columns: [], reads: [], deciding: [], parameters: ["id"], isReadOnly: effect == .read)
    }
    let tools = resolver.tools(on: manifests.declaredBackends)
    _ = resolver.policy(for: tools) { _ throws(BackendError) in nil }
    return findings.error?.problems ?? []
}
