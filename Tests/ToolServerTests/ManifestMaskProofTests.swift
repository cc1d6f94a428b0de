import Enforcement
import EventLoop
import Foundation
import JSON
import TestSupport
import Testing

@testable import Backends
@testable import ToolServer

/// Goal: a masked value that nobody may see decides nothing that anybody may see. Method: random
/// statements over tables with masked columns; whatever the loader accepts runs on databases that
/// differ in the masked values alone, with the same arguments, through a whole gate. Every answer
/// has to be the same byte by byte: values, nulls, rows and their order, errors. The seed is fixed.
@Suite(.serialized) struct ManifestMaskProofTests {
    static let masked = [
        ColumnPath("u", "ssn"), ColumnPath("o", "pay"), ColumnPath("w", "code"),
    ]

    static var policy: Policy {
        Policy(
            grants: GateFixture.grants,
            masks: masked.enumerated().map { index, path in
                MaskRule(
                    id: Name("m\(index)"), target: .column(backend: "shop", path),
                    strategy: .redact)
            })
    }

    /// Values that differ in order, type, length, equality among themselves and with other columns,
    /// in being a number, JSON, a pattern, and in what makes functions fail; never null.
    static let values: [[String]] = [
        ["1", "2", "3", "4", "5", "6", "7", "8"],
        ["8", "7", "6", "5", "4", "3", "2", "1"],
        ["'a'", "'b'", "'a b'", "'{\"a\": 1}'", "'['", "-9223372036854775808", "'%'", "x'00'"],
        [
            "9223372036854775807", "9223372036854775806", "5.5", "'x'", "printf('%2000d', 1)", "''",
            "0", "-1",
        ],
        ["'blue'", "'red'", "'Blue'", "'1'", "'2'", "'3'", "1e300", "'now'"],
    ]

    static let indexes = [
        [], ["create index i1 on u (ssn)", "create index i2 on o (uid)"],
        ["create index i1 on u (color, ssn)", "create index i2 on o (uid, pay)"],
        ["create index i1 on u (n, ssn, color)", "create index i2 on o (pay)"],
        ["create index i1 on u (lower(ssn))", "create index i2 on o (note, uid, pay)"],
        ["create unique index i1 on u (ssn, id)", "create index i2 on u (color)"],
    ]

    static func schema(_ values: [String], _ indexes: [String]) -> String {
        var lines = [
            "create table u (id integer primary key, color text, n integer, ssn)",
            "create table o (id integer primary key, uid integer, note text, n integer, pay)",
            "create table w (code primary key, n integer, color text) without rowid",
            "create view vu as select id, color, n, ssn from u",
            "create view vx (id, color, n, ssn) as select z.id, z.color, n + 1, upper(z.ssn) from u z",
            "create view va as select id, color, n, ssn from u where n > 1 union all "
                + "select id, note, n, pay from o",
        ]
        let colors = ["'blue'", "'red'", "'green'", "null"]
        for (index, value) in values.enumerated() {
            let color = colors[index % 4]
            lines.append(
                "insert into u values (\(index + 1), \(color), \(index * 3 % 5), \(value))")
            lines.append(
                "insert into o values (\(index + 1), \(index * 5 % 8 + 1), \(color), "
                    + "\(index % 3), \(values[(index + 3) % 8]))")
            lines.append("insert into w values (\(value), \(index * 3 % 5), \(color))")
        }
        return (lines + indexes).joined(separator: ";\n") + ";"
    }

    /// One database for each list of values, all with the same indexes.
    final class Databases {
        let folder = NSTemporaryDirectory() + "proof-" + UUID().uuidString
        let pool = WorkerPool(threads: 1, queueLimit: 16, name: "proof")
        let backends: [SQLiteBackend]

