import EventLoop
import Foundation
import JSON
import TestSupport
import Testing

@testable import Backends
@testable import Enforcement

/// On a real server: what the database does by itself, by its keys, checks, triggers, rules,
/// defaults, policies and partitions, tells nothing of a masked column.
@Suite struct PostgresChangeCaseTests {
    private static let tables: [Name] = [
        "people", "checked", "partly", "parents", "owned", "copied", "stamped", "noted", "quiet",
        "ruled", "plainly_ruled", "replaced", "by_policy", "by_other", "by_tenant", "unpoliced",
        "parted", "dated",
    ]

    /// `ssn` of each of them is masked.
    private static let policy = Policy(
        masks: tables.map { table in
            MaskRule(
                id: table,
                target: .column(
                    backend: "shop",
                    ColumnPath(schema: "public", table: table, column: "ssn")),
                strategy: .redact)
        })

    private static func outcome(of examination: Examination) -> String {
        let plan = MaskPlan(examination, on: "shop", policy: policy, isSettled: false)
        let ada = Caller(issuer: "i", subject: "ada")
        if plan.refusal(for: ada) != nil { return "refused" }
        let isMasked = plan.columns.indices.contains { plan.cover(over: $0, for: ada) != nil }
        return isMasked ? "masked" : "shown"
    }

    @Test func eachCaseComesOutAsItShould() async throws {
        let fixture = try await PostgresFixture.make(try OwnCases.text("changes.sql"))
        let lines = try OwnCases.lines("changes.jsonl")
        let wrong = try await PostgresFixture.patient.run { _ in
            Result {
                let analyst = PostgresAnalyst(fixture.options)
                return try lines.compactMap { line -> String? in
                    let sql = try #require(line["sql"]?.string)
                    let wanted = try #require(line["outcome"]?.string)
                    let found = try analyst.examine(sql, effect: .write, author: .caller)
                    let outcome = Self.outcome(of: found.examination)
                    return outcome.isByteEqual(to: wanted) ? nil : "\(outcome): \(sql)"
                }
            }
        }.get()
        #expect(wrong == [])
        #expect(lines.count > 50)
    }

    @Test func aTriggerThatComesLaterIsNoticed() async throws {
        let fixture = try await PostgresFixture.make(try OwnCases.text("changes.sql"))
        let outcomes = try await PostgresFixture.patient.run { _ in
            Result {
                let analyst = PostgresAnalyst(fixture.options)
                func outcome() throws -> String {
                    let found = try analyst.examine(
                        "insert into people(id) values (1) returning name", effect: .write,
                        author: .caller)
                    return Self.outcome(of: found.examination)
                }
                let before = try outcome()
                try fixture.aside.run(
                    """
                    create trigger late before insert on people
                    for each row execute function copy_ssn()
                    """)
                return [before, try outcome()]
            }
        }.get()
        #expect(outcomes == ["shown", "masked"])
    }

    @Test func theDatabasesOwnCodeIsListed() async throws {
        let fixture = try await PostgresFixture.make(
            try OwnCases.text("changes.sql") + """
                create policy called on by_tenant using (any_ssn() = tenant);
                create trigger deep before insert on parted_a
                    for each row execute function copy_ssn();
                """)
        let lines = try await PostgresFixture.patient.run { _ in
            Result {
                try PostgresAnalyst(fixture.options).privileges().ownCode.map {
                    "\($0.kind.rawValue) \($0.relation) \($0.name)"
                }
            }
        }.get()
        #expect(
            lines == [
                "policy public.by_tenant called", "trigger public.copied copy",
                "column public.filled city", "column public.filled name",
                "column public.generated city", "trigger public.noted note",
                "trigger public.parted deep", "rule public.plainly_ruled log",
                "rule public.replaced instead", "rule public.ruled log",
                "trigger public.stamped stamp",
            ])
    }
}
