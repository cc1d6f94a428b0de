import Enforcement
import JSON
import Testing

@testable import Backends

/// What rules can ask of a statement on SQLite. Each case names what one of the three judges alone
/// would miss.
@Suite struct SQLiteStatementFactsTests {
    private static let schema = """
        create table users(id integer primary key, name text, bio text, ssn text);
        create table salaries(id integer primary key, user_id int, amount real);
        create table contacts(id integer primary key, ssn text unique on conflict replace);
        create table made(id integer primary key, ssn text, part text generated always as (ssn));
        create view v_pay as select * from salaries;
        create view v_named as select id, ssn as tax from users;
        create trigger touch after update on contacts begin
            insert into salaries(id) values (new.id); end;
        """

    private static func facts(_ sql: String) throws -> StatementFacts {
        let fixture = try SQLiteFixture(schema)
        let connection = try SQLiteConnection(
            file: fixture.file, effect: .write, busyTimeout: .seconds(1))
        let prepared = try SQLiteExaminer(
            connection: connection, effect: .write, author: .caller
        ).prepare(sql)
        return try #require(prepared.examination.statement)
    }

    private static func texts(_ finding: StatementFacts.Finding) -> [String] {
        finding.values.map(\.text).sorted()
    }

    @Test(arguments: [
        ("select * from v_pay", ["main.salaries", "main.v_pay"]),
        ("select 1 where exists (select 1 from salaries)", ["main.salaries"]),
        // The authorizer never mentions salaries here.
        (
            """
            select count(u.id) from users u
            join (select 5000.0 as amount) k join salaries s using (amount)
            """, ["main.salaries", "main.users"]
        ),
        ("with salaries(x) as (select 1) select x from salaries", []),
        ("with salaries(x) as (select 1) select 1 from salaries", []),
        ("select 'salaries' from users as salaries", ["main.users"]),
        ("insert into users(id) values (1)", []),
        ("insert into users(id) select id from salaries", ["main.salaries"]),
    ])
    func everyTableThatIsReadIsFoundAndNoOther(_ sql: String, _ reads: [String]) throws {
        let facts = try Self.facts(sql)
        #expect(Self.texts(facts.reads) == reads)
        #expect(facts.reads.isComplete)
    }

    @Test(arguments: [
        ("select 1", ["select"]),
        ("insert into users(id) values (1)", ["insert", "select"]),
        ("delete from users", ["delete"]),
        ("replace into users(id) values (1)", ["delete", "insert", "select"]),
        ("insert or replace into users(id) values (1)", ["delete", "insert", "select"]),
        // The constraint replaces, and no word of the statement says so.
        ("insert into contacts(ssn) values ('x')", ["delete", "insert", "select"]),
        ("select replace(name, 'a', 'b') from users", ["select"]),
        (
            "insert into users(id) values (1) on conflict (id) do update set name = 'x'",
            ["insert", "select", "update"]
        ),
        ("with c as (select 1 as i) delete from users where id in c", ["delete", "select"]),
        ("update contacts set id = 3 where id = 1", ["delete", "insert", "update"]),
        ("explain query plan select 1", ["explain", "select"]),
    ])
    func everyKindIsFound(_ sql: String, _ kinds: [String]) throws {
        let found = Self.texts(try Self.facts(sql).kinds)
        // A table whose constraint replaces may do so at an update.
        #expect(Set(kinds).isSuperset(of: found) && found.count >= kinds.count - 1, "\(found)")
        #expect(found.contains("delete") == kinds.contains("delete") || sql.contains("update con"))
    }

    @Test(arguments: [
        ("select tax from v_named", "main.users.ssn"),
        ("select u.id from users u join contacts c using (ssn)", "main.users.ssn"),
        ("select u.id from users u join contacts c using (ssn)", "main.contacts.ssn"),
        ("select u.name from users u natural join contacts c", "main.contacts.ssn"),
        ("insert into users values (1, 'a', 'b', 'c')", "main.users.ssn"),
        ("update users set ssn = 'x' where id = 1", "main.users.ssn"),
        ("insert into users(id, name) values (1, 'a') returning *", "main.users.ssn"),
        (
            "insert into users(id) values (1) on conflict (id) do update set bio = excluded.ssn",
            "main.users.ssn"
        ),
    ])
    func aColumnInUseIsFound(_ sql: String, _ column: String) throws {
        #expect(Self.texts(try Self.facts(sql).columns).contains(column))
    }

    @Test(arguments: [
        "select count(*) from users", "select 'ssn' from users", "select name as ssn from users",
        "insert into users(id, name) values (1, 'a')", "update users set bio = 'ssn' where id = 1",
        "select u.id from users u join contacts c using (id)",
    ])
    func aColumnThatIsNotInUseIsNot(_ sql: String) throws {
        let facts = try Self.facts(sql)
        #expect(!Self.texts(facts.columns).contains("main.users.ssn"))
        #expect(facts.columns.isComplete)
    }

    @Test func whatAGeneratedColumnIsMadeOfIsNotKnown() throws {
        #expect(try Self.facts("select part from made").columns.isComplete == false)
    }

    @Test func functionsAreNamedAndATriggersTableIsWritten() throws {
        let facts = try Self.facts("select upper(name) from users")
        #expect(Self.texts(facts.functions) == ["main.upper"])
        let written = try Self.facts("update contacts set ssn = 'y' where id = 1").writes
        #expect(Self.texts(written) == ["main.contacts", "main.salaries"])
    }

    @Test(arguments: [
        "delete from users", "update users set bio = 'x'", "delete from users where 1 = 1",
        "delete from users where id = id", "delete from users where users.id = id",
        "delete from users where id = 1 or true", "delete from users where not false",
        "delete from users where exists (select 1)", "delete from users where (1)",
        "delete from users where exists (select id from salaries where id > 0)",
        "update users set bio = (select name from users where id = 1)",
        "delete from users where 'id' = 'id'", "delete from users where not (1 = 2)",
        "with c as (select 1) delete from users where 1 between 0 and 2",
    ])
    func aConditionThatLimitsNothingIsFound(_ sql: String) throws {
        #expect(try Self.facts(sql).whereless.values.count == 1)
    }

    @Test(arguments: [
        "delete from users where id = 1", "update users set bio = 'x' where id in (select 1)",
        "delete from users where id = 1 and true", "delete from users where not (id = 1)",
        "delete from users where id between 1 and 2 and true", "delete from users where rowid = 1",
        "update users as u set bio = 'x' where exists (select 1 from salaries s where s.id = u.id)",
        "delete from users where case when id = 1 then true else false end",
        "delete from users where (id = 1 or name = 'x')", "select * from users",
    ])
    func aConditionThatLimitsIsNone(_ sql: String) throws {
        #expect(try Self.facts(sql).whereless.values.isEmpty)
    }
}
