internal import Enforcement
internal import Glibc
internal import JSON

/// Says that a process runs: a file whose lock the kernel drops however the process ends.
///
/// A lease would need a clock that all believe and somebody to renew it, and would be too short
/// for a process that was stopped and too long for one that is dead. A lock is neither.
final class HolderMark: Sendable {
    let name: Name
    private let directory: String
    /// Held open for the life of the process; nobody reads or writes it.
    private let descriptor: Int32

    init(directory: String) throws(StateError) {
        guard unsafe mkdir(directory, 0o700) == 0 || errno == EEXIST else {
            throw StateFile.failure("make \(directory)")
        }
        guard let random = try? randomBytes(12) else {
            throw StateError(.unavailable, detail: "the system has no random bytes")
        }
        self.directory = directory
        name = Name(Hex.encode(random))
        Self.removeDead(in: directory)
        // Locked before it has its name: who finds it by name finds it locked.
        let draft = "\(directory)/.\(name)"
        descriptor = unsafe open(draft, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StateFile.failure("make \(draft)") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0,
            unsafe rename(draft, "\(directory)/\(name)") == 0
        else {
            let failure = StateFile.failure("mark this process in \(directory)")
            Glibc.close(descriptor)
            throw failure
        }
    }

    deinit { Glibc.close(descriptor) }

    func remove() { unsafe unlink("\(directory)/\(name)") }

    func isRunning(_ holder: Name) -> Bool {
        if holder == name { return true }
        guard Self.isName(holder.text) else { return false }
        return Self.isLocked("\(directory)/\(holder)")
    }

    /// What cannot be looked at counts as running: nobody may take over work on a guess.
    private static func isLocked(_ path: String) -> Bool {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return errno != ENOENT }
        defer { Glibc.close(descriptor) }
        // Shared, so that two who look at once do not take each other for the holder.
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0
    }

    /// The marks that kills have left.
    private static func removeDead(in directory: String) {
        guard let stream = unsafe opendir(directory) else { return }
        defer { unsafe _ = closedir(stream) }
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if isName(name), !isLocked("\(directory)/\(name)") {
                unsafe unlink("\(directory)/\(name)")
            }
        }
    }

    private static func isName(_ text: String) -> Bool {
        text.utf8.count == 24 && Hex.decode(text) != nil
    }
}
