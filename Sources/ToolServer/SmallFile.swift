import Glibc

/// Whole files of a bounded size: keys, tokens, manifests.
enum SmallFile {
    static let bytesMax = 4 << 20

    struct Fault: Error {
        let code: Int32
    }

    static func read(_ path: String) -> Result<[UInt8], Fault> {
        // Non-blocking, or a named pipe would hold us until somebody writes to it.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return .failure(Fault(code: errno)) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return .failure(Fault(code: EINVAL))
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return .failure(Fault(code: errno)) }
            if count == 0 { return .success(bytes) }
            bytes.append(contentsOf: buffer[..<count])
            guard bytes.count <= bytesMax else { return .failure(Fault(code: EFBIG)) }
        }
    }

    /// A new file for this user alone, complete under its name or not there at all.
    static func writeNew(_ bytes: [UInt8], to path: String) -> Result<Void, Fault> {
        let draft = "\(path).\(getpid())"
        let descriptor = unsafe open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return .failure(Fault(code: errno)) }
        defer { _ = unsafe unlink(draft) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                defer { close(descriptor) }
                return .failure(Fault(code: errno))
            }
            rest = rest.dropFirst(count)
        }
        let isSynced = fsync(descriptor) == 0
        close(descriptor)
        // `link` refuses an existing name, which `rename` would overwrite.
        guard isSynced, unsafe link(draft, path) == 0 else { return .failure(Fault(code: errno)) }
        return .success(())
    }
}

enum SystemText {
    static func error(_ code: Int32) -> String {
        unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
    }
}
