// Where in the record is what somebody looks for?
//
// An SQLite file beside the log, made from it and nothing else: whoever removes it loses time. It
// is written by the commands that read the record and never by a server, so that no call waits for
// it or fails with it. It holds no more than the record's lines do.

package import Enforcement
internal import Glibc
internal import JSON

package final class RecordIndex {
    let session: IndexSession

    /// Makes the file where there is none or one of another form; nil is an index in memory.
    package init(file: String?) throws(StateError) {
        if let file { try StateFile.prepare(file) }
        do throws(SQLiteFailure) {
            session = try Self.open(file)
        } catch {
            throw StateError(error)
        }
    }

    private static func open(_ file: String?) throws(SQLiteFailure) -> IndexSession {
        let session = try IndexSession(file ?? ":memory:")
        if try session.version() == RecordIndexSchema.version { return session }
        guard let file, try session.version() != 0 else {
            try session.create()
            return session
        }
        session.close()
        for ending in ["", "-wal", "-shm"] { unsafe unlink(file + ending) }
        try? StateFile.prepare(file)
        let anew = try IndexSession(file)
        try anew.create()
        return anew
    }

    @discardableResult
    package func update(log name: String, directory: String) throws -> Int {
        try update([(name, directory)])
    }

    /// Reads on in logs, up to their last acknowledged lines. Answers how many lines were new.
    @discardableResult
    package func update(_ logs: [(name: String, directory: String)]) throws -> Int {
        var count = 0
        try change {
            let reading = try logs.map { try read($0.name, $0.directory) }
            count = reading.reduce(0) { $0 + $1.lines }
            // It holds what is gone from the record since.
            guard reading.contains(where: \.isStale) else { return }
            try session.clear()
            count = try logs.reduce(0) { $0 + (try read($1.name, $1.directory).lines) }
        }
        return count
    }

    private func read(
        _ name: String, _ directory: String
    ) throws -> (lines: Int, isStale: Bool) {
        let log = try session.log(name, try AuditReader(directory: directory).identity())
        var intake = IndexIntake(session: session, log: log.id, name: name)
        var tail = RecordTail(directory: directory, from: log.place)
        var failure: SQLiteFailure?
        var count = 0
        try tail.read { batch in
            do throws(SQLiteFailure) {
                for placed in batch { try intake.take(placed) }
            } catch { failure = error }
            count += batch.count
            return failure == nil
        }
        if let failure { throw failure }
        try session.move(log: log.id, to: tail.place)
        return (count, intake.tellsOfRemoval && log.place.sequence > 0)
    }

    /// Forgets all of it.
    package func clear() throws {
        try change { try session.clear() }
    }

    private func change(_ body: () throws -> Void) throws {
        do {
            try session.begin()
            try body()
            try session.commit()
        } catch {
            session.rollback()
            if let failure = error as? SQLiteFailure { throw StateError(failure) }
            throw error
        }
    }

    /// The latest that match, oldest first.
    package func find(_ query: RecordQuery) throws(StateError) -> [RecordHit] {
        do throws(SQLiteFailure) { return try session.find(query) } catch {
            throw StateError(error)
        }
    }

    /// The latest ones, oldest first.
    package func sessions(most: Int) throws(StateError) -> [RecordSession] {
        do throws(SQLiteFailure) { return try session.sessions(most: most) } catch {
            throw StateError(error)
        }
    }
}
