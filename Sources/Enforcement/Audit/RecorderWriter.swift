import Glibc

/// Turns bodies into a durable batch. Belongs to one thread at a time, which never holds a lock
/// while it is in here.
final class RecorderWriter {
    private let directory: String
    private let disk: RecorderDisk
    private let limits: RecorderLimits
    /// The lock on the directory; closing it lets another process in.
    private let lock: Int32
    private let hasher = SHA256Hasher()
    private var epoch: KeyEpoch

    /// The segment that holds the last durable batch; 0 before the first.
    private var number: Int
    private var descriptor: Int32
    private var durableBytes: Int
    private var room: SegmentRoom
    /// At `durableBytes`.
    private var durable: SegmentState
    /// After the lines in `output`.
    private var state: SegmentState
    private var output: [UInt8] = []
    /// Once signed, lines keep their numbers: if they could not be written, they are written
    /// again, byte for byte, at the beginning of the next segment. Otherwise a sector that the
    /// disk did write after all would show a second history under the same key.
    private var pending: [UInt8]?

    private var clock = SegmentClock()
    private var at: [UInt8] = []
    /// Wall clock minus monotonic clock, in milliseconds.
    private var offset: Int?

    init(
        directory: String, disk: RecorderDisk, limits: RecorderLimits, lock: Int32,
        epoch: KeyEpoch, number: Int, durableBytes: Int, fileBytes: Int = 0, durable: SegmentState
    ) {
        self.directory = directory
        self.disk = disk
        self.limits = limits
        self.lock = lock
        self.epoch = epoch
        self.number = number
        descriptor = -1
        self.durableBytes = durableBytes
        room = SegmentRoom(end: fileBytes, limit: limits.segmentBytes)
        self.durable = durable
        state = durable
        output.reserveCapacity(1 << 16)
    }

    func close() {
        // A failure leaves spaces, which the next start writes over.
        if descriptor >= 0 { try? trim() }
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
        Glibc.close(lock)
    }

    // MARK: Batches

    func commit(_ batch: [WaitingLines]) -> Result<[RecordReceipt], RecordError> {
        output.removeAll(keepingCapacity: true)
        readClocks()
        if isSegmentFull { appendUnderway() }
        var receipts: [RecordReceipt] = []
        receipts.reserveCapacity(batch.count)
        for waiting in batch {
            let first = state.tree.size
            for body in waiting.bodies { appendLine(body) }
            receipts.append(
                RecordReceipt(firstSequence: first, lastSequence: state.tree.size - 1))
        }
        return seal().map { receipts }
    }

