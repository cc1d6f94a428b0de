/// What happened, on disk before anybody is told.
///
/// One thread takes every line that waits, numbers them, makes each a leaf of a Merkle tree, ends
/// the batch with a signed checkpoint, and gives it to the disk in one write and one sync. While
/// the disk works, the next batch collects. `append` returns after the sync and not before.
///
/// It never drops a line that it took, never says that something is recorded when it may not be,
/// never touches a file again that once refused a write or a sync, and never holds its lock over
/// the disk or over a waiter's resumption. What cannot be recorded is refused, at once when the
/// disk is known to be down and after the deadline when it hangs.
package final class Recorder: Sendable {
    private let core: RecorderCore

    /// Checks the last segment, cuts what a crash left behind its last checkpoint, hands over to a
    /// new key and writes all of that down. Throws rather than go on over damage.
    ///
    /// `keys` holds the private key between starts; it is made with mode 0700. `wakeLater` must see
    /// to it that the core is woken soon: a caller who has more lines to come may put it off until
    /// they are all there, so that they share one sync. If it never does, the watchdog wakes it
    /// after a quarter of the deadline. `notice` is told once whenever the record stops taking
    /// lines, for the operator's eyes; it is called on the writing thread and must not wait.
    package static func open(
        directory: String, keys: String, limits: RecorderLimits = RecorderLimits(),
        name: String = "toolserver", disk: RecorderDisk = .real, givesEvidence: Bool = false,
        isolation: RecordIsolation = .inproc, keepsBodies: Bool = false,
        wakeLater: @escaping @Sendable (RecorderCore) -> Void = { $0.wake() },
        notice: @escaping @Sendable (RecordError) -> Void = { _ in }
    ) throws(RecordError) -> Recorder {
        let writer = try RecorderOpening(
            directory: withoutEndingSlashes(directory), keys: keys, disk: disk, limits: limits,
            isolation: isolation
        )
        .open(name: name)
        if givesEvidence { writer.giveEvidence() }
        if keepsBodies {
            writer.bodies = BodyWriter(
                log: withoutEndingSlashes(directory), keys: keys, disk: disk)
        }
        // Whole groups come from other processes: nothing is gained by waiting for more.
        return try start(
            writer, limits: limits, pauses: isolation == .inproc, wakeLater: wakeLater,
            notice: notice, underway: writer.underway, size: writer.size,
            keepsBodies: keepsBodies)
    }

    /// A record that somebody else keeps: `writer` takes what waits there.
    package static func through(
        _ writer: any BatchWriter, limits: RecorderLimits = RecorderLimits(),
        wakeLater: @escaping @Sendable (RecorderCore) -> Void = { $0.wake() },
        notice: @escaping @Sendable (RecordError) -> Void = { _ in }
    ) throws(RecordError) -> Recorder {
        try start(writer, limits: limits, pauses: true, wakeLater: wakeLater, notice: notice)
    }

    private static func start(
        _ writer: any BatchWriter, limits: RecorderLimits, pauses: Bool,
        wakeLater: @escaping @Sendable (RecorderCore) -> Void,
        notice: @escaping @Sendable (RecordError) -> Void, underway: [[UInt8]] = [],
        size: Int = 0, keepsBodies: Bool = false
    ) throws(RecordError) -> Recorder {
        let core = RecorderCore(
            writer, limits: limits, pauses: pauses, wakeLater: wakeLater, notice: notice)
        guard core.start() else { throw .unavailable("no thread for the record") }
        return Recorder(core, underway: underway, size: size, keepsBodies: keepsBodies)
    }

    /// With one, the system would follow a symbolic link.
    private static func withoutEndingSlashes(_ path: String) -> String {
        let kept = path.utf8.reversed().drop { $0 == UInt8(ascii: "/") }
        return kept.isEmpty ? path : String(decoding: kept.reversed(), as: UTF8.self)
    }

    /// The calls that had begun before it was opened and whose outcome is not on record yet; none
    /// where their processes cannot be alive.
    package let underway: [[UInt8]]
    /// How many lines there were when it was opened; 0 where somebody else keeps it.
    package let size: Int
    private let keepsBodies: Bool

    private init(_ core: RecorderCore, underway: [[UInt8]], size: Int, keepsBodies: Bool) {
        self.core = core
        self.keepsBodies = keepsBodies
        self.underway = underway
        self.size = size
    }

    deinit { core.close() }

    /// Durable when it returns: the lines stand together, in order. Each body is the members of a
    /// JSON object without its braces, beginning with `"event":"…"`.
    ///
    /// After an error the lines may or may not be in the record; their effects must not happen.
    /// Not cancelled with its task: the wait is bounded by the deadline.
    package func append(
        _ bodies: [[UInt8]], keeping answer: AnswerBody?
    ) async throws(RecordError) -> RecordReceipt {
        var bytes = try Self.check(bodies)
        if let answer {
            guard keepsBodies else { throw .malformed("no answer is kept here") }
            bytes += answer.bytes?.count ?? 0
        }
        // Resumed exactly once: whoever takes it out of the queue, inside the lock, resumes it.
        // A checked continuation allocates for every call to watch over that.
        let result = await unsafe withUnsafeContinuation { continuation in
            core.enqueue(
                unsafe WaitingLines(bodies: bodies, keeping: answer, bytes: bytes, continuation))
        }
        return try result.get()
    }

    /// The same for lines of several callers, which become durable in one batch or not at all.
    /// Blocks the thread until then: for threads that do nothing else.
    package func append(
        together groups: [[[UInt8]]]
    ) -> Result<[RecordReceipt], RecordError> {
        guard !groups.isEmpty else { return .success([]) }
        let wait = JointWait(count: groups.count)
        var lines: [WaitingLines] = []
        lines.reserveCapacity(groups.count)
        for (index, bodies) in groups.enumerated() {
            do throws(RecordError) {
                let bytes = try Self.check(bodies)
                lines.append(
                    WaitingLines(
                        bodies: bodies, bytes: bytes, JointWait.Place(wait: wait, index: index)))
            } catch { return .failure(error) }
        }
        core.enqueue(together: lines)
        // This thread brings no more while it waits here.
        core.wake()
        return wait.result()
    }

    /// False while the disk refuses or hangs; true again by itself.
    package var isWritable: Bool { core.isWritable }

    package var figures: RecorderFigures { core.figures }

    /// Where somebody else keeps it: they may be gone.
    package func look() { core.look() }

    /// Writes what waits and stops. Blocks the thread until then, at most for the deadline and a
    /// second.
    package func close() { core.close() }

    private static func check(_ bodies: [[UInt8]]) throws(RecordError) -> Int {
        guard !bodies.isEmpty else { throw .malformed("no line") }
        var bytes = 0
        for body in bodies {
            bytes += body.count + 64
            guard body.starts(with: eventStart) else { throw .malformed("no event in front") }
            // A line feed would make two lines of one; a zero would pass for a hole in the file.
            guard !hasControlByte(body) else { throw .malformed("control byte") }
            let name = body.dropFirst(eventStart.count).prefix { $0 != UInt8(ascii: "\"") }
            guard !name.isEmpty, name.count + eventStart.count < body.count,
                !reserved.contains(where: { $0.elementsEqual(name) })
            else { throw .malformed("not an event of the caller") }
        }
        return bytes
    }

    /// Without a way out of the loop, so that it runs over many bytes at once.
    private static func hasControlByte(_ body: [UInt8]) -> Bool {
        unsafe body.withUnsafeBufferPointer { bytes in
            var found: UInt8 = 0
            for index in bytes.indices { unsafe found |= bytes[index] < 0x20 ? 1 : 0 }
            return found != 0
        }
    }

    private static let eventStart: [UInt8] = Array(#""event":""#.utf8)
    private static let reserved = SegmentEvents.reserved.map { Array($0.utf8) }
}
