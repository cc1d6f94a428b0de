import EventLoop
import Foundation
import JSON
import TestSupport
import Testing

@testable import Backends
@testable import Enforcement

/// What a tool that describes its backend answers, before rules leave anything out.
@Suite struct SchemaDescriptionTests {
    private static func job(
        _ arguments: JSONObject = JSONObject(), rows: Int = 1_000, as caller: Caller? = nil
    ) throws -> Job {
        let tool = try Tool.sample(
            operation: .describe, examination: SchemaDescription.examination,
            limits: ToolLimits(rows: rows))
        return Job(
            tool: tool, arguments: arguments, identity: caller, deadline: .now + .seconds(20))
    }

    private static func lines(_ result: RawResult) -> [String] {
        let rows = result.content.rows
        return (0..<rows.rowCount).map { row in
            (0..<rows.columnCount).map { column in
                let cell = rows[row: row, column: column]
                return cell.kind == .null
                    ? "-" : String(decoding: rows.content(of: cell), as: UTF8.self)
            }.joined(separator: "|")
        }
    }

    @Test func anSQLiteFileSaysItsTablesViewsAndKeys() async throws {
        let fixture = try SQLiteFixture(
            """
            create table B(id integer primary key, a text references A(x));
            create table A(x text); create view v as select x from A;
            """)
        let all = try await fixture.backend.perform(Self.job())
        #expect(
            Self.lines(all) == [
                "main.a|table|x|TEXT|-|-|-", "main.b|table|id|INTEGER|primary|-|-",
                "main.b|table|a|TEXT|references A.x|-|-", "main.v|view|x|TEXT|-|-|-",
            ])
        let one = try await fixture.backend.perform(
            Self.job(JSONObject(("relation", "main.a"))))
        #expect(Self.lines(one).count == 1)
        let rest = try await fixture.backend.perform(Self.job(JSONObject(("after", "main.b"))))
        #expect(Self.lines(rest) == ["main.v|view|x|TEXT|-|-|-"])
        let cut = try await fixture.backend.perform(Self.job(rows: 2))
        #expect(Self.lines(cut).count == 2 && cut.content.rows.isTruncated)
    }

    @Test func aPostgresDatabaseSaysWhatTheRoleMayRead() async throws {
        let fixture = try await PostgresFixture.make(
            """
            create table b(id int primary key, a numeric(5,2) unique, c int);
            create table hidden(x int); create table part(i int) partition by list (i);
            create table part_1 partition of part for values in (1);
            alter table b add foreign key (c) references b(id);
            comment on column b.a is 'the price'; comment on table b is 'things';
            insert into b values (1, 2, 1); analyze b;
            create role reader_\(ProcessInfo.processInfo.processIdentifier) login;
            grant select (id, a, c) on b to reader_\(ProcessInfo.processInfo.processIdentifier);
            grant select on part to reader_\(ProcessInfo.processInfo.processIdentifier);
            """)
        var options = fixture.options
        options.user = "reader_\(ProcessInfo.processInfo.processIdentifier)"
        let reader = options
        let lines = try await PostgresFixture.patient.run { _ in
            Result { Self.lines(try PostgresAnalyst(reader).describe(Self.job(), as: nil)) }
        }.get()
        #expect(
            lines == [
                "public.b|table|id|integer|primary|things|1",
                "public.b|table|a|numeric(5,2)|unique|the price|1",
                "public.b|table|c|integer|references public.b|-|1",
                "public.part|partitioned table|i|integer|-|-|-",
            ])
    }

    @Test func aCallersRoleSaysWhatIsToldOfAPostgresDatabase() async throws {
        let suffix = ProcessInfo.processInfo.processIdentifier
        let fixture = try await PostgresFixture.make(
            """
            create schema two; create table a(id int, pay int); create table b(id int);
            create table two.b(x int);
            create role login_\(suffix) login; create role desk_\(suffix); create role hr_\(suffix);
            grant desk_\(suffix), hr_\(suffix) to login_\(suffix);
            grant usage on schema two to desk_\(suffix);
            grant select (id) on a to desk_\(suffix); grant select on two.b to desk_\(suffix);
            grant select on a, b to hr_\(suffix);
            """
        ) { options in
            options.user = "login_\(suffix)"
            options.asCaller = PostgresCallerSettings(
                role: CallerTemplate("{group}_\(suffix)"), settings: [])
        }
        _ = try await fixture.elsewhere { [backend = fixture.backend] in
            try backend.examine(.describe, effect: .read)
        }
        func told(_ group: Name, _ arguments: JSONObject = JSONObject()) async throws -> [String] {
            let caller = Caller(issuer: "i", subject: "ada", groups: [group])
            return try await Self.lines(
                fixture.backend.perform(Self.job(arguments, as: caller))
            )
            .map { $0.split(separator: "|").prefix(3).joined(separator: "|") }
        }
        #expect(try await told("desk") == ["public.a|table|id", "two.b|table|x"])
        #expect(
            try await told("hr")
                == ["public.a|table|id", "public.a|table|pay", "public.b|table|id"])
        #expect(try await told("desk", JSONObject(("relation", "b"))) == ["two.b|table|x"])
        #expect(try await told("hr", JSONObject(("relation", "two.b"))).isEmpty)
        #expect(try await told("hr", JSONObject(("after", "public.a"))) == ["public.b|table|id"])
        await #expect(throws: BackendError.self) { try await told("other") }
    }
}
