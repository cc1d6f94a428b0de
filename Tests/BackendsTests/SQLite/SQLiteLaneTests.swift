import CSQLite
import Enforcement
import EventLoop
import JSON
import Synchronization
import Testing

@testable import Backends

@Suite struct `Quick reads of SQLite` {
    private let fixture: SQLiteFixture
    private let group: EventLoopGroup
    private let loop: EventLoop

    init() throws {
        fixture = try SQLiteFixture()
        group = try EventLoopGroup(count: 1)
        try group.start()
        loop = group.next()
    }

    /// Runs a tool on the loop, one time after the other, and answers how often the loop did it.
    private func onLoop(
        _ sql: String, _ effect: Tool.Effect = .read, times: Int
    ) async throws -> (answers: [[[String]]], onLoop: Int) {
        let tool = try fixture.tool(sql, effect)
        let backend = fixture.backend
        let before = backend.answeredOnLoops
        let answers = try await Task(executorPreference: loop) {
            var answers: [[[String]]] = []
            for _ in 0..<times {
                let job = Job(
                    tool: tool, arguments: JSONObject(), deadline: .now + .seconds(30))
                answers.append(try await backend.perform(job).cells)
            }
            return answers
        }.value
        return (answers, backend.answeredOnLoops - before)
    }

    @Test func `run on the loop when workers have found them quick`() async throws {
        let (answers, onLoop) = try await onLoop("SELECT name FROM users WHERE id = 1", times: 500)
        #expect(answers.allSatisfy { $0 == [["text Ada"]] })
        #expect(onLoop > 0)
        group.stop()
    }

    @Test func `go to a worker again when they turn out to be long, with the same answer`()
        async throws
    {
        let long = """
            WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < 2000)
            SELECT count(*) AS n FROM many
            """
        let lane = SQLiteLane(SQLiteOptions(file: fixture.file), on: loop)
        let job = Job(
            tool: try fixture.tool(long), arguments: JSONObject(), deadline: .now + .seconds(30))
        for _ in 0..<SQLiteLane.trial { lane.took(.microseconds(1), job) }
        #expect(lane.run(job) == nil)
        for _ in 0..<(SQLiteLane.penalty - 1) { lane.took(.microseconds(1), job) }
        #expect(lane.run(job) == nil)
        #expect(lane.answered.load(ordering: .relaxed) == 0)
        #expect(try await onLoop(long, times: 5).answers.allSatisfy { $0 == [["number 2000"]] })
        group.stop()
    }

    @Test func `are a worker's until they were quick several times in a row`() throws {
        let lane = SQLiteLane(SQLiteOptions(file: fixture.file), on: loop)
        let job = Job(
            tool: try fixture.tool("SELECT name FROM users WHERE id = 1"),
            arguments: JSONObject(), deadline: .now + .seconds(30))
        #expect(lane.run(job) == nil)
        for _ in 0..<(SQLiteLane.trial - 1) { lane.took(.microseconds(1), job) }
        lane.took(.milliseconds(5), job)
        lane.took(.microseconds(1), job)
        #expect(lane.run(job) == nil)
        for _ in 0..<SQLiteLane.trial { lane.took(.microseconds(1), job) }
        // Longer than the thousand operations after which SQLite looks at its watch.
        for _ in 0..<200 { #expect(lane.run(job)?.cells == [["text Ada"]]) }
        group.stop()
    }

    @Test func `never wait on the loop for a lock that another holds`() throws {
        var other: OpaquePointer?
        #expect(unsafe sqlite3_open(fixture.file, &other) == SQLITE_OK)
        defer { unsafe sqlite3_close_v2(other) }
        // In the other journal mode nobody's lock keeps a reader waiting.
        #expect(
            unsafe sqlite3_exec(other, "PRAGMA journal_mode = DELETE", nil, nil, nil) == SQLITE_OK)
        let lane = SQLiteLane(SQLiteOptions(file: fixture.file), on: loop)
        let job = Job(
            tool: try fixture.tool("SELECT name FROM users WHERE id = 1"),
            arguments: JSONObject(), deadline: .now + .seconds(30))
        for _ in 0..<SQLiteLane.trial { lane.took(.microseconds(1), job) }
        #expect(lane.run(job) != nil)
        #expect(unsafe sqlite3_exec(other, "BEGIN EXCLUSIVE", nil, nil, nil) == SQLITE_OK)
        let start = ContinuousClock.now
        #expect(lane.run(job) == nil)
        #expect(ContinuousClock.now - start < SQLiteOptions(file: "/").busyTimeout)
        group.stop()
    }

    @Test func `and changes, and what callers write, are never run on the loop`() async throws {
        let (_, writes) = try await onLoop(
            "UPDATE users SET name = 'Ada' WHERE id = 1", .write, times: 20)
        #expect(writes == 0)
        group.stop()
    }
}
