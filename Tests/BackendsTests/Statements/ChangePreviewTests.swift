import EventLoop
import Foundation
import JSON
import TestSupport
import Testing

@testable import Backends
@testable import Enforcement

/// A person who is asked about an UPDATE or DELETE sees which rows it would meet, as far as they
/// may see them.
@Suite struct ChangePreviewTests {
    private static func query(
        _ backend: any Backend, _ sql: String, _ values: [JSONValue] = []
    ) -> ChangePreview? {
        try? backend.preview(of: sql, values, on: "test")
    }

    private static let postgres = PostgresBackend(
        PostgresOptions(), workers: PostgresFixture.patient, loops: [])

    @Test(arguments: [
        ("delete from people", "SELECT * FROM people"),
        ("DELETE FROM public.people AS p;", "SELECT * FROM public.people AS p"),
        ("update people p set a = 1 -- all", "SELECT * FROM people p"),
        ("update \"People\" set a = (select 1 from x where y)", "SELECT * FROM \"People\""),
        ("delete from people where a = 1 returning *", "SELECT * FROM people WHERE (a = 1)"),
        (
            "update people set a = case when b or not c then 1 end, d = '; where' where x = 'where'",
            "SELECT * FROM people WHERE (x = 'where')"
        ),
        (
            "delete from people where a in (select a from b order by a limit 1) /* ) */ or c",
            "SELECT * FROM people WHERE (a in (select a from b order by a limit 1) /* ) */ or c)"
        ),
    ])
    func thePlainFormIsTheQueryOfItsTargetAndCondition(_ sql: String, _ query: String) throws {
        let fixture = try SQLiteFixture()
        for backend: any Backend in [Self.postgres, fixture.backend] {
            #expect(Self.query(backend, sql)?.rows == query)
        }
    }

    @Test(arguments: [
        "select 1", "insert into people values (1)", "", ";",
        "with x as (select 1) delete from people", "explain delete from people",
        "update people set a = b.a from b where b.id = people.id",
        "delete from people using b where b.id = people.id", "update only people set a = 1",
        "delete from only people", "delete from only (people)", "delete from people * where a = 1",
        "update or ignore people set a = 1", "update people indexed by i set a = 1",
        "delete from people not indexed where a", "update people set a = 1 order by b limit 1",
        "delete from people where a order by b limit 1", "delete from people limit 1",
        "delete from people where current of c", "delete from people where", "update people",
        "update people where a = 1", "delete from people set a = 1",
        "delete from people where a) or (b", "delete from people where (a", "delete people",
        "merge into people using b on true when matched then delete",
        "update people set a = 1; delete from people",
    ])
    func anyOtherFormIsRefused(_ sql: String) throws {
        let fixture = try SQLiteFixture()
        for backend: any Backend in [Self.postgres, fixture.backend] {
            #expect(Self.query(backend, sql) == nil, "\(sql)")
        }
    }

