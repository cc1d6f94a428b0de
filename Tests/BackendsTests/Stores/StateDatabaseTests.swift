import CSQLite
import Enforcement
import Foundation
import Glibc
import JSON
import Synchronization
import Testing

@testable import Backends

/// A directory of its own, and a clock that stands until the test moves it.
private final class StateFixture: Sendable {
    let directory: String
    private let time = Mutex(1_800_000_000)

    init() throws {
        directory = NSTemporaryDirectory() + "state-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    var file: String { directory + "/state.db" }
    var now: Int { time.withLock { $0 } }

    func advance(by seconds: Int) { time.withLock { $0 += seconds } }

    /// Each is what a process of its own would have.
    func open(
        bytesMax: Int = 64 << 20, patience: Duration = .seconds(2)
    ) throws(StateError) -> StateDatabase {
        try StateDatabase(
            StateOptions(file: file, bytesMax: bytesMax, patience: patience, now: { self.now }))
    }

    func entry(_ id: Name, owner: Digest32 = Digest32(), body: [UInt8] = [1, 0, 2]) -> StateEntry {
        StateEntry(
            kind: .task, id: id, owner: owner, phase: "working", holder: "h", expires: now + 60,
            body: body)
    }

    /// By other means than the store's.
    func execute(_ sql: String) throws {
        var database: OpaquePointer?
        try #require(sqlite3_open(file, &database) == SQLITE_OK)
        defer { sqlite3_close(database) }
        try #require(sqlite3_exec(database, sql, nil, nil, nil) == SQLITE_OK)
    }
}

@Suite struct StateDatabaseTests {
    private let fixture: StateFixture

    init() throws { fixture = try StateFixture() }

    private func reason(_ body: () async throws -> Void) async -> StateError.Reason? {
        do {
            try await body()
            return nil
        } catch { return (error as? StateError)?.reason }
    }

    // MARK: Nonces

    @Test func aNonceIsSpentOnceOverProcessesAndRestarts() async throws {
        let (first, second) = (try fixture.open(), try fixture.open())
        let expires = fixture.now + 60
        #expect(try await first.spend([1, 2], until: expires))
        #expect(try await !second.spend([1, 2], until: expires))
        #expect(try await second.spend([1, 3], until: expires))
        first.close()
        second.close()
        let later = try fixture.open()
        #expect(try await !later.spend([1, 2], until: expires))
        #expect(try await !later.spend([1, 3], until: expires))
        later.close()
    }

