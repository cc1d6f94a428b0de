import Enforcement
import JSON
import Testing

@testable import Backends

@Suite struct SQLiteExaminationTests {
    private static func path(_ table: Name, _ column: Name) -> ColumnPath {
        ColumnPath(schema: "main", table: table, column: column)
    }

    @Test(arguments: [
        "SELECT ssn AS harmless FROM users", "SELECT secret FROM people",
        "WITH w AS (SELECT ssn FROM users) SELECT ssn FROM w",
        "SELECT x FROM (SELECT SSN AS x FROM Users)",
        "SELECT (SELECT ssn FROM users LIMIT 1)", "SELECT DISTINCT \"ssn\" FROM [users] AS u",
    ])
    func theOriginIsTheBaseColumnWhateverItIsCalled(sql: String) throws {
        let examination = try SQLiteFixture().examine(sql)
        #expect(examination.columns.map(\.origin) == [Self.path("users", "ssn")])
        #expect(examination.reads?.contains(Self.path("users", "ssn")) == true)
        #expect(examination.isReadOnly)
    }

    @Test(arguments: [
        "SELECT ssn || '' FROM users", "SELECT CAST(ssn AS TEXT) FROM users",
        "SELECT max(ssn) FROM users", "SELECT +ssn FROM users",
        "SELECT note FROM orders UNION SELECT ssn FROM users", "SELECT text FROM mixed",
        "SELECT text FROM (SELECT * FROM \"mixed\")",
        "SELECT note FROM orders/**/EXCEPT/**/SELECT ssn FROM users",
    ])
    func noOriginIsClaimedForWhatMayBeAnotherValue(sql: String) throws {
        let examination = try SQLiteFixture().examine(sql)
        #expect(examination.columns.map(\.origin) == [nil])
        #expect(examination.reads?.contains(Self.path("users", "ssn")) == true)
    }

