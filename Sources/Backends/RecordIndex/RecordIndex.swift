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

    /// Reads on in a log, up to its last acknowledged line. Answers how many lines were new.
    @discardableResult
    package func update(log name: String, directory: String) throws -> Int {
        let identity = try AuditReader(directory: directory).identity()
        var count = 0
        try change {
            let log = try session.log(name, identity)
            var intake = IndexIntake(session: session, log: log.id, name: name)
            var tail = RecordTail(directory: directory, from: log.place)
            var failure: SQLiteFailure?
            try tail.read { batch in
                do throws(SQLiteFailure) {
                    for placed in batch { try intake.take(placed) }
                } catch { failure = error }
                count += batch.count
                return failure == nil
            }
            if let failure { throw failure }
            try session.move(log: log.id, to: tail.place)
        }
        return count
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
