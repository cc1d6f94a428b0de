import Glibc

/// Tells a batch that a power cut left with holes from lines that somebody changed.
///
/// A disk may make a write's later sectors durable and not its earlier ones. Those read as the
/// room that was there before, whole sectors of spaces, or as zeros where the file was made
/// longer, which no line of the record contains. At most the one last batch can look so: its
/// checkpoint, if it is there, is the last line of the file.
enum TornBatch {
    /// The smallest unit that a disk writes; larger ones are multiples of it.
    private static let sector = 512

    static func explains(
        _ directory: String, _ name: String, from offset: Int, _ limit: Int
    ) throws(RecordError) -> Bool {
        guard offset > 0 else { return false }
        var reader = try SegmentReader(directory: directory, name: name, limit: limit)
        var hasZero = false
        while reader.offset < offset { guard try reader.next() != nil else { return false } }
        while let line = try reader.next() {
            hasZero = hasZero || line.contains(0)
            guard SegmentLine(line)?.isEvent("checkpoint") == true else { continue }
            guard reader.offset == reader.limit else { return false }
        }
        if hasZero { return true }
        guard offset < reader.limit else { return false }
        return try hasBlankSector("\(directory)/\(name)", offset..<reader.limit)
    }

    /// Whether a sector, as far as it lies in `range`, holds only spaces. `range` ends with another
    /// byte.
    private static func hasBlankSector(_ path: String, _ range: Range<Int>) throws(RecordError)
        -> Bool
    {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw .unavailable("open \(path): errno \(errno)") }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: sector)
        var position = range.lowerBound
        while position < range.upperBound {
            let next = min((position / sector + 1) * sector, range.upperBound)
            let count = unsafe pread(descriptor, &buffer, next - position, position)
            guard count == next - position else {
                throw .unavailable("read \(path): errno \(errno)")
            }
            if buffer[..<count].allSatisfy({ $0 == 0x20 }) { return true }
            position = next
        }
        return false
    }
}
