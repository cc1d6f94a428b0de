import CSQLite
import Enforcement
import EventLoop
import Foundation
import JSON
import Testing

@testable import Backends

@Suite struct SQLiteRunTests {
    private static let endless =
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"

    @Test func rowsBeyondTheLimitAreCutAndSaidToBe() async throws {
        let fixture = try SQLiteFixture()
        let numbers = "SELECT value FROM json_each('[1,2,3]')"
        let cut = try await fixture.run(numbers, limits: ToolLimits(rows: 2))
        #expect(cut.cells == [["number 1"], ["number 2"]])
        #expect(cut.rows.isTruncated)
        let whole = try await fixture.run(numbers, limits: ToolLimits(rows: 3))
        #expect(whole.rows.rowCount == 3)
        #expect(!whole.rows.isTruncated)
    }

    @Test func bytesBeyondTheLimitAreCutAtAWholeRow() async throws {
        let fixture = try SQLiteFixture()
        let result = try await fixture.run(
            "SELECT value, 'x' FROM json_each('[\"aaaaaaaa\",\"bbbbbbbb\",\"cccccccc\"]')",
            limits: ToolLimits(bytes: 6))
        #expect(result.cells == [["text aaaaaaaa", "text x"], ["text bbbbbbbb", "text x"]])
        #expect(result.rows.isTruncated)
        let tiny = try await fixture.run("SELECT 'abcd'", limits: ToolLimits(bytes: 1))
        #expect(tiny.rows.rowCount == 0 && tiny.rows.isTruncated)
    }

    /// How long a hidden value is, or whether it could be shown at all, changes nothing.
    @Test func valuesThatAreNotShownAreNotHeld() async throws {
        let fixture = try SQLiteFixture()
        let limits = ToolLimits(bytes: 40)
        for value in [
            "'a'", "1e999", "x'00ff'", "cast(x'ff' as text)",
            "'\(String(repeating: "b", count: 9_000))'",
        ] {
            let sql = "SELECT value, \(value), 'x' FROM json_each('[\"aaaaaaaa\",\"bbbbbbbb\"]')"
            let tool = try fixture.tool(sql, limits: limits)
            let result = try await fixture.backend.perform(
                Job(
                    tool: tool, arguments: JSONObject(), deadline: .now.advanced(by: .seconds(30)),
                    hidden: [false, true, false]))
            #expect(!result.rows.isTruncated && result.rows.byteCount == 18)
            #expect(result.cells.map(\.first) == ["text aaaaaaaa", "text bbbbbbbb"])
            #expect(result.cells.map(\.last) == ["text x", "text x"])
        }
        let nulls = try fixture.tool("SELECT null, 1", limits: limits)
        let result = try await fixture.backend.perform(
            Job(
                tool: nulls, arguments: JSONObject(), deadline: .now.advanced(by: .seconds(30)),
                hidden: [true, true]))
        #expect(result.cells == [["null", "number "]])
    }

    @Test func aStatementWithoutEndStopsAtItsDeadline() async throws {
        let fixture = try SQLiteFixture()
        let start = ContinuousClock.now
        let reason = await fixture.reason {
            _ = try await fixture.run(Self.endless, time: .milliseconds(50))
        }
        #expect(reason == .timedOut)
        #expect(ContinuousClock.now - start < .seconds(150))
        #expect(try await fixture.run("SELECT 1").cells == [["number 1"]])
    }

    @Test func cancellationInTheMiddleOfAStatementStopsIt() throws {
        let fixture = try SQLiteFixture()
        let connection = try SQLiteConnection(
            file: fixture.file, effect: .read, busyTimeout: .seconds(1))
        let job = Job(
            tool: try fixture.tool(Self.endless), arguments: JSONObject(),
            deadline: .now.advanced(by: .seconds(300)))
        let cancellation = SQLiteCancellation()
        var checkCount = 0
        connection.watch.onCheck = {
            checkCount += 1
            if checkCount == 5 { cancellation.cancel() }
        }
        let error = #expect(throws: BackendError.self) { try connection.run(job, cancellation) }
        #expect(error?.reason == .cancelled)
        #expect(checkCount < 10)
    }

