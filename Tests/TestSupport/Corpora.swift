package import Foundation
package import JSON

/// Test data that is not kept in this repository; tests that need it are skipped without it.
package enum Corpora {
    package static let root: URL = {
        if let path = ProcessInfo.processInfo.environment["TOOLSERVER_CORPORA"] {
            return URL(fileURLWithPath: path)
        }
        let package = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return package.appendingPathComponent("../shared/corpora").standardizedFileURL
    }()

    package static let absence = "the corpora are absent; TOOLSERVER_CORPORA names their folder"

    package static func has(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path)
    }

    package static func bytes(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: root.appendingPathComponent(path)))
    }

    package static func files(in path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent(path).path)
            .filter { $0.hasSuffix(".json") }.sorted()
    }

    package static func document(_ path: String) throws -> JSONValue {
        try JSONParser.parse(bytes(path))
    }

    /// One document a line.
    package static func lines(_ path: String) throws -> [JSONValue] {
        try bytes(path).split(separator: 0x0A).map { try JSONParser.parse(Array($0)) }
    }
}
