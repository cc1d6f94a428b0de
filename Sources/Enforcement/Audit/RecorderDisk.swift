import Glibc

/// The operations on files that can fail while the recorder runs. A test replaces them by scripted
/// failures; results are the system call's, with `-errno` for failure.
package struct RecorderDisk: Sendable {
    package var create: @Sendable (_ path: String) -> Int32
    package var write: @Sendable (_ descriptor: Int32, _ bytes: [UInt8], _ offset: Int) -> Int
    package var sync: @Sendable (_ descriptor: Int32) -> Int32
    package var truncate: @Sendable (_ descriptor: Int32, _ size: Int) -> Int32

    package static let real = RecorderDisk(
        create: { path in
            let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
            let descriptor = unsafe open(path, flags, 0o640)
            return descriptor >= 0 ? descriptor : -errno
        },
        write: { descriptor, bytes, offset in RecorderDisk.write(descriptor, bytes, at: offset) },
        sync: { descriptor in
            for _ in 0..<100 {
                if fdatasync(descriptor) == 0 { return 0 }
                if errno != EINTR { break }
            }
            return -errno
        },
        truncate: { descriptor, size in
            for _ in 0..<100 {
                if ftruncate(descriptor, size) == 0 { return 0 }
                if errno != EINTR { break }
            }
            return -errno
        })

    /// One pwrite(2). Repeated only when a signal came before the first byte.
    static func write(_ descriptor: Int32, _ bytes: [UInt8], at offset: Int = 0) -> Int {
        for _ in 0..<100 {
            let count = unsafe pwrite(descriptor, bytes, bytes.count, offset)
            if count >= 0 { return count }
            if errno != EINTR { break }
        }
        return -Int(errno)
    }

    /// Durable when it returns. After a failure the descriptor must not be used again.
    func put(_ bytes: [UInt8], _ descriptor: Int32, at offset: Int) throws(RecordError) {
        let written = write(descriptor, bytes, offset)
        guard written == bytes.count else {
            throw .unavailable(written < 0 ? "write: errno \(-written)" : "short write")
        }
        try flush(descriptor)
    }

    func flush(_ descriptor: Int32) throws(RecordError) {
        let result = sync(descriptor)
        guard result == 0 else { throw .unavailable("fdatasync: errno \(-result)") }
    }

    /// Overwrites and unlinks. On a copying file system or flash the old bytes may survive below;
    /// what we can do is done.
    static func erase(_ path: String, in directory: String) throws(RecordError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        if descriptor >= 0 {
            var status = stat()
            let size = unsafe fstat(descriptor, &status) == 0 ? status.st_size : 0
            let zeros = [UInt8](repeating: 0, count: 4096)
            for offset in stride(from: 0, to: max(size, 1), by: zeros.count) {
                _ = write(descriptor, zeros, at: offset)
            }
            _ = fdatasync(descriptor)
            close(descriptor)
        }
        guard unsafe unlink(path) == 0 || errno == ENOENT else {
            throw .unavailable("erase \(path): errno \(errno)")
        }
        try syncDirectory(directory)
    }

    /// Creates a file that must not exist, with its content durable.
    static func writeWhole(_ path: String, _ bytes: [UInt8], mode: mode_t) throws(RecordError) {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        let descriptor = unsafe open(path, flags, mode)
        guard descriptor >= 0 else { throw .unavailable("create \(path): errno \(errno)") }
        defer { close(descriptor) }
        guard write(descriptor, bytes) == bytes.count, fsync(descriptor) == 0 else {
            let code = errno
            unsafe unlink(path)
            throw .unavailable("write \(path): errno \(code)")
        }
    }

    static func readWhole(_ path: String, limit: Int) throws(RecordError) -> [UInt8] {
        guard let bytes = try readIfThere(path, limit: limit) else {
            throw .unavailable("open \(path): errno \(ENOENT)")
        }
        return bytes
    }

    /// Nil where there is no such file. One that cannot be read is an error: who takes it for
    /// missing may destroy what depends on it.
    static func readIfThere(_ path: String, limit: Int) throws(RecordError) -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .unavailable("open \(path): errno \(errno)")
        }
        defer { close(descriptor) }
        var count = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, initialized in
            count = unsafe read(descriptor, buffer.baseAddress, limit)
            initialized = max(0, count)
        }
        guard count >= 0 else { throw .unavailable("read \(path): errno \(errno)") }
        return bytes
    }

    /// With its entry durable where it was not there: without it a crash may take the folder away
    /// again, and all that was synced in it.
    static func makeDirectory(
        _ path: String, mode: mode_t,
        sync: (String) throws(RecordError) -> Void = Self.syncDirectory
    ) throws(RecordError) {
        guard unsafe mkdir(path, mode) == 0 else {
            guard errno == EEXIST else { throw .unavailable("make \(path): errno \(errno)") }
            return
        }
        try sync(path + "/..")
    }

    static func syncDirectory(_ path: String) throws(RecordError) {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unavailable("open \(path): errno \(errno)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .unavailable("sync \(path): errno \(errno)") }
    }

    /// Held until the descriptor is closed, so also over a crash no longer than the process.
    static func lock(_ path: String) throws(RecordError) -> Int32 {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .unavailable("open \(path): errno \(errno)") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            if code == EWOULDBLOCK { throw .locked(path) }
            throw .unavailable("lock \(path): errno \(code)")
        }
        return descriptor
    }
}