        init(_ indexes: [String]) throws {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
            let (folder, pool) = (folder, pool)
            backends = try ManifestMaskProofTests.values.enumerated().map { index, values in
                try SQLiteBackend(
                    SQLiteOptions(
                        file: "\(folder)/\(index).db",
                        createFrom: Array(ManifestMaskProofTests.schema(values, indexes).utf8)),
                    pool: pool)
            }
        }

        deinit {
            pool.stop()
            try? FileManager.default.removeItem(atPath: folder)
        }
    }

    /// The tool of a statement; nil when the backend does not take it.
    static func tool(
        _ sql: String, _ effect: Tool.Effect = .read, on backend: SQLiteBackend
    ) throws -> Tool? {
        let operation = Enforcement.Operation.sql(SQLOperation(text: sql))
        guard let examination = try? backend.examine(operation, effect: effect) else { return nil }
        let input: JSONValue = [
            "type": "object", "properties": ["p": [:], "q": [:]], "additionalProperties": false,
        ]
        return Tool(
            name: "orders", title: "T", description: "D.", backend: "shop", scope: "crm.read",
            effect: effect, inputSchema: input, input: InputCheck(schema: try JSONSchema(input)),
            operation: operation, limits: ToolLimits(rows: 50, bytes: 1 << 20, time: .seconds(30)),
            examination: examination)
    }

    static func loads(_ tool: Tool) -> Bool {
        let findings = Findings()
        let check = MaskCheck(tools: [tool], findings: findings)
        let place = ManifestFile(name: "p.json", bytes: []).start
        for rule in policy.masks { check.checkDeciding(of: rule, at: place) }
        return !findings.hasProblems
    }

    static func answers(
        of tool: Tool, _ arguments: JSONObject, on databases: Databases
    ) async throws -> [String] {
        var answers: [String] = []
        for backend in databases.backends {
            let gate = try GateFixture(
                tools: [tool], policy: policy,
                backend: { (job) throws(BackendError) in try await backend.perform(job) })
            let outcome = try await gate.call("orders", arguments)
            answers.append(outcome.text ?? "\(outcome)")
        }
        return answers
    }

    @Test(arguments: 0..<6)
    func whatLoadsAnswersTheSameWhateverIsMasked(_ round: Int) async throws {
        let databases = try Databases(Self.indexes[round])
        var random = SplitMix(seed: 0xCA9A_0000 &+ UInt64(round))
        var (shown, refused, rows) = (0, 0, 0)
        for _ in 0..<Self.statementCount {
            var writer = StatementWriter(random: random)
            let sql = writer.statement()
            random = writer.random
            guard let tool = try Self.tool(sql, on: databases.backends[0]) else { continue }
            guard Self.loads(tool) else {
                refused += 1
                continue
            }
            guard let reads = tool.examination.reads, !reads.isDisjoint(with: Self.masked) else {
                continue
            }
            shown += 1
            for arguments in Self.arguments(for: tool, using: &random) {
                let answers = try await Self.answers(of: tool, arguments, on: databases)
                if answers[0].contains("},{") { rows += 1 }
                for answer in answers.dropFirst() where !answer.isByteEqual(to: answers[0]) {
                    Issue.record("\(sql)\n\(arguments)\n\(answers.joined(separator: "\n"))")
                    return
                }
            }
        }
        // Enough of both, or nothing is proved.
        #expect(shown > Self.statementCount / 25, "\(shown) shown, \(refused) refused")
        #expect(refused > Self.statementCount / 25, "\(shown) shown, \(refused) refused")
        #expect(rows > shown / 8, "\(rows) of \(shown) with several rows")
    }

