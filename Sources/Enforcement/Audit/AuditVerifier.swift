import Glibc
import JSON

/// Decides from the files and one public key alone whether the record is whole.
///
/// It believes nothing that the directory says about itself: the first key comes from the caller,
/// every later one from the log, signed by the one before. What no log can show by itself, that
/// its end was cut at a checkpoint, needs a checkpoint kept elsewhere.
package struct AuditVerifier {
    package struct Report: Sendable {
        package var lines = 0
        /// Lines of event `intent`.
        package var calls = 0
        package var checkpoints = 0
        package var segments = 0
        package var firstTime = ""
        package var lastTime = ""
        /// In order: who signed, and from which line on.
        package var epochs: [Epoch] = []
        /// Of the last checkpoint.
        package var size = 0
        package var root = Digest32()
        /// Bytes behind the last checkpoint: a crash's or a running server's unacknowledged end.
        /// Somebody who asks after a clean stop should take any for a refusal.
        package var tailBytes = 0
        /// Bytes behind the record's end in earlier segments, each explained by a line.
        package var abandonedBytes = 0
        /// Files that somebody else changed under the running server, by its own word, and whose
        /// lines are all there nonetheless: it wrote on in the next file, or they were restored.
        package var changedFiles: [String] = []
        /// Lines that were removed by rule: only their hashes are left, and the record says so.
        package var removedLines = 0
        package var removedFiles: [String] = []
        /// Answers that are kept beside the record, each as its line says.
        package var bodies = 0
        /// Answers whose key was destroyed by rule: the record says so.
        package var destroyedBodies = 0
    }

    package struct Epoch: Sendable {
        package let number: Int
        package let key: String
        package let firstSequence: Int
    }

    /// `publicKey` is the text of `record.pub`. Throws `damaged` with the first bad place, also
    /// where the log is not the one that kept checkpoints tell of.
    package static func verify(
        directory: String, publicKey: String, kept: [KeptCheckpoint] = [],
        bodies: BodyDepth = .files
    ) throws(RecordError) -> Report {
        let text = publicKey.utf8.last == 0x0A ? String(publicKey.dropLast()) : publicKey
        guard let key = CheckpointKey(text: text) else {
            throw .malformed("not a public key of a record")
        }
        if let report = quickly(directory, key, kept, bodies) { return report }
        var run = AuditVerification(
            directory: directory, key: key, kept: kept, depth: .everySignature, bodies)
        return try run.verify()
    }

    /// On all cores; nil where anything is wrong, which the slow way then names.
    private static func quickly(
        _ directory: String, _ key: CheckpointKey, _ kept: [KeptCheckpoint], _ bodies: BodyDepth
    ) -> Report? {
        guard let crew = SignatureCrew.start() else { return nil }
        var run = AuditVerification(
            directory: directory, key: key, kept: kept, depth: .everySignatureBy(crew), bodies)
        guard let report = try? run.verify() else {
            crew.abandon()
            return nil
        }
        return crew.finish() ? report : nil
    }

    /// Whether a server holds the log now, so that bytes behind the last checkpoint are its batch
    /// at work. False also when that cannot be told, as for a copy or another user's directory:
    /// then such bytes deserve a look.
    ///
    /// It takes the lock for a moment, shared: a server that starts within these microseconds
    /// finds the log locked.
    package static func isBeingWritten(directory: String) -> Bool {
        let path = "\(directory)/\(SegmentDirectory.lock)"
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }
}

private struct AuditVerification {
    let directory: String
    let hasher = SHA256Hasher()
    var check: SegmentCheck
    var report = AuditVerifier.Report()
    /// An earlier segment whose end must be explained, and from where.
    var unexplained: (segment: Int, from: Int)?
    /// Segments that somebody else changed, and where the server had stopped writing them.
    var changed: [(segment: Int, from: Int)] = []
    var kept: KeptCheckpoints
    /// How many lines of a segment are gone, and what the record tells of it last.
    var gone: [Int: Int] = [:]
    var removals: [Int: RemovalNote] = [:]
    var bodies: BodyTally

    init(
        directory: String, key: CheckpointKey, kept: [KeptCheckpoint], depth: SegmentCheck.Depth,
        _ bodies: BodyDepth
    ) {
        self.bodies = BodyTally(log: directory, depth: bodies)
        self.directory = directory
        self.kept = KeptCheckpoints(kept)
        let state = SegmentState(epoch: 1, key: key)
        check = SegmentCheck(state, depth: depth, hasher)
    }

    mutating func verify() throws(RecordError) -> AuditVerifier.Report {
        let segments = try SegmentDirectory.segments(in: directory)
        guard let last = segments.last else {
            throw .damaged(
                file: SegmentDirectory.name(1), line: 0, reason: "the segment is missing")
        }
        var state = check.state
        var after = 0
        for number in segments {
            let limit = number == last ? Int.max : try recordedBytes(before: number + 1)
            check.resume(state)
            let header = SegmentHeader(number: number, state: state, after: after)
            let scan = try verify(number, header, limit)
            let isWhole = gone[number] == nil
            guard limit == .max || scan.coveredBytes == limit || !isWhole && scan.tailBytes == 0
            else {
                throw .damaged(
                    file: SegmentDirectory.name(number), line: scan.coveredLines + 1,
                    reason: "lines under no checkpoint in front of the next segment")
            }
            try settle(number, scan, isLast: number == last)
            state = scan.state
            after = isWhole ? scan.coveredBytes : limit
        }
        try checkChanged()
        try checkRemoved(last)
        (report.bodies, report.destroyedBodies) = try bodies.result()
        if let complaint = kept.complaint {
            throw .damaged(
                file: SegmentDirectory.name(last), line: 0, reason: complaint)
        }
        report.size = state.tree.size
        report.root = state.tree.root(hasher)
        report.segments = segments.count
        return report
    }

