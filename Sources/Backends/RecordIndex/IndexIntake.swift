internal import Enforcement
internal import JSON

/// Turns lines into entries: one for each call, whatever the number of its lines, and one for each
/// other event that a reader may want to see.
struct IndexIntake {
    let session: IndexSession
    let log: Int
    let name: String
    /// A line says that earlier ones were removed.
    private(set) var tellsOfRemoval = false
    /// Calls whose last line has not come, with their entry.
    private var open: [Name: Int] = [:]
    private var gaps: [Name: Quiet] = [:]

    /// Above what may be under way in one log; beyond it entries are looked up in the index.
    private static let openMax = 10_000
    /// Calls without a session of their own belong together until nothing came for so long.
    private static let quietMicroseconds = 30 * 60 * 1_000_000

    private struct Quiet {
        var session: String
        var lastAt: Int
    }

    init(session: IndexSession, log: Int, name: String) {
        self.session = session
        self.log = log
        self.name = name
    }

    mutating func take(_ placed: RecordTail.Placed) throws(SQLiteFailure) {
        // Most lines of upkeep are checkpoints; they are known without parsing.
        guard !Self.isCheckpoint(placed.line.bytes), let line = RecordedLine(placed.line),
            !line.isUpkeep
        else { return }
        if line.event.isByteEqual(to: RemovalNote.event) { tellsOfRemoval = true }
        let entry = try entry(for: line)
        try session.addLine(entry, line.sequence, placed.segment, placed.offset)
        for relation in line.relations { try session.addTouched(relation, entry) }
        for rule in line.names("rules") + line.names("held") {
            try session.addRuled(rule, entry)
        }
        let words = Self.words(of: line)
        if !words.utf8.isEmpty { try session.addWords(words, line: line.sequence, entry) }
    }

    private static let checkpoint = Array(#""event":"checkpoint""#.utf8)

    private static func isCheckpoint(_ line: [UInt8]) -> Bool {
        guard let start = line.prefix(80).firstIndex(of: UInt8(ascii: "Z")) else { return false }
        return line.dropFirst(start + 3).starts(with: checkpoint)
    }

    private mutating func entry(for line: RecordedLine) throws(SQLiteFailure) -> Int {
        guard let call = line.call else { return try session.insert(fields(line, nil), log: log) }
        let key = Name(call)
        let isLast = line.event.isByteEqual(to: "outcome")
        var known = open[key]
        if known == nil, isLast, line["via"] == nil || open.count >= Self.openMax {
            known = try session.entry(ofCall: call, log: log)
        }
        defer { if isLast { open[key] = nil } }
        if let known {
            try session.complete(known, with: fields(line, nil))
            return known
        }
        let entry = try session.insert(fields(line, try sessionID(line)), log: log)
        if !isLast {
            if open.count >= Self.openMax { open = [:] }
            open[key] = entry
        }
        return entry
    }

    private func fields(_ line: RecordedLine, _ session: String?) -> IndexSession.Fields {
        IndexSession.Fields(
            at: line.at, event: line.call == nil ? line.event : "call", call: line.call,
            caller: line.subject, person: line.person, client: line.client,
            tool: line.text("tool"), backend: line.text("backend"),
            decision: line.text("decision"), code: line.text("code"), session: session,
            approval: line.text("approval") ?? line["approval"]?["id"]?.string,
            grant: line.text("grant"))
    }

    /// The protocol's, else caller, client and a quiet gap.
    private mutating func sessionID(_ line: RecordedLine) throws(SQLiteFailure) -> String? {
        if let session = line.text("session") { return session }
        guard let subject = line.subject, let at = RecordTime.microseconds(line.at) else {
            return nil
        }
        let key = Name("\(subject)\u{0}\(line.client ?? "")")
        var quiet = gaps[key]
        if quiet == nil,
            let last = try session.lastSession(caller: subject, client: line.client, log: log)
        {
            quiet = RecordTime.microseconds(last.at).map { Quiet(session: last.id, lastAt: $0) }
        }
        if let before = quiet, at - before.lastAt <= Self.quietMicroseconds {
            gaps[key] = Quiet(session: before.session, lastAt: at)
            return before.session
        }
        if gaps.count >= Self.openMax { gaps = [:] }
        let fresh = "\(name):\(line.sequence)"
        gaps[key] = Quiet(session: fresh, lastAt: at)
        return fresh
    }

    /// What a person would look for by its words.
    private static func words(of line: RecordedLine) -> String {
        var words: [String] = []
        for name in ["arguments", "argumentNames"] {
            if let value = line[name], value.object?.isEmpty != true { words.append(value.text) }
        }
        for name in ["reason", "noted", "path", "address", "traceparent", "toolUse"] {
            if let text = line.text(name) { words.append(text) }
        }
        return words.joined(separator: " ")
    }
}
