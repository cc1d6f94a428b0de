import Enforcement
import Foundation
import JSON
import Testing

@testable import Backends

@Suite struct SQLiteRefusalTests {
    static let forbidden = [
        "SELECT 1; SELECT 2", "SELECT 1; -- a\n DROP TABLE users", "SELECT 1;;x", "", " -- nothing",
        "SELECT 1\u{0}; DROP TABLE users", "ATTACH '/tmp/other.db' AS other", "DETACH main",
        "VACUUM", "VACUUM INTO '/tmp/copy.db'", "PRAGMA query_only = 0", "PRAGMA table_info(users)",
        "PRAGMA data_version", "SELECT load_extension('x')", "SELECT readfile('/etc/passwd')",
        "SELECT writefile('/tmp/x', 'y')", "SELECT fts3_tokenizer('simple')",
        "SELECT hex(zeroblob(1000000000))", "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT a",
        "CREATE TABLE t (a)", "CREATE TEMP TABLE t (a)", "DROP TABLE users", "REINDEX", "ANALYZE",
        "UPDATE sqlite_schema SET sql = ''", "INSERT INTO sqlite_master VALUES (1, 2, 3, 4, 5)",
        "EXPLAIN SELECT 1", "SELECT * FROM dbstat", "SELECT * FROM sqlite_stmt",
        "SELECT 'a' FROM pragma_database_list",
        "SELECT * FROM pragma_table_list",
        "WITH x AS (SELECT 1) INSERT INTO sqlite_master SELECT 1,2,3,4,5",
        "WITH x AS (SELECT 1) DELETE FROM sqlite_schema",
        "CREATE VIRTUAL TABLE v USING fts5(a)", "\u{FEFF}SELECT 1", "SELECT \"no such column\"",
    ]

    @Test(arguments: forbidden, [Tool.Effect.read, .write])
    func whatNoToolMayDoIsRefusedAtLoadAndAtRun(sql: String, effect: Tool.Effect) async throws {
        let fixture = try SQLiteFixture()
        #expect(throws: BackendError.self) { try fixture.examine(sql, effect) }
        let reason = await fixture.reason { _ = try await fixture.runUnexamined(sql, effect) }
        #expect(reason != nil)
        #expect(!FileManager.default.fileExists(atPath: "/tmp/copy.db"))
        #expect(try await fixture.run("SELECT count(*) FROM users").cells == [["number 2"]])
    }

    @Test(arguments: [
        "INSERT INTO users (name) VALUES ('x')", "UPDATE users SET name = 'x'", "DELETE FROM users",
        "WITH x AS (SELECT 1) UPDATE users SET name = 'x'", "REPLACE INTO users (id) VALUES (1)",
        "DELETE FROM users RETURNING ssn",
    ])
    func aReadToolCannotWrite(sql: String) async throws {
        let fixture = try SQLiteFixture()
        #expect(throws: BackendError.self) { try fixture.examine(sql) }
        #expect(await fixture.reason { _ = try await fixture.runUnexamined(sql) } != nil)
        #expect(
            try await fixture.run("SELECT count(*), count(name) FROM users").cells
                == [["number 2", "number 2"]])
    }

    /// The authorizer is not the only wall.
    @Test func theFileIsOpenedForReadingOnly() throws {
        let fixture = try SQLiteFixture()
        let connection = try SQLiteConnection(
            file: fixture.file, effect: .read, busyTimeout: .seconds(1))
        #expect(throws: SQLiteFailure.self) { try connection.runOurs("DELETE FROM users") }
        #expect(throws: SQLiteFailure.self) { try connection.runOurs("PRAGMA user_version = 3") }
        #expect(throws: SQLiteFailure.self) { try connection.runOurs("ATTACH ':memory:' AS a") }
    }

    @Test func aMessageAtRunHoldsNoValue() async throws {
        let fixture = try SQLiteFixture()
        let tool = try fixture.tool("INSERT INTO users (id) VALUES (:id)", .write)
        do {
            _ = try await fixture.run(tool, arguments(("id", "topsecret")))
            Issue.record("a text went into a column of integers")
        } catch let error as BackendError {
            #expect(error.reason == .constraint)
            #expect(!error.detail.contains("topsecret"))
            #expect(!error.detail.contains("users"))
        }
    }

    @Test func anUnterminatedCommentHidesNothing() throws {
        let fixture = try SQLiteFixture()
        #expect(throws: Never.self) { try fixture.examine("SELECT 1 /* ; DROP TABLE users") }
        #expect(throws: BackendError.self) { try fixture.examine("SELECT 1; /* a */ x /* b") }
    }
}