    /// The opening lines of this start: what was cut, and the new key. Throws when they do not
    /// become durable; then the log is as it was before, or as it would have been after.
    func begin(_ recovered: [[UInt8]], next: KeyEpoch, inNewSegment: Bool) throws(RecordError) {
        readClocks()
        if !inNewSegment {
            descriptor = unsafe open(
                "\(directory)/\(SegmentDirectory.name(number))",
                O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
            guard descriptor >= 0 else { throw .unavailable("open the segment: errno \(errno)") }
        }
        for body in recovered { appendLine(body) }
        do throws(CryptoError) {
            let note = CheckpointNote.epoch(next.number, at: state.tree.size, key: next.key)
            let signature = try note.signature(by: epoch.privateKey, as: epoch.key)
            appendLine(
                SegmentEvents.epochStart(note, number: next.number, key: next.key) + signature
                    + SegmentEvents.epochEnd(isolation: SegmentEvents.isolation)
                    + SegmentEvents.epochClocks(
                        bootID: Self.bootID(), monotonic: RecorderBell.now(CLOCK_BOOTTIME)))
        } catch { throw .unavailable("the new key cannot be signed") }
        epoch = next
        state.epoch = next.number
        state.key = next.key
        if case .failure(let error) = seal() { throw error }
    }

    private var isSegmentFull: Bool { descriptor < 0 || durableBytes >= limits.segmentBytes }

    /// For the first batch of a segment.
    private func appendUnderway() {
        guard !state.underway.isEmpty else { return }
        appendLine(SegmentEvents.underway(state.underway.sorted))
    }

    /// Ends the output with a checkpoint and makes it durable.
    private func seal() -> Result<Void, RecordError> {
        do throws(CryptoError) { try appendCheckpoint() } catch {
            // Nothing was signed and nothing written: the lines never were.
            state = durable
            return .failure(.unavailable("the checkpoint cannot be signed"))
        }
        do throws(RecordError) {
            if isSegmentFull {
                if descriptor >= 0 { try trim() }
                try startSegment(output)
            } else {
                try writeToSegment()
            }
            durable = state
            return .success(())
        } catch {
            retire(error)
            return .failure(error)
        }
    }

    private func writeToSegment() throws(RecordError) {
        let count = output.count
        let grown = room.extend(&output, at: durableBytes)
        // What could not be written is kept for the next segment, without the room.
        defer { output.removeLast(output.count - count) }
        try put(output, descriptor, at: durableBytes)
        durableBytes += count
        room = grown
    }

    /// Before a segment is left for good: behind the lines of an earlier one a reader takes spaces
    /// for as foreign as anything else.
    private func trim() throws(RecordError) {
        guard room.end > durableBytes else { return }
        let result = disk.truncate(descriptor, durableBytes)
        guard result == 0 else { throw .unavailable("ftruncate: errno \(-result)") }
        try sync(descriptor)
        room.end = durableBytes
    }

    private func put(
        _ bytes: [UInt8], _ descriptor: Int32, at offset: Int
    ) throws(RecordError) {
        let written = disk.write(descriptor, bytes, offset)
        guard written == bytes.count else {
            throw .unavailable(written < 0 ? "write: errno \(-written)" : "short write")
        }
        try sync(descriptor)
    }

    private func sync(_ descriptor: Int32) throws(RecordError) {
        let result = disk.sync(descriptor)
        guard result == 0 else { throw .unavailable("fdatasync: errno \(-result)") }
    }

    // MARK: Failure

    /// Gives up the descriptor for good: after a failed sync the kernel calls its pages clean, and
    /// a second sync would succeed over lost data.
    private func retire(_ error: RecordError) {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
        let isFirst = pending == nil
        guard isFirst else { return }
        readClocks()
        appendLine(
            SegmentEvents.recovered(
                segment: number, from: durableBytes, detail: #""reason":"\#(error)""#))
        appendUnderway()
        // Without this checkpoint the note would stand under the next batch's.
        try? appendCheckpoint()
        pending = output
    }

    /// One attempt to go on in a new segment.
    func restart() -> Result<Void, RecordError> {
        guard let lines = pending else { return .success(()) }
        let old = (number, durableBytes)
        do throws(RecordError) {
            try startSegment(lines)
            pending = nil
            durable = state
            cut(old.0, to: old.1)
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    /// Best effort: readers who do not know the header's `after` see no line twice. The record is
    /// right without it.
    func cut(_ number: Int, to bytes: Int) {
        guard number > 0 else { return }
        unsafe truncate("\(directory)/\(SegmentDirectory.name(number))", bytes)
    }

    // MARK: Segments

    /// Under its name a segment exists only with a durable header and batch: it is written beside
    /// and linked. A crash leaves a `.new` file, which nobody reads and the next start replaces.
    private func startSegment(_ lines: [UInt8]) throws(RecordError) {
        let header = SegmentHeader(number: number + 1, state: durable, after: durableBytes)
        let bytes = header.line(hasher) + [0x0A] + lines
        let path = "\(directory)/\(SegmentDirectory.name(number + 1))"
        unsafe unlink("\(path).new")
        let new = disk.create("\(path).new")
        guard new >= 0 else { throw .unavailable("create a segment: errno \(-new)") }
        do throws(RecordError) {
            try put(bytes, new, at: 0)
            try publish("\(path).new", as: path)
        } catch {
            Glibc.close(new)
            unsafe unlink("\(path).new")
            throw error
        }
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = new
        number += 1
        durableBytes = bytes.count
        room.end = bytes.count
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

    // MARK: Lines

    private func appendLine(_ body: [UInt8]) {
        let start = output.count
        output.append(contentsOf: Self.sequencePrefix)
        appendNumber(state.tree.size)
        output.append(contentsOf: Self.timePrefix)
        output.append(contentsOf: at)
        output.append(contentsOf: Self.bodyPrefix)
        output.append(contentsOf: body)
        output.append(UInt8(ascii: "}"))
        let leaf = unsafe output.withUnsafeBytes { bytes in
            unsafe hasher.leaf(UnsafeRawBufferPointer(rebasing: bytes[start...]))
        }
        output.append(0x0A)
        state.tree.append(leaf: leaf, hasher)
        state.underway.note(body[...])
    }

    private static let sequencePrefix: [UInt8] = Array(#"{"seq":"#.utf8)
    private static let timePrefix: [UInt8] = Array(#","at":""#.utf8)
    private static let bodyPrefix: [UInt8] = Array(#"","#.utf8)

    private func appendNumber(_ number: Int) {
        var divisor = 1
        while number / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            output.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
            divisor /= 10
        }
    }

    private func appendCheckpoint() throws(CryptoError) {
        let size = state.tree.size
        let root = Base64.encodedBytes(state.tree.root(hasher).bytes)
        let note = CheckpointNote.checkpoint(origin: epoch.key.origin, size: size, root: root)
        let signature = try note.signature(by: epoch.privateKey, as: epoch.key)
        appendLine(
            SegmentEvents.checkpoint(
                note, size: size, root: root, origin: epoch.key.origin,
                isolation: SegmentEvents.isolation, signature: signature[...]))
    }

    /// One time for a batch: its lines become true together. A wall clock that jumped against the
    /// monotonic one is worth a line of its own.
    private func readClocks() {
        let wall = RecorderBell.now(CLOCK_REALTIME)
        at = clock.text(
            seconds: Int(wall / 1_000_000_000), nanoseconds: Int(wall % 1_000_000_000))
        let monotonic = RecorderBell.now(CLOCK_BOOTTIME)
        let now = Int(wall / 1_000_000) - Int(monotonic / 1_000_000)
        let jump = now - (offset ?? now)
        offset = now
        if abs(jump) > 1000 {
            appendLine(SegmentEvents.clock(jumpMilliseconds: jump, monotonic: monotonic))
        }
    }

    private static func bootID() -> String {
        let bytes =
            (try? RecorderDisk.readWhole("/proc/sys/kernel/random/boot_id", limit: 64)) ?? []
        let isPlain: (UInt8) -> Bool = { $0 > 0x2A && $0 < 0x7B && $0 != 0x5C }
        return String(decoding: bytes.filter(isPlain), as: UTF8.self)
    }
}
