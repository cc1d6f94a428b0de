import Glibc

/// Brings a directory from whatever a crash left to a log with a new key, or refuses.
///
/// The order of steps, each durable before the next: the new key; the lines that say what was cut
/// and hand over to it; the erasure of the old key. Killed in between, the next start finds two
/// keys and believes the log.
struct RecorderOpening {
    let directory: String
    let keys: String
    let disk: RecorderDisk
    let limits: RecorderLimits
    let isolation: RecordIsolation

    private static let publicKeyFile = "record.pub"

    func open(name: String) throws(RecordError) -> RecorderWriter {
        try prepareDirectory()
        let lock = try RecorderDisk.lock("\(directory)/\(SegmentDirectory.lock)")
        do throws(RecordError) {
            try KeyEpoch.prepare(keys)
            let segments = try SegmentDirectory.segments(in: directory)
            guard let last = segments.last else { return try openFirst(name: name, lock) }
            return try openAgain(last: last, lock)
        } catch {
            close(lock)
            throw withWayOut(error)
        }
    }

    /// Through a symbolic link the log would go wherever whoever may change the link wants it.
    private func prepareDirectory() throws(RecordError) {
        try RecorderDisk.makeDirectory(directory, mode: 0o750)
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        let descriptor = unsafe Glibc.open(directory, flags)
        guard descriptor < 0 else {
            close(descriptor)
            return
        }
        let code = errno
        var status = stat()
        if unsafe lstat(directory, &status) == 0, status.st_mode & S_IFMT == S_IFLNK {
            throw .unavailable(
                "\(directory) is a symbolic link; the record must be a directory itself: "
                    + "move or mount the directory here, then start again")
        }
        throw .unavailable("open \(directory): errno \(code)")
    }

    /// Damage is never written over, and the operator must be able to go on. The keys go too: where
    /// a log was once begun, an empty directory is a log that was removed.
    private func withWayOut(_ error: RecordError) -> RecordError {
        guard case .damaged(let file, let line, let reason) = error else { return error }
        return .damaged(
            file: file, line: line,
            reason: "\(reason). Nothing is written over a damaged record: restore it, or move "
                + "\(directory) and \(keys) aside, to keep them as evidence, then start again")
    }

    // MARK: The first start

    private func openFirst(name: String, _ lock: Int32) throws(RecordError) -> RecorderWriter {
        let path = "\(directory)/\(Self.publicKeyFile)"
        let old = try KeyEpoch.numbers(in: keys)
        // A crash before the first line leaves at most key 1.
        guard try !KeyEpoch.hasBegun(keys), unsafe access(path, F_OK) != 0,
            old.allSatisfy({ $0 == 1 })
        else {
            throw .damaged(
                file: SegmentDirectory.name(1), line: 0,
                reason: "the segment is missing: a record was begun here and is gone")
        }
        if !old.isEmpty { try KeyEpoch.erase(1, in: keys) }
        let origin = "\(name)/\(try freshID())"
        guard CheckpointKey.isOrigin(origin) else { throw .malformed("the name of the log") }
        let epoch = try KeyEpoch.generate(1, origin: origin, in: keys)
        let state = SegmentState(epoch: 1, key: epoch.key)
        let writer = try RecorderWriter(
            directory: directory, disk: disk, limits: limits, lock: lock, epoch: epoch,
            number: 0, durableBytes: 0, durable: state, isolation: isolation)
        try writer.begin([], next: epoch, inNewSegment: true)
        try KeyEpoch.markBegun(keys)
        try publish(epoch.key)
        return writer
    }

    private func freshID() throws(RecordError) -> String {
        do throws(CryptoError) { return Hex.encode(try randomBytes(8)) } catch {
            throw .unavailable("no random bytes")
        }
    }

    private func publish(_ key: CheckpointKey) throws(RecordError) {
        let bytes = Array((key.text + "\n").utf8)
        let path = "\(directory)/\(Self.publicKeyFile)"
        try RecorderDisk.writeWhole(path, bytes, mode: 0o644)
        try RecorderDisk.syncDirectory(directory)
    }

    // MARK: Every other start

    private func openAgain(last: Int, _ lock: Int32) throws(RecordError) -> RecorderWriter {
        let (scan, after) = try scan(last)
        let name = SegmentDirectory.name(last)
        let state = scan.state
        guard
            let epoch = KeyEpoch.read(state.epoch, origin: state.key.origin, in: keys),
            constantTimeEqual(epoch.key.publicKey.bytes, state.key.publicKey.bytes)
        else {
            throw .damaged(
                file: name, line: scan.coveredLines,
                reason: "the private key of epoch \(state.epoch) is not in the keys directory")
        }
        for number in try KeyEpoch.numbers(in: keys) where number != state.epoch {
            try KeyEpoch.erase(number, in: keys)
        }
        // A crash behind the first line, or a log from before there was a mark.
        if try !KeyEpoch.hasBegun(keys) { try KeyEpoch.markBegun(keys) }
        try publishFirstKeyIfMissing()
        let next = try KeyEpoch.generate(
            state.epoch + 1, origin: state.key.origin, in: keys)
        let writer = try RecorderWriter(
            directory: directory, disk: disk, limits: limits, lock: lock, epoch: epoch,
            number: last, durableBytes: scan.coveredBytes, fileBytes: scan.fileBytes,
            durable: state, isolation: isolation)
        writer.segmentBegan = try began(last) ?? writer.segmentBegan
        let notes =
            try notes(last, scan, after: after)
            + (isolation == .inproc ? state.underway.sorted.map(SegmentEvents.unknownOutcome) : [])
        // A tail stays until the line that tells of it is durable: in the next segment.
        try writer.begin(notes, next: next, inNewSegment: scan.tailBytes > 0)
        if scan.tailBytes > 0 {
            RecorderWriter.cut("\(directory)/\(name)", to: scan.coveredBytes)
        }
        try KeyEpoch.erase(state.epoch, in: keys)
        return writer
    }

