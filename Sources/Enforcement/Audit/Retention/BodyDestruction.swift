import Glibc

/// Destroys the key of a day's answers, but for those that are held.
///
/// Each step is durable before the next: the key is set aside, so that nothing more is encrypted
/// with it; the keys of what is held are written; the record tells what is destroyed; the key is
/// overwritten and unlinked; where nothing is held, so are the files. A crash between any two of
/// them leaves what the next look goes on with, and never a key that is gone without a word.
package struct BodyDestruction: Sendable {
    /// What the lines say of the answers of one key.
    package struct Findings: Sendable {
        package var count = 0
        /// The number of the last line that tells of one.
        package var lastLine = -1
        /// The last word of the record about the key.
        package var tombstone: BodyTombstone?
        /// Of what is held; complete up to `HeldBodies.countMax`.
        fileprivate var held: [HeldBodies.Place: (line: Int, note: BodyNote)] = [:]
        package private(set) var heldCount = 0

        package init() {}

        package mutating func take(_ note: BodyNote, of line: Int, isHeld: Bool) {
            count += 1
            lastLine = max(lastLine, line)
            guard isHeld else { return }
            heldCount += 1
            if heldCount <= HeldBodies.countMax {
                held[HeldBodies.Place(note)] = (line, note)
            }
        }

        /// Then the day keeps its key whole.
        package var holdsTooMany: Bool { heldCount > HeldBodies.countMax }
    }

    package let key: BodyKey.ID
    private let log: String
    private let keys: String
    private let findings: Findings
    /// What stays readable, and the lines that tell of it.
    private var held = HeldBodies()
    private var heldLines: [Int] = []

    /// `log` is the folder of the record, `keys` that of its keys.
    package init(
        _ key: BodyKey.ID, log: String, keys: String, _ findings: Findings
    ) {
        self.key = key
        self.log = log
        self.keys = keys
        self.findings = findings
    }

    private func path(_ state: BodyKey.State) -> String {
        BodyKey.path(key, state, in: keys)
    }

    private var newHeld: String { path(.held) + ".new" }

    /// Up to where the record must tell of it. Answers its line; nil where it says so already.
    package mutating func prepare() throws(RecordError) -> [UInt8]? {
        if Self.exists(path(.key)) {
            guard unsafe rename(path(.key), path(.end)) == 0 else {
                throw .unavailable("set \(path(.key)) aside: errno \(errno)")
            }
            try RecorderDisk.syncDirectory(keys)
        }
        try gatherHeld()
        try RecorderDisk.erase(newHeld, in: keys)
        if !held.keys.isEmpty {
            try RecorderDisk.writeWhole(newHeld, held.bytes, mode: 0o600)
            try RecorderDisk.syncDirectory(keys)
        }
        let tombstone = BodyTombstone(key: key, bodies: findings.count, held: heldLines)
        return tombstone == findings.tombstone ? nil : tombstone.line
    }

    /// Once the line is durable.
    package func finish() throws(RecordError) {
        try RecorderDisk.erase(path(.held), in: keys)
        if !held.keys.isEmpty { try replaceHeld() }
        try RecorderDisk.erase(path(.end), in: keys)
        if held.keys.isEmpty { try removeFiles() }
    }

    private func replaceHeld() throws(RecordError) {
        guard unsafe rename(newHeld, path(.held)) == 0 else {
            throw .unavailable("keep \(path(.held)): errno \(errno)")
        }
        try RecorderDisk.syncDirectory(keys)
    }

    /// From the key of the day while there is one, else of those that were held before.
    private mutating func gatherHeld() throws(RecordError) {
        guard let first = findings.held.values.map(\.line).min() else { return }
        let day: BodyKey?
        let earlier: HeldBodies?
        do throws(RecordError) {
            day = try BodyKey.read(key, .end, in: keys)
            earlier = day == nil ? try earlierHeld() : nil
        } catch { throw unreadable(first, error.reason) }
        let files = BodyFiles(log: log)
        let told = findings.tombstone.map { Set($0.held) }
        for (place, found) in findings.held {
            var secret = earlier?.keys[place]
            if let day {
                do throws(BodyFiles.Fault) {
                    secret = day.derived(BodySeal.salt(try files.sealed(found.note)))
                } catch { throw unreadable(found.line, error.reason) }
            }
            guard let secret else {
                // Who is held after the key was destroyed is held too late. What the record itself
                // calls held never goes for lack of its key.
                if let told, !told.contains(found.line) { continue }
                throw unreadable(found.line, "its key is not there")
            }
            held.keys[place] = secret
            heldLines.append(found.line)
        }
        heldLines.sort()
    }

    /// Of a key that is destroyed.
    private func earlierHeld() throws(RecordError) -> HeldBodies? {
        if let earlier = try HeldBodies.read(path(.held)) { return earlier }
        // A crash while the old ones were erased, when the new ones were durable.
        guard let new = try HeldBodies.read(newHeld) else { return nil }
        try RecorderDisk.erase(path(.held), in: keys)
        try replaceHeld()
        return new
    }

    /// Nothing is destroyed while what is held cannot be kept.
    private func unreadable(_ line: Int, _ reason: String) -> RecordError {
        .damaged(
            file: "bodies/\(key.text)", line: 0,
            reason: "the answer of line \(line) is held and cannot be kept: \(reason). Nothing is "
                + "destroyed until its file and its key can be read: restore them, or end the hold")
    }

    /// What nobody can read any more need take no room.
    private func removeFiles() throws(RecordError) {
        let directory = BodyFiles.directory(of: log)
        for number in try BodyFiles.numbers(of: key, in: directory) {
            let path = "\(directory)/\(key.text).\(number)"
            guard unsafe unlink(path) == 0 || errno == ENOENT else {
                throw .unavailable("remove \(path): errno \(errno)")
            }
        }
        if Self.exists(directory) { try RecorderDisk.syncDirectory(directory) }
    }

    private static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    // MARK: What there is to do

    /// The keys of a log of which something may be to be destroyed at a moment, in seconds since
    /// 1970: those whose time is over, of which something is left, and files without a key.
    /// No more than `daysMost` days are kept, whatever was promised.
    package static func candidates(
        log: String, keys: String, daysMost: Int, at now: Int
    ) throws(RecordError) -> Set<BodyKey.ID> {
        guard exists(keys) else { return [] }
        var known: Set<BodyKey.ID> = []
        var candidates: Set<BodyKey.ID> = []
        for (id, state) in try BodyKey.all(in: keys) {
            known.insert(id)
            if state != .key || id.ends(daysMost: daysMost) <= now { candidates.insert(id) }
        }
        for (id, _) in try BodyFiles.all(in: BodyFiles.directory(of: log))
        where !known.contains(id) { candidates.insert(id) }
        return candidates
    }

    package static func hasAny(keys: String) -> Bool {
        (try? !BodyKey.all(in: keys).isEmpty) ?? false
    }

    /// Whether the key is there, or what is left of it.
    package var hasKey: Bool { BodyKey.State.allCases.contains { Self.exists(path($0)) } }

    /// Whether there is nothing to do: what is held is what was held.
    package var isSettled: Bool {
        guard !Self.exists(path(.key)), !Self.exists(path(.end)), !Self.exists(newHeld),
            let earlier = try? HeldBodies.read(path(.held)), let tombstone = findings.tombstone
        else { return false }
        return tombstone.held.count == earlier.keys.count
            && findings.held.values.filter { earlier.keys[HeldBodies.Place($0.note)] != nil }.count
                == earlier.keys.count
    }
}
