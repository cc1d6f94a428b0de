import EventLoop
import JSON
import TestSupport
import Testing

@testable import Backends
@testable import Enforcement

/// What the values beside a statement are refused for is said when the call is examined, so that
/// whoever only tries a call hears what a call would.
@Suite struct CallersValuesTests {
    private static let free = Enforcement.Operation.freeSQL(FreeSQLOperation(argument: "sql"))

    private static func job(_ sql: String, _ values: JSONValue?) throws -> Job {
        let tool = try Tool.sample(operation: free, examination: .ofCallers(.read))
        var arguments = JSONObject(("sql", .string(sql)))
        arguments["params"] = values
        return Job(tool: tool, arguments: arguments, deadline: .now + .seconds(10))
    }

    private static func refusal(
        _ backend: any Backend, _ sql: String, _ values: JSONValue?
    ) async throws -> BackendError? {
        let job = try job(sql, values)
        do throws(BackendError) {
            _ = try await backend.examine(job)
            return nil
        } catch { return error }
    }

    private static func check(_ backend: any Backend) async throws {
        let two = "select 1 as x where 1 = $1 and 2 = $2"
        #expect(try await refusal(backend, two, [1, 2]) == nil)
        for values: JSONValue? in [nil, .null, [], [1], [1, 2, 3]] {
            let error = try #require(try await refusal(backend, two, values))
            #expect(error.reason == .argument)
            #expect(error.detail.contains("takes 2 values in `params`"))
        }
        let none = try #require(try await refusal(backend, "select 1 as x", [1]))
        #expect(none.reason == .argument)
        let huge = JSONValue.number(JSONNumber(validated: "1e400"))
        let number = try #require(try await refusal(backend, two, [1, huge]))
        #expect(number.reason == .argument)
        #expect(number.detail.contains("`params[1]`"))
        #expect(!number.detail.contains("e400"))
    }

    @Test func onSQLite() async throws {
        let fixture = try SQLiteFixture("create table t(id integer)")
        let pool = WorkerPool(threads: 1, queueLimit: 10, name: "values")
        defer { pool.stop() }
        try await Self.check(SQLiteBackend(SQLiteOptions(file: fixture.file), pool: pool))
    }

    @Test func onPostgres() async throws {
        let fixture = try await PostgresFixture.make("create table t(id int)")
        try await Self.check(
            PostgresBackend(fixture.options, workers: PostgresFixture.patient, loops: []))
    }
}