    @Test func cancellingTheTaskStopsItsStatement() async throws {
        let fixture = try SQLiteFixture()
        let tool = try fixture.tool(Self.endless)
        let backend = fixture.backend
        let task = Task {
            try await backend.perform(
                Job(
                    tool: tool, arguments: JSONObject(), deadline: .now.advanced(by: .seconds(300)))
            )
        }
        task.cancel()
        let result = await task.result
        #expect(throws: BackendError.self) { try result.get() }
        if case .failure(let error as BackendError) = result { #expect(error.reason == .cancelled) }
    }

    @Test func aCallPastItsDeadlineChangesNothing() async throws {
        let fixture = try SQLiteFixture()
        let reason = await fixture.reason {
            _ = try await fixture.run("DELETE FROM users", .write, time: .zero)
        }
        #expect(reason == .timedOut)
        #expect(try await fixture.run("SELECT count(*) FROM users").cells == [["number 2"]])
    }

    @Test func changesAreCountedAndReturned() async throws {
        let fixture = try SQLiteFixture(threads: 1)
        let result = try await fixture.run(
            "UPDATE users SET name = :name RETURNING id, name", .write, arguments(("name", "Cleo")))
        #expect(result.changed == 2)
        #expect(result.cells == [["number 1", "text Cleo"], ["number 2", "text Cleo"]])
        #expect(try await fixture.run("SELECT 1", .write).changed == 0)
        let none = try await fixture.run("DELETE FROM users WHERE id = 77", .write)
        #expect(none.changed == 0 && none.rows.rowCount == 0)
    }

    @Test func aWriteThatFailsLeavesNothing() async throws {
        let fixture = try SQLiteFixture(threads: 1)
        let constraint = await fixture.reason {
            _ = try await fixture.run(
                "INSERT INTO users (id) VALUES (10), (11), (1)", .write)
        }
        #expect(constraint == .constraint)
        let limit = await fixture.reason {
            _ = try await fixture.run(
                "DELETE FROM users RETURNING id", .write, limits: ToolLimits(rows: 1))
        }
        #expect(limit == .result)
        #expect(
            try await fixture.run("SELECT id FROM users").cells == [["number 1"], ["number 2"]])
        // The connection is free again for the next change.
        #expect(try await fixture.run("DELETE FROM users", .write).changed == 2)
    }

    @Test func aWriteStoppedInTheMiddleIsRolledBack() throws {
        let fixture = try SQLiteFixture()
        let connection = try SQLiteConnection(
            file: fixture.file, effect: .write, busyTimeout: .seconds(1))
        let tool = try fixture.tool(
            """
            WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
            INSERT INTO users (id) SELECT i FROM n
            """, .write)
        let cancellation = SQLiteCancellation()
        var checkCount = 0
        connection.watch.onCheck = {
            checkCount += 1
            if checkCount == 20 { cancellation.cancel() }
        }
        let job = Job(
            tool: tool, arguments: JSONObject(), deadline: .now.advanced(by: .seconds(300)))
        let error = #expect(throws: BackendError.self) { try connection.run(job, cancellation) }
        #expect(error?.reason == .cancelled)
        #expect(!connection.isInTransaction)
        #expect(!connection.isBroken)
    }

    @Test func aLockedDatabaseIsBusyInBoundedTime() async throws {
        let fixture = try SQLiteFixture(busyTimeout: .milliseconds(60))
        var other: OpaquePointer?
        #expect(sqlite3_open(fixture.file, &other) == SQLITE_OK)
        defer { sqlite3_close(other) }
        #expect(sqlite3_exec(other, "BEGIN IMMEDIATE", nil, nil, nil) == SQLITE_OK)
        let start = ContinuousClock.now
        let reason = await fixture.reason { _ = try await fixture.run("DELETE FROM users", .write) }
        #expect(reason == .busy)
        #expect(ContinuousClock.now - start < .seconds(150))
        // Readers do not wait for a writer.
        #expect(try await fixture.run("SELECT count(*) FROM users").cells == [["number 2"]])
        #expect(sqlite3_exec(other, "ROLLBACK", nil, nil, nil) == SQLITE_OK)
        #expect(try await fixture.run("DELETE FROM users", .write).changed == 2)
    }

    @Test func cancellationEndsTheWaitForALock() throws {
        let fixture = try SQLiteFixture()
        var other: OpaquePointer?
        #expect(sqlite3_open(fixture.file, &other) == SQLITE_OK)
        defer { sqlite3_close(other) }
        #expect(sqlite3_exec(other, "BEGIN EXCLUSIVE", nil, nil, nil) == SQLITE_OK)
        let connection = try SQLiteConnection(
            file: fixture.file, effect: .write, busyTimeout: .seconds(30))
        let cancellation = SQLiteCancellation()
        let job = Job(
            tool: try fixture.tool("DELETE FROM users", .write), arguments: JSONObject(),
            deadline: .now.advanced(by: .seconds(300)))
        var checkCount = 0
        connection.watch.onCheck = {
            checkCount += 1
            if checkCount == 3 { cancellation.cancel() }
        }
        let error = #expect(throws: BackendError.self) { try connection.run(job, cancellation) }
        #expect(error?.reason == .cancelled)
        #expect(checkCount == 3)
    }

    @Test func withoutAWorkerTheCallIsRefusedAtOnce() async throws {
        let fixture = try SQLiteFixture()
        fixture.stopWorkers()
        #expect(await fixture.reason { _ = try await fixture.run("SELECT 1") } == .busy)
    }

    @Test func anExistingFileIsNeverReplaced() async throws {
        let fixture = try SQLiteFixture()
        let again = try SQLiteBackend(
            SQLiteOptions(file: fixture.file, createFrom: Array("CREATE TABLE other (a)".utf8)),
            pool: fixture.pool)
        let operation = Operation.sql(SQLOperation(text: "SELECT name FROM users"))
        #expect(try again.examine(operation, effect: .read).columns.count == 1)
    }

