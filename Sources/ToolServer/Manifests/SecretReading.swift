import Backends
import Enforcement
import EventLoop
import Glibc
import JSON

extension Secret {
    static let bytesMax = 64 << 10

    /// The secret as it is now. Blocks: files and commands take their time. Only for a thread that
    /// may wait, and never kept longer than for its use.
    func read() throws(BackendError) -> String {
        switch self {
        case .environment(let name):
            guard let value = unsafe getenv(name) else {
                throw BackendError(.unavailable, detail: "the variable \(name) is not set")
            }
            return unsafe String(cString: value)
        case .file(let path):
            switch FileBytes.read(path) {
            case .success(let bytes): return try Self.text(bytes, from: path)
            case .failure(let failure):
                throw BackendError(.unavailable, detail: "\(path) \(failure.reason)")
            }
        case .command(let words):
            guard let bytes = Self.output(of: words) else {
                throw BackendError(
                    .unavailable, detail: "the command \(words.first ?? "") gave no secret")
            }
            return try Self.text(bytes, from: words.first ?? "")
        }
    }

    /// One line: what ends it is not part of the secret.
    private static func text(_ bytes: [UInt8], from source: String) throws(BackendError) -> String {
        var bytes = bytes[...]
        while bytes.last == 0x0A || bytes.last == 0x0D { bytes = bytes.dropLast() }
        guard bytes.count <= bytesMax, !bytes.contains(0), !bytes.isEmpty,
            let text = String(validating: bytes, as: UTF8.self)
        else { throw BackendError(.unavailable, detail: "\(source) holds no secret") }
        return text
    }

    /// What it writes to its standard output; nil where it fails, or takes longer than ten seconds.
    private static func output(of words: [String]) -> [UInt8]? {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { return nil }
        // What another thread starts at this moment must not hold our end open.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        var arguments = unsafe words.map { unsafe strdup($0) }
        unsafe arguments.append(nil)
        defer { unsafe arguments.forEach { unsafe free($0) } }
        var child = pid_t()
        let code = unsafe posix_spawnp(&child, words[0], &actions, nil, arguments, environ)
        close(ends[1])
        guard code == 0 else { return nil }
        let bytes = read(ends[0], until: .now().advanced(by: .seconds(10)))
        if bytes == nil { kill(child, SIGKILL) }
        var status: Int32 = 0
        while unsafe waitpid(child, &status, 0) < 0, errno == EINTR {}
        return status == 0 ? bytes : nil
    }

    private static func read(_ descriptor: Int32, until deadline: MonotonicTime) -> [UInt8]? {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4_096)
        while bytes.count <= bytesMax {
            let left = deadline.nanoseconds(since: .now()) / 1_000_000
            var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = unsafe poll(&waited, 1, Int32(clamping: left))
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else { return nil }
            let count = unsafe Glibc.read(descriptor, &piece, piece.count)
            if count == 0 { return bytes }
            guard count > 0 else { return nil }
            bytes.append(contentsOf: piece[..<count])
        }
        return nil
    }
}
