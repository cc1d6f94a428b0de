/// How closely answers that are kept beside a record are looked at.
package enum BodyDepth: Sendable {
    /// The lines alone: where an auditor was given no more.
    case none
    /// What stands in the files is what the lines say.
    case files
    /// And it can be read with the keys in this directory.
    case keys(String)
}

/// Whether every answer that a line tells of is there, or the record says that its key was
/// destroyed. Memory holds a few numbers for each key.
struct BodyTally {
    private struct Answers {
        var present = 0
        var missing = 0
        /// Of the first that is missing.
        var line = 0
        var reason = ""
    }

    private let log: String
    private let depth: BodyDepth
    private let files: BodyFiles
    private var answers: [BodyKey.ID: Answers] = [:]
    private var tombstones: [BodyKey.ID: (told: BodyTombstone, line: Int)] = [:]

    init(log: String, depth: BodyDepth) {
        self.log = log
        self.depth = depth
        files = BodyFiles(log: log)
    }

    mutating func take(_ word: BodyWord, of line: Int) {
        switch word {
        case .destroyed(let tombstone): tombstones[tombstone.key] = (tombstone, line)
        case .kept(let note, let body):
            let fault = fault(of: note, body)
            if fault == nil {
                answers[note.key, default: Answers()].present += 1
            } else {
                miss(note.key, line, fault ?? "")
            }
        }
    }

    private mutating func miss(_ key: BodyKey.ID, _ line: Int, _ reason: String) {
        var found = answers[key] ?? Answers()
        if found.missing == 0 { (found.line, found.reason) = (line, reason) }
        found.missing += 1
        answers[key] = found
    }

    /// Nil where all is as the line says.
    private func fault(of note: BodyNote, _ line: ArraySlice<UInt8>) -> String? {
        if case .none = depth { return nil }
        do throws(BodyFiles.Fault) {
            let sealed = try files.sealed(note)
            guard case .keys(let keys) = depth else { return nil }
            let call = CallsUnderway.outcome(line) ?? []
            let answer = BodyReader.open(
                sealed, note, of: String(decoding: call, as: UTF8.self), keys: keys)
            if case .failure(let fault) = answer { return fault.reason }
            return nil
        } catch { return error.reason }
    }

    /// How many are there, and how many were destroyed by rule.
    func result() throws(RecordError) -> (present: Int, destroyed: Int) {
        let unexplained = answers.filter { tombstones[$0.key] == nil && $0.value.missing > 0 }
        if let (key, found) = unexplained.min(by: { $0.value.line < $1.value.line }) {
            throw .damaged(
                file: "bodies/\(key.text)", line: 0,
                reason: "the answer of line \(found.line): \(found.reason), "
                    + "and no line says that its key was destroyed")
        }
        let held = try heldCounts()
        var present = 0
        var destroyed = 0
        for (key, found) in answers {
            // Destroyed ones may be there or not.
            let kept = tombstones[key] == nil ? found.present : held[key, default: 0]
            present += kept
            destroyed += found.present + found.missing - kept
        }
        return (present, destroyed)
    }

    /// Which are held is only known at the end, so their lines are looked for once more.
    private func heldCounts() throws(RecordError) -> [BodyKey.ID: Int] {
        var counts: [BodyKey.ID: Int] = [:]
        var left = try heldLines()
        guard !left.isEmpty else { return counts }
        var complaint: RecordError?
        var tail = RecordTail(directory: log)
        tail.keepsRemoved = true
        try tail.read { batch in
            for placed in batch {
                // Of a line that was removed by rule nobody holds the answer any more.
                guard let key = left.removeValue(forKey: placed.line.sequence), placed.leaf == nil
                else { continue }
                if let reason = faultOfHeld(placed.line, key) {
                    complaint = Self.complaint(key, placed.line.sequence, reason)
                    return false
                }
                counts[key, default: 0] += 1
            }
            return !left.isEmpty
        }
        if let complaint { throw complaint }
        if let (line, key) = left.min(by: { $0.key < $1.key }) {
            throw Self.complaint(key, line, "the line is not there")
        }
        return counts
    }

    private func heldLines() throws(RecordError) -> [Int: BodyKey.ID] {
        var lines: [Int: BodyKey.ID] = [:]
        for (key, tombstone) in tombstones {
            for line in tombstone.told.held {
                guard line < tombstone.line, lines.updateValue(key, forKey: line) == nil else {
                    throw Self.complaint(key, line, "the line has no answer with this key")
                }
            }
        }
        return lines
    }

    private func faultOfHeld(_ line: AuditReader.Line, _ key: BodyKey.ID) -> String? {
        guard let line = SegmentLine(line.bytes[...]), line.isEvent("outcome"),
            let note = BodyNote(endOf: line.body), note.key == key
        else { return "the line has no answer with this key" }
        // Most often all are there, and each was looked at.
        return answers[key]?.missing == 0 ? nil : fault(of: note, line.body)
    }

    private static func complaint(_ key: BodyKey.ID, _ line: Int, _ reason: String) -> RecordError {
        .damaged(
            file: "bodies/\(key.text)", line: 0,
            reason: "the answer of line \(line) is held and not there (\(reason))")
    }
}
