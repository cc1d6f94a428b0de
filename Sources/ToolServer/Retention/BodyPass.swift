import Enforcement
import JSON

/// One look through a log for the keys of answers whose time is over.
struct BodyPass {
    /// What is to be destroyed.
    private(set) var due: [BodyDestruction] = []
    /// What stays although its time is over, and why.
    private(set) var notices: [String] = []

    private let holds: [RetentionSettings.Hold]
    private var findings: [BodyKey.ID: BodyDestruction.Findings] = [:]

    /// `log` is its folder, `keys` that of its keys. Before `line` every declared stream has all.
    init(
        _ retention: RetentionSettings?, _ keeping: BodyKeeping?, log: String, keys: String,
        before line: Int, at now: Int
    ) throws(RecordError) {
        holds = retention?.holds ?? []
        let daysMost = keeping?.daysMax ?? BodyKey.ID.daysMost
        let candidates = try BodyDestruction.candidates(
            log: log, keys: keys, daysMost: daysMost, at: now)
        // Most often there is none, and then nothing of the log is read.
        guard !candidates.isEmpty else { return }
        for key in candidates { findings[key] = BodyDestruction.Findings() }
        try read(log)
        for key in candidates.sorted(by: { $0.text.utf8.lexicographicallyPrecedes($1.text.utf8) }) {
            guard let found = findings[key] else { continue }
            let destruction = BodyDestruction(key, log: log, keys: keys, found)
            if let reason = Self.reason(destruction, found, before: line) {
                notices.append("the answers of \(key.text) stay: \(reason)")
            } else if found.tombstone != nil || key.ends(daysMost: daysMost) <= now,
                !destruction.isSettled
            {
                due.append(destruction)
            }
        }
    }

    /// Why it may not be destroyed yet.
    private static func reason(
        _ destruction: BodyDestruction, _ found: BodyDestruction.Findings,
        before line: Int
    ) -> String? {
        if found.tombstone == nil, !destruction.hasKey {
            return "their key is gone, and the record does not say that it was destroyed"
        }
        if found.lastLine >= line { return "a stream has not sent the lines that tell of them" }
        guard found.holdsTooMany else { return nil }
        return "more than can be kept without their key are held (\(found.heldCount))"
    }

    private mutating func read(_ log: String) throws(RecordError) {
        var tail = RecordTail(directory: log)
        var joiner = EntryJoiner()
        try tail.read { batch in
            for placed in batch {
                guard let line = RecordedLine(placed.line), !line.isUpkeep else { continue }
                if let tombstone = BodyTombstone(line: line.bytes) {
                    findings[tombstone.key]?.tombstone = tombstone
                }
                for entry in joiner.take(line) { take(entry) }
            }
            return true
        }
    }

    private mutating func take(_ entry: RecordedEntry) {
        guard let outcome = entry.outcome, let note = BodyNote(outcome["body"]),
            findings[note.key] != nil
        else { return }
        let isHeld = holds.contains { $0.selection.holds(entry) }
        findings[note.key]?.take(note, of: outcome.sequence, isHeld: isHeld)
    }
}

/// Destroys the keys of a log whose time is over, by whoever writes that log. Blocks its thread.
struct BodySweep {
    let retention: RetentionSettings?
    let keeping: BodyKeeping?
    let recorder: Recorder
    /// Of the log.
    let directory: String
    let keys: String

    /// Before `line` every stream has all. What fails is said and leaves a whole record; the other
    /// keys go, and the next sweep goes on.
    func run(before line: Int, at now: Int) {
        do throws(RecordError) {
            let pass = try BodyPass(
                retention, keeping, log: directory, keys: keys, before: line, at: now)
            for notice in pass.notices { StandardStream.error.line("retention: \(notice)") }
            for due in pass.due {
                do throws(RecordError) { try destroy(due) } catch {
                    StandardStream.error.line("retention: the key \(due.key.text) stays: \(error)")
                }
            }
        } catch { StandardStream.error.line("retention: \(error)") }
    }

    /// The record tells of it before the key is gone.
    private func destroy(_ due: BodyDestruction) throws(RecordError) {
        var destruction = due
        if let line = try destruction.prepare(),
            case .failure(let error) = recorder.append(together: [[line]])
        {
            throw error
        }
        try destruction.finish()
    }
}
