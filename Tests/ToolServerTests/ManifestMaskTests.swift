import Backends
import Enforcement
import EventLoop
import JSON
import Testing

@testable import ToolServer

/// Masks on a real database: what loads, what is refused, and what is said about it.
@Suite struct ManifestMaskTests {
    static let schema = """
        create table u (id integer primary key, name text, ssn text, salary integer, note text);
        create table o (id integer primary key, uid integer, note text, ssn text);
        create table lg (x text);
        create table vault (code text primary key, label text) without rowid;
        create table list (ssn text);
        create table pairs (k integer, first text, ssn text);
        create table calm (id integer primary key, email text unique, plan text);
        create table n (id integer primary key, name text, ssn text, note text);
        create index n_name on n (name, ssn);
        create index o_expression on o (lower(note));
        create table child (id integer primary key, email text references calm (email));
        create view v as select id, ssn as s from u;
        create view w as select id, abs(ssn) as total from u;
        create virtual table f using fts5(body);
        create virtual table f4 using fts4(ssn);
        create trigger copy after update of salary on u
            begin insert into lg values (new.ssn); end;
        """

    static func fixture(_ sql: String, _ effect: String = "read", mask: String) -> ManifestFixture {
        let inputs = Set(sql.matches(of: #/:([a-z]+)/#).map { String($0.1) }).sorted()
            .map { "\"\($0)\": {\"type\": \"string\"}" }.joined(separator: ", ")
        let tool = """
            {"tool": "one", "title": "T", "description": "D.", "backend": "shop",
             "scope": "crm.read", "effect": "\(effect)", "input": {\(inputs)},
             "sql": \(JSONValue.string(sql).text)}
            """
        let policy = """
            {"rules": [{"rule": "m", "effect": "mask", \(mask), "with": "redact"}]}
            """
        return ManifestFixture([
            "tools/one.json": tool, "policy/masks.json": policy, "shop.sql": schema,
        ])
    }

    static func problems(
        _ sql: String, _ effect: String = "read",
        mask: String = #""column": "shop.main.u.ssn""#
    ) throws -> [String] {
        let pool = WorkerPool(threads: 1, queueLimit: 1, name: "masks")
        defer { pool.stop() }
        let maker = CatalogMaker(
            makeBackend: { (settings) throws(BackendError) in
                guard case .sqlite(let sqlite) = settings.kind else {
                    throw BackendError(.invalid, detail: "not of this test")
                }
                return try SQLiteBackend(
                    SQLiteOptions(
                        file: sqlite.file, createFrom: sqlite.create.map { Array($0.utf8) }),
                    pool: pool)
            }, digest: { "\($0.count)" })
        return try fixture(sql, effect, mask: mask).inDirectory { directory in
            do {
                _ = try maker.load(directory: directory)
                return []
            } catch let error as ManifestError {
                return error.problems.map(\.text)
            }
        }
    }

    /// What a refusal says, from the subject on.
    static let allowed = ", or say \"filter\": \"allowed\""
    static let decides =
        " in tool `one`, where it may decide which rows come, their order, their number or an "
        + "error; only show it there" + allowed
    static let unclear =
        " in tool `one`, which cannot be followed, so it may decide which rows come; write "
        + "it more plainly" + allowed
    static let changes =
        " in tool `one`, which reads or compares it to change data; leave it out there" + allowed

    static func refusal(_ column: String, _ reason: String) -> [String] {
        ["policy/masks.json:1:54: rules[0].column: `m` cannot hide `shop.main.\(column)`\(reason)"]
    }

    // MARK: What a masked column may not do

    @Test(arguments: [
        // Which rows come.
        "select id, ssn from u where ssn like :p", "select id, 1 as one from u where \"SSN\" = :p",
        "select id from u where id = 1 and [ssn] > :p", "select id from u where `ssn` > :p",
        "select o.id from o join u on u.id = o.uid and u.ssn = o.ssn",
        "select o.id from o left join u on u.id = o.uid and u.ssn > :p",
        "select id, ssn as x from u where x = :p", "select id, ssn x from u where x = :p",
        "select id, upper(ssn) as x from u where x = :p",
        "select id from u where 'ssn' || ssn < :p",
        "select count(*) as n from u where ssn like :p",
        "select id from u where (ssn, id) = (:p, 1)",
        // Their order.
        "select id, ssn from u order by ssn desc", "select id, ssn from u order by 2",
        "select id, ssn as x from u order by x", "select id, ssn as x from u order by \"X\"",
        "select id, upper(ssn) as x from u order by 2 desc", "select id, ssn from u order by +2",
        "select id, ssn from u order by (2)", "select * from u order by 3",
        "select *, 1 as a from u order by 3, 1", "select id, ssn from u order by 0x2",
        "select id, ssn from u order by ssn || id limit 1",
        // Their number.
        "select distinct ssn from u", "select distinct upper(ssn) as x, 1 as one from u",
        "select count(*) as n from u group by ssn",
        "select 1 as a, count(*) as n from u group by 1, ssn",
        "select id, count(*) as n from u group by substr(ssn, 1, 1)",
        "select 1 as n from u group by note having max(ssn) > :p",
        "select ssn as x, count(*) as n from u group by x",
        "select ssn as x, count(*) as n from u group by 1",
        // Whose row is shown.
        "select name, id, max(ssn) as x from u", "select name, min(ssn) as x from u group by note",
        "select note, name, max(ssn) as x from u group by note",
        "select (name), max(ssn) as x from u", "select *, max(ssn) as x from u",
        "select o.note as a, max(u.ssn) as x from u join o on o.uid = u.id group by u.note",
        // Whether it fails, where it cannot be computed without.
        "select abs((select ssn from u limit 1)) as x from o", "select id, total from w",
        "select id, x from (select id, \"abs(ssn)\" as x from (select id, abs(ssn) from u))",
        "select json_array(1, :p) as x, abs(ssn) as y from u group by 2",
    ])
    func itMayNotDecide(_ sql: String) throws {
        let problems = try Self.problems(sql)
        #expect(problems == Self.refusal("u.ssn", Self.decides), "\(problems)")
    }

    /// Wherever it stands: in a view, a common table, a query within or beside another.
    @Test(arguments: [
        "select id from u where id in (select id from u where ssn = :p)",
        "select id, ssn from u limit (select ssn from u)",
        "select ssn from u union select note from o", "select id, s from v where s = :p",
        "select note from o except select s from v",
        "select note from o union all select s from v order by 1",
        "select note from o union all select name from u union select s from v",
        "select note as a from o union all select s from v order by a",
        "select note as a from o union all select s as b from v order by b",
        "select note from o union all select upper(s) from v order by upper(s)",
        "select id, rank() over w as y, ssn from u window w as (order by ssn)",
        "select id, row_number() over (partition by ssn) as y from u",
        "select id, ssn, note is distinct from name as x from u where ssn = 1",
        "select o.id from o join u on u.ssn = o.ssn",
        "select o.id from o left join u on u.ssn > :p",
        "select id from u natural join o", "select u.id from u join o using (ssn)",
        "select o.id from o full join u using (ssn)",
        "with w as (select id, ssn as x from u) select id from w where x > 5",
        "with w (a, b) as (select id, ssn from u) select a from w order by b",
        "with w as (select id, upper(ssn) from u) select id from w where \"upper(ssn)\" > 'A'",
        "with w as (select id a, id a, ssn a from u) select a from w where \"a:2\" > 5",
        "select id from (select id, ssn as x from u) where x > 5 limit 1",
        "select id from (select id from u order by ssn limit 1)",
        "select n from (select name as n, max(ssn) from u)",
        "select id from (select id, ssn = name as f from u) where f",
        "select id from o where exists (select 1 from u where ssn > o.note)",
        "select id, (select ssn from u where ssn > o.note) as x from o",
        "select id, (select 1 where x > 5) as y from (select id, ssn as x from u)",
        "select (select count(*) from o where o.note > u.ssn) as n from u",
        "with recursive r (n, s) as (select 1, ssn from u union all select n + 1, s from r "
            + "where s > n limit 9) select n from r",
        "select value from u, json_each(json_array(ssn))", "select upper(name), max(ssn) from u",
        "select note, max(ssn) as x from u group by note order by name",
        "select note, max(ssn) as x from u group by note having name > 'b'",
        "select rowid, max(ssn) from u",
        // The plan makes an index of its own, in which the column may be a key.
        "select pairs.first, o.note from o join pairs on pairs.k = o.uid",
    ])
    func itMayNotDecideAnywhere(_ sql: String) throws {
        let column = sql.contains("pairs") ? "pairs.first" : "u.ssn"
        let problems = try Self.problems(sql, mask: "\"column\": \"shop.main.\(column)\"")
        #expect(problems == Self.refusal(column, Self.decides), "\(problems)")
    }

    @Test(arguments: [
        "select id from o where ssn in list and id > :p",
        "select id, ssn, abs \u{B}(1) as x from u", "select id, ssn from u where \u{FEFF}ssn = 1",
        "select a.id from (u join o on o.uid = u.id) as a where a.ssn > 5",
    ])
    func whatCannotBeFollowedIsUnknown(_ sql: String) throws {
        let column = sql.contains("list") ? "list.ssn" : "u.ssn"
        let found = try Self.problems(sql, mask: "\"column\": \"shop.main.\(column)\"")
        #expect(found == Self.refusal(column, Self.unclear))
    }

    @Test(arguments: [
        "update u set name = note, note = ssn where id = 1 returning name",
        "insert into lg (x) select ssn from u returning x",
        "insert into lg (x) select ssn from u",
        "update o set note = u.ssn from u where u.id = o.uid returning o.note",
        """
        insert into o (id, note) values (1, 'a')
            on conflict (id) do update set note = (select ssn from u) returning note
        """,
        "update u set salary = 1 returning ssn, id", "update u set salary = 1 where id = :id",
        "delete from u where ssn = :p", "delete from u where ssn = :p returning id",
        "update u set note = 'a' where id = :id returning id, (select ssn from u) as x",
        "update u set note = ssn where id = :id returning id",
        "insert into o (uid, note) select id, name from u where ssn > :p returning id",
        "with w as (select ssn from u) update u set note = (select ssn from w) returning note",
    ])
    func aChangeMayNotReadIt(_ sql: String) throws {
        #expect(try Self.problems(sql, "write") == Self.refusal("u.ssn", Self.changes))
    }

    @Test(arguments: [
        "insert into calm (email, plan) values (:email, 'a')",
        "insert or ignore into calm (email) values (:email)", "update calm set email = :email",
        "insert into calm (email) values (:email) on conflict (email) do nothing",
    ])
    func aChangeMayNotTellWhetherAUniqueValueIsThere(_ sql: String) throws {
        let mask = #""column": "shop.main.calm.email""#
        #expect(
            try Self.problems(sql, "write", mask: mask)
                == Self.refusal("calm.email", Self.changes))
        #expect(
            try Self.problems("update calm set plan = :p where id = 1", "write", mask: mask) == [])
    }

