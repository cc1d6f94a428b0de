import EventLoop
import Foundation
import JSON
import TestSupport
import Testing

@testable import Backends
@testable import Enforcement

/// On a real server: what it says of a statement, and what that means under a policy.
@Suite struct PostgresStatementCaseTests {
    private static func wrong(_ lines: [JSONValue], on schema: String) async throws -> [String] {
        let fixture = try await PostgresFixture.make(schema)
        return try await PostgresFixture.patient.run { _ in
            Result {
                let analyst = PostgresAnalyst(fixture.options)
                let (count, wrong) = try StatementCase.wrong(lines, dialect: "postgres") {
                    try analyst.examine($0, effect: $1, author: .caller).examination
                }
                #expect(count > 200)
                return wrong.map(\.description)
            }
        }.get()
    }

    @Test func everyCaseOfOursGoesAsItShould() async throws {
        let wrong = try await Self.wrong(
            OwnCases.lines("statements.jsonl"), on: OwnCases.text("postgres.sql"))
        #expect(wrong == [])
    }

    @Test(.enabled(if: Corpora.has("sql_deny.jsonl"), "\(Corpora.absence)"))
    func everyCaseOfTheCorpusGoesAsItShould() async throws {
        let schema = String(decoding: try Corpora.bytes("sql/fixture_pg.sql"), as: UTF8.self)
        #expect(try await Self.wrong(Corpora.lines("sql_deny.jsonl"), on: schema) == [])
    }

    // MARK: Masks

    private static let ssn = ColumnPath(schema: "public", table: "users", column: "ssn")

    /// Whether the value could come out anywhere, or decide what does.
    private static func isCovered(_ examination: Examination) -> Bool {
        let mask = MaskRule(
            id: "ssn", target: .column(backend: "shop", ssn), strategy: .redact)
        let plan = MaskPlan(
            examination, on: "shop", policy: Policy(masks: [mask]), isSettled: false)
        let ada = Caller(issuer: "i", subject: "ada")
        return plan.refusal(for: ada) != nil
            || plan.columns.indices.contains { plan.cover(over: $0, for: ada) != nil }
    }

    @Test func aMaskedColumnIsCoveredWhereverItGoesAndNothingElseIs() async throws {
        let fixture = try await PostgresFixture.make(try OwnCases.text("postgres.sql"))
        let lines = try OwnCases.lines("lineage.jsonl")
        let wrong = try await PostgresFixture.patient.run { _ in
            Result {
                let analyst = PostgresAnalyst(fixture.options)
                return try lines.compactMap { line -> String? in
                    let sql = try #require(line["sql"]?.string)
                    let found = try? analyst.examine(sql, effect: .write, author: .caller)
                    let isCovered = found.map { Self.isCovered($0.examination) } ?? true
                    return isCovered == line["covered"]?.bool ? nil : sql
                }
            }
        }.get()
        #expect(wrong == [])
    }

    // MARK: The catalogue

    @Test func aChangeOfTheCatalogueIsNoticed() async throws {
        let fixture = try await PostgresFixture.make(
            "create table t(id int, a text); create view v as select id from t")
        let statements = PostgresStatements(
            PostgresAnalyst(fixture.options), workers: PostgresFixture.patient)
        func reads() async throws -> Set<Name> {
            let found = try await statements.examine("select * from v", effect: .read)
            return found.examination.statement?.columns.values ?? []
        }
        #expect(try await reads() == ["public.t.id", "public.v.id"])
        let again = try await statements.examine("select * from v", effect: .read)
        let same = try await statements.examine("select * from v", effect: .read)
        #expect(again.examination.identity === same.examination.identity)
        try await PostgresFixture.patient.run { _ in
            Result { try fixture.aside.run("create or replace view v as select id, a from t") }
        }.get()
        // Until the next look at the catalogue, and no longer.
        let deadline = ContinuousClock.now + PostgresStatements.freshness + .seconds(20)
        var columns: Set<Name> = []
        while ContinuousClock.now < deadline, !columns.contains("public.t.a") {
            columns = try await reads()
        }
        #expect(columns == ["public.t.id", "public.t.a", "public.v.id", "public.v.a"])
    }

