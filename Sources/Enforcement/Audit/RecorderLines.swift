import Glibc

/// The lines of one batch as they will stand in the file, numbered, timed and hashed.
struct RecorderLines {
    private(set) var state: SegmentState
    var bytes: [UInt8] = []
    /// Of the last line.
    private(set) var leaf: Digest32?
    /// The last checkpoint as a text, where somebody wants it.
    private(set) var checkpoint = ""
    var keepsCheckpoint = false
    let isolation: RecordIsolation
    private let hasher: SHA256Hasher
    private var clock = SegmentClock()
    private var at: [UInt8] = []
    /// Wall clock minus monotonic clock, in milliseconds.
    private var offset: Int?

    init(_ state: SegmentState, _ hasher: SHA256Hasher, _ isolation: RecordIsolation) {
        self.state = state
        self.isolation = isolation
        self.hasher = hasher
        bytes.reserveCapacity(1 << 16)
    }

    /// An empty batch.
    mutating func begin() {
        bytes.removeAll(keepingCapacity: true)
        readClocks()
    }

    /// The lines never were: nothing was signed.
    mutating func forget(until state: SegmentState) { self.state = state }

    /// The key that signs from the next checkpoint on.
    mutating func handOver(to epoch: borrowing KeyEpoch) {
        state.epoch = epoch.number
        state.key = epoch.key
    }

    /// For the first batch of a segment and behind a `resume` line.
    mutating func appendUnderway() {
        guard !state.underway.isEmpty else { return }
        append(SegmentEvents.underway(state.underway.sorted))
    }

    mutating func append(_ body: [UInt8]) {
        let start = bytes.count
        append(#"{"seq":"#)
        appendNumber(state.tree.size)
        append(#","at":""#)
        bytes.append(contentsOf: at)
        append("\",")
        bytes.append(contentsOf: body)
        bytes.append(UInt8(ascii: "}"))
        let leaf = unsafe bytes.withUnsafeBytes { all in
            unsafe hasher.leaf(UnsafeRawBufferPointer(rebasing: all[start...]))
        }
        bytes.append(0x0A)
        self.leaf = leaf
        state.tree.append(leaf: leaf, hasher)
        state.underway.note(body[...])
    }

    private mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
    }

    private mutating func appendNumber(_ number: Int) {
        var divisor = 1
        while number / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
            divisor /= 10
        }
    }

    mutating func appendCheckpoint(by epoch: borrowing KeyEpoch) throws(CryptoError) {
        let size = state.tree.size
        let root = Base64.encodedBytes(state.tree.root(hasher).bytes)
        let note = CheckpointNote.checkpoint(origin: epoch.key.origin, size: size, root: root)
        let signature = try note.signature(by: epoch.privateKey, as: epoch.key)
        append(
            SegmentEvents.checkpoint(
                note, size: size, root: root, origin: epoch.key.origin,
                isolation: isolation.rawValue, signature: signature[...]))
        if keepsCheckpoint { checkpoint = note.whole(origin: epoch.key.origin, signature) }
    }

    /// One time for a batch: its lines become true together. A wall clock that jumped against the
    /// monotonic one is worth a line of its own.
    mutating func readClocks(
        wall: UInt64 = RecorderBell.now(CLOCK_REALTIME),
        monotonic: UInt64 = RecorderBell.now(CLOCK_BOOTTIME)
    ) {
        at = clock.text(
            seconds: Int(wall / 1_000_000_000), nanoseconds: Int(wall % 1_000_000_000))
        let now = Int(wall / 1_000_000) - Int(monotonic / 1_000_000)
        let jump = now - (offset ?? now)
        offset = now
        if abs(jump) > 1000 {
            append(SegmentEvents.clock(jumpMilliseconds: jump, monotonic: monotonic))
        }
    }
}
