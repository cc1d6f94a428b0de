/// Checks the lines of the record one after the other, in bounded memory.
///
/// Used by the recorder over the last segment when it opens, and by the verifier over all.
struct SegmentCheck {
    enum Depth {
        /// Every checkpoint's signature.
        case everySignature
        /// The same, but the crew says in the end whether they were right.
        case everySignatureBy(SignatureCrew)
        /// Every root, but only the last checkpoint's signature, which covers all lines before it:
        /// enough for the owner of the key, who must start fast.
        case lastSignature
    }

    enum Kind { case line, checkpoint, epoch, recovered, removed, removal }

    struct Fault: Error {
        var reason: String
    }

    private(set) var state: SegmentState
    private let depth: Depth
    private let hasher: SHA256Hasher
    private var isolation: [UInt8] = []
    private var lastAt: [UInt8] = []
    /// The last line was removed, and its time with it.
    private var isTimeGone = false
    private var unverified: (note: CheckpointNote, signature: [UInt8], key: CheckpointKey)?
    private(set) var event: ArraySlice<UInt8> = []
    private(set) var at: ArraySlice<UInt8> = []
    /// The last `recovered` line: the segment whose end it explains, and from which byte on.
    /// `isChanged` when somebody else changed it under the running server.
    private(set) var recovered: (segment: Int, from: Int, isChanged: Bool)?

    /// What the last line says of an answer that is kept beside it, or of a key that is destroyed.
    private(set) var bodyWord: BodyWord?

    /// The last line that told of lines that were removed.
    private(set) var removal: RemovalNote?

    init(_ state: SegmentState, depth: Depth, _ hasher: SHA256Hasher) {
        self.state = state
        self.depth = depth
        self.hasher = hasher
    }

    /// Goes on from the last checkpoint, over what stood behind it.
    mutating func resume(_ state: SegmentState) { self.state = state }

    /// `line` comes without its line feed.
    mutating func take(_ line: ArraySlice<UInt8>) throws(Fault) -> Kind {
        // Of the line before, and never of one that was removed.
        bodyWord = nil
        guard let parsed = SegmentLine(line) else {
            // The segment that is written on is never without a line.
            if mayLackLines, let removed = RemovedLine(line) { return try take(removed) }
            throw Fault(reason: "not in the form that the recorder writes")
        }
        guard parsed.sequence == state.tree.size else {
            throw Fault(
                reason: "number \(parsed.sequence) stands where \(state.tree.size) must")
        }
        event = parsed.event
        at = parsed.at
        let kind = try check(parsed)
        if mayLackLines { bodyWord = try Self.bodyWord(parsed) }
        state.underway.note(parsed.body)
        let leaf = unsafe line.withUnsafeBytes { unsafe hasher.leaf($0) }
        state.tree.append(leaf: leaf, hasher)
        return kind
    }

    private var mayLackLines: Bool { if case .lastSignature = depth { false } else { true } }

    private mutating func take(_ line: RemovedLine) throws(Fault) -> Kind {
        guard line.sequence == state.tree.size else {
            throw Fault(
                reason: "number \(line.sequence) stands where \(state.tree.size) must")
        }
        isTimeGone = true
        state.tree.append(leaf: line.leaf, hasher)
        return .removed
    }

    private mutating func check(_ line: SegmentLine) throws(Fault) -> Kind {
        if line.isEvent("checkpoint") {
            try checkCheckpoint(line)
            return .checkpoint
        }
        isTimeGone = false
        if lastAt[...] != line.at { lastAt = Array(line.at) }
        if line.isEvent("epoch") {
            try checkEpoch(line)
            return .epoch
        }
        if line.isEvent("resume") {
            guard SegmentResume.body(state)[...] == line.body else {
                throw Fault(reason: "not the tree's edge at line \(line.sequence)")
            }
            return .line
        }
        if line.isEvent("removed") {
            guard let note = RemovalNote(line.body) else {
                throw Fault(reason: "not a note of removal")
            }
            removal = note
            return .removal
        }
        guard line.isEvent("recovered") else { return .line }
        try checkRecovered(line)
        return .recovered
    }

    private static func bodyWord(_ line: SegmentLine) throws(Fault) -> BodyWord? {
        if line.isEvent("outcome") {
            return BodyNote(endOf: line.body).map { .kept($0, by: line.body) }
        }
        guard line.isEvent("destroyed") else { return nil }
        guard let tombstone = BodyTombstone(line.body) else {
            throw Fault(reason: "not a note of a key that was destroyed")
        }
        return .destroyed(tombstone)
    }

