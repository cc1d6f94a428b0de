import EventLoop
import Glibc
package import JSON

/// A recorder of its own, as `record` in `server.json` declares it: server and recorder read the
/// same words.
package struct RecorderSettings: Sendable, Equatable {
    /// Absolute, both.
    package var socket: String
    package var directory: String
    /// Whose processes may write through it.
    package var user: Name

    var log: String { directory + "/" + Installation.firstLog }
    var keys: String { directory + "/keys" }

    /// The number of `user`; nil where this machine knows no such user.
    func userNumber() -> uid_t? {
        var entry = unsafe passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16_384)
        guard unsafe getpwnam_r(user.text, &entry, &buffer, buffer.count, &found) == 0,
            unsafe found != nil
        else { return nil }
        return unsafe entry.pw_uid
    }
}

/// Reads `record`.
enum RecorderManifest {
    static let keys = KeySet(required: ["recorder", "directory", "user"], optional: [])

    static func read(_ node: Node, under directory: String) -> RecorderSettings? {
        guard let object = node.object(keys) else { return nil }
        let socket = object["recorder"]?.path(under: directory)
        let records = object["directory"]?.path(under: directory)
        let user = object["user"]?.identity()
        guard let socket, let records, let user else { return nil }
        guard socket.utf8.count <= LocalSocket.pathMax else {
            object["recorder"]?.report(
                "must be at most \(LocalSocket.pathMax) bytes with its folder: a socket's name has no more room"
            )
            return nil
        }
        return RecorderSettings(socket: socket, directory: records, user: user)
    }
}
