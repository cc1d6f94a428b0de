internal import CSQLite
internal import Enforcement
internal import Glibc

/// Makes a database file from a script of the operator's, all or nothing.
///
/// Built beside its place and linked there when it is complete and on disk: a crash leaves no half
/// file, and of two processes that start at once one wins and the other uses the winner's file
/// (a rename would replace a file in use).
enum SQLiteCreation {
    static func createIfMissing(_ file: String, from script: [UInt8]) throws(BackendError) {
        guard unsafe access(file, F_OK) != 0 else { return }
        let draft = "\(file).new-\(getpid())"
        unsafe unlink(draft)
        let descriptor = unsafe open(draft, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure("create a file", errno) }
        defer {
            close(descriptor)
            unsafe unlink(draft)
        }
        try build(draft, from: script)
        guard fsync(descriptor) == 0 else { throw Self.failure("write the file", errno) }
        guard unsafe link(draft, file) == 0 || errno == EEXIST else {
            throw Self.failure("put the file in place", errno)
        }
        try syncFolder(of: file)
    }

    /// No journal and no waiting for the disk while building: the file is synced once, whole.
    private static func build(_ file: String, from script: [UInt8]) throws(BackendError) {
        guard !script.contains(0) else {
            throw BackendError(.invalid, detail: "the script holds a NUL")
        }
        SQLiteConnection.setUp
        var opened: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX
        let code = unsafe sqlite3_open_v2(file, &opened, flags, nil)
        defer { unsafe sqlite3_close_v2(opened) }
        guard code == SQLITE_OK, let opened = unsafe opened else {
            throw BackendError(.unavailable, detail: "SQLite \(code) on opening")
        }
        let text = String(decoding: script, as: UTF8.self)
        let before = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;"
        for part in [before, text, "COMMIT; PRAGMA journal_mode = WAL;"] {
            guard unsafe sqlite3_exec(opened, part, nil, nil, nil) == SQLITE_OK else {
                let message = unsafe String(cString: sqlite3_errmsg(opened))
                throw BackendError(.invalid, detail: "the script: \(message)")
            }
        }
    }

    private static func syncFolder(of file: String) throws(BackendError) {
        let end = file.utf8.lastIndex(of: UInt8(ascii: "/")) ?? file.utf8.startIndex
        let folder = String(file[...end])
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open the folder", errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("write the folder", errno) }
    }

    private static func failure(_ action: String, _ code: Int32) -> BackendError {
        let reason = unsafe String(cString: strerror(code))
        return BackendError(.unavailable, detail: "cannot \(action): \(reason)")
    }
}
