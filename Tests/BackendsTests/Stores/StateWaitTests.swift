import Enforcement
import EventLoop
import Foundation
import JSON
import Testing

@testable import Backends

@Suite struct StateWaitTests {
    private let directory: String
    private let group: EventLoopGroup

    init() throws {
        directory = NSTemporaryDirectory() + "waits-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        group = try EventLoopGroup(count: 1)
        try group.start()
    }

    /// As a process of its own has it; it hears of others where it listens.
    private func open(listening: Bool = false) throws -> StateDatabase {
        let store = try StateDatabase(StateOptions(file: directory + "/state.db"))
        if listening { store.listen(on: group.next()) }
        return store
    }

    private func entry(
        _ id: Name, topic: String? = nil, owner: String = "ada", expires: Int = .max
    ) -> StateEntry {
        StateEntry(
            kind: .approval, id: id, owner: SHA256.digest(owner), phase: "pending",
            expires: expires, body: [1], topic: topic.map { SHA256.digest($0) })
    }

    @Test func ofManyWhoAskAboutOneThingOneMakesTheEntry() async throws {
        let stores = [try open(), try open()]
        let made = await withTaskGroup(of: Bool.self) { tasks in
            for number in 0..<20 {
                tasks.addTask { [entry = entry(Name("\(number)"), topic: "t")] in
                    (try? await stores[number % 2].insert(entry, most: 100)) ?? false
                }
            }
            return await tasks.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(made == 1)
        let found = try #require(
            try await stores[0].entry(.approval, about: SHA256.digest("t")))
        #expect(found.topic == SHA256.digest("t"))
        #expect(try await stores[1].entries(.approval, in: "pending", most: 9).count == 1)
        #expect(try await stores[1].entries(.approval, in: "approved", most: 9).isEmpty)
        // Who gives the topic up leaves it to others.
        var over = found
        over.topic = nil
        #expect(try await stores[1].replace(over))
        #expect(try await stores[0].entry(.approval, about: SHA256.digest("t")) == nil)
        #expect(try await stores[0].insert(entry("next", topic: "t"), most: 100))
        for store in stores { store.close() }
    }

    @Test func anExpiredEntryHoldsItsTopicNoLonger() async throws {
        let store = try open()
        #expect(try await store.insert(entry("old", topic: "t", expires: 1), most: 9))
        #expect(try await store.insert(entry("new", topic: "t"), most: 9))
        store.close()
    }

    @Test func whoWaitsHearsWhatAnotherProcessChanges() async throws {
        let (server, other) = (try open(listening: true), try open())
        _ = try await server.insert(entry("a"), most: 9)
        let before = try #require(try await server.entry(.approval, "a"))
        async let change: Void = server.change(
            of: .approval, "a", after: before.version, within: .seconds(60))
        var changed = try #require(try await other.entry(.approval, "a"))
        changed.phase = "approved"
        #expect(try await other.replace(changed))
        await change
        #expect(try await server.entry(.approval, "a")?.phase == "approved")
        // What has changed already is not waited for.
        await server.change(of: .approval, "a", after: before.version, within: .seconds(60))
        server.close()
        other.close()
    }

    @Test func aWaitEndsWithItsTaskItsTimeAndItsServer() async throws {
        let server = try open(listening: true)
        _ = try await server.insert(entry("a"), most: 9)
        await server.change(of: .approval, "a", after: 1, within: .milliseconds(1))
        let waiting = Task {
            await server.change(of: .approval, "a", after: 1, within: .seconds(60))
        }
        waiting.cancel()
        await waiting.value
        let last = Task {
            await server.change(of: .approval, "a", after: 1, within: .seconds(60))
        }
        while server.waitCount == 0 { await Task.yield() }
        server.wakeAll()
        await last.value
        #expect(server.waitCount == 0)
        server.close()
    }

    /// A thousand calls that wait are table entries; one look serves those that change.
    @Test func aThousandWaitForOneDecisionEach() async throws {
        let (server, desk) = (try open(listening: true), try open())
        let names = (0..<1_000).map { Name("\($0)") }
        for name in names {
            _ = try await server.insert(entry(name, owner: name.text), most: 9)
        }
        let threads = try threadCount()
        await withTaskGroup(of: Void.self) { tasks in
            // On a busy machine it takes long until the last of them waits; none may give up before.
            for name in names {
                tasks.addTask {
                    await server.change(of: .approval, name, after: 1, within: .seconds(600))
                }
            }
            while server.waitCount < names.count { await Task.yield() }
            #expect((try? threadCount()) ?? 0 <= threads + 8)
            for name in names {
                guard var entry = try? await desk.entry(.approval, name) else { continue }
                entry.phase = "approved"
                _ = try? await desk.replace(entry)
            }
        }
        #expect(server.waitCount == 0)
        server.close()
        desk.close()
    }

    private func threadCount() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
    }
}
