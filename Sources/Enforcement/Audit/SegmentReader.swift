import Glibc

/// Reads one file line by line through one buffer.
///
/// The buffer grows to the longest line and no further than `lineLimit`.
struct SegmentReader: ~Copyable {
    /// A batch holds at most the queue; one line cannot be longer.
    static let lineLimit = 64 << 20
    private static let chunk = 1 << 20

    let name: String
    /// Of the file, with the room behind its lines.
    let size: Int
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var start = 0
    private var end = 0
    /// How far the search for a line feed has come.
    private var searched = 0
    /// Where in the file `start` is.
    private(set) var offset = 0
    /// Bytes behind this are not looked at. At most `size`.
    let limit: Int

    /// Without a limit it reads to the last byte that is no space: the segment may be under way.
    init(directory: String, name: String, limit: Int = .max) throws(RecordError) {
        self.name = name
        descriptor = unsafe open("\(directory)/\(name)", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw .unavailable("open \(name): errno \(errno)") }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .unavailable("\(name) is not a file")
        }
        size = status.st_size
        self.limit =
            limit == .max
            ? FileTail.end(of: descriptor, size: size) { $0 != 0x20 } : min(limit, size)
    }

    deinit { close(descriptor) }

    /// Before anything was read.
    mutating func skip(to position: Int) { offset = position }

    /// The next line without its line feed; nil at the end, also before an unterminated rest.
    mutating func next() throws(RecordError) -> ArraySlice<UInt8>? {
        while true {
            if let feed = findLineFeed() {
                let line = buffer[start..<feed]
                offset += feed + 1 - start
                start = feed + 1
                searched = start
                return line
            }
            guard try fill() else { return nil }
        }
    }

    private func findLineFeed() -> Int? {
        unsafe buffer.withUnsafeBytes { bytes in
            guard searched < end, let base = bytes.baseAddress,
                let found = unsafe memchr(base + searched, 0x0A, end - searched)
            else { return nil }
            return unsafe UnsafeRawPointer(found) - base
        }
    }

    /// False when there is nothing more to read.
    private mutating func fill() throws(RecordError) -> Bool {
        if start > 0 {
            // A slice that was handed out may still hold the buffer: then this copies it once.
            let rest = end - start
            let from = start
            unsafe buffer.withUnsafeMutableBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                unsafe memmove(base, base + from, rest)
            }
            start = 0
            end = rest
        }
        searched = end
        let position = offset + end
        guard position < limit else { return false }
        guard end < Self.lineLimit else {
            throw .damaged(file: name, line: 0, reason: "endless line")
        }
        if end == buffer.count {
            grow(to: min(max(end * 2, Self.chunk), end + size - position + 1))
        }
        let wanted = min(buffer.count - end, limit - position)
        let taken = unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe pread(descriptor, bytes.baseAddress.map { unsafe $0 + end }, wanted, position)
        }
        if taken < 0 {
            guard errno == EINTR else { throw .unavailable("read \(name): errno \(errno)") }
            return true
        }
        end += taken
        return taken > 0
    }

    private mutating func grow(to count: Int) {
        let old = buffer
        let count = max(count, old.count + 4096)
        buffer = unsafe [UInt8](unsafeUninitializedCapacity: count) { bytes, initialized in
            unsafe bytes.initialize(repeating: 0)
            unsafe UnsafeMutableRawBufferPointer(bytes).copyBytes(from: old)
            initialized = count
        }
    }
}