    /// Columns of joins by name, which SQLite does not report, and those of generated ones.
    @Test func whatIsReadWithoutItsNameIsFound() throws {
        let fixture = try SQLiteFixture()
        func reads(_ sql: String) throws -> Set<ColumnPath>? { try fixture.examine(sql).reads }
        #expect(
            try reads("SELECT name FROM users NATURAL JOIN salaries")?.isSuperset(of: [
                Self.path("users", "amount"), Self.path("salaries", "amount"),
                Self.path("salaries", "id"),
            ]) == true)
        #expect(
            try reads("SELECT note FROM joined")?.contains(Self.path("salaries", "amount")) == true)
        let generated = try fixture.examine("SELECT upper_note AS x FROM loose")
        #expect(generated.columns.map(\.origin) == [nil])
        #expect(generated.columns[0].sources?.contains(Self.path("loose", "anything")) == true)
        let listed = try fixture.examine("SELECT value FROM users, json_each(json_array(ssn))")
        #expect(listed.columns[0].sources == [Self.path("users", "ssn")])
        #expect(listed.columns[0].origin == nil)
    }

    /// Each output column has its own sources: constants and counts have none.
    @Test func whatIsNotMadeOfAColumnIsNotSaidToBe() throws {
        let columns = try SQLiteFixture().examine(
            "SELECT 7, count(*), upper(name), max(ssn), (SELECT note FROM orders LIMIT 1) FROM users"
        ).columns
        #expect(
            columns.map(\.sources) == [
                [], [], [Self.path("users", "name")], [Self.path("users", "ssn")],
                [Self.path("orders", "note")],
            ])
    }

    @Test func anIndexOnAnExpressionOrdersByTheColumnsThatItNames() throws {
        let fixture = try SQLiteFixture(
            """
            CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT, c AS (lower(b)), CHECK (a <> b));
            CREATE INDEX ab ON t (a, lower(b));
            CREATE TABLE p (id INTEGER PRIMARY KEY, a TEXT, b TEXT);
            CREATE UNIQUE INDEX pa ON p (a) WHERE b > '5';
            """)
        let (b, c) = (Self.path("t", "b"), Self.path("t", "c"))
        #expect(try fixture.examine("SELECT id FROM t WHERE a = 'x'").deciding?.contains(b) == true)
        #expect(try fixture.examine("SELECT id FROM t").deciding == [Self.path("t", "id")])
        #expect(try fixture.examine("SELECT c FROM t").columns[0].sources == [b, c])
        // A CHECK, and a unique index on a part of the rows, compare with what is stored.
        let checked = try fixture.examine("UPDATE t SET a = 'x' WHERE id = 1", .write)
        #expect(checked.deciding?.contains(b) == true)
        let partial = try fixture.examine("UPDATE p SET a = 'x' WHERE id = 1", .write)
        #expect(partial.deciding?.contains(Self.path("p", "b")) == true)
    }

    @Test func keywordsWithinStringsNamesAndCommentsChangeNothing() throws {
        let examination = try SQLiteFixture().examine(
            """
            SELECT ssn AS "union", 'using '' natural', name AS [except] -- union
            FROM users /* natural */ WHERE name <> 'intersect'
            """)
        #expect(examination.columns[0].origin == Self.path("users", "ssn"))
        #expect(examination.reads != nil)
    }

    /// The rest is tested with masks, where it matters: `ManifestMaskTests`.
    @Test func whatDecidesIsWhatTheWordsAndThePlanGoBy() throws {
        let fixture = try SQLiteFixture()
        func deciding(_ sql: String, _ effect: Tool.Effect = .read) throws -> Set<ColumnPath>? {
            try fixture.examine(sql, effect).deciding
        }
        let id = Self.path("users", "id")
        #expect(try deciding("SELECT name, ssn FROM users WHERE id = :id") == [id])
        // Its rows come in the order of the table's key.
        #expect(try deciding("SELECT name, ssn FROM users") == [id])
        #expect(
            try deciding("SELECT name AS n, ssn FROM users WHERE amount > 1 ORDER BY n")
                == [id, Self.path("users", "name"), Self.path("users", "amount")])
        #expect(try deciding("SELECT count(*) FROM users WHERE ROWID > 5") == [id])
        #expect(try deciding("SELECT count(*), max(ssn) FROM users") == [])
        #expect(try deciding("SELECT 1") == [])
        #expect(try deciding("SELECT person FROM people") == [id])
        #expect(
            try deciding("SELECT note FROM joined")?.isSuperset(of: [
                Self.path("users", "amount"), Self.path("salaries", "amount"),
                Self.path("orders", "user_id"),
            ]) == true)
        #expect(
            try deciding("UPDATE users SET name = ssn WHERE amount = 1", .write)
                == [Self.path("users", "ssn"), Self.path("users", "amount")])
        #expect(try deciding("INSERT INTO users (name) VALUES ('x')", .write) == [id])
    }

    @Test func columnsAreThoseOfTablesAndViews() throws {
        let fixture = try SQLiteFixture()
        let columns = try fixture.backend.columns()
        #expect(columns.stored.contains(Self.path("loose", "upper_note")))
        #expect(
            columns.stored.isSuperset(of: [Self.path("users", "ssn"), Self.path("orders", "id")]))
        #expect(columns.viewed.contains(Self.path("people", "secret")))
        #expect(columns.stored.isDisjoint(with: columns.viewed))
    }

    @Test func aParameterIsNamedByAWordOnly() throws {
        let fixture = try SQLiteFixture()
        for name in [":a::b", ":a(x)", ":p(')"] {
            #expect(throws: BackendError.self) {
                try fixture.examine("SELECT name FROM users WHERE name = \(name)")
            }
        }
    }

    @Test func kindsAreExactOnlyWhereTheTableIsStrict() throws {
        let fixture = try SQLiteFixture()
        let strict = try fixture.examine("SELECT id, name, amount, amount + 1 FROM users")
        #expect(strict.columns.map(\.kind) == [.integer, .string, .number, .any])
        let loose = try fixture.examine("SELECT id, anything FROM loose")
        #expect(loose.columns.map(\.kind) == [.any, .any])
    }

    @Test func parametersAreNamedWithoutTheirColon() throws {
        let examination = try SQLiteFixture().examine(
            "SELECT name FROM users WHERE id = :id AND name = :name OR id = :id")
        #expect(examination.parameters == ["id", "name"])
    }

    @Test(arguments: ["?", "?1", "@id", "$id"])
    func otherSpellingsOfParametersAreRefused(parameter: String) throws {
        let fixture = try SQLiteFixture()
        #expect(throws: BackendError.self) {
            try fixture.examine("SELECT name FROM users WHERE id = \(parameter)")
        }
    }

    @Test func aChangeIsNotReadOnlyAndClaimsNoOriginForWhatItWrote() throws {
        let examination = try SQLiteFixture().examine(
            "UPDATE users SET name = ssn WHERE id = :id RETURNING name, amount", .write)
        #expect(!examination.isReadOnly)
        #expect(examination.columns[0].origin == nil)
        #expect(
            examination.reads == nil
                || examination.reads?.contains(Self.path("users", "ssn")) == true)
        let deleted = try SQLiteFixture().examine("DELETE FROM users RETURNING ssn AS x", .write)
        #expect(deleted.columns[0].origin == Self.path("users", "ssn"))
        #expect(deleted.reads == [Self.path("users", "ssn")])
        let replace = try SQLiteFixture().examine(
            "INSERT OR REPLACE INTO users (id, name) VALUES (1, 'x')", .write)
        #expect(!replace.isReadOnly)
        #expect(replace.columns.isEmpty)
    }

    @Test func anErrorAtLoadNamesTheMistakeAndItsPlace() throws {
        let fixture = try SQLiteFixture()
        let error = #expect(throws: BackendError.self) {
            try fixture.examine("SELECT nmae FROM users")
        }
        #expect(error?.reason == .invalid)
        #expect(error?.detail == "no such column: nmae at byte 7")
    }

    /// They copy or show other tables' content, so nothing is claimed of where it comes from.
    @Test func fullTextTablesWorkAndAreUnknown() async throws {
        let fixture = try SQLiteFixture(
            """
            CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT) STRICT;
            CREATE VIRTUAL TABLE search USING fts5(body, content='notes', content_rowid='id');
            INSERT INTO notes VALUES (1, 'a secret'), (2, 'nothing');
            INSERT INTO search (search) VALUES ('rebuild');
            """)
        let sql = "SELECT body FROM search WHERE search MATCH :words"
        let examination = try fixture.examine(sql)
        #expect(examination.reads == nil)
        #expect(examination.columns.map(\.origin) == [nil])
        #expect(examination.isReadOnly)
        let found = try await fixture.run(sql, .read, arguments(("words", "secret")))
        #expect(found.cells == [["text a secret"]])
    }
}
