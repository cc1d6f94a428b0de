import Enforcement
import JSON
import Testing

@testable import Backends

/// The scan before the server sees a text, and what sort of statement its words make it.
@Suite struct PostgresTokensTests {
    private static func told(_ text: String, _ effect: Tool.Effect = .write) -> String? {
        do throws(PostgresTokens.Refused) {
            _ = try PostgresStatementForm(try PostgresTokens(text), effect: effect)
            return nil
        } catch { return error.told }
    }

    @Test(arguments: [
        ("", "no statement"), (";", "no statement"), ("-- x", "no statement"),
        ("SELECT 1; SELECT 2", "more than one"), ("SELECT ';';;DROP TABLE x", "more than one"),
        ("SELECT 'a\\'; DROP TABLE x; --'", "more than one"), ("SELECT $$;$$; SELECT 1", "more"),
        ("SELECT /* x", "comment does not end"), ("SELECT 'x", "literal does not end"),
        ("SELECT \"x", "name does not end"), ("SELECT $a$ x $b$", "dollar-quoted"),
        ("SELECT E'\\'", "literal does not end"), ("SELECT 1\0", "NUL"),
        ("\u{FEFF}SELECT 1", "byte order mark"),
    ])
    func aTextThatIsNotOneStatementIsRefused(_ text: String, _ reason: String) throws {
        #expect(try #require(Self.told(text)).contains(reason))
    }

    @Test(arguments: [
        "SELECT 1;", "SELECT ';'", "SELECT E'\\';'", "SELECT $a$;$a$", "SELECT U&\";\"",
        "/* a /* b */ ; */ SELECT 1 -- ;", "SELECT 'it''s;'", "(SELECT 1)", "SELECT \";\"\"\"",
        "SELECT x'1f', $1",
    ])
    func aSemicolonWithinIsNotTheEnd(_ text: String) {
        #expect(Self.told(text, .read) == nil)
    }

    @Test func whatTheServerWouldThinkAboutForLongIsRefused() {
        func list(_ count: Int) -> String {
            "SELECT 1 IN (" + Array(repeating: "1", count: count).joined(separator: ",") + ")"
        }
        #expect(Self.told(list(PostgresTokens.tokensMax / 2 - 3)) == nil)
        #expect(Self.told(list(PostgresTokens.tokensMax / 2))?.contains("signs") == true)
        func union(_ count: Int) -> String {
            Array(repeating: "SELECT 1", count: count).joined(separator: " UNION ALL ")
        }
        #expect(Self.told(union(PostgresTokens.queriesMax)) == nil)
        #expect(Self.told(union(PostgresTokens.queriesMax + 1))?.contains("queries") == true)
    }

    @Test func lengthAndDepthOfCommentsAreBounded() throws {
        let deep = String(repeating: "/*", count: 33) + String(repeating: "*/", count: 33)
        #expect(Self.told(deep + " SELECT 1")?.contains("nested") == true)
        #expect(Self.told(String(deep.dropFirst(2).dropLast(2)) + " SELECT 1") == nil)
        let long = "SELECT 1 -- " + String(repeating: "x", count: PostgresTokens.bytesMax)
        #expect(Self.told(long)?.contains("longer") == true)
        let clock = ContinuousClock()
        let time = clock.measure { _ = Self.told(String(repeating: "/*", count: 30_000)) }
        #expect(time < .seconds(5))
    }

    @Test(arguments: [
        "BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT a", "SET x = 1", "SET ROLE a", "RESET ALL",
        "DO 'x'", "CALL p()", "EXECUTE p", "PREPARE p AS SELECT 1", "DECLARE c CURSOR FOR SELECT 1",
        "COPY t TO STDOUT", "LOAD 'x'", "LISTEN a", "VACUUM", "CHECKPOINT",
        "ALTER SYSTEM SET a = 1",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS ''",
        "CREATE OR REPLACE PROCEDURE p() AS ''",
        "CREATE TRIGGER t", "CREATE EXTENSION x",
        "CREATE RULE r AS ON SELECT TO t DO INSTEAD NOTHING",
        "CREATE CONSTRAINT TRIGGER t", "CREATE EVENT TRIGGER t", "FOO", "1", "EXPLAIN",
        "EXPLAIN EXECUTE p", "EXPLAIN SHOW x",
    ])
    func whatIsNeverServedIsRefusedBeforeTheServerSeesIt(_ text: String) {
        guard let form = try? PostgresStatementForm(PostgresTokens(text), effect: .write) else {
            return
        }
        // EXPLAIN is judged by what it explains, which is asked next.
        guard case .explain(let inner) = form else {
            Issue.record("\(text) is served")
            return
        }
        #expect(throws: PostgresTokens.Refused.self) {
            try PostgresStatementForm(PostgresTokens(text), inner, .write, isInner: true)
        }
    }

    @Test func aToolThatReadsIsServedNoSchemaStatement() {
        for text in ["CREATE TABLE t()", "DROP TABLE t", "SELECT 1 INTO t", "ANALYZE t", "LOCK t"] {
            #expect(Self.told(text, .read) != nil, "\(text)")
            #expect(Self.told(text, .write) == nil, "\(text)")
        }
    }

    @Test(arguments: [
        ("ALTER TABLE t DROP COLUMN c", ["alter", "drop"]),
        ("ALTER TABLE t ADD COLUMN drop text", ["alter"]),
        ("ALTER TABLE t ADD COLUMN a int, DROP b", ["alter", "drop"]),
        ("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC", ["alter", "grant"]),
        ("REVOKE SELECT ON t FROM PUBLIC", ["grant", "revoke"]),
        ("CREATE SCHEMA s GRANT SELECT ON t TO PUBLIC", ["create", "grant"]),
        ("COMMENT ON TABLE t IS 'drop'", ["alter", "comment"]),
        ("SELECT 1 AS i INTO t", ["create", "select"]),
        ("TRUNCATE t", ["truncate"]), ("CREATE TEMP TABLE t()", ["create"]),
    ])
    func theKindsOfASchemaStatementStandInItsWords(_ text: String, _ kinds: [String]) throws {
        let form = try PostgresStatementForm(PostgresTokens(text), effect: .write)
        guard case .schema(let found, _) = form else {
            Issue.record("\(text) is no statement about the schema")
            return
        }
        #expect(found.map(\.text).sorted() == kinds)
    }

    @Test(arguments: [
        ("CREATE TABLE t AS SELECT 1", "SELECT 1"),
        ("CREATE TABLE t (a) AS (SELECT 1) WITH NO DATA", "(SELECT 1)"),
        ("CREATE VIEW v AS TABLE t WITH CASCADED CHECK OPTION", "TABLE t"),
        ("CREATE MATERIALIZED VIEW v AS SELECT x AS y FROM t WITH DATA", "SELECT x AS y FROM t"),
        ("SELECT a INTO TEMP TABLE s.t FROM u", "SELECT a FROM u"),
        ("WITH c AS (SELECT 1) SELECT 1 INTO t FROM c", "WITH c AS (SELECT 1) SELECT 1 FROM c"),
        ("CREATE TABLE t (a int)", nil), ("CREATE DOMAIN d AS int", nil),
    ])
    func theQueryWithinIsFound(_ text: String, _ inner: String?) throws {
        let form = try PostgresStatementForm(PostgresTokens(text), effect: .write)
        guard case .schema(_, let found) = form else {
            Issue.record("\(text) is no statement about the schema")
            return
        }
        #expect(found == inner)
    }
}