    @Test func textsThatAreHardToReadAreJudgedOrRefusedSoon() async throws {
        let fixture = try await PostgresFixture.make(try OwnCases.text("postgres.sql"))
        let chain = (0..<PostgresTokens.queriesMax - 1).map { number in
            "c\(number) AS (SELECT * FROM \(number == 0 ? "users" : "c\(number - 1)"))"
        }
        let texts = [
            "SELECT " + Array(repeating: "1", count: 32_000).joined(separator: "+"),
            "SELECT " + String(repeating: "(", count: 20_000) + "1"
                + String(repeating: ")", count: 20_000),
            String(repeating: "/*", count: 16_000),
            "SELECT " + String(repeating: "NOT ", count: 12_000) + "true",
            "SELECT " + Array(repeating: "1", count: 5_900).joined(separator: "+"),
            "WITH \(chain.joined(separator: ", ")) SELECT * FROM c\(chain.count - 1)",
            "SELECT 1 FROM " + (0..<1_000).map { "users u\($0)" }.joined(separator: ","),
            Array(repeating: "SELECT 1", count: PostgresTokens.queriesMax)
                .joined(separator: " UNION ALL "),
            Array(repeating: "SELECT 1", count: 3_000).joined(separator: " UNION ALL "),
        ]
        let slow = try await PostgresFixture.patient.run { _ in
            Result {
                let analyst = PostgresAnalyst(fixture.options)
                return texts.filter { text in
                    let time = ContinuousClock().measure {
                        _ = try? analyst.examine(text, effect: .read, author: .caller)
                    }
                    // Much more than it takes, for a machine that is busy.
                    return time > .seconds(10)
                }
            }
        }.get()
        #expect(slow.isEmpty)
        let after = try await PostgresFixture.patient.run { _ in
            Result {
                try PostgresAnalyst(fixture.options)
                    .examine("select id from users", effect: .read, author: .caller)
            }
        }.get()
        #expect(after.examination.columns.count == 1)
    }

    @Test func nothingOfAStatementIsRunWhileItIsAnalysed() async throws {
        let fixture = try await PostgresFixture.make(try OwnCases.text("postgres.sql"))
        let count = try await PostgresFixture.patient.run { _ in
            Result {
                let analyst = PostgresAnalyst(fixture.options)
                for text in [
                    "insert into drop_log values (1, 'x')", "select add_user(7, 'x')",
                    "explain analyze insert into drop_log values (2, 'x')",
                    "create table made(i int)", "truncate drop_log",
                    "select nextval('ticket_seq')",
                ] {
                    _ = try? analyst.examine(
                        text, effect: .write, author: .caller, wantsEstimate: true)
                }
                return try fixture.aside.rows(
                    """
                    select (select count(*) from drop_log) + (select count(*) from users)
                        + (select count(*) from pg_class where relname = 'made')
                        + (select is_called::int from ticket_seq)
                    """
                ).first?.first
            }
        }.get()
        #expect(count == "0")
    }

    @Test func thePlannerIsAskedWhenItShouldBe() async throws {
        let fixture = try await PostgresFixture.make(
            "create table t as select generate_series(1, 1000) as id; analyze t")
        let facts = try await PostgresFixture.patient.run { _ in
            Result {
                let analyst = PostgresAnalyst(fixture.options)
                return try [true, false].map { wants in
                    try analyst.examine(
                        "select * from t", effect: .read, author: .caller, wantsEstimate: wants
                    ).examination.statement
                }
            }
        }.get()
        #expect(facts[0]?.rows?.int == 1_000)
        #expect(facts[0]?.cost != nil)
        #expect(facts[1]?.rows == nil)
    }
}
