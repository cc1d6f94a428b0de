import Glibc

/// Turns bodies into a durable batch. Belongs to one thread at a time, which never holds a lock
/// while it is in here.
final class RecorderWriter: BatchWriter {
    let place = "the disk"
    private let directory: String
    private let disk: RecorderDisk
    private let limits: RecorderLimits
    /// The lock on the directory; closing it lets another process in.
    private let lock: Int32
    private let lockFile: NamedFile
    private let hasher = SHA256Hasher()
    private var epoch: KeyEpoch

    /// The segment that holds the last durable batch; 0 before the first.
    private var number: Int
    private var descriptor: Int32
    /// Of `descriptor`.
    private var file: NamedFile?
    private var durableBytes: Int
    private var room: SegmentRoom
    /// When the segment began, in seconds since 1970, and whether that is too long ago.
    var segmentBegan = Int(RecorderBell.now(CLOCK_REALTIME) / 1_000_000_000)
    private var isSegmentOld = false
    /// Where the segment's last `resume` line is, or its header.
    private var resumeAt = 0
    /// At `durableBytes`.
    private var durable: SegmentState
    /// Of the batch at work; its state is the one behind them.
    private var lines: RecorderLines
    /// Once signed, lines keep their numbers: if they could not be written, they are written
    /// again, byte for byte, at the beginning of the next segment. Otherwise a sector that the
    /// disk did write after all would show a second history under the same key.
    private var pending: [UInt8]?
    /// What somebody else changed is evidence and stays as it is.
    private var isChanged = false
    /// Keeps answers beside the lines; nil where none are kept.
    var bodies: BodyWriter?

    init(
        directory: String, disk: RecorderDisk, limits: RecorderLimits, lock: Int32,
        epoch: KeyEpoch, number: Int, durableBytes: Int, fileBytes: Int = 0,
        durable: SegmentState, isolation: RecordIsolation
    ) throws(RecordError) {
        self.directory = directory
        self.disk = disk
        self.limits = limits
        self.lock = lock
        lockFile = try NamedFile("\(directory)/\(SegmentDirectory.lock)", lock)
        self.epoch = epoch
        self.number = number
        descriptor = -1
        self.durableBytes = durableBytes
        room = SegmentRoom(end: fileBytes, limit: limits.segmentBytes)
        self.durable = durable
        lines = RecorderLines(durable, hasher, isolation)
    }

    /// Throws what somebody else did to the segment since the last batch; it is closed then too,
    /// and told in a segment of its own as far as the disk lets us.
    func close() throws(RecordError) {
        defer {
            if descriptor >= 0 { Glibc.close(descriptor) }
            descriptor = -1
            Glibc.close(lock)
        }
        guard descriptor >= 0 else { return }
        lines.begin()
        do throws(RecordError) { try retireIfChanged() } catch {
            _ = restart()
            throw error
        }
        // A failure leaves spaces, which the next start writes over.
        try? trim()
    }

    // MARK: Batches

    func commit(_ batch: [WaitingLines]) -> Result<[RecordReceipt], RecordError> {
        // Before the lines that tell of them, and before anything is signed.
        let notes: [BodyNote?]
        do throws(RecordError) { notes = try bodies?.write(batch.map(\.answer)) ?? [] } catch {
            return .failure(error)
        }
        lines.begin()
        noteAge()
        // Before anything is signed: what is refused now never was.
        do throws(RecordError) { try retireIfChanged() } catch { return .failure(error) }
        if isSegmentFull {
            lines.appendUnderway()
        } else if durableBytes - resumeAt >= SegmentResume.interval {
            lines.append(SegmentResume.body(lines.state))
            lines.appendUnderway()
            resumeAt = durableBytes
        }
        var receipts: [RecordReceipt] = []
        receipts.reserveCapacity(batch.count)
        var leaves: [String] = []
        for (place, waiting) in batch.enumerated() {
            let first = lines.state.tree.size
            let note = notes.isEmpty ? nil : notes[place]
            for body in note.map({ waiting.bodies(with: $0) }) ?? waiting.bodies {
                lines.append(body)
            }
            receipts.append(
                RecordReceipt(firstSequence: first, lastSequence: lines.state.tree.size - 1))
            if lines.keepsCheckpoint { leaves.append(Base64.encode(lines.leaf?.bytes ?? [])) }
        }
        return seal().map {
            lines.keepsCheckpoint ? proved(receipts, by: leaves) : receipts
        }
    }

