import Enforcement
import EventLoop
import JSON
import Testing

@testable import Backends

private let shop = """
    create table customers (id int8 primary key, name text not null, email text unique, tenant text);
    insert into customers select g, 'name ' || g, 'c' || g || '@example.com', 't' || g % 2
        from generate_series(1, 1000) g;
    """

extension PostgresTests {
    @Suite struct PostgresRunTests {
        private func arguments(_ members: (String, JSONValue)...) -> JSONObject {
            JSONObject(distinct: members.map { (name: $0.0, value: $0.1) })
        }

        @Test func aReadAnswersItsRowsAndAWriteItsCount() async throws {
            let fixture = try await PostgresFixture.make(shop)
            let read = try await fixture.text(
                "select id, name from customers where id = :id", arguments(("id", 7)))
            #expect(read == #"[[7,"name 7"]]"#)
            let write = try await fixture.tool(
                "update customers set name = :n where id < 4", .write)
            #expect(try await fixture.run(write, arguments(("n", "x"))).get().changed == 3)
            #expect(try await fixture.ask("select count(*) from customers where name = 'x'") == "3")
            let returning = try await fixture.text(
                "delete from customers where id = 1 returning name", effect: .write)
            #expect(returning == #"[["x"]]"#)
            #expect(try await fixture.ask("select count(*) from customers") == "999")
        }

        @Test func aCallIsOneRoundTripAndTheNextOneFindsItPrepared() async throws {
            let fixture = try await PostgresFixture.make(shop)
            let tool = try await fixture.tool("select name from customers where id = :id")
            for id in 1...20 {
                let answer = try await fixture.run(tool, arguments(("id", .number(JSONNumber(id)))))
                    .get()
                #expect(answer.rows.rowCount == 1)
            }
            // As the server sees it: one connection with the four statements of every call and this one.
            let names = try await fixture.text(
                "select count(*) from pg_prepared_statements where name ~ '^[bwcros][0-9]*$'")
            #expect(names == "[[7]]")
        }

        @Test func nothingOfAReadStaysBehind() async throws {
            let fixture = try await PostgresFixture.make(shop)
            for sql in [
                "select set_config('statement_timeout', '0', false)", "select lo_create(4711)",
                "select set_config('app.x', 'left', false)", "select pg_advisory_lock(4711)::text",
                "select set_config('role', 'pg_read_all_data', false)",
            ] {
                _ = try await fixture.text(sql)
            }
            let left = try await fixture.text(
                "select current_setting('app.x', true), current_user, current_setting('statement_timeout') <> '0'"
            )
            #expect([#"[[null,"owner",true]]"#, #"[["","owner",true]]"#].contains(left))
            #expect(try await fixture.ask("select count(*) from pg_largeobject_metadata") == "0")
            #expect(
                try await fixture.ask("select count(*) from pg_locks where locktype = 'advisory'")
                    == "0")
        }

        /// The first statement of a transaction could do so; ours has taken the snapshot before.
        @Test func nothingMakesAReadAWrite() async throws {
            let fixture = try await PostgresFixture.make(
                shop + """
                    create function sneak() returns int language sql volatile as
                        $$ insert into customers values (5000, 'x', 'y', 'z') returning 1 $$;
                    """)
            for sql in [
                "select set_config('transaction_read_only', 'off', true)",
                "select set_config('transaction_read_only', 'off', false), sneak()",
                "select sneak()",
                "select nextval('s')::text from (select 1) t",
            ] {
                try? await fixture.change("create sequence if not exists s")
                let outcome = await fixture.run(try await fixture.tool(sql))
                #expect(outcome.reason == .failed, "\(sql)")
            }
            #expect(try await fixture.ask("select count(*) from customers") == "1000")
        }

