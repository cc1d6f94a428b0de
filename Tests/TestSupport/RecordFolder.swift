import Foundation

package import Enforcement

/// A state's folder with a record, its keys and the cursors of streams, gone with the test.
package final class RecordFolder: Sendable {
    package let path: String
    package let recorder: Recorder

    package init(
        _ name: String, limits: RecorderLimits = RecorderLimits(), keepsBodies: Bool = false
    ) throws {
        path =
            FileManager.default.temporaryDirectory
            .appendingPathComponent("\(name)-\(UUID().uuidString)").path
        for folder in ["record", "keys/record", "streams"] {
            try FileManager.default.createDirectory(
                atPath: "\(path)/\(folder)", withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        }
        recorder = try Recorder.open(
            directory: path + "/record", keys: path + "/keys/record", limits: limits,
            keepsBodies: keepsBodies)
    }

    deinit {
        recorder.close()
        try? FileManager.default.removeItem(atPath: path)
    }
}