    /// Open calls of what is durable.
    var underway: [[UInt8]] { durable.underway.sorted }
    var size: Int { durable.tree.size }

    /// From now on receipts hold what their callers can prove them by.
    func giveEvidence() { lines.keepsCheckpoint = true }

    private func proved(_ receipts: [RecordReceipt], by leaves: [String]) -> [RecordReceipt] {
        zip(receipts, leaves).map { receipt, leaf in
            RecordReceipt(
                firstSequence: receipt.firstSequence, lastSequence: receipt.lastSequence,
                evidence: RecordEvidence(
                    sequence: receipt.lastSequence, leaf: leaf, checkpoint: lines.checkpoint))
        }
    }

    /// The opening lines of this start: what was cut, and the new key. Throws when they do not
    /// become durable; then the log is as it was before, or as it would have been after.
    func begin(_ recovered: [[UInt8]], next: KeyEpoch, inNewSegment: Bool) throws(RecordError) {
        lines.readClocks()
        if !inNewSegment {
            descriptor = unsafe open(
                "\(directory)/\(SegmentDirectory.name(number))",
                O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
            guard descriptor >= 0 else { throw .unavailable("open the segment: errno \(errno)") }
            file = try NamedFile("\(directory)/\(SegmentDirectory.name(number))", descriptor)
            try retireIfChanged()
        }
        for body in recovered { lines.append(body) }
        // What another process has begun may still end.
        if inNewSegment { lines.appendUnderway() }
        do throws(CryptoError) {
            let note = CheckpointNote.epoch(next.number, at: lines.state.tree.size, key: next.key)
            let signature = try note.signature(by: epoch.privateKey, as: epoch.key)
            lines.append(
                SegmentEvents.epochStart(note, number: next.number, key: next.key) + signature
                    + SegmentEvents.epochEnd(isolation: lines.isolation.rawValue)
                    + SegmentEvents.epochClocks(
                        bootID: Self.bootID(), monotonic: RecorderBell.now(CLOCK_BOOTTIME)))
        } catch { throw .unavailable("the new key cannot be signed") }
        epoch = next
        lines.handOver(to: next)
        if case .failure(let error) = seal() { throw error }
    }

    private var isSegmentFull: Bool {
        descriptor < 0 || durableBytes >= limits.segmentBytes || isSegmentOld
    }

    /// Once a batch, so that all of it goes by the same answer.
    private func noteAge() {
        guard let limit = limits.segmentSeconds else { return }
        let now = Int(RecorderBell.now(CLOCK_REALTIME) / 1_000_000_000)
        isSegmentOld = now - segmentBegan >= limit
    }

    /// Ends the output with a checkpoint and makes it durable.
    private func seal() -> Result<Void, RecordError> {
        do throws(CryptoError) { try lines.appendCheckpoint(by: epoch) } catch {
            // Nothing was signed and nothing written: the lines never were.
            lines.forget(until: durable)
            return .failure(.unavailable("the checkpoint cannot be signed"))
        }
        do throws(RecordError) {
            if isSegmentFull {
                if descriptor >= 0 { try trim() }
                try startSegment(lines.bytes)
            } else {
                try writeToSegment()
            }
            durable = lines.state
            return .success(())
        } catch {
            retire(error)
            return .failure(error)
        }
    }

    private func writeToSegment() throws(RecordError) {
        let count = lines.bytes.count
        let grown = room.extend(&lines.bytes, at: durableBytes)
        // What could not be written is kept for the next segment, without the room.
        defer { lines.bytes.removeLast(lines.bytes.count - count) }
        try disk.put(lines.bytes, descriptor, at: durableBytes)
        durableBytes += count
        room = grown
    }

    /// Before a segment is left for good: behind the lines of an earlier one a reader takes spaces
    /// for as foreign as anything else.
    private func trim() throws(RecordError) {
        guard room.end > durableBytes else { return }
        let result = disk.truncate(descriptor, durableBytes)
        guard result == 0 else { throw .unavailable("ftruncate: errno \(-result)") }
        try disk.flush(descriptor)
        room.end = durableBytes
    }

    // MARK: Failure

    private func retireIfChanged() throws(RecordError) {
        guard descriptor >= 0, let file else { return }
        var change: SegmentChange?
        do throws(RecordError) { change = try file.change(from: room.end) } catch {
            retire(error)
            throw error
        }
        guard let change else { return }
        let error = RecordError.unavailable(change.text)
        isChanged = true
        retire(error, change.detail)
        throw error
    }

    /// Gives up the descriptor for good: after a failed sync the kernel calls its pages clean, and
    /// a second sync would succeed over lost data.
    private func retire(_ error: RecordError, _ detail: String? = nil) {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
        let isFirst = pending == nil
        guard isFirst else { return }
        lines.readClocks()
        lines.append(
            SegmentEvents.recovered(
                segment: number, from: durableBytes,
                detail: detail ?? #""reason":"\#(error)""#))
        lines.appendUnderway()
        // Without this checkpoint the note would stand under the next batch's.
        try? lines.appendCheckpoint(by: epoch)
        pending = lines.bytes
    }

    /// One attempt to go on in a new segment.
    func restart() -> Result<Void, RecordError> {
        guard let bytes = pending else { return bodies?.restart() ?? .success(()) }
        let old = (file, durableBytes)
        do throws(RecordError) {
            try checkLock()
            try startSegment(bytes)
            pending = nil
            durable = lines.state
            if !isChanged, let file = old.0, case .ours? = try? file.look() {
                Self.cut(file.path, to: old.1)
            }
            isChanged = false
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    /// Whoever removed or replaced the directory or its lock let others in: they may write the
    /// same log, and two writers would fork it.
    private func checkLock() throws(RecordError) {
        if case .ours = try lockFile.look() { return }
        throw .unavailable(
            "\(lockFile.path) was removed or replaced by somebody else, so the directory is not "
                + "ours any more: stop the server and look at it")
    }

    /// Best effort: readers who do not know the header's `after` see no line twice. The record is
    /// right without it. Never makes a file longer.
    static func cut(_ path: String, to bytes: Int) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_size > bytes
        else { return }
        unsafe truncate(path, bytes)
    }

    // MARK: Segments

    /// Under its name a segment exists only with a durable header and batch: it is written beside
    /// and linked. A crash leaves a `.new` file, which nobody reads and the next start replaces.
    private func startSegment(_ batch: [UInt8]) throws(RecordError) {
        let header = SegmentHeader(number: number + 1, state: durable, after: durableBytes)
        let bytes = header.line(hasher) + [0x0A] + batch
        let path = "\(directory)/\(SegmentDirectory.name(number + 1))"
        unsafe unlink("\(path).new")
        let new = disk.create("\(path).new")
        guard new >= 0 else { throw .unavailable("create a segment: errno \(-new)") }
        let named: NamedFile
        do throws(RecordError) {
            try disk.put(bytes, new, at: 0)
            named = try NamedFile(path, new)
            try publish("\(path).new", as: path)
        } catch {
            Glibc.close(new)
            unsafe unlink("\(path).new")
            throw error
        }
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = new
        file = named
        number += 1
        durableBytes = bytes.count
        room.end = bytes.count
        resumeAt = 0
        segmentBegan = Int(RecorderBell.now(CLOCK_REALTIME) / 1_000_000_000)
        isSegmentOld = false
    }

    /// Never over an existing file, except what an attempt of ours left whose directory entry
    /// could not be synced: the lock says that nobody else writes here.
    private func publish(_ new: String, as path: String) throws(RecordError) {
        if unsafe link(new, path) != 0 {
            guard errno == EEXIST, pending != nil, unsafe unlink(path) == 0,
                unsafe link(new, path) == 0
            else { throw .unavailable("name a segment: errno \(errno)") }
        }
        unsafe unlink(new)
        try RecorderDisk.syncDirectory(directory)
    }

    private static func bootID() -> String {
        let bytes =
            (try? RecorderDisk.readWhole("/proc/sys/kernel/random/boot_id", limit: 64)) ?? []
        let isPlain: (UInt8) -> Bool = { $0 > 0x2A && $0 < 0x7B && $0 != 0x5C }
        return String(decoding: bytes.filter(isPlain), as: UTF8.self)
    }
}