    @Test func callsOnFourWorkersDoNotMixTheirRows() async throws {
        let fixture = try SQLiteFixture(threads: 4)
        let read = try fixture.tool("SELECT :n, name FROM users WHERE id = 1 + :n % 2")
        let write = try fixture.tool(
            "INSERT INTO orders (user_id, note) VALUES (:n, 'new') RETURNING user_id", .write)
        let backend = fixture.backend
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<200 {
                let tool = number % 10 == 0 ? write : read
                let job = Job(
                    tool: tool, arguments: arguments(("n", .number(JSONNumber(number)))),
                    deadline: .now.advanced(by: .seconds(300)))
                group.addTask {
                    let cells = try await backend.perform(job).cells
                    #expect(cells[0][0] == "number \(number)")
                    if number % 10 != 0 {
                        #expect(cells[0][1] == (number % 2 == 0 ? "text Ada" : "text Ben"))
                    }
                }
            }
            try await group.waitForAll()
        }
        let count = try await fixture.run("SELECT count(*) FROM orders WHERE note = 'new'")
        #expect(count.cells == [["number 20"]])
    }

    @Test func theStatementCacheIsBounded() throws {
        let fixture = try SQLiteFixture()
        let connection = try SQLiteConnection(
            file: fixture.file, effect: .read, busyTimeout: .seconds(1))
        for number in 0..<(SQLiteStatementCache.capacity + 20) {
            let tool = try fixture.tool("SELECT \(number)")
            let job = Job(
                tool: tool, arguments: JSONObject(), deadline: .now.advanced(by: .seconds(300)))
            let result = try connection.run(job, SQLiteCancellation())
            #expect(result.cells == [["number \(number)"]])
        }
        #expect(connection.statements.count == SQLiteStatementCache.capacity)
    }

    @Test func aStatementWhoseMeaningChangedSinceLoadIsRefused() async throws {
        let fixture = try SQLiteFixture(threads: 1)
        let tool = try fixture.tool("SELECT secret FROM people")
        #expect(try await fixture.run(tool).rows.rowCount == 2)
        var other: OpaquePointer?
        #expect(sqlite3_open(fixture.file, &other) == SQLITE_OK)
        defer { sqlite3_close(other) }
        func change(_ sql: String) {
            #expect(sqlite3_exec(other, sql, nil, nil, nil) == SQLITE_OK)
        }
        change("CREATE TABLE unrelated (a)")
        #expect(try await fixture.run(tool).rows.rowCount == 2)
        change("DROP VIEW people; CREATE VIEW people AS SELECT name AS secret FROM users")
        #expect(await fixture.reason { _ = try await fixture.run(tool) } == .outdated)
        #expect(await fixture.reason { _ = try await fixture.run(tool) } == .outdated)
        let examinedAnew = try fixture.tool("SELECT secret FROM people")
        #expect(try await fixture.run(examinedAnew).cells[0] == ["text Ada"])
    }

    @Test func aMissingOrDamagedFileIsUnavailable() async throws {
        let fixture = try SQLiteFixture()
        let tool = try fixture.tool("SELECT name FROM users")
        for name in ["/test.db", "/test.db-wal", "/test.db-shm"] {
            try? FileManager.default.removeItem(atPath: fixture.folder + name)
        }
        #expect(await fixture.reason { _ = try await fixture.run(tool) } == .unavailable)
        try Data("this is not a database, whatever its name may say".utf8)
            .write(to: URL(fileURLWithPath: fixture.file))
        #expect(await fixture.reason { _ = try await fixture.run(tool) } == .unavailable)
    }

    @Test func aScriptThatFailsLeavesNoFile() throws {
        let folder = NSTemporaryDirectory() + "backends-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let pool = WorkerPool(threads: 1, queueLimit: 1, name: "sqlite")
        defer { pool.stop() }
        let error = #expect(throws: BackendError.self) {
            try SQLiteBackend(
                SQLiteOptions(
                    file: folder + "/a.db", createFrom: Array("CREATE TABLE a (b); nonsense".utf8)),
                pool: pool)
        }
        #expect(error?.reason == .invalid)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
    }

    @Test func theDemoShopIsMadeWhole() async throws {
        let script = try String(
            contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .appending(path: "../../../manifests/demo/shop.sql"), encoding: .utf8)
        let fixture = try SQLiteFixture(script)
        let counts = try await fixture.run(
            """
            SELECT (SELECT count(*) FROM customers), (SELECT count(*) FROM orders),
                (SELECT count(*) FROM orders WHERE total_cents = 0), (SELECT count(*) FROM payments)
            """)
        #expect(counts.cells == [["number 200", "number 1000", "number 0", "number 970"]])
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: fixture.folder)
                .allSatisfy { !$0.contains("new") })
    }
}
