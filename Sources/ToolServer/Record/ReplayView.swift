import Backends
import Enforcement
import Glibc
import JSON

/// `audit replay SESSION`: the conversation of calls as it happened.
enum ReplayView {
    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words,
            options: ["--pauses", "--last", "--policy", "--show"] + RecordPlace.options
                + RecordFilter.options,
            flags: ["--json", "--bodies"], operands: 1)
        if let policy = arguments["--policy"] {
            return try PolicyReplay.run(arguments, policy: policy)
        }
        let place = try RecordPlace(arguments)
        let pauses = arguments["--pauses"] ?? "skip"
        guard pauses == "skip" || pauses == "keep" else {
            throw UsageError("--pauses takes keep or skip")
        }
        let index = try place.index()
        guard let session = arguments.operands.first else {
            let count = try arguments.integer("--last", in: 1...100_000) ?? 20
            for session in try place.failing({ try index.sessions(most: count) }) {
                let words = [
                    session.id, session.subject,
                    "\(short(session.first)) to \(short(session.last))",
                    "\(session.calls) call\(session.calls == 1 ? "" : "s")",
                ]
                StandardStream.output.line(
                    printable(words.joined(separator: "  "), limit: 1_000))
            }
            return .done
        }
        var query = RecordQuery(most: 100_000)
        query.fields = [(.session, session)]
        query.log = place.named
        let hits = try place.failing { try index.find(query) }
        guard !hits.isEmpty else {
            throw CommandFailure(
                "the record has no session \(printable(session)); `audit replay` lists the latest")
        }
        var player = Player(keepsPauses: pauses == "keep")
        for hit in hits {
            let answers = arguments.has("--bodies") ? KeptAnswers(place, log: hit.log) : nil
            let entry = RecordedEntry(lines: try place.lines(of: hit))
            guard player.play(entry, answers) else { break }
        }
        return .done
    }

    fileprivate static func short(_ at: String) -> String {
        String(at.prefix(19).map { $0 == "T" ? " " : $0 })
    }

    /// Writes one call after the other, as long after each other as they came.
    private struct Player {
        let keepsPauses: Bool
        private var lastAt: Int?

        /// A pause that is shorter is not worth a word.
        private static let wordMicroseconds = 2_000_000

        init(keepsPauses: Bool) { self.keepsPauses = keepsPauses }

        mutating func play(_ entry: RecordedEntry, _ answers: KeptAnswers?) -> Bool {
            guard let first = entry.first else { return true }
            if lastAt == nil { head(entry) }
            let at = RecordTime.microseconds(first.at) ?? 0
            pass(at - (lastAt ?? at))
            let isWritten = say(
                [String(short(first.at).dropFirst(11)), entry.text("tool") ?? first.event]
                    + [entry["arguments"]?.text ?? ""])
            if let reason = entry.text("reason") { say("          because: \(reason)") }
            for line in entry.lines.dropFirst().dropLast() { say("          \(line.event)") }
            say("          \(Self.ending(of: entry))")
            if let answer = entry.outcome.flatMap({ answers?.answer(of: $0) }) {
                say("          \(answer.text)")
            }
            lastAt = at + (entry.outcome?["microseconds"]?.int ?? 0)
            return isWritten
        }

        private func head(_ entry: RecordedEntry) {
            var words = [entry.subject ?? "nobody"]
            if let person = entry.person { words.append("for \(person)") }
            let groups = (entry["caller"]?["groups"]?.array ?? []).compactMap(\.string)
            if !groups.isEmpty { words.append("(\(groups.joined(separator: ", ")))") }
            if let via = entry.text("via") { words.append("over \(via)") }
            if let client = entry.lines.lazy.compactMap(\.client).first {
                words.append("with \(client)")
            }
            words.append("on \(short(entry.first?.at ?? "").prefix(10))")
            say(words.joined(separator: " "))
        }

        private func pass(_ microseconds: Int) {
            guard microseconds > 0 else { return }
            if keepsPauses {
                poll(nil, 0, Int32(clamping: microseconds / 1_000))
            } else if microseconds > Self.wordMicroseconds {
                say("          … \(microseconds / 1_000_000) s later")
            }
        }

        private static func ending(of entry: RecordedEntry) -> String {
            guard let outcome = entry.outcome, let code = outcome.text("code") else {
                return "… without an outcome"
            }
            let took = outcome["microseconds"]?.int.map { ", \($0 / 1_000) ms" } ?? ""
            guard code.isByteEqual(to: "ok") else {
                let rules = outcome.names("rules").map { "`\($0)`" }
                let by = rules.isEmpty ? "" : " by \(rules.joined(separator: ", "))"
                return "✗ \(code)\(by)\(took)"
            }
            let rows = outcome["rows"]?.int ?? 0
            var words = ["→ \(rows) row\(rows == 1 ? "" : "s")"]
            if let changed = outcome["changed"]?.int { words.append("\(changed) changed") }
            if let masked = outcome["masked"]?.int, masked > 0 { words.append("\(masked) masked") }
            return words.joined(separator: ", ") + took
        }

        private func say(_ words: [String]) -> Bool { say(words.joined(separator: "  ")) }

        @discardableResult
        private func say(_ text: String) -> Bool {
            StandardStream.output.write(Array((printable(text, limit: 4_000) + "\n").utf8))
        }
    }
}

/// `audit reindex`: forgets the index and makes it again from the files.
enum ReindexView {
    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(words, options: ["--manifests", "--state"])
        let place = try RecordPlace(arguments)
        for ending in ["", "-wal", "-shm"] { unsafe unlink(place.indexFile + ending) }
        let index = try place.failing { try RecordIndex(file: place.indexFile) }
        var count = 0
        for log in place.logs {
            count += try place.failing {
                try index.update(log: log, directory: place.directory(of: log))
            }
        }
        StandardStream.output.line("indexed \(count) lines of \(place.logs.count) logs")
        return .done
    }
}
