import EventLoop
import JSON
import TestSupport
import Testing

@testable import ToolServer

@Suite struct CallsUnderWayTests {
    private static let key = CallsUnderWay.Key(session: "s", request: .integer("1"))

    @Test func anIdIsUsedOnceAtATimeAndMayComeAgainLater() async throws {
        let loop = try EventLoop()
        try loop.start()
        defer { loop.stop() }
        let calls = CallsUnderWay()
        let first = try #require(
            calls.start(Self.key, on: loop) {
                _ = try? await loop.sleep(for: .seconds(60))
            })
        #expect(calls.start(Self.key, on: loop) {} == nil)
        let other = CallsUnderWay.Key(session: "t", request: .integer("1"))
        #expect(calls.start(other, on: loop) {} != nil)
        // Ends the first one's sleep; the id is free once it has returned.
        calls.cancel(Self.key)
        await first.value
        let again = try #require(calls.start(Self.key, on: loop) {})
        await again.value
    }

    /// Two clients of one person both count from 1.
    @Test func aCallIsCancelledBySessionAndId() async throws {
        let loop = try EventLoop()
        try loop.start()
        defer { loop.stop() }
        let calls = CallsUnderWay()
        let latch = Latch()
        let journal = Journal()
        func start(_ name: String, _ key: CallsUnderWay.Key) throws -> Task<Void, Never> {
            try #require(
                calls.start(key, on: loop) {
                    await latch.wait()
                    journal.note(Task.isCancelled ? "\(name) cancelled" : "\(name) done")
                })
        }
        let tasks = [
            try start("a 1", .init(session: "a", request: .integer("1"))),
            try start("b 1", .init(session: "b", request: .integer("1"))),
            try start("a text", .init(session: "a", request: .string("1"))),
        ]
        calls.cancel(.init(session: "a", request: .integer("1")))
        calls.cancel(.init(session: "c", request: .integer("1")))
        latch.open()
        for task in tasks { await task.value }
        #expect(journal.entries.sorted() == ["a 1 cancelled", "a text done", "b 1 done"])
    }
}