    private mutating func checkCheckpoint(_ line: SegmentLine) throws(Fault) {
        guard isTimeGone || line.at == lastAt[...] else {
            // The last checkpoint's own time is under no signature; the line before it is.
            throw Fault(reason: "the checkpoint's time is not that of its batch")
        }
        let size = state.tree.size
        let root = Base64.encodedBytes(state.tree.root(hasher).bytes)
        let key = state.key
        let note = CheckpointNote.checkpoint(origin: key.origin, size: size, root: root)
        let isolation = currentIsolation(line)
        let end = line.body.endIndex - SegmentEvents.checkpointEnd(isolation: isolation).count
        let start = end - CheckpointNote.signatureLength
        guard start > line.body.startIndex else { throw Fault(reason: "not a checkpoint") }
        let signature = line.body[start..<end]
        let expected = SegmentEvents.checkpoint(
            note, size: size, root: root, origin: key.origin, isolation: isolation,
            signature: signature)
        guard expected[...] == line.body else {
            throw Fault(reason: "the checkpoint does not match the \(size) lines before it")
        }
        switch depth {
        case .everySignature:
            guard note.isSigned(signature, by: key) else {
                throw Fault(
                    reason: "the checkpoint is not signed by the key of epoch \(state.epoch)")
            }
        case .everySignatureBy(let crew):
            crew.add(.init(note: note, signature: Array(signature), key: key))
        case .lastSignature: unverified = (note, Array(signature), key)
        }
    }

    /// Call after the last line when only the last signature is checked.
    func checkLastSignature() throws(Fault) {
        guard let unverified else { return }
        guard unverified.note.isSigned(unverified.signature[...], by: unverified.key) else {
            throw Fault(reason: "the last checkpoint is not signed by the key of its epoch")
        }
    }

    /// A segment may begin in the middle of an epoch: the first checkpoint then tells.
    private mutating func currentIsolation(_ line: SegmentLine) -> String {
        if isolation.isEmpty {
            let word = line.body.dropLast().reversed().prefix { $0 != UInt8(ascii: "\"") }
            isolation = Array(word.prefix(16).reversed())
        }
        return String(decoding: isolation, as: UTF8.self)
    }

    private mutating func checkEpoch(_ line: SegmentLine) throws(Fault) {
        let number = state.tree.size == 0 ? state.epoch : state.epoch + 1
        let start = Array(#""event":"epoch","epoch":\#(number),"key":""#.utf8)
        guard line.body.starts(with: start),
            let end = line.body.dropFirst(start.count).firstIndex(of: UInt8(ascii: "\"")),
            let key = CheckpointKey(
                text: String(
                    decoding: line.body[line.body.startIndex + start.count..<end], as: UTF8.self)),
            key.origin.utf8.elementsEqual(state.key.origin.utf8)
        else { throw Fault(reason: "not the beginning of epoch \(number)") }
        let note = CheckpointNote.epoch(number, at: state.tree.size, key: key)
        let opening = SegmentEvents.epochStart(note, number: number, key: key)
        let rest = line.body.dropFirst(opening.count)
        guard line.body.starts(with: opening), rest.count > CheckpointNote.signatureLength,
            note.isSigned(rest.prefix(CheckpointNote.signatureLength), by: state.key)
        else { throw Fault(reason: "epoch \(number) is not signed by the key before it") }
        isolation = Self.isolation(rest.dropFirst(CheckpointNote.signatureLength))
        state.epoch = number
        state.key = key
    }

    private static func isolation(_ rest: ArraySlice<UInt8>) -> [UInt8] {
        let mark = Array(#"\n","isolation":""#.utf8)
        guard rest.starts(with: mark) else { return [] }
        return Array(rest.dropFirst(mark.count).prefix(16).prefix { $0 != UInt8(ascii: "\"") })
    }

    private mutating func checkRecovered(_ line: SegmentLine) throws(Fault) {
        var index = line.body.startIndex
        guard SegmentLine.skip(Array(#""event":"recovered","segment":"#.utf8), line.body, &index),
            let segment = SegmentLine.number(line.body, &index),
            SegmentLine.skip(Array(#","from":"#.utf8), line.body, &index),
            let from = SegmentLine.number(line.body, &index)
        else { throw Fault(reason: "not a note of recovery") }
        let isChanged = SegmentLine.skip(SegmentChange.detailStart, line.body, &index)
        recovered = (segment, from, isChanged)
    }
}
