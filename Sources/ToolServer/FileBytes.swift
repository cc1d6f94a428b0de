import Glibc

/// The whole content of one regular file.
enum FileBytes {
    /// For files that have no narrower limit: keys and tokens.
    static let bytesMax = 4 << 20

    struct Failure: Error {
        let reason: String
        var isMissing = false
    }

    static func read(_ path: String, atMost limit: Int = bytesMax) -> Result<[UInt8], Failure> {
        // O_NONBLOCK: a FIFO put in place of a file must not hold the start.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return .failure(openFailure(errno)) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return .failure(Failure(reason: "is not a regular file"))
        }
        guard let bytes = content(of: descriptor, atMost: limit) else {
            return .failure(Failure(reason: "cannot be read"))
        }
        guard bytes.count <= limit else {
            return .failure(Failure(reason: "is larger than \(limit >> 10) KB"))
        }
        return .success(bytes)
    }

    /// Up to the end; one byte more than `limit` when there is more.
    static func content(of descriptor: Int32, atMost limit: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= limit {
            let count = unsafe chunk.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { break }
            bytes.append(contentsOf: chunk.prefix(min(count, limit + 1 - bytes.count)))
        }
        return bytes
    }

    private static func openFailure(_ code: Int32) -> Failure {
        switch code {
        case ENOENT: Failure(reason: "does not exist", isMissing: true)
        case EACCES: Failure(reason: "may not be read by this user")
        default: Failure(reason: "cannot be opened")
        }
    }
}

extension FileBytes {
    /// Whether a regular file can be opened for reading.
    static func exists(_ path: String) -> Result<Void, Failure> {
        unsafe access(path, R_OK) == 0
            ? .success(()) : .failure(openFailure(errno))
    }
}

extension FileBytes {
    struct WriteFailure: Error {
        let code: Int32
    }

    /// A new file for this user alone, complete under its name or not there at all.
    static func writeNew(_ bytes: [UInt8], to path: String) -> Result<Void, WriteFailure> {
        // `link` refuses an existing name, which `rename` would overwrite.
        write(bytes, to: path, mode: 0o600) { unsafe link($0, path) }
    }

    /// The file as it was, or with this content; nothing in between.
    static func replace(_ path: String, with bytes: [UInt8]) -> Result<Void, WriteFailure> {
        var status = stat()
        let isThere = unsafe stat(path, &status) == 0
        return write(bytes, to: path, mode: isThere ? status.st_mode & 0o777 : 0o644) {
            unsafe rename($0, path)
        }
    }

    /// `place` gives the complete draft its name, and answers as the system does.
    private static func write(
        _ bytes: [UInt8], to path: String, mode: mode_t, place: (String) -> Int32
    ) -> Result<Void, WriteFailure> {
        let draft = "\(path).\(getpid())"
        let descriptor = unsafe open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { return .failure(WriteFailure(code: errno)) }
        defer { _ = unsafe unlink(draft) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                defer { close(descriptor) }
                return .failure(WriteFailure(code: errno))
            }
            rest = rest.dropFirst(count)
        }
        let isSynced = fsync(descriptor) == 0
        close(descriptor)
        guard isSynced, place(draft) == 0 else {
            return .failure(WriteFailure(code: errno))
        }
        return .success(())
    }
}

enum SystemText {
    static func error(_ code: Int32) -> String {
        unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
    }
}
