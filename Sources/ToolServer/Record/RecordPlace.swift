import Backends
import Enforcement
import Glibc

/// Where the record of an installation is, as its readers find it.
struct RecordPlace {
    static let options = ["--manifests", "--state", "--log"]

    let state: String
    /// The folder of the logs.
    let records: String
    /// The log that was named; nil is all of them.
    let named: String?

    init(_ arguments: Arguments) throws {
        // A folder alone is one that holds its logs: an auditor needs no manifests.
        let installation =
            if let state = arguments["--state"], arguments["--manifests"] == nil {
                Installation(directory: state)
            } else { Startup.installation(arguments, try Startup.settings(arguments)) }
        state = Startup.absolute(installation.directory)
        records = Startup.absolute(installation.records)
        named = arguments["--log"]
        if let named, !Self.isLogName(named) {
            throw UsageError("--log takes the name of a log, such as \(Installation.firstLog)")
        }
        guard named == nil ? !logs.isEmpty : Self.isThere(directory) else {
            throw CommandFailure(
                "there is no record in \(named == nil ? records : directory) that you may read; it begins when a server first starts"
            )
        }
    }

    private static func isLogName(_ name: String) -> Bool {
        !name.utf8.isEmpty && !name.utf8.contains(UInt8(ascii: "/"))
            && !name.utf8.starts(with: ".".utf8)
    }

    var indexFile: String { Self.indexFile(in: state) }

    private static func indexFile(in state: String) -> String { state + "/record-index.db" }

    /// It may hold what is gone from the record; whoever asks next makes it anew.
    static func forgetIndex(in state: String) {
        // The database last, or an old log would stand beside a new one.
        for ending in ["-wal", "-shm", ""] { unsafe unlink(indexFile(in: state) + ending) }
    }

    func directory(of log: String) -> String { records + "/" + log }

    /// Of what is kept beside it.
    func keys(of log: String) -> String { Installation(directory: state).keyDirectory + "/" + log }

    /// The first log, or the one that was named.
    var directory: String { directory(of: named ?? Installation.firstLog) }

    /// Those that exist, in the order of their numbers.
    var logs: [String] {
        if let named { return [named] }
        return Self.logs(in: records)
    }

    static func logs(in records: String) -> [String] {
        (1...Installation.logsMax).map { Installation.logName($0) }
            .filter { isThere("\(records)/\($0)/000001.jsonl") }
    }

    private static func isThere(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// The index, read on to the record's end. Where the file cannot be used, one in memory is made
    /// for this command alone, and a line says so.
    func index() throws -> RecordIndex {
        do {
            let index = try RecordIndex(file: indexFile)
            try update(index)
            return index
        } catch let error as StateError {
            StandardStream.error.line(
                "the index cannot be used (\(error.detail)); reading the record without it. `toolserver audit reindex` makes it anew"
            )
            let index = try failing { try RecordIndex(file: nil) }
            try update(index)
            return index
        }
    }

    func update(_ index: RecordIndex) throws {
        try index.update(logs.map { ($0, directory(of: $0)) })
    }

    func failing<Value>(_ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let error as StateError {
            throw CommandFailure("the index cannot be used: \(error.detail)")
        }
    }

    /// The lines of what was found.
    func lines(of hit: RecordHit) throws(RecordError) -> [RecordedLine] {
        let reader = AuditReader(directory: directory(of: hit.log))
        var lines: [RecordedLine] = []
        for line in hit.lines {
            let found = try reader.line(
                sequence: line.sequence, segment: line.segment, offset: line.offset)
            if let found, let line = RecordedLine(found) { lines.append(line) }
        }
        return lines
    }
}