    private func scan(_ last: Int) throws(RecordError) -> (SegmentScan, after: Int) {
        let hasher = SHA256Hasher()
        let name = SegmentDirectory.name(last)
        var reader = try SegmentReader(directory: directory, name: name)
        guard let line = try reader.next(), let header = SegmentHeader(line, hasher),
            header.number == last
        else { throw .damaged(file: name, line: 1, reason: "not a segment's header") }
        // The line that explains the segment before stands at this one's beginning.
        if try sizeBefore(last) <= header.after,
            let point = try SegmentResume.last(directory: directory, name: name, header),
            let scan = try? scan(last, header, from: point)
        {
            return (scan, header.after)
        }
        return (try scan(last, header, from: nil), header.after)
    }

    private func scan(
        _ last: Int, _ header: SegmentHeader, from point: SegmentResume.Point?
    ) throws(RecordError) -> SegmentScan {
        var check = SegmentCheck(
            point?.state ?? header.state, depth: .lastSignature, SHA256Hasher())
        return try SegmentScan.run(
            directory: directory, number: last, limit: .max, check: &check,
            header: { _ in header.state }, from: point, each: { _, _ in })
    }

    /// The time of the segment's first line.
    private func began(_ number: Int) throws(RecordError) -> Int? {
        var reader = try SegmentReader(
            directory: directory, name: SegmentDirectory.name(number))
        _ = try reader.next()
        guard let line = try reader.next().flatMap({ SegmentLine($0) }) else { return nil }
        return RecordTime.microseconds(String(decoding: line.at, as: UTF8.self)).map {
            $0 / 1_000_000
        }
    }

    private func sizeBefore(_ number: Int) throws(RecordError) -> Int {
        try number > 1 ? Self.size("\(directory)/\(SegmentDirectory.name(number - 1))") : 0
    }

    /// What the log must say about bytes that were lost: of this segment, and of the one before
    /// if a crash came between the new segment and the line that explains it.
    private func notes(_ last: Int, _ scan: SegmentScan, after: Int) throws(RecordError)
        -> [[UInt8]]
    {
        var notes: [[UInt8]] = []
        let size = try sizeBefore(last)
        if last > 1, size > after, scan.explained?.segment != last - 1 {
            notes.append(try note(last - 1, after..<size))
        }
        if scan.tailBytes > 0 {
            let end = scan.coveredBytes + scan.tailBytes
            notes.append(try note(last, scan.coveredBytes..<end))
        }
        return notes
    }

    private func note(_ number: Int, _ lost: Range<Int>) throws(RecordError) -> [UInt8] {
        let digest = try SegmentTail.digest(directory: directory, number: number, lost)
        return SegmentEvents.recovered(
            segment: number, from: lost.lowerBound,
            detail: #""bytes":\#(lost.count),"sha256":"\#(digest.hex)""#)
    }

    private static func size(_ path: String) throws(RecordError) -> Int {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            throw .unavailable("look at \(path): errno \(errno)")
        }
        return status.st_size
    }

    /// A crash between the first line and the public key's file, or somebody's broom.
    private func publishFirstKeyIfMissing() throws(RecordError) {
        guard unsafe access("\(directory)/\(Self.publicKeyFile)", F_OK) != 0 else { return }
        let name = SegmentDirectory.name(1)
        var reader = try SegmentReader(directory: directory, name: name)
        guard let line = try reader.next(), let header = SegmentHeader(line, SHA256Hasher()) else {
            throw .damaged(file: name, line: 1, reason: "not a segment's header")
        }
        try publish(header.state.key)
    }
}

/// The digest of what stands behind the record's last byte in a segment.
enum SegmentTail {
    static func digest(
        directory: String, number: Int, _ range: Range<Int>
    ) throws(RecordError) -> Digest32 {
        let name = SegmentDirectory.name(number)
        let descriptor = unsafe open("\(directory)/\(name)", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw .unavailable("open \(name): errno \(errno)") }
        defer { close(descriptor) }
        let hasher = SHA256Hasher()
        hasher.begin()
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var position = range.lowerBound
        while position < range.upperBound {
            let wanted = min(buffer.count, range.upperBound - position)
            let count = unsafe pread(descriptor, &buffer, wanted, position)
            guard count > 0 else { throw .unavailable("read \(name): errno \(errno)") }
            unsafe buffer.withUnsafeBytes { bytes in
                unsafe hasher.update(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            }
            position += count
        }
        return hasher.finish()
    }
}
