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
    private var tombstones: [BodyKey.ID: BodyTombstone] = [:]

    init(log: String, depth: BodyDepth) {
        self.log = log
        self.depth = depth
        files = BodyFiles(log: log)
    }

    mutating func take(_ word: BodyWord, of line: Int) {
        switch word {
        case .destroyed(let tombstone): tombstones[tombstone.key] = tombstone
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
        var present = 0
        var destroyed = 0
        var held: Set<Int> = []
        for (key, found) in answers.sorted(by: { $0.value.line < $1.value.line }) {
            guard let tombstone = tombstones[key] else {
                if found.missing > 0 { throw complaint(key, found.line, found.reason) }
                present += found.present
                continue
            }
            present += tombstone.held.count
            destroyed += found.present + found.missing - tombstone.held.count
            // Destroyed ones may be there or not. Those that are held must be.
            if found.missing > 0 { held.formUnion(tombstone.held) }
        }
        try checkHeld(held)
        return (present, destroyed)
    }

    private func complaint(_ key: BodyKey.ID, _ line: Int, _ reason: String) -> RecordError {
        .damaged(
            file: "bodies/\(key.text)", line: 0,
            reason:
                "the answer of line \(line): \(reason), and no line says that its key was destroyed"
        )
    }

    /// Looked for once more, by their lines: which they are is only known at the end.
    private func checkHeld(_ lines: Set<Int>) throws(RecordError) {
        guard !lines.isEmpty else { return }
        var left = lines
        var complaint: RecordError?
        var tail = RecordTail(directory: log)
        try tail.read { batch in
            for placed in batch where left.remove(placed.line.sequence) != nil {
                guard let line = SegmentLine(placed.line.bytes[...]),
                    let note = BodyNote(endOf: line.body)
                else { continue }
                if let fault = fault(of: note, line.body), complaint == nil {
                    complaint = .damaged(
                        file: "bodies/\(note.file)", line: 0,
                        reason:
                            "the answer of line \(line.sequence) is held and not there (\(fault))")
                }
            }
            return complaint == nil && !left.isEmpty
        }
        if let complaint { throw complaint }
    }
}