    private mutating func verify(
        _ number: Int, _ header: SegmentHeader, _ limit: Int
    ) throws(RecordError) -> SegmentScan {
        let expected = header.line(hasher)
        var counted = report
        // What stands under no checkpoint is not part of the record and not counted.
        var covered = report
        var due = unexplained
        var told = changed
        var claimed: [(segment: Int, from: Int)] = []
        var notes: [RemovalNote] = []
        var met = kept
        var removals = removals
        var words: [(BodyWord, line: Int)] = []
        var bodies = bodies
        var count = 0
        let scan = try SegmentScan.run(
            directory: directory, number: number, limit: limit, check: &check,
            header: { line in line == expected[...] ? header.state : nil },
            each: { check, kind in
                counted.count(check, kind)
                if let word = check.bodyWord { words.append((word, check.state.tree.size - 1)) }
                met.take(check, kind, hasher)
                if kind == .checkpoint {
                    covered = counted
                    told += claimed
                    claimed = []
                    for note in notes { removals[note.segment] = note }
                    notes = []
                    for (word, line) in words { bodies.take(word, of: line) }
                    words = []
                }
                if kind == .removed { count += 1 }
                if kind == .removal, let note = check.removal { notes.append(note) }
                guard kind == .recovered, let recovered = check.recovered else { return }
                if recovered.isChanged { claimed.append((recovered.segment, recovered.from)) }
                if recovered.segment == due?.segment, recovered.from == due?.from { due = nil }
            })
        changed = told
        self.removals = removals
        self.bodies = bodies
        if count > 0 { gone[number] = count }
        kept = met
        report = covered
        unexplained = due
        return scan
    }

    /// Only the last segments may have an end that nothing explains: the server was killed.
    private mutating func settle(
        _ number: Int, _ scan: SegmentScan, isLast: Bool
    ) throws(RecordError) {
        if let due = unexplained, !isLast {
            throw .damaged(
                file: SegmentDirectory.name(due.segment), line: 0,
                reason: "bytes from \(due.from) on that no line explains")
        }
        if isLast {
            report.tailBytes += scan.tailBytes
        } else if scan.tailBytes > 0 {
            report.abandonedBytes += scan.tailBytes
            unexplained = (number, scan.coveredBytes)
        }
    }

    /// The server's word that somebody wrote into a file explains none of the bytes. Its own room
    /// may stand there: it leaves such a file as it is.
    private mutating func checkChanged() throws(RecordError) {
        for (segment, from) in changed {
            let name = SegmentDirectory.name(segment)
            guard try SegmentReader(directory: directory, name: name).limit <= from else {
                throw .damaged(
                    file: name, line: 0,
                    reason: "bytes from \(from) on that somebody else wrote under the server")
            }
            report.changedFiles.append(name)
        }
    }

    /// Lines may be gone only from a file that is to the byte what the record says it is since.
    private mutating func checkRemoved(_ last: Int) throws(RecordError) {
        for (segment, count) in gone.sorted(by: { $0.key < $1.key }) {
            let name = SegmentDirectory.name(segment)
            let size = try SegmentReader(directory: directory, name: name, limit: .max - 1).size
            guard segment != last, let note = removals[segment], note.lines == count,
                try SegmentTail.digest(directory: directory, number: segment, 0..<size).hex
                    .isByteEqual(to: note.digest)
            else {
                throw .damaged(
                    file: name, line: 0,
                    reason: "lines are gone that no line of the record explains")
            }
            report.removedLines += count
            report.removedFiles.append(name)
        }
    }

    /// What the next header says about this segment. Only a claim: the header is compared whole
    /// with what this segment's lines give.
    private func recordedBytes(before number: Int) throws(RecordError) -> Int {
        let name = SegmentDirectory.name(number)
        var reader = try SegmentReader(directory: directory, name: name)
        guard let line = try reader.next(), let header = SegmentHeader(line, hasher) else {
            throw .damaged(file: name, line: 1, reason: "not a segment's header")
        }
        return header.after
    }
}

extension AuditVerifier.Report {
    fileprivate mutating func count(_ check: borrowing SegmentCheck, _ kind: SegmentCheck.Kind) {
        lines += 1
        switch kind {
        case .checkpoint:
            checkpoints += 1
            lastTime = String(decoding: check.at, as: UTF8.self)
        case .epoch:
            epochs.append(
                AuditVerifier.Epoch(
                    number: check.state.epoch, key: check.state.key.text,
                    firstSequence: check.state.tree.size - 1))
        case .removed: return
        case .line, .recovered, .removal:
            if check.event.elementsEqual(Self.intent) { calls += 1 }
        }
        if firstTime.isEmpty { firstTime = String(decoding: check.at, as: UTF8.self) }
    }

    private static let intent = Array("intent".utf8)
}
