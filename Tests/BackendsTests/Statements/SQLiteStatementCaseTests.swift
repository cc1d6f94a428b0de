import Foundation
import JSON
import TestSupport
import Testing

@testable import Backends
@testable import Enforcement

@Suite struct SQLiteStatementCaseTests {
    private static func wrong(_ lines: [JSONValue], on schema: String) throws -> [String] {
        let fixture = try SQLiteFixture(schema)
        let worker = SQLiteWorker(SQLiteOptions(file: fixture.file))
        let (count, wrong) = try StatementCase.wrong(lines, dialect: "sqlite") { sql, effect in
            let operation = FreeSQLOperation(argument: "sql")
            let tool = try Tool.sample(
                effect: effect, operation: .freeSQL(operation), examination: .ofCallers(effect))
            let job = Job(
                tool: tool, arguments: JSONObject(("sql", .string(sql))),
                deadline: .now + .seconds(10))
            return try worker.examine(sql, job, SQLiteCancellation()).get()
        }
        #expect(count > 40)
        return wrong.map(\.description)
    }

    @Test func everyCaseOfOursGoesAsItShould() throws {
        let wrong = try Self.wrong(
            OwnCases.lines("statements.jsonl"), on: OwnCases.text("sqlite.sql"))
        #expect(wrong == [])
    }

    @Test(.enabled(if: Corpora.has("sql_deny.jsonl"), "\(Corpora.absence)"))
    func everyCaseOfTheCorpusGoesAsItShould() throws {
        let schema = String(
            decoding: try Corpora.bytes("sql/fixture_sqlite.sql"), as: UTF8.self)
        #expect(try Self.wrong(Corpora.lines("sql_deny.jsonl"), on: schema) == [])
    }
}