    @Test func parametersOfTheConditionKeepTheirValues() throws {
        let sql = "update people set a = $1, b = $3 where c = $3 and d in ($2, $3) and e <> '$1'"
        let numbered = try #require(Self.query(Self.postgres, sql, [1, 2, 3]))
        #expect(
            numbered.rows
                == "SELECT * FROM people WHERE (c = $1 and d in ($2, $1) and e <> '$1')")
        #expect(numbered.parameters == [3, 2])
        let fixture = try SQLiteFixture()
        let named = "update people set a = :a where c = :c and d in (:a, :c) and e <> ':a'"
        let found = try #require(Self.query(fixture.backend, named, [1, 2]))
        #expect(
            found.rows == "SELECT * FROM people WHERE (c = $1 and d in ($2, $1) and e <> ':a')")
        #expect(found.parameters == [2, 1])
        for (wrong, values) in [
            ("delete from people where a = ?", [1] as [JSONValue]),
            ("delete from people where a = :a", []), ("delete from people where a = :a", [1, 2]),
        ] {
            #expect(Self.query(fixture.backend, wrong, values) == nil)
        }
        #expect(Self.query(Self.postgres, "delete from people where a = $2", [1]) == nil)
        #expect(Self.query(Self.postgres, "delete from people where a = $0", [1]) == nil)
    }

    // MARK: Through the gate

    private struct Site {
        var backend: any Backend
        var schema: Name
        /// Of the table, as the caller's database shows them.
        var all: Int
        var tool: (String) async throws -> Tool
        var amounts: () async throws -> String

        func path(_ column: Name) -> ColumnPath {
            ColumnPath(schema: schema, table: "people", column: column)
        }
    }

    private struct Look {
        var preview: RowPreview?
        var sink: RecordingSink
        var text: String { preview?.json.text ?? "" }
        var rows: [JSONValue] {
            if case .rows(let rows, _)? = preview { rows } else { [] }
        }
        var count: Int? { if case .rows(_, let count)? = preview { count } else { nil } }
        var reason: String? {
            if case .none(let reason)? = preview { reason } else { nil }
        }
    }

    private static func look(
        _ site: Site, _ tool: Tool, _ arguments: JSONObject = JSONObject(), as user: String = "fin",
        rules: [Rule] = [], asks: Bool = true, on backend: (any Backend)? = nil,
        sinkFails: @escaping @Sendable (Int) -> Bool = { _ in false },
        after: (ApprovalRequest) async throws -> ApprovalRequest = { $0 }
    ) async throws -> Look {
        var demand = ApprovalDemand(groups: ["finance"], hold: .zero)
        demand.preview = asks ? .rows : nil
        let held = Rule(
            id: "held", effect: .approve, when: .fact(.toolName, .oneOf([.string(tool.name.text)])),
            reason: "data changes", approval: demand)
        let ssn = MaskRule(
            id: "ssn", target: .column(backend: "test", site.path("ssn")), strategy: .redact)
        let policy = Policy(
            grants: [Grant(scopes: ["test"], groups: ["support"])], rules: [held] + rules,
            masks: [ssn])
        let state = MemoryState()
        let sink = RecordingSink(fails: sinkFails)
        let identity = IdentityStage(issuers: TrustedIssuers(), localUsers: GateFixture.users)
        func gate(_ backend: any Backend) -> Gate {
            Gate(
                identity: identity, limits: LimitStage(), tools: [tool], policy: policy,
                backend: Backends(["test": backend]), sink: sink,
                approving: ApprovalMeans(store: state, version: "1"))
        }
        let via = Transport(kind: .http, address: "192.0.2.7")
        let ada = try await identity.identify(.localUser("ada"))
        _ = await gate(site.backend).answer(
            ArrivedCall(caller: ada, tool: tool.name.text, arguments: arguments, via: via))
        let open = try await ApprovalDesk(store: state, sink: sink).list(.pending)
        let request = try await after(try #require(open.first))
        let person = try await identity.identify(.localUser(user))
        return Look(
            preview: await gate(backend ?? site.backend).preview(request, for: person, via: via),
            sink: sink)
    }

    private static func check(_ site: Site) async throws {
        let before = try await site.amounts()
        let one = try await site.tool("update people set amount = 0 where id = :id")
        let three = JSONObject(("id", 3))
        let seen = try await look(site, one, three)
        #expect(seen.count == 1 && seen.rows.count == 1)
        #expect(seen.rows.first?["name"] == "n3" && seen.rows.first?["amount"] == 30)
        #expect(!seen.text.contains("s3") && seen.rows.first?["ssn"]?.string != nil)
        let line = try #require(seen.sink.lines.last)
        #expect(line["event"] == "preview" && line["caller"]?["subject"] == "fin")
        #expect(line["rows"] == 1 && line["masked"] == 1 && line["code"] == "ok")
        #expect(!JSONValue.array(seen.sink.lines).text.contains("n3"))

        let all = try await look(site, site.tool("delete from people"))
        #expect(all.rows.count == 20 && all.count == site.all)
        #expect(all.preview?.lines.first?.text == "\(site.all) rows; the first 20:")

        // Values stay values.
        let named = try await site.tool("delete from people where name = :name")
        for value in ["x' or '1'='1", "x\" or 1=1 --", "x'); delete from people; --", "n3\\"] {
            let found = try await look(site, named, JSONObject(("name", .string(value))))
            #expect(found.count == 0 && found.rows.isEmpty, "\(value)")
        }
        // What is masked for them decides nothing that they see.
        let secret = try await site.tool("delete from people where ssn = :ssn")
        let guessed = try await look(site, secret, JSONObject(("ssn", "s3")))
        #expect(guessed.reason != nil && guessed.sink.lines.last?["code"] != "ok")
        let inside = try await site.tool(
            "update people set amount = 1 where id in (select id from people where ssn > :ssn)")
        #expect(try await look(site, inside, JSONObject(("ssn", "s"))).reason != nil)

        let forFinance = Condition.all([
            .fact(.statement(.reads), .oneOf([.string("\(site.schema).people")])),
            .fact(.callerGroups, .oneOf(["finance"])),
        ])
        for effect in [Rule.Effect.deny, .approve] {
            let rule = Rule(id: "not-theirs", effect: effect, when: forFinance, reason: "private")
            let denied = try await look(site, one, three, rules: [rule])
            #expect(denied.reason?.contains("not-theirs") == true)
            #expect(!denied.text.contains("n3"))
        }
        // A rule about the arguments of the change finds them.
        let large = Rule(
            id: "large", effect: .deny, when: .fact(.argument("id"), .over(JSONNumber(1_000))),
            reason: "x")
        #expect(try await look(site, one, three, rules: [large]).count == 1)

        // Who is not asked, or where no rule wants it, or when it is over.
        for user in ["ada", "eve", "fay"] {
            #expect(try await look(site, one, three, as: user).preview == nil)
        }
        #expect(try await look(site, one, three, asks: false).preview == nil)
        let over = try await look(
            site, one, three,
            after: { (request: ApprovalRequest) in
                var request = request
                request.phase = .cancelled
                return request
            })
        #expect(over.preview == nil)
        // Nothing is shown that is not on record: the hold is the first line, its refusal the next.
        let unrecorded = try await look(site, one, three, sinkFails: { $0 > 1 })
        #expect(unrecorded.reason != nil && !unrecorded.text.contains("n3"))

        let other = try await site.tool("insert into people (id, name) values (:id, 'x')")
        let form = try await look(site, other, JSONObject(("id", 90)))
        #expect(form.reason?.contains("plain UPDATE or DELETE") == true)
        try await checkCallersStatements(site)
        #expect(try await site.amounts() == before)
    }

    private static func checkCallersStatements(_ site: Site) async throws {
        let free = try Tool.sample(
            "write_sql", backend: "test", scope: "test", effect: .write,
            operation: .freeSQL(FreeSQLOperation(argument: "sql")),
            examination: .ofCallers(.write))
        func look(_ sql: String, _ values: [JSONValue] = []) async throws -> Look {
            try await Self.look(
                site, free, JSONObject(("sql", .string(sql)), ("params", .array(values))))
        }
        #expect(try await look("delete from people where id < 4").count == 3)
        #expect(try await look("delete from people where id < $1", [3]).count == 2)
        #expect(try await look("update people set amount = $1 where id = $2", [7, 5]).count == 1)
        let with = try await look(
            "with x as (select 1 as id) delete from people where id in (select id from x)")
        #expect(with.reason?.contains("plain UPDATE or DELETE") == true)
    }

    private static let table = """
        create table people (id integer primary key, name text, ssn text, owner text,
            amount integer);
        """

    @Test func onSQLite() async throws {
        let rows = (1...30).map { "(\($0), 'n\($0)', 's\($0)', 'x', \($0 * 10))" }
        let fixture = try SQLiteFixture(
            Self.table + "insert into people values \(rows.joined(separator: ","));")
        let sum = try fixture.tool("select count(*), sum(amount) from people")
        let site = Site(
            backend: fixture.backend, schema: "main", all: 30,
            tool: { try fixture.tool($0, .write) },
            amounts: { String(decoding: try await fixture.run(sum).rows.bytes, as: UTF8.self) })
        try await Self.check(site)
        // An index is no part of what is asked; a table that is gone is said.
        let tool = try await site.tool("delete from people where id = :id")
        let empty = try SQLiteFixture("create table other (id integer)")
        let gone = try await Self.look(site, tool, JSONObject(("id", 1)), on: empty.backend)
        #expect(gone.reason != nil)
    }

    /// As whose change it is: row-level security shows them the rows that the change would meet.
    @Test func onPostgres() async throws {
        let role = "app_\(UInt32.random(in: 0 ... .max))"
        let fixture = try await PostgresFixture.make(
            Self.table + """
                insert into people select i, 'n' || i, 's' || i,
                    case when i <= 25 then 'ada' else 'fin' end, i * 10
                    from generate_series(1, 30) i;
                create role \(role) login;
                grant select, insert, update, delete on people to \(role);
                alter table people enable row level security;
                create policy own on people using (owner = current_setting('app.user'));
                """
        ) { options in
            options.user = role
            options.asCaller = PostgresCallerSettings(
                role: nil, settings: [("app.user", CallerTemplate("{caller.subject}")!)])
        }
        let site = Site(
            backend: fixture.backend, schema: "public", all: 25,
            tool: { try await fixture.tool($0, .write) },
            amounts: {
                try await fixture.elsewhere {
                    try fixture.aside.rows("select count(*), sum(amount) from people", [])
                        .description
                }
            })
        try await Self.check(site)
        let tool = try await site.tool("delete from people where id = :id")
        var away = fixture.options
        away.hosts = [.init(name: "127.0.0.1", port: 1)]
        let backend = PostgresBackend(
            away, workers: PostgresFixture.patient, loops: fixture.group.loops)
        let gone = try await Self.look(site, tool, JSONObject(("id", 1)), on: backend)
        #expect(gone.reason != nil && gone.text.contains("n1") == false)
    }
}
