import Glibc
import JSON

/// Reads what is kept beside a log, and tells what is not as its line says.
final class BodyFiles {
    private let directory: String
    /// The last file that was asked for.
    private var name = ""
    private var descriptor: Int32 = -1
    private var size = 0

    /// `log` is the folder of the record.
    init(log: String) { directory = Self.directory(of: log) }

    deinit { if descriptor >= 0 { close(descriptor) } }

    static func directory(of log: String) -> String { log + "/bodies" }

    enum Fault: Error {
        case gone, cut, changed

        var reason: String {
            switch self {
            case .gone: "its file is gone"
            case .cut: "its file is cut"
            case .changed: "it is not what its line says"
            }
        }
    }

    /// What the line tells of, still encrypted.
    func sealed(_ note: BodyNote) throws(Fault) -> [UInt8] {
        try open(note.file)
        // What a line says is not yet believed, and never read into memory whatever it is.
        guard note.length <= BodySeal.bytesMost else { throw .changed }
        guard note.length > 0, note.length <= size, note.offset <= size - note.length else {
            throw .cut
        }
        var count = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: note.length) {
            buffer, initialized in
            while count < note.length, let base = buffer.baseAddress {
                let read = unsafe pread(
                    descriptor, base + count, note.length - count, note.offset + count)
                guard read > 0 || (read < 0 && errno == EINTR) else { break }
                count += max(0, read)
            }
            initialized = count
        }
        guard count == note.length else { throw .cut }
        guard SHA256.digest(bytes).hex.isByteEqual(to: note.digest) else { throw .changed }
        return bytes
    }

    private func open(_ name: String) throws(Fault) {
        guard !name.isByteEqual(to: self.name) || descriptor < 0 else { return }
        if descriptor >= 0 { close(descriptor) }
        self.name = name
        descriptor = unsafe Glibc.open("\(directory)/\(name)", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        var status = stat()
        guard descriptor >= 0, unsafe fstat(descriptor, &status) == 0,
            status.st_mode & S_IFMT == S_IFREG
        else { throw .gone }
        size = status.st_size
    }

    // MARK: Names

    /// The files of a key, in the folder of the bodies.
    static func numbers(of key: BodyKey.ID, in directory: String) throws(RecordError) -> [Int] {
        try all(in: directory).filter { $0.key == key }.map(\.number)
    }

    static func all(
        in directory: String
    ) throws(RecordError) -> [(key: BodyKey.ID, number: Int)] {
        guard unsafe access(directory, F_OK) == 0 else { return [] }
        return try SegmentDirectory.entries(of: directory).compactMap { BodyNote.file($0) }
    }
}
