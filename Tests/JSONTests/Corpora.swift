import Foundation
import JSON

/// Test data that is not kept in this repository; tests that need it are skipped without it.
enum Corpora {
    static let root: URL = {
        if let path = ProcessInfo.processInfo.environment["TOOLSERVER_CORPORA"] {
            return URL(fileURLWithPath: path)
        }
        let package = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return package.appendingPathComponent("../shared/corpora").standardizedFileURL
    }()

    static let absence = "the corpora are absent; TOOLSERVER_CORPORA names their folder"

    static func has(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path)
    }

    static func bytes(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: root.appendingPathComponent(path)))
    }

    static func files(in path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent(path).path)
            .filter { $0.hasSuffix(".json") }.sorted()
    }
}

func parse(_ text: String) throws(JSONError) -> JSONValue {
    try JSONParser.parse(Array(text.utf8))
}

/// Why a text is refused; nil when it is accepted.
func refusal(_ text: String) -> JSONError.Reason? { refusal(Array(text.utf8)) }

func refusal(_ bytes: [UInt8]) -> JSONError.Reason? {
    do throws(JSONError) {
        _ = try JSONParser.parse(bytes)
        return nil
    } catch {
        return error.reason
    }
}
