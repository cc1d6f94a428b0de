package import Foundation
internal import JSON

/// docs/record.schema.json, to which every line is held that a test makes.
package enum RecordSchema {
    package static let file = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("docs/record.schema.json")

    private static let schema = Result {
        try JSONSchema(try JSONParser.parse([UInt8](try Data(contentsOf: file))))
    }

    /// What is wrong with a line as it stands in a file, with its braces.
    package static func faults(of line: [UInt8]) throws -> [String] {
        try schema.get().violations(in: try JSONParser.parse(line)).map {
            "\($0.pointer): \($0.message)"
        }
    }

    /// Of the members that somebody hands to the recorder, which numbers and times them.
    package static func faults(ofBody body: [UInt8]) throws -> [String] {
        let start = Array(#"{"seq":0,"at":"2026-11-21T12:00:00.000000Z","#.utf8)
        return try faults(of: start + body + [UInt8(ascii: "}")])
    }
}