    @Test func ofManyWhoSpendANonceAtOnceOneIsFirst() async throws {
        let stores = [try fixture.open(), try fixture.open(), try fixture.open()]
        let expires = fixture.now + 60
        for nonce in 0..<UInt8(20) {
            let wins = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<12 {
                    group.addTask {
                        (try? await stores[number % 3].spend([nonce], until: expires)) ?? false
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(wins == 1)
        }
        for store in stores { store.close() }
    }

    @Test func whatHasExpiredIsClearedAway() async throws {
        let store = try fixture.open()
        for nonce in 0..<UInt8(150) { _ = try await store.spend([nonce], until: fixture.now + 5) }
        #expect(try await store.insert(fixture.entry("a"), most: 9))
        fixture.advance(by: 61)
        // Nobody accepts what bears that nonce any more, so that it may be forgotten.
        #expect(try await store.spend([0], until: fixture.now + 5))
        #expect(try await store.entry(.task, "a") == nil)
        store.close()
        #expect(try count("nonces") == 1)
        #expect(try count("entries") == 0)
    }

    private func count(_ table: String) throws -> Int {
        var database: OpaquePointer?
        var statement: OpaquePointer?
        try #require(sqlite3_open(fixture.file, &database) == SQLITE_OK)
        defer { sqlite3_close(database) }
        let sql = "select count(*) from \(table)"
        try #require(sqlite3_prepare_v2(database, sql, -1, &statement, nil) == SQLITE_OK)
        defer { sqlite3_finalize(statement) }
        try #require(sqlite3_step(statement) == SQLITE_ROW)
        return Int(sqlite3_column_int64(statement, 0))
    }

    // MARK: Entries

    @Test func anEntryComesBackAsItWas() async throws {
        let store = try fixture.open()
        let owner = SHA256.digest("ada")
        #expect(try await store.insert(fixture.entry("a", owner: owner, body: []), most: 9))
        let found = try #require(try await store.entry(.task, "a"))
        #expect(found.owner == owner && found.version == 1 && found.phase == "working")
        #expect(found.holder == "h" && found.expires == fixture.now + 60 && found.body == [])
        #expect(try await store.entry(.task, "A") == nil)
        store.close()
    }

    @Test func whoseVersionIsOldLosesTheRace() async throws {
        let (first, second) = (try fixture.open(), try fixture.open())
        _ = try await first.insert(fixture.entry("a"), most: 9)
        var mine = try #require(try await first.entry(.task, "a"))
        var theirs = try #require(try await second.entry(.task, "a"))
        mine.phase = "completed"
        mine.holder = nil
        mine.body = [7]
        #expect(try await first.replace(mine))
        theirs.phase = "failed"
        #expect(try await !second.replace(theirs))
        let found = try #require(try await second.entry(.task, "a"))
        #expect(found.phase == "completed" && found.version == 2 && found.holder == nil)
        #expect(found.body == [7])
        var foreign = found
        foreign.owner = SHA256.digest("eve")
        #expect(try await !first.replace(foreign))
        first.close()
        second.close()
    }

    @Test func anOwnerHasSoManyEntriesAndNoMore() async throws {
        let store = try fixture.open()
        let ada = SHA256.digest("ada")
        for number in 0..<3 {
            #expect(
                try await store.insert(fixture.entry(Name("\(number)"), owner: ada), most: 3))
        }
        #expect(try await !store.insert(fixture.entry("3", owner: ada), most: 3))
        #expect(try await store.insert(fixture.entry("3"), most: 3))
        fixture.advance(by: 60)
        #expect(try await store.insert(fixture.entry("4", owner: ada), most: 3))
        store.close()
    }

    @Test func anIdIsNobodysTwice() async throws {
        let store = try fixture.open()
        _ = try await store.insert(fixture.entry("a"), most: 9)
        let failed = await reason { _ = try await store.insert(fixture.entry("a"), most: 9) }
        #expect(failed == .unavailable)
        #expect(try await store.entry(.task, "a") != nil)
        store.close()
    }

    // MARK: Bounds and trouble

    @Test func aFullStoreRefusesUntilSomethingExpires() async throws {
        let store = try fixture.open(bytesMax: 256 << 10)
        var stored = 0
        let full = await reason {
            while stored < 100 {
                let body = [UInt8](repeating: 7, count: 16 << 10)
                _ = try await store.insert(fixture.entry(Name("\(stored)"), body: body), most: 999)
                stored += 1
            }
        }
        #expect(full == .full)
        #expect((2..<16).contains(stored))
        #expect(try await store.entry(.task, "0") != nil)
        for nonce in 0..<UInt8(50) {
            #expect(try await store.spend([nonce], until: fixture.now + 60))
        }
        fixture.advance(by: 60)
        #expect(try await store.insert(fixture.entry("new"), most: 999))
        store.close()
    }

    @Test func whoHoldsTheFileForLongMakesOthersBusy() async throws {
        let store = try fixture.open(patience: .milliseconds(50))
        var other: OpaquePointer?
        try #require(sqlite3_open(fixture.file, &other) == SQLITE_OK)
        defer { sqlite3_close(other) }
        try #require(sqlite3_exec(other, "begin immediate", nil, nil, nil) == SQLITE_OK)
        let expires = fixture.now + 60
        #expect(await reason { _ = try await store.spend([1], until: expires) } == .busy)
        #expect(try await store.entry(.task, "a") == nil)
        try #require(sqlite3_exec(other, "commit", nil, nil, nil) == SQLITE_OK)
        #expect(try await store.spend([1], until: expires))
        store.close()
    }

    @Test func aNewerFormIsRefusedAndLeftAlone() async throws {
        try fixture.open().close()
        try fixture.execute("PRAGMA user_version = 99")
        let error = #expect(throws: StateError.self) { try fixture.open() }
        #expect(error?.reason == .newer)
        #expect(error?.detail.contains("newer version (form 99") == true)
        try fixture.execute("PRAGMA user_version = \(StateSchema.version)")
        try fixture.open().close()
    }

    @Test func anotherDatabaseIsNotTakenForState() throws {
        try fixture.execute("create table t (a)")
        chmod(fixture.file, 0o600)
        let error = #expect(throws: StateError.self) { try fixture.open() }
        #expect(error?.reason == .unavailable)
    }

    @Test func aFileThatOthersMayReadOrThatIsALinkIsRefused() throws {
        try fixture.open().close()
        chmod(fixture.file, 0o640)
        #expect(throws: StateError.self) { try fixture.open() }
        chmod(fixture.file, 0o600)
        rename(fixture.file, fixture.file + ".old")
        symlink(fixture.file + ".old", fixture.file)
        #expect(throws: StateError.self) { try fixture.open() }
    }

    @Test func everyFileOfTheStoreIsForItsUserAlone() async throws {
        let store = try fixture.open()
        _ = try await store.spend([1], until: fixture.now + 60)
        for suffix in ["", "-wal", "-shm"] {
            var status = stat()
            #expect(stat(fixture.file + suffix, &status) == 0, "\(suffix)")
            #expect(status.st_mode & 0o077 == 0, "\(suffix)")
        }
        store.close()
    }

    // MARK: Who runs

    @Test func aProcessRunsUntilItsLockIsGone() async throws {
        let (first, second) = (try fixture.open(), try fixture.open())
        #expect(first.isRunning(first.holder) && second.isRunning(first.holder))
        #expect(!first.isRunning("0123456789abcdef01234567"))
        #expect(!first.isRunning("../state.db"))
        second.close()
        #expect(!first.isRunning(second.holder))
        first.close()
    }

    /// What a kill leaves: the mark without its lock.
    @Test func theMarkOfADeadProcessIsSeenAndCleared() async throws {
        let store = try fixture.open()
        let dead = fixture.file + ".holders/0123456789abcdef01234567"
        try Data().write(to: URL(fileURLWithPath: dead))
        #expect(!store.isRunning("0123456789abcdef01234567"))
        let next = try fixture.open()
        #expect(!FileManager.default.fileExists(atPath: dead))
        #expect(next.isRunning(store.holder))
        store.close()
        next.close()
    }
}

@Suite struct StoredRevocationTests {
    /// Two processes on one store: what one revokes the other sees before it looks anything up.
    @Test func aRevocationIsSeenByOthersAtOnce() async throws {
        let fixture = try StateFixture()
        let (one, other) = (try fixture.open(), try fixture.open())
        defer {
            one.close()
            other.close()
        }
        let mark = other.revocationMark
        #expect(try await other.revocations() == [])
        let revocation = Revocation(
            kind: .subject, issuer: "https://i.example", value: "ada", at: 5,
            expires: fixture.now + 10)
        try await one.revoke(revocation)
        #expect(other.revocationMark != mark)
        #expect(try await other.revocations() == [revocation])
        // The later of two holds, whichever is written last.
        var earlier = revocation
        earlier.at = 4
        try await other.revoke(earlier)
        #expect(try await one.revocations() == [revocation])
        fixture.advance(by: 11)
        let next = Revocation(
            kind: .token, issuer: nil, value: "id", at: 0, expires: fixture.now + 10)
        try await one.revoke(next)
        #expect(try await one.revocations() == [next])
    }

    @Test func aChangeOfAGrantIsSeenByAllProcessesAndNoOtherChangeIs() async throws {
        let fixture = try StateFixture()
        let (one, two) = (try fixture.open(), try fixture.open())
        defer {
            one.close()
            two.close()
        }
        var grant = fixture.entry("gra_1")
        grant.kind = .grant
        var seen = two.grantMark
        #expect(try await one.insert(fixture.entry("t1"), most: 10))
        #expect(two.grantMark == seen)
        #expect(try await one.insert(grant, most: 10))
        #expect(two.grantMark != seen)
        seen = two.grantMark
        grant.version = 1
        grant.phase = "revoked"
        #expect(try await two.replace(grant))
        #expect(one.grantMark != seen)
        #expect(try await one.entries(.grant, in: "revoked", most: 10).map(\.id) == ["gra_1"])
        // The same again is nobody's second.
        await #expect(throws: StateError.self) { try await one.insert(grant, most: 10) }
    }
}
