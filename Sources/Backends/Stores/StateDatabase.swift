// Where does state live that must outlive a process?
//
// One SQLite file in the state directory, beside the record and less than it: the record says what
// happened, this file what is still open. Every process of the installation has it open and any of
// them may be killed at any moment, so a change is one transaction, on disk before its caller goes
// on (WAL, synchronous=FULL). It must never grow without bound, and never answer from a file that
// it does not understand.

package import Enforcement
package import EventLoop
internal import Glibc
package import JSON

package struct StateOptions: Sendable {
    /// Absolute; the file is made when there is none, in a directory that exists.
    package var file: String
    /// At it the store is full; what has expired makes room.
    package var bytesMax: Int
    /// How long a change waits for other processes.
    package var patience: Duration
    /// Seconds since 1970.
    package var now: @Sendable () -> Int

    package init(
        file: String, bytesMax: Int = 256 << 20, patience: Duration = .seconds(2),
        now: @escaping @Sendable () -> Int = WallClock.seconds
    ) {
        self.file = file
        self.bytesMax = bytesMax
        self.patience = patience
        self.now = now
    }
}

package final class StateDatabase: StateStore {
    private let pool: WorkerPool
    private let session: StateSession
    private let holderMark: HolderMark
    let mark: StateMark
    /// Of what was granted for a while.
    private let grants: StateMark
    private let waits: StateWaits

    /// Opens on the calling thread, so that a start fails where the reason can be told.
    package init(_ options: StateOptions) throws(StateError) {
        try StateFile.prepare(options.file)
        holderMark = try HolderMark(directory: options.file + ".holders")
        mark = try StateMark(file: options.file + ".mark")
        grants = try StateMark(file: options.file + ".grants")
        waits = StateWaits(bell: try StateBell(file: options.file + ".bell"))
        session = StateSession(options)
        try session.open()
        // One thread: SQLite lets one connection write at a time, whatever we do.
        pool = WorkerPool(threads: 1, queueLimit: 1_024, name: "state")
    }

    /// After the last use. What was acknowledged is on disk already.
    package func close() {
        pool.stop()
        session.close()
        holderMark.remove()
    }

    package var holder: Name { holderMark.name }

    package func isRunning(_ holder: Name) -> Bool { holderMark.isRunning(holder) }

    package func spend(_ nonce: [UInt8], until expires: Int) async throws(StateError) -> Bool {
        try await run { (session) throws(SQLiteFailure) in
            try session.spend(nonce, until: expires)
        }
    }

    package var grantMark: UInt64 { grants.value }

    package func insert(_ entry: StateEntry, most: Int) async throws(StateError) -> Bool {
        markChange(of: entry)
        defer { markChange(of: entry) }
        let isStored = try await run { (session) throws(SQLiteFailure) in
            try session.insert(entry, most: most)
        }
        if isStored { waits.bell.ring() }
        return isStored
    }

    package func entry(_ kind: StateEntry.Kind, _ id: Name) async throws(StateError) -> StateEntry?
    {
        try await run { (session) throws(SQLiteFailure) in try session.entry(kind, id) }
    }

    package func entry(
        _ kind: StateEntry.Kind, about topic: Digest32
    ) async throws(StateError) -> StateEntry? {
        try await run { (session) throws(SQLiteFailure) in try session.entry(kind, about: topic) }
    }

    package func entries(
        _ kind: StateEntry.Kind, in phase: Name?, most: Int
    ) async throws(StateError) -> [StateEntry] {
        try await run { (session) throws(SQLiteFailure) in
            try session.entries(kind, in: phase, most: most)
        }
    }

    /// Whoever looks between the two looks again after the second.
    private func markChange(of entry: StateEntry) {
        if entry.kind == .grant { grants.advance() }
    }

    package func replace(_ entry: StateEntry) async throws(StateError) -> Bool {
        markChange(of: entry)
        defer { markChange(of: entry) }
        let isReplaced = try await run { (session) throws(SQLiteFailure) in
            try session.replace(entry)
        }
        if isReplaced { waits.bell.ring() }
        return isReplaced
    }

    // MARK: Waiting for others

    /// From now on changes of other processes are heard, on this loop.
    package func listen(on loop: EventLoop) {
        waits.listen(on: loop) { [session, pool] number, most in
            let found = try? await pool.run { _ in
                session.perform { (session) throws(SQLiteFailure) in
                    try session.changes(after: number, most: most)
                }
            }
            return try? found?.get()
        }
    }

    /// How many wait.
    package var waitCount: Int { waits.count }

    /// All who wait look again, though nothing changed.
    package func wakeAll() { waits.wakeAll() }

    /// Any change of any entry, for who shows them.
    package func anyChange(within limit: Duration) async {
        await waits.wait(for: nil, within: limit) { true }
    }

    package func change(
        of kind: StateEntry.Kind, _ id: Name, after version: Int, within limit: Duration
    ) async {
        let key = StateWaits.Key(kind: Name(kind.rawValue), id: id)
        await waits.wait(for: key, within: limit) {
            // It may have changed before anybody listened for it.
            (try? await self.entry(kind, id))??.version == version
        }
    }

    func run<Value: Sendable>(
        _ body: @escaping @Sendable (StateSession) throws(SQLiteFailure) -> Value
    ) async throws(StateError) -> Value {
        let outcome: Result<Value, StateError>
        do throws(WorkerPoolFull) {
            outcome = try await pool.run { [session] _ in session.perform(body) }
        } catch {
            throw StateError(.busy, detail: "the queue for the store is full")
        }
        return try outcome.get()
    }
}

/// The file itself: for this user alone, also before SQLite has seen it.
enum StateFile {
    static func prepare(_ path: String) throws(StateError) {
        guard path.utf8.first == UInt8(ascii: "/"), !path.utf8.contains(0) else {
            throw StateError(.unavailable, detail: "an absolute path is needed")
        }
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure("open \(path)") }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw StateError(.unavailable, detail: "\(path) is not a regular file")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw StateError(
                .unavailable,
                detail: "\(path) can be read or changed by others; run `chmod 600` on it")
        }
    }

    static func failure(_ action: String) -> StateError {
        let code = errno
        let reason = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
        return StateError(code == ENOSPC ? .full : .unavailable, detail: "\(action): \(reason)")
    }
}