    /// Each on databases of its own. What it leaves in them differs by what is masked only, or a
    /// look at them would tell.
    @Test func whatAChangeShowsIsTheSameWhateverIsMasked() async throws {
        var random = SplitMix(seed: 0xCA9A_0100)
        var (shown, refused) = (0, 0)
        for round in 0..<(Self.statementCount / 20) {
            var writer = StatementWriter(random: random)
            let sql = writer.change()
            random = writer.random
            let databases = try Databases(Self.indexes[round % Self.indexes.count])
            guard let tool = try Self.tool(sql, .write, on: databases.backends[0]) else { continue }
            guard Self.loads(tool) else {
                refused += 1
                continue
            }
            let look = try #require(
                try Self.tool("select id, color, n, ssn from u", on: databases.backends[0]))
            let arguments = Self.arguments(for: tool, using: &random)[0]
            let answers = try await Self.answers(of: tool, arguments, on: databases)
            let looks = try await Self.answers(of: look, JSONObject(), on: databases)
            if answers[0].contains("[") { shown += 1 }
            for (answer, left) in zip(answers, looks).dropFirst()
            where !answer.isByteEqual(to: answers[0]) || !left.isByteEqual(to: looks[0]) {
                Issue.record("\(sql)\n\(arguments)\n\(answers.joined(separator: "\n"))")
                return
            }
        }
        #expect(shown > 1, "\(shown) shown, \(refused) refused")
    }

    /// A caller to whom a rule shows the column gets what is computed on it, failures too.
    @Test func whoMaySeeAColumnGetsWhatIsComputedOnIt() async throws {
        let databases = try Databases([])
        let sql = "select id, hex(ssn) as h from u where id = 1"
        let tool = try #require(try Self.tool(sql, on: databases.backends[0]))
        #expect(tool.examination.blankable == [Self.masked[0]])
        let covered = try await Self.answers(of: tool, JSONObject(), on: databases)
        #expect(covered.allSatisfy { $0.contains(#""h":"[ssn]""#) })
        let backend = databases.backends[2]
        var policy = Self.policy
        policy.reveals = [
            RevealRule(
                id: "r", target: .column(backend: "shop", Self.masked[0]),
                groups: ["support"])
        ]
        let gate = try GateFixture(
            tools: [tool], policy: policy,
            backend: { (job) throws(BackendError) in try await backend.perform(job) })
        let seen = try await gate.call("orders", JSONObject()).text
        #expect(seen?.contains(#""h":"61""#) == true, "\(seen ?? "")")
    }

    /// The text bound to a GLOB would make SQLite take the index on `color, ssn`.
    @Test func noPlanIsMadeForTheValuesOfACall() async throws {
        let databases = try Databases(Self.indexes[2])
        let sql = "select id, n, color, ssn from u where color glob :q"
        let tool = try #require(try Self.tool(sql, on: databases.backends[0]))
        #expect(Self.loads(tool))
        let answers = try await Self.answers(of: tool, JSONObject(("q", "b*")), on: databases)
        #expect(answers[0].contains(#""id":1,"n":0,"color":"blue","ssn":"[ssn]""#))
        #expect(answers.allSatisfy { $0.isByteEqual(to: answers[0]) })
    }

    /// The environment makes a longer search.
    static let statementCount =
        ProcessInfo.processInfo.environment["PROOF_STATEMENTS"].flatMap { Int($0) } ?? 400

    static func arguments(for tool: Tool, using random: inout SplitMix) -> [JSONObject] {
        let choices: [JSONValue] = [
            1, 5, 0, "a", "%", "blue", "1", .null, "[", "9223372036854775807", "b*",
        ]
        let count = tool.examination.parameters.isEmpty ? 1 : 4
        return (0..<count).map { _ in
            var arguments = JSONObject()
            for name in tool.examination.parameters {
                arguments[name.text] = choices.randomElement(using: &random) ?? .null
            }
            return arguments
        }
    }
}

/// Random statements, most of which SQLite takes. Half of the weight lies on what loads.
private struct StatementWriter {
    var random: SplitMix
    private var tables: [String] = []

    init(random: SplitMix) { self.random = random }