    /// Without a word about it, as rows come in the order of the index that the plan takes.
    @Test(arguments: [
        "select name from n order by name", "select name, ssn from n where name = :p order by name",
        "select id from n where name = :p",
        "select x.id from (select id, name from n) x order by name",
    ])
    func theKeyOfAnIndexDecides(_ sql: String) throws {
        let mask = #""column": "shop.main.n.ssn""#
        #expect(try Self.problems(sql, mask: mask) == Self.refusal("n.ssn", Self.decides))
        // An index is not read only since it holds all that is asked.
        for sql in [
            "select id, name, ssn, note from n", "select count(*) as c from n",
            "select name, id from n", "select name, ssn from n", "select id, ssn from n",
            "select group_concat(name) as x from n",
        ] {
            #expect(try Self.problems(sql, mask: mask) == [])
        }
    }

    /// Whether there is such a parent is known by reading its key.
    @Test func aChangeMayNotTellWhetherAParentIsThere() throws {
        let mask = #""column": "shop.main.calm.email""#
        #expect(
            try Self.problems("insert into child (email) values (:p)", "write", mask: mask)
                == Self.refusal("calm.email", Self.changes))
    }

    @Test func theKeyOfATableDecidesItsOrder() throws {
        let mask = #""column": "shop.main.vault.code""#
        #expect(
            try Self.problems("select label from vault", mask: mask)
                == Self.refusal("vault.code", Self.decides))
        #expect(
            try Self.problems(
                "select count(*) as n from u where rowid = :p",
                mask: #""column": "shop.main.u.id""#) == Self.refusal("u.id", Self.decides))
    }

    @Test(arguments: [
        "select * from f_content", "select c0 from f_content", "select * from f4_content",
        "select block from \"F_DATA\"", "select id from u where id in f_content",
    ])
    func whatAVirtualTableKeepsIsNotReadDirectly(_ sql: String) throws {
        let problems = try Self.problems(sql, mask: #""column": "shop.main.f.body""#)
        #expect(problems.count == 1)
        #expect(problems.first?.contains("is inside a virtual table; use that table") == true)
    }

    @Test(arguments: [
        "select body from f where f match :p", "select ssn from f4",
        "select id from u join f4 using (ssn)",
    ])
    func whatIsReadUnknownIsRefused(_ sql: String) throws {
        #expect(
            try Self.problems(sql) == [
                "policy/masks.json:1:54: rules[0].column: `m` cannot hide anything in tool `one`, "
                    + "since what it reads is unknown (a virtual table, or text that cannot be "
                    + "followed); write it without" + Self.allowed
            ])
    }

    @Test func aFieldMayNotDecideEither() throws {
        let field = #""field": "SSN""#
        func column(_ sql: String) throws -> [String] {
            try Self.problems(sql, mask: field).map {
                $0.replacing("policy/masks.json:1:53: rules[0].field: `m` cannot hide ", with: "")
            }
        }
        for sql in [
            "select id from u where ssn = :p", "select id, max(ssn) as x from u",
            "select id, note as ssn from u where note = :p",
        ] {
            let name = sql.contains("note") ? "note" : "ssn"
            #expect(try column(sql) == ["`shop.main.u.\(name)`" + Self.decides], "\(sql)")
        }
        #expect(try column("select id, ssn, note from u where note = :p order by id") == [])
    }

    /// The rows that a change shows come in the order in which it finds them.
    @Test func aChangeMayNotShowRowsInTheOrderOfAKey() throws {
        let mask = #""column": "shop.main.n.ssn""#
        for sql in [
            "update n set note = 'x' where name = :p returning id",
            "delete from n where name = :p returning id",
            "insert into lg (x) select note from n where name = :p returning x",
        ] {
            #expect(
                try Self.problems(sql, "write", mask: mask) == Self.refusal("n.ssn", Self.changes),
                "\(sql)")
        }
        for sql in [
            "update n set note = 'x' where id = :p returning id, ssn",
            "update n set note = 'x' where name = :p",
        ] {
            #expect(try Self.problems(sql, "write", mask: mask) == [], "\(sql)")
        }
    }

    // MARK: What loads

    @Test(arguments: [
        "select id, ssn from u", "select id, ssn, name from u where id = :id",
        "select * from u where id = :id", "select u.* from u where name = :name and id > 3",
        "select id, ssn as x from u where name like :name order by id limit 10",
        "select u.id, u.ssn, o.note from u join o on o.uid = u.id where o.id = :id order by o.id",
        "select u.*, o.note as n from u left join o on o.uid = u.id where u.id = :id",
        "select count(*) as n from u", "select count(*) as n from u where id > :id",
        "select avg(salary) as a, max(ssn) as m, count(ssn) as n from u",
        "select note, count(*) as n, max(ssn) as x, min(ssn) as y from u group by note order by note",
        "select u.note, max(u.ssn) as x from u join o on o.uid = u.id group by u.note",
        "select id, upper(substr(ssn, 1, 3)) || '-' as x from u order by id desc, note",
        "select id, coalesce(ssn, '-') as x, cast(ssn as integer) + 1 as y from u",
        "select id, note, abs(salary) as a, ssn from u where salary > :n",
        "select o.id, o.ssn from o where o.ssn = :p", "select o.id from o where ssn like :p",
        "select o.ssn from o, u where u.id = o.uid and o.note = 'u'",
        "select ssn from u where id in (1, 2)", "select id from u where 'ssn' < :p",
        "select 'ssn' as x, id from o order by id;",
        "select /* where ssn */ id, ssn from u -- order by ssn",
        // Through views, common tables and queries within others.
        "select id, s from v", "select id from v where id = :id order by id",
        "with w as (select ssn from u) select ssn from w",
        "with w as (select id, ssn from u), x as (select * from w) select id from x where id > 1",
        "with recursive r (n, s) as (select 1, ssn from u union all select n + 1, s from r "
            + "where n < 3) select n, s from r",
        "select id from (select * from u)", "select x from (select upper(ssn) as x from u)",
        "select note from o union all select s from v",
        "select name from u union select note from o",
        "select id, (select ssn from u where id = 1) as x from o",
        "select id, (select count(*) from o where uid = u.id) as n, ssn from u",
        "select id, name from u where exists (select 1 from o where o.uid = u.id)",
        "select id, ssn, row_number() over (order by id) as n from u",
        "select id, lead(ssn) over (order by id) as x from u",
        "select id, exists (values (1)) as y, ssn from u", "select count(*) as n from v",
        "select u.name, o.note from u join o using (id)", "select value from json_each(:p)",
        "select u.name, j.value from u, json_each(u.note) j where u.id = :id",
        "select u.id, u.ssn from u join o on o.uid = u.id where o.ssn = :p",
        // What may fail is computed without it.
        "select abs(ssn) as x from u", "select sum(ssn) as x from u",
        "select ssn -> '$' as x from u", "select hex(ssn) as x, quote(ssn) as y from u",
        "select json_extract(ssn, '$') as x from u", "select ssn ->> :p as x from u",
        "select json_object('id', id, 'ssn', ssn) as x from u",
        "select json_group_array(json_array(id, ssn)) as x from u",
        "select case when ssn > '5' then abs(-9223372036854775807 - 1) end as x from u",
        "select 'a' like 'b' escape ssn as x from u", "select 'a' like ssn as x from u",
        "select \"abs\"(ssn) as x from u", "select abs/**/ (ssn) as x from u",
        "select group_concat(ssn) as x from u", "select printf('%s', ssn) as x from u",
        "select date('now', u.[ssn]) as x from u", "select not ssn like 'a%' as x from u",
        "select id, case when ssn like :p then 1 end as x from u",
        "select id, nullif(ssn, :p) as x from u", "select id, ssn = :p as x from u",
        "select max(ssn, :p) as x from u", "select ssn || :p as x from u",
        "select case f when 1 then abs(-9223372036854775807 - 1) end from "
            + "(select substr(ssn, 1, 1) = '5' as f from u)",
        "select x || x || x || x || x || x as y from (select iif(ssn > 5, 'aaaa', '') as x from u)",
        "with w as (select id, hex(ssn) as x from u) select id, x from w where id > 1",
        "select note, group_concat(ssn, ',') as x from u group by note order by note",
    ])
    func whatOnlyShowsItLoads(_ sql: String) throws {
        let problems = try Self.problems(sql)
        #expect(problems == [], "\(problems)")
    }

    /// Without a table before it a name in a query that SQLite names itself may be either.
    @Test func aNameThatMayBeEitherDecidesAsBoth() throws {
        let sql = "select id from (select id, ssn || note from u) where \"ssn || note\" > :p"
        #expect(try Self.problems(sql) == Self.refusal("u.ssn", Self.decides))
    }

    @Test(arguments: [
        "update u set note = :p where id = :id", "update u set ssn = :p where id = :id",
        "insert into u (name, ssn) values (:name, :ssn) returning id",
        "delete from u where id = :id",
        "delete from u returning ssn", "update u set note = 'a' where id = :id returning id, ssn",
        "update main.u as t set note = :n where t.id = :id returning u.id, u.ssn as s, name;",
        "insert into u (name, ssn) values (:name, :ssn) returning *",
        "insert into u (name, ssn) select note, 'x' from o returning id, hex(ssn) as x",
        "replace into u (id, ssn) values (1, :ssn) returning ssn",
        "with w as (select note from o) update u set note = (select note from w) returning ssn",
        "delete from u where id = :id returning json_object('id', id, 'ssn', ssn) as x",
        "update u set name = 'returning' where id = :id returning upper(ssn) as \"returning\"",
    ])
    func aChangeThatReadsOtherColumnsLoads(_ sql: String) throws {
        #expect(try Self.problems(sql, "write") == [])
    }

    @Test func aColumnMayDecideWhereTheRuleAllowsIt() throws {
        let mask = #""filter": "allowed", "column": "shop.main.u.ssn""#
        for sql in ["select id from u where ssn = :p", "select s from v", "select body from f"] {
            #expect(try Self.problems(sql, mask: mask) == [])
        }
    }

    @Test func aMaskNamesAColumnOfATable() throws {
        let place = "policy/masks.json:1:54: rules[0].column: "
        func problems(_ column: String) throws -> [String] {
            try Self.problems("select id from o", mask: "\"column\": \"shop.main.\(column)\"")
        }
        #expect(
            try problems("u.snn") == [
                place + "no column `shop.main.u.snn`; did you mean `shop.main.u.ssn`?"
            ])
        #expect(
            try problems("v.s") == [
                place + "`shop.main.v.s` is a view's; "
                    + "name the column of the table that the view shows"
            ])
        #expect(try problems("f_content.c0").first?.contains("no column") == true)
        #expect(try problems("U.SSN") == [])
        #expect(try problems("f.body") == [])
    }
}