        @Test func nothingOfAWriteStaysInTheSession() async throws {
            let fixture = try await PostgresFixture.make(shop)
            for sql in [
                "select set_config('app.x', 'left', false)",
                "select set_config('role', 'pg_monitor', false)",
                "select pg_advisory_lock(4711)::text",
                "select set_config('search_path', 'nowhere', false)",
            ] {
                _ = try await fixture.text(sql, effect: .write)
            }
            let left = try await fixture.text(
                "select coalesce(current_setting('app.x', true), ''), current_user, current_setting('search_path')"
            )
            #expect(left == #"[["","owner","\"$user\", public"]]"#)
            #expect(
                try await fixture.until(
                    "select count(*) from pg_locks where locktype = 'advisory'", is: "0"))
        }

        @Test func aConstraintRefusesAndChangesNothing() async throws {
            let fixture = try await PostgresFixture.make(shop)
            let tool = try await fixture.tool(
                "insert into customers values (:id, :name, :email, 't')", .write)
            let outcome = await fixture.run(
                tool, arguments(("id", 1), ("name", "canary"), ("email", "canary@example.com")))
            #expect(outcome.reason == .constraint)
            if case .failure(let error) = outcome { #expect(error.detail == "SQLSTATE 23505") }
            #expect(
                try await fixture.ask("select count(*) from customers where name = 'canary'") == "0"
            )
        }

        @Test func rowsAreCutAtTheLimitAndSaidToBe() async throws {
            let fixture = try await PostgresFixture.make(shop)
            let sql = "select id from customers order by id"
            let cut = try await fixture.tool(sql, limits: ToolLimits(rows: 10))
            let whole = try await fixture.tool(sql, limits: ToolLimits(rows: 1_000))
            for _ in 0..<3 {
                let few = try await fixture.run(cut).get().rows
                #expect(few.rowCount == 10 && few.isTruncated)
                let all = try await fixture.run(whole).get().rows
                #expect(all.rowCount == 1_000 && !all.isTruncated)
            }
        }

        @Test func bytesAreCutAtTheLimitAndTheConnectionGoesOn() async throws {
            let fixture = try await PostgresFixture.make()
            let tool = try await fixture.tool(
                "select repeat('x', 1000) as v from generate_series(1, 100000)",
                limits: ToolLimits(rows: 100_000, bytes: 64 << 10))
            for _ in 0..<3 {
                let rows = try await fixture.run(tool).get().rows
                #expect(rows.isTruncated && rows.rowCount > 50 && rows.byteCount <= 4 * 65 << 10)
            }
            #expect(try await fixture.text("select 1 as v") == "[[1]]")
        }

        @Test func aChangeWhoseAnswerIsTooLargeIsNotMade() async throws {
            let fixture = try await PostgresFixture.make(shop)
            let tool = try await fixture.tool(
                "update customers set name = 'x' returning id", .write, limits: ToolLimits(rows: 10)
            )
            #expect(await fixture.run(tool).reason == .result)
            let wide = try await fixture.tool(
                "update customers set name = 'x' where id = 1 returning repeat('x', 3000000) as v",
                .write)
            #expect(await fixture.run(wide).reason == .result)
            #expect(
                try await fixture.until("select count(*) from customers where name = 'x'", is: "0"))
            #expect(try await fixture.text("select 1 as v") == "[[1]]")
        }

        @Test func aStatementSurvivesWhatDoesNotChangeItsForm() async throws {
            let fixture = try await PostgresFixture.make(shop)
            let tool = try await fixture.tool("select id, name from customers where id = :id")
            func call() async -> Result<RawResult, BackendError> {
                await fixture.run(tool, arguments(("id", 7)))
            }
            #expect(try await call().get().rows.rowCount == 1)
            try await fixture.change("alter table customers add column note text")
            #expect(try await call().get().rows.rowCount == 1)
            try await fixture.change(
                "create table other (like customers including all); insert into other table customers; drop table customers; alter table other rename to customers"
            )
            #expect(try await call().get().rows.rowCount == 1)
            try await fixture.change("alter table customers alter name type varchar(100)")
            #expect(try await call().get().rows.rowCount == 1)
        }

        @Test func aStatementOfAnotherFormThanExaminedDoesNotRun() async throws {
            let fixture = try await PostgresFixture.make(shop)
            let tool = try await fixture.tool("select * from customers where id = :id")
            #expect(try await fixture.run(tool, arguments(("id", 7))).get().rows.rowCount == 1)
            try await fixture.change("alter table customers add column note text")
            #expect(await fixture.run(tool, arguments(("id", 7))).reason == .outdated)
            #expect(await fixture.run(tool, arguments(("id", 7))).reason == .outdated)
            try await fixture.change("alter table customers drop column note")
            #expect(try await fixture.run(tool, arguments(("id", 7))).get().rows.rowCount == 1)
            let change = try await fixture.tool(
                "update customers set name = 'x' where id = :id returning *", .write)
            try await fixture.change("alter table customers add column note text")
            #expect(await fixture.run(change, arguments(("id", 7))).reason == .outdated)
            #expect(try await fixture.ask("select name from customers where id = 7") == "name 7")
        }

        @Test func readsAndChangesAreToldApartAtLoad() async throws {
            let fixture = try await PostgresFixture.make(shop)
            await #expect(throws: BackendError.self) {
                try await fixture.tool("drop table customers", .write)
            }
            await #expect(throws: BackendError.self) {
                try await fixture.tool("copy customers to stdout")
            }
            await #expect(throws: BackendError.self) {
                try await fixture.tool("select 1; select 2")
            }
            await #expect(throws: BackendError.self) {
                try await fixture.tool("select nothing from customers")
            }
            let hidden = try await fixture.tool(
                "with x as (delete from customers returning 1) select count(*) from x", .write)
            #expect(!hidden.examination.isReadOnly)
            let plain = try await fixture.tool("select \"email\" as e, 'delete' from customers")
            #expect(plain.examination.isReadOnly)
            #expect(
                plain.examination.columns[0].origin
                    == ColumnPath(schema: "public", table: "customers", column: "email"))
            #expect(plain.examination.columns[1].origin == nil)
        }

        @Test func valuesFromTheCallerCannotBeSetByArguments() async throws {
            let fixture = try await PostgresFixture.make(shop)
            let template = try #require(CallerTemplate("{caller.claims.tenant}"))
            let tool = try await fixture.tool(
                "select count(*) from customers where tenant = :tenant and id <= 10",
                bound: [(name: "tenant", value: template)])
            let ada = Caller(
                issuer: "i", subject: "ada", claims: arguments(("tenant", "t1")))
            let answer = try await fixture.run(tool, arguments(("tenant", "nobody")), as: ada).get()
            #expect(PostgresFixture.text(answer, tool) == "[[5]]")
            let eve = Caller(issuer: "i", subject: "eve")
            #expect(await fixture.run(tool, as: eve).reason == .identity)
            #expect(await fixture.run(tool).reason == .identity)
        }

        @Test func rowLevelSecuritySeesThePerson() async throws {
            let suffix = String(UInt32.random(in: 0 ... .max))
            let fixture = try await PostgresFixture.make(
                shop + """
                    create role agent_\(suffix)_support; create role agent_\(suffix)_sales;
                    create role app_\(suffix) login;
                    grant agent_\(suffix)_support, agent_\(suffix)_sales to app_\(suffix);
                    grant select on customers to agent_\(suffix)_support;
                    alter table customers enable row level security;
                    create policy own on customers using (tenant = current_setting('app.tenant'));
                    """
            ) { options in
                options.user = "app_\(suffix)"
                options.asCaller = PostgresCallerSettings(
                    role: CallerTemplate("agent_\(suffix)_{group}"),
                    settings: [("app.tenant", CallerTemplate("{caller.claims.tenant}")!)])
            }
            let tool = try await fixture.tool(
                "select count(*) as n, current_user::text as u from customers")
            func caller(_ groups: [Name], _ tenant: String = "t1") -> Caller {
                Caller(
                    issuer: "i", subject: "ada", groups: groups,
                    claims: arguments(("tenant", .string(tenant))))
            }
            func count(_ caller: Caller) async throws -> String {
                PostgresFixture.text(try await fixture.run(tool, as: caller).get(), tool)
            }
            #expect(try await count(caller(["support"])) == #"[[500,"agent_\#(suffix)_support"]]"#)
            #expect(
                try await count(caller(["support", "x"], "none"))
                    == #"[[0,"agent_\#(suffix)_support"]]"#)
            // A role without the right, none at all, two that would do, and words with a meaning.
            #expect(await fixture.run(tool, as: caller(["sales"])).reason == .unauthorized)
            for groups: [Name] in [[], ["none"], ["support", "sales"], ["support\" superuser"]] {
                #expect(await fixture.run(tool, as: caller(groups)).reason == .identity)
            }
            #expect(
                await fixture.run(tool, as: Caller(issuer: "i", subject: "a", groups: ["support"]))
                    .reason == .identity)
        }

        @Test func theLoginItselfIsNoRoleOfACaller() async throws {
            let fixture = try await PostgresFixture.make { options in
                options.asCaller = PostgresCallerSettings(
                    role: CallerTemplate("{caller.claims.role}"), settings: [])
            }
            let tool = try await fixture.tool("select current_user::text as u")
            for role in ["owner", "none", "NONE", "", "no_such_role"] {
                let caller = Caller(
                    issuer: "i", subject: "a", claims: arguments(("role", .string(role))))
                #expect(await fixture.run(tool, as: caller).reason == .identity, "\(role)")
            }
        }
    }
}
