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

    /// The server's own words may quote what is stored; a code that a function made up is none.
    @Test func whatPostgresCannotComputeIsSaidInOurWords() async throws {
        let fixture = try await PostgresFixture.make(
            """
            create table t(id int, note text); insert into t values (0, 'secret');
            create function odd() returns int stable language plpgsql as
                $$ begin raise exception 'secret' using errcode = '22X99'; end $$;
            """)
        let backend = fixture.backend
        func failure(_ sql: String) async throws -> BackendError? {
            let asked = try Self.job(sql, nil)
            return try await Task(executorPreference: fixture.group.loops[0]) {
                let found = try await backend.examine(asked)
                let job = Job(
                    tool: asked.tool, arguments: asked.arguments, deadline: asked.deadline,
                    request: found.request, examination: found.examination)
                do throws(BackendError) {
                    _ = try await backend.perform(job)
                    return nil
                } catch { return error }
            }.value
        }
        for (sql, words) in [
            ("select 1 / id as x from t", "divides by zero (SQLSTATE 22012)"),
            ("select note::int as x from t", "of the form that its type demands"),
            ("select (select g from generate_series(1, 2) g) as x from t", "gives several rows"),
            ("select id from t where note ~ '('", "no regular expression"),
        ] {
            let error = try #require(try await failure(sql))
            #expect(error.reason == .statement && error.detail.contains(words))
            #expect(!error.detail.contains("secret"))
        }
        let odd = try #require(try await failure("select odd() as x from t"))
        #expect(odd.reason == .failed && !odd.detail.contains("secret"))
        #expect(try await failure("select id from t") == nil)
    }
}
