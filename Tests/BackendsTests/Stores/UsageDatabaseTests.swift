import Enforcement
import Foundation
import JSON
import Synchronization
import Testing

@testable import Backends

@Suite struct UsageDatabaseTests {
    private let directory: String
    private let time = Clock()

    private final class Clock: Sendable {
        private let seconds = Mutex(1_800_000_000)
        var now: Int { seconds.withLock { $0 } }
        func advance(by count: Int) { seconds.withLock { $0 += count } }
    }

    init() throws {
        directory = NSTemporaryDirectory() + "usage-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
    }

    private func open(_ name: String = "usage.db") -> UsageDatabase {
        UsageDatabase(StateOptions(file: "\(directory)/\(name)", now: { [time] in time.now }))
    }

    private static func key(_ text: String) -> Digest32 { SHA256.digest(text) }

    private func total(_ store: UsageDatabase, _ key: String = "k") async throws -> Int {
        try await store.perform { (ledger) throws(StateError) in
            try ledger.buckets(of: Self.key(key), from: 0).reduce(0) { $0 + $1.amount }
        }
    }

    private func add(_ store: UsageDatabase, _ amount: Int, until expires: Int? = nil) {
        let expires = expires ?? time.now + 60
        store.post { (ledger) throws(StateError) in
            try ledger.add(amount, to: Self.key("k"), bucket: 5, until: expires)
        }
    }

    @Test func countsAreSharedByProcessesAndOutliveThem() async throws {
        let (first, second) = (open(), open())
        add(first, 3)
        #expect(try await total(first) == 3)
        add(second, 4)
        #expect(try await total(second) == 7)
        #expect(try await total(first) == 7)
        first.close()
        second.close()
        let later = open()
        #expect(try await total(later) == 7)
        later.close()
    }

    @Test func manyProcessesTogetherTakeNoMoreThanThereIs() async throws {
        let stores = [open(), open(), open()]
        let taken = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<60 {
                group.addTask {
                    let isTaken = try? await stores[number % 3].perform {
                        (ledger) throws(StateError) in
                        let held = try ledger.buckets(of: Self.key("k"), from: 0)
                        guard held.reduce(0, { $0 + $1.amount }) < 25 else { return false }
                        try ledger.add(1, to: Self.key("k"), bucket: 1, until: .max)
                        return true
                    }
                    return isTaken == true
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(taken == 25)
        for store in stores { store.close() }
    }

    @Test func aTransactionThatFailsChangesNothing() async throws {
        let store = open()
        await #expect(throws: StateError.self) {
            try await store.perform { (ledger) throws(StateError) in
                try ledger.add(1, to: Self.key("k"), bucket: 1, until: .max)
                throw StateError(.full, detail: "")
            }
        }
        #expect(try await total(store) == 0)
        store.close()
    }

    @Test func whatCouldNotBePostedIsCountedBeforeTheNextAnswer() async throws {
        let store = open()
        #expect(try await total(store) == 0)
        let fails = Mutex(true)
        store.post { (ledger) throws(StateError) in
            if fails.withLock({ $0 }) { throw StateError(.busy, detail: "") }
            try ledger.add(9, to: Self.key("k"), bucket: 1, until: .max)
        }
        await #expect(throws: StateError.self) { try await total(store) }
        fails.withLock { $0 = false }
        #expect(try await total(store) == 9)
        #expect(try await total(store) == 9)
        store.close()
    }

    @Test func whatHasExpiredIsCleared() async throws {
        let store = open()
        add(store, 3, until: time.now + 10)
        #expect(try await total(store) == 3)
        time.advance(by: 10)
        #expect(try await total(store) == 0)
        store.close()
    }

    @Test func membersAreCountedOnceAndNotBeyondTheirLimit() async throws {
        let store = open()
        let now = time.now
        func seen(_ members: Range<Int>, since: Int = 0) async throws -> Int {
            try await store.perform { (ledger) throws(StateError) in
                for member in members {
                    try ledger.see(
                        Self.key("\(member)"), in: Self.key("s"), at: now + member, until: .max)
                }
                return try ledger.seenCount(in: Self.key("s"), since: since)
            }
        }
        #expect(try await seen(0..<3) == 3)
        #expect(try await seen(1..<4) == 4)
        #expect(try await seen(0..<0, since: now + 2) == 2)
        let limit = UsageLimits.membersMax
        #expect(try await seen(0..<limit + 50) == limit)
        store.close()
    }

    @Test func sequencesAreKeptAndForgotten() async throws {
        let store = open()
        let expires = time.now + 10
        let sequence = UsageSequence(last: 7, step: 1, length: 3)
        let kept = try await store.perform { (ledger) throws(StateError) in
            try ledger.keep(sequence, for: Self.key("q"), until: expires)
            return try ledger.sequence(of: Self.key("q"))
        }
        #expect(kept == sequence)
        time.advance(by: 10)
        let later = try await store.perform { (ledger) throws(StateError) in
            try ledger.sequence(of: Self.key("q"))
        }
        #expect(later == nil)
        store.close()
    }

    @Test func aFileOfSomethingElseIsLeftAlone() async throws {
        let state = try StateDatabase(StateOptions(file: "\(directory)/state.db"))
        state.close()
        let store = open("state.db")
        #expect(throws: StateError.self) { try store.check() }
        store.close()
    }
}
