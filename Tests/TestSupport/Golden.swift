import Foundation

/// Tables that a person can read, kept beside the tests. To accept a change, run the tests with
/// `UPDATE_GOLDEN=1` and read the difference.
package enum Golden {
    /// Empty where the text is the one in `Golden/NAME` beside the source file of the test.
    package static func difference(
        of text: String, from name: String, beside source: String
    ) throws -> String {
        let file = URL(fileURLWithPath: source).deletingLastPathComponent()
            .appendingPathComponent("Golden").appendingPathComponent(name)
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
        let wanted = try String(contentsOf: file, encoding: .utf8)
        return difference(from: lines(wanted), to: lines(text))
    }

    private static func lines(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    private static func difference(from old: [String], to new: [String]) -> String {
        new.difference(from: old).map { change in
            switch change {
            case .remove(let offset, let line, _): "- \(offset + 1): \(line)"
            case .insert(let offset, let line, _): "+ \(offset + 1): \(line)"
            }
        }.joined(separator: "\n")
    }
}
