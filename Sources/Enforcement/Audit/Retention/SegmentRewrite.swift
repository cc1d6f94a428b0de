import Glibc

/// Takes lines out of a segment that is written no more.
///
/// The file without them is made beside it and is durable, then the record tells of it, and only
/// then it takes the place of the old one: a crash between any two of these leaves a whole record.
package struct SegmentRewrite: Sendable {
    private let directory: String
    private let number: Int
    private let path: String
    package let note: RemovalNote

    /// Nil where nothing of it is to be removed. `isRemoved` is asked with the number of each line.
    package init?(
        directory: String, segment number: Int, removing isRemoved: (Int) -> Bool
    ) throws(RecordError) {
        self.directory = directory
        self.number = number
        path = "\(directory)/\(SegmentDirectory.name(number))"
        let limit = try AuditReader(directory: directory).header(number + 1).after
        var reader = try SegmentReader(
            directory: directory, name: SegmentDirectory.name(number), limit: limit)
        // What somebody else wrote behind the record's end is evidence: the file stays as it is.
        guard reader.size <= limit else { return nil }
        let hasher = SHA256Hasher()
        var output: [UInt8] = []
        var gone = 0
        var isChanged = false
        guard let header = try reader.next() else { return nil }
        output += header + [0x0A]
        while let line = try reader.next() {
            if let removed = RemovedLine(line) {
                gone += 1
                output += removed.bytes + [0x0A]
            } else if let parsed = SegmentLine(line), isRemoved(parsed.sequence) {
                gone += 1
                isChanged = true
                let leaf = unsafe line.withUnsafeBytes { unsafe hasher.leaf($0) }
                output += RemovedLine(sequence: parsed.sequence, leaf: leaf).bytes + [0x0A]
            } else {
                output += line + [0x0A]
            }
        }
        guard isChanged else { return nil }
        note = RemovalNote(
            segment: number, lines: gone, digest: SHA256.digest(output).hex)
        unsafe unlink(path + ".kept")
        try RecorderDisk.writeWhole(path + ".kept", output, mode: 0o640)
    }

    /// Once the note is durable in the record.
    package func finish() throws(RecordError) {
        guard unsafe rename(path + ".kept", path) == 0 else {
            throw .unavailable("rename \(path): errno \(errno)")
        }
        try RecorderDisk.syncDirectory(directory)
    }

    package func abandon() { unsafe unlink(path + ".kept") }

    /// Segments that are written no more, ascending, each with the number of the line behind it.
    package static func sealed(
        in directory: String
    ) throws(RecordError) -> [(segment: Int, end: Int)] {
        var sealed: [(segment: Int, end: Int)] = []
        for segment in try SegmentDirectory.segments(in: directory).dropLast() {
            let next = try AuditReader(directory: directory).header(segment + 1)
            sealed.append((segment, next.state.tree.size))
        }
        return sealed
    }
}