    private static let columns = [
        "u": ["id", "color", "n", "ssn"], "o": ["id", "uid", "note", "n", "pay"],
        "w": ["code", "n", "color"], "vu": ["id", "color", "n", "ssn"],
        "vx": ["id", "color", "n", "ssn"], "va": ["id", "color", "n", "ssn"],
        "c": ["id", "color", "n", "ssn"],
    ]
    private static let secrets = [
        "u": "ssn", "o": "pay", "w": "code", "vu": "ssn", "vx": "ssn", "va": "ssn", "c": "ssn",
    ]

    private mutating func pick(_ choices: [String]) -> String {
        choices.randomElement(using: &random) ?? ""
    }

    private mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &random) < percent
    }

    mutating func statement() -> String {
        if chance(45) { return nested() }
        tables = chance(60) ? [pick(["u", "u", "o", "w"])] : ["u", pick(["o", "w"])]
        if chance(3) { return "select \(secretColumn()) as x from u union select n from o" }
        if chance(3) { return "with c as (select * from u) select * from c where \(condition(2))" }
        return plain()
    }

    /// A change that shows what it changed; half of them do not read what is masked.
    mutating func change() -> String {
        tables = [pick(["u", "u", "o", "w"])]
        let (table, open) = (tables[0], openColumn())
        let shown = chance(30) ? "*" : selectList()
        let condition = chance(70) ? "n < :p" : chance(70) ? "\(open) = :p" : filter()
        let value = chance(70) ? pick(["'x'", "3", ":q", "n + 1"]) : expression(1)
        let text = pick([
            "update \(table) set color = \(value) where \(condition)",
            "update \(table) set n = \(value) where \(condition)",
            "update \(table) as t set n = n + 1",
            "update \(table) set \(Self.secrets[table] ?? "") = \(value) where id = 3",
            "delete from \(table) where \(condition)",
            "insert into u (color, n, ssn) values (\(value), 5, 'new'), (null, 6, 7)",
            "insert into u (color, n) select note, n from o where \(condition)",
            "insert or replace into u (id, color) values (2, \(value))",
        ])
        return "\(text) returning \(shown)"
    }

    /// One SELECT on `tables`.
    private mutating func plain() -> String {
        var text = "select " + (chance(5) ? "distinct " : "")
        text += selectList() + " from " + source()
        if chance(45) { text += " where " + filter() }
        if chance(20) { text += " group by " + terms() + (chance(25) ? " having " + filter() : "") }
        if chance(40) { text += " order by " + terms() + pick(["", "", " desc", " nulls last"]) }
        if chance(25) { text += " limit " + pick(["1", "2", "3", ":p", "abs(:q)", "2 offset 1"]) }
        if chance(3) { text += " limit (select \(secretColumn()) from u where id = 1)" }
        return text
    }

    /// A SELECT around or beside others.
    private mutating func nested() -> String {
        let inner = innerQuery()
        tables = chance(70) ? ["c"] : ["c", pick(["o", "w", "u"])]
        switch Int.random(in: 0..<9, using: &random) {
        case 0, 1:
            let materialized = pick(["", "materialized ", "not materialized "])
            return "with c as \(materialized)(\(inner)) " + plain()
        case 2: return "with c (id, color, n, ssn) as (\(inner)) " + plain()
        case 3:
            return "with recursive c as (\(inner) union all select id + 10, color, n, "
                + "\(chance(50) ? "ssn" : "null") from c where id < 3) " + plain()
        case 4, 5: return plain().replacing("from c", with: "from (\(inner)) c")
        case 6:
            tables = [pick(["vu", "vx", "va"])]
            return plain()
        case 7:
            tables = ["u", pick(["vu", "vx"])]
            return plain()
        default:
            tables = ["u"]
            let scalar = pick([
                "(select max(ssn) from u)", "(select count(*) from o where uid = u.id)",
                "(select pay from o where o.id = u.id)",
                "exists (select 1 from o where uid = u.id)",
                "(select \(harmless(1)))", "(select note from o where o.uid = u.id limit 1)",
                "(select max(n) from w where w.code = u.ssn)",
                "(select color from (select color, max(ssn) from u))",
            ])
            return "select id, \(scalar) as s, \(column()) as x from u"
                + (chance(30) ? " where " + filter() : "") + (chance(30) ? " order by id" : "")
        }
    }

    /// With the columns `id`, `color`, `n` and `ssn`.
    private mutating func innerQuery() -> String {
        tables = ["u"]
        var text = pick([
            "select * from u", "select id, color, n, ssn from u",
            "select id, color, n, \(harmless(1)) as ssn from u",
            "select rowid as id, max(color) as color, n, max(ssn) as ssn from u group by n",
            "select id, color, n, ssn from va", "select id, color, n, ssn from vx",
            "select u.id, color, u.n, pay as ssn from u join o on o.uid = u.id",
            "select id, color, n, (select pay from o where o.id = u.id) as ssn from u",
            "select id, color, n, lag(ssn) over (order by id) as ssn from u",
            "select n as id, color, n, code as ssn from w",
            "select id, \(expression(1)) as color, n, ssn from u",
        ])
        if !text.contains("group by"), chance(25) { text += " where " + filter() }
        if chance(15) { text += " union all select id, note, n, \(pick(["pay", "note"])) from o" }
        if chance(4) { text += " union select id, note, n, pay from o" }
        if chance(12) { text += pick([" limit 3", " order by 1 limit 2", " order by id"]) }
        return text
    }

    private mutating func selectList() -> String {
        if chance(12) { return pick(["*", "\(tables[0]).*", "*, 1 as one"]) }
        var items: [String] = []
        let forms = Int.random(in: 0..<10, using: &random)
        for index in 0..<Int.random(in: 1...4, using: &random) {
            let alias = pick(["a", "b", "x", "color", "ssn", "n", "id"]) + String(index)
            let value: String
            switch forms {
            case 0..<5: value = chance(45) ? secretColumn() : column()
            case 5, 6: value = chance(40) ? column() : aggregate()
            case 7: value = chance(60) ? column() : expression(2)
            default: value = chance(60) ? column() : harmless(2)
            }
            items.append(value + pick([" as ", " "]) + (chance(12) ? pick(["n", "ssn"]) : alias))
        }
        return items.joined(separator: ", ")
    }

    private mutating func source() -> String {
        guard tables.count == 2 else { return tables[0] }
        let (left, right) = chance(50) ? (tables[0], tables[1]) : (tables[1], tables[0])
        let key =
            Set([left, right]) == ["u", "o"]
            ? pick(["u.id = o.uid", "u.n = o.n"]) : "\(left).n = \(right).n"
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return "\(left), \(right)"
        case 1: return "\(left) natural join \(right)"
        case 2: return "\(left) join \(right) using (n)"
        case 3: return "\(left) join \(right) on \(condition(2))"
        case 4: return "\(left) left join \(right) on \(key)"
        case 5: return "\(left) full join \(right) on \(key)"
        default: return "\(left) join \(right) on \(key)"
        }
    }

    /// Mostly of open columns.
    private mutating func filter() -> String {
        if chance(25) { return condition(2) }
        let open = openColumn()
        return pick([
            "\(open) = :p", "\(open) > :p", "\(open) is not null", "\(open) in (1, 2, 'blue')",
            "\(open) like :q", "\(open) glob :q", "\(open) between 1 and :p",
            "coalesce(\(open), 1) <> :q",
            "\(open) in \(chance(50) ? "w" : "(select n from u)")", "exists (select 1 from o)",
        ])
    }

    private mutating func terms() -> String {
        (0..<Int.random(in: 1...2, using: &random)).map { _ in
            chance(15)
                ? pick(["1", "2", "3", "(1)", "+2", "0x1"])
                : chance(20)
                    ? pick(["a0", "b1", "x1", "ssn1", "n0", "color0", "'a0'", "\"x0\""])
                    : chance(12) ? expression(1) : chance(10) ? secretColumn() : openColumn()
        }.joined(separator: ", ")
    }

    private mutating func column() -> String { chance(25) ? secretColumn() : openColumn() }

    private mutating func openColumn() -> String {
        let table = pick(tables)
        let names = (Self.columns[table] ?? []).filter { $0 != Self.secrets[table] }
        return spelled(table, chance(4) ? "rowid" : pick(names))
    }

    private mutating func secretColumn() -> String {
        let table = pick(tables)
        return spelled(table, Self.secrets[table] ?? "")
    }

    private mutating func spelled(_ table: String, _ column: String) -> String {
        let shown =
            chance(6) ? pick(["\"\(column)\"", "[\(column)]", column.uppercased()]) : column
        return tables.count > 1 || chance(15) ? "\(table).\(shown)" : shown
    }

    private mutating func aggregate() -> String {
        let inside = chance(50) ? secretColumn() : harmless(1)
        return pick([
            "count(*)", "count(\(inside))", "avg(\(inside))", "total(\(inside))", "max(\(inside))",
            "min(\(inside))", "max(\(inside))", "sum(\(inside))", "group_concat(\(inside))",
            "count(distinct \(inside))", "max(n) filter (where \(inside) > 1)",
            "json_group_array(\(inside))", "json_group_object('a', \(inside))",
            "hex(group_concat(\(inside), :p))", "max(\(openColumn()))",
            "group_concat(\(openColumn()))",
        ])
    }

    /// What should be accepted, whatever it computes on.
    private mutating func harmless(_ depth: Int) -> String {
        guard depth > 0 else { return chance(50) ? secretColumn() : openColumn() }
        let (one, other) = (harmless(depth - 1), harmless(depth - 1))
        return pick([
            "upper(\(one))", "\(one) || \(other)", "(\(one))", "\(one) + 1", "- \(one)",
            "\(one) / \(other)", "coalesce(\(one), \(other))", "substr(\(one), 1, 2)",
            "case when \(one) > \(other) then \(one) else 'no' end", "typeof(\(one))",
            "nullif(\(one), \(other))", "cast(\(one) as integer)", "\(one) = \(other)",
            "\(one) is null", "length(\(one))", "\(one) in (1, 'a', \(other))", "round(\(one), 2)",
            "iif(\(one), \(other), 1)", "instr(\(one), \(other))", "not \(one)", "unicode(\(one))",
            "\(one) collate nocase", "\(one) between 1 and \(other)", "min(\(one), \(other))",
        ])
    }

    private mutating func condition(_ depth: Int) -> String {
        let (one, other) = (expression(depth - 1), expression(depth - 1))
        return pick([
            "\(one) = \(other)", "\(one) > :p", "\(one) like :q", "\(one) glob \(other)",
            "\(one) is not \(other)", "\(one) in (1, :p, \(other))", "\(one) and \(other)",
        ])
    }

    private mutating func expression(_ depth: Int) -> String {
        guard depth > 0 else { return pick([column(), column(), ":p", "1", "'a'", "null"]) }
        let (one, other) = (expression(depth - 1), expression(depth - 1))
        return pick([
            harmless(1), "abs(\(one))", "\(one) like \(other)", "\(one) -> '$'",
            "json_extract(\(one), '$.a')", "json(\(one))", "'a' like 'b' escape \(one)",
            "case when \(one) > :p then abs(-9223372036854775807 - 1) else 1 end",
            "case when \(one) > \(other) then json('[') else 1 end", "nullif(\(one), :p)",
            "case \(one) when :q then 1 end", "max(\(one), \(other))", "printf('%d', \(one))",
            "row_number() over (order by \(one))", "lag(\(one)) over (order by id)",
            "(select max(\(one)) from u as z)", "hex(\(one))", "date('now', \(one))",
            "char(\(one))", "\(one) || :p", "sum(\(one))", "replace(\(one), 'a', \(other))",
            "\"abs\"(\(one))", "likelihood(\(one), 0.5)", "sum(\(one)) over ()", "quote(\(one))",
        ])
    }
}
