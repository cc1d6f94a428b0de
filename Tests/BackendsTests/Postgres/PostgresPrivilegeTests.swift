import Enforcement
import EventLoop
import JSON
import Testing

@testable import Backends

/// On a real server: what a statement needs of its role, and what the server says that a role has.
@Suite struct PostgresPrivilegeTests {
    private static let schema = """
        create table users (id serial primary key, name text, secret text);
        create table logs (line text);
        create view names as select name from users;
        """

    /// `SELECT users.id`, sorted.
    private static func needs(_ sql: String) async throws -> [String] {
        let fixture = try await PostgresFixture.make(schema)
        return try await PostgresFixture.patient.run { _ in
            Result {
                let analyst = PostgresAnalyst(fixture.options)
                let found = try analyst.examine(sql, effect: .write, author: .operation)
                let needs = try #require(found.examination.needs)
                return needs.map { need in
                    let column = need.column.map { ".\($0)" } ?? ""
                    return "\(need.action.rawValue) \(need.relation)\(column)"
                }.sorted()
            }
        }.get()
    }

    @Test(arguments: [
        ("select id, name from users where name = $1", ["select users.id", "select users.name"]),
        ("select count(*) from users", ["select users"]),
        ("select u from users u", ["select users.id", "select users.name", "select users.secret"]),
        // Whoever made the view reads what is behind it.
        ("select * from names", ["select names.name"]),
        ("with x as (select line from logs) select * from x", ["select logs.line"]),
        (
            "insert into users (name) values ('x') returning id",
            ["insert users.name", "select users.id"]
        ),
        (
            "update users set name = 'x' where id = 1",
            ["select users.id", "update users.name"]
        ),
        ("delete from logs", ["delete logs"]),
        ("select 1", []),
    ]) func aStatementNeedsWhatTheServerWillAskFor(_ sql: String, _ wanted: [String]) async throws {
        #expect(try await Self.needs(sql) == wanted)
    }

    @Test func theServerSaysWhatItsRoleMay() async throws {
        let fixture = try await PostgresFixture.make(Self.schema)
        let found = try await PostgresFixture.patient.run { _ in
            Result { try PostgresAnalyst(fixture.options).privileges() }
        }.get()
        #expect(found.role.text == fixture.options.user)
        #expect(found.mayMakeTemporary)
        #expect(!found.isStandby)
        #expect(found.owned == ["public.logs", "public.names", "public.users"])
        #expect(found.columns["public.users"] == ["id", "name", "secret"])
        #expect(found.sequences == ["public.users": ["public.users_id_seq"]])
        #expect(found.granted.contains { $0.relation == "users" && $0.action == .select })
    }
}
