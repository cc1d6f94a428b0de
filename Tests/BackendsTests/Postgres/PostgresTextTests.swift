import JSON
import Testing

@testable import Backends

@Suite struct PostgresTextTests {
    static let rewritten: [(String, String, [Name])] = [
        ("select :a", "select $1", ["a"]), ("select :a, :b, :a", "select $1, $2, $1", ["a", "b"]),
        ("select :a::int8", "select $1::int8", ["a"]), ("select x::text", "select x::text", []),
        ("select ':a', ':b''c:d'", "select ':a', ':b''c:d'", []),
        (#"select ":a" "" ":b""", :c"#, #"select ":a" "" ":b""", $1"#, ["c"]),
        (#"select E'\':a', :b"#, #"select E'\':a', $1"#, ["b"]),
        (#"select e'\\', :b"#, #"select e'\\', $1"#, ["b"]),
        (#"select '\', :b"#, #"select '\', $1"#, ["b"]),
        (#"select U&'\0061:a', :b"#, #"select U&'\0061:a', $1"#, ["b"]),
        (#"select name'\', :b"#, #"select name'\', $1"#, ["b"]),
        ("select E'a'\n  '\\':x', :b", "select E'a'\n  '\\':x', $1", ["b"]),
        ("select E'a' -- it's\n '\\':x', :b", "select E'a' -- it's\n '\\':x', $1", ["b"]),
        ("select E'a' '\\', :b", "select E'a' '\\', $1", ["b"]),
        ("select $$:a$$, :b", "select $$:a$$, $1", ["b"]),
        ("select $x$:a $$ $y$ $x$, :b", "select $x$:a $$ $y$ $x$, $1", ["b"]),
        ("select a$b$c, :b", "select a$b$c, $1", ["b"]),
        ("select 1 -- :a\n, :b", "select 1 -- :a\n, $1", ["b"]),
        ("select 1 /* :a /* :x */ ' */ , :b", "select 1 /* :a /* :x */ ' */ , $1", ["b"]),
        ("select a[1:2], a[:b]", "select a[1:2], a[$1]", ["b"]),
        ("select f(x := :a)", "select f(x := $1)", ["a"]), ("select 1e5:a", "select 1e5$1", ["a"]),
        ("select :é", "", []), ("select :a$b", "", []), ("select $1", "", []),
        ("select 'a", "", []), ("select \"a", "", []), ("select $x$ $y$", "", []),
        ("select /* /* */", "", []), ("select 1 -- \u{0}", "select 1 -- \u{0}", []),
    ]

    @Test func parametersAreFoundWhereTheServerWouldReadThem() {
        for (source, expected, names) in Self.rewritten {
            let text = try? PostgresText(source)
            if expected.isEmpty {
                #expect(text == nil, "\(source)")
            } else {
                #expect(text?.text == expected, "\(source)")
                #expect(text?.parameters == names, "\(source)")
            }
        }
    }

    @Test func commentsAreNestedOnlySoDeep() {
        func nested(_ depth: Int) -> String {
            "select " + String(repeating: "/*", count: depth)
                + String(repeating: "*/", count: depth)
        }
        #expect(throws: Never.self) { try PostgresText(nested(32)) }
        #expect(throws: PostgresText.Fault.self) { try PostgresText(nested(33)) }
    }

    @Test func quotedWordsAreNoKeyWords() throws {
        let text = try PostgresText(
            "WITH x AS (select \"delete\", 'insert', $$update$$) TABLE x -- merge")
        #expect(text.words == ["with", "x", "as", "select", "table", "x"])
    }
}
