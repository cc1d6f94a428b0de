import Enforcement
import JSON
import Testing

@testable import Backends

extension PostgresTests {
    @Suite struct PostgresValueTests {
        /// What a statement's one value becomes.
        static let values: [(sql: String, json: String)] = [
            ("9007199254740993::int8", "9007199254740993"), ("'-32768'::int2", "-32768"),
            ("(-9223372036854775808)::int8", "-9223372036854775808"),
            ("4294967295::oid", "4294967295"),
            ("1.10::numeric(30,20)", "1.10000000000000000000"),
            (
                "123456789012345678901234567890.123456789",
                "123456789012345678901234567890.123456789"
            ),
            ("'NaN'::numeric", #""NaN""#), ("'-Infinity'::float8", #""-Infinity""#),
            ("'Infinity'::numeric", #""Infinity""#), ("0.1::float8", "0.1"),
            ("1e300::float8", "1e+300"),
            ("0.1::float4", "0.1"), ("true", "true"), ("false", "false"), ("null::text", "null"),
            ("'a\"b\\c' || chr(10) || 'é'", #""a\"b\\c\né""#), ("''::text", #""""#),
            (
                "'2024-02-29 12:34:56.789+00'::timestamptz at time zone 'UTC'",
                #""2024-02-29T12:34:56.789""#
            ),
            ("'2024-02-29 12:34:56+00'::timestamptz", #""2024-02-29T12:34:56Z""#),
            ("'infinity'::timestamptz", #""infinity""#), ("'-infinity'::date", #""-infinity""#),
            ("'0044-03-15 BC'::date", #""0044-03-15 BC""#),
            ("'0044-03-15 10:00:00 BC'::timestamp", #""0044-03-15 10:00:00 BC""#),
            ("'2024-02-29'::date", #""2024-02-29""#), ("'12:34:56.5'::time", #""12:34:56.5""#),
            ("'1 year 2 months 3 days 04:05:06.7'::interval", #""P1Y2M3DT4H5M6.7S""#),
            ("'Hello'::bytea", #""SGVsbG8=""#), ("''::bytea", #""""#),
            (#"'{"b":[1,null,"x"],"a":1.10}'::jsonb"#, #"{"a": 1.10, "b": [1, null, "x"]}"#),
            (#"'{"a":1, "b":2}'::json"#, #"{"a":1, "b":2}"#),
            (#"e'{\n"a":\r\n"\\n"}\n'::json"#, #"{ "a":  "\n"} "#),
            (#"array[e'{\n"a":1}']::json[]"#, #"[{ "a":1}]"#),
            (#"'{"a":1,"a":2}'::json"#, #""{\"a\":1,\"a\":2}""#), ("'null'::jsonb", "null"),
            ("array[1,2,null]::int8[]", "[1,2,null]"), ("'{}'::int4[]", "[]"),
            ("array[array[1,2],array[3,4]]", "[[1,2],[3,4]]"), ("'[5:6]={1,2}'::int4[]", "[1,2]"),
            (
                #"array['a"b', 'c\d', 'NULL', '', null, 'x,y']"#,
                #"["a\"b","c\\d","NULL","",null,"x,y"]"#
            ),
            ("array['NaN', 1.5]::float8[]", #"["NaN",1.5]"#),
            (#"array['{"a": 1}']::jsonb[]"#, #"[{"a": 1}]"#),
            ("array['2024-02-29 12:34:56+00']::timestamptz[]", #"["2024-02-29T12:34:56Z"]"#),
            ("array['(1,1),(0,0)']::box[]", #"["(1,1),(0,0)"]"#),
            ("'1 2 3'::int2vector", #""1 2 3""#),
            ("'mild'::mood", #""mild""#), ("array['mild','hot']::mood[]", #"["mild","hot"]"#),
            ("int4range(1,5)", #""[1,5)""#),
            ("'{[1,2],[4,5]}'::int4multirange", #""{[1,3),[4,6)}""#),
            (
                "row(1, 'a \"q\", b', null, array[1,2])::thing",
                #"{"id":1,"label":"a \"q\", b","note":null,"list":[1,2]}"#
            ),
            ("array[row(1, 'x', '', '{}')::thing]", #"[{"id":1,"label":"x","note":"","list":[]}]"#),
            ("7::positive", "7"), ("array[7]::positive[]", "[7]"),
            (
                "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid",
                #""a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11""#
            ),
            ("'192.0.2.1/24'::inet", #""192.0.2.1/24""#), ("'1'::money::numeric", "1.00"),
            ("B'101'", #""101""#), ("'12:00:00+01'::timetz", #""12:00:00+01""#),
            ("'<a/>'::xml", #""<a/>""#), ("'(1,2)'::point", #""(1,2)""#),
        ]

        static let types = """
            create type mood as enum ('mild', 'hot'); create domain positive as int8 check (value > 0);
            create type thing as (id int8, label text, note text, list int4[]);
            """

        @Test func everyValueIsExact() async throws {
            let fixture = try await PostgresFixture.make(Self.types)
            for (sql, json) in Self.values {
                let text = (try? await fixture.text("select \(sql) as v")) ?? "nothing"
                #expect(text == "[[\(json)]]", "\(sql)")
            }
        }

        @Test func zonesAreThoseOfTheSession() async throws {
            let fixture = try await PostgresFixture.make()
            try await fixture.change(
                "alter database \(fixture.options.database ?? "") set timezone = 'Asia/Kolkata'")
            let value = try await fixture.text("select '2024-02-29 12:00:00+00'::timestamptz as v")
            #expect(value == #"[["2024-02-29T17:30:00+05:30"]]"#)
            let old = try await fixture.text("select '1850-01-01 00:00:00+00'::timestamptz as v")
            #expect(old == #"[["1850-01-01T05:53:28+05:53:28"]]"#)
        }

        @Test func bytesAreTakenAsTheyAreTold() async throws {
            let fixture = try await PostgresFixture.make()
            let tool = try await fixture.tool("select :v::bytea as v")
            func echo(_ text: String) async -> Result<RawResult, BackendError> {
                await fixture.run(tool, JSONObject(distinct: [("v", .string(text))]))
            }
            for text in ["AP8Q", "AA==", ""] {
                let told = try await PostgresFixture.text(echo(text).get(), tool)
                #expect(told == #"[["\#(text)"]]"#)
            }
            #expect(
                try await PostgresFixture.text(echo(#"\x00ff10"#).get(), tool) == #"[["AP8Q"]]"#)
            for text in ["!!", "AP8", "secret", #"\xzz"#] {
                guard case .failure(let error) = await echo(text) else {
                    Issue.record("taken: \(text)")
                    continue
                }
                #expect(error.reason == .argument && !error.detail.contains(text))
            }
        }

        @Test func argumentsKeepEveryDigit() async throws {
            let fixture = try await PostgresFixture.make(Self.types)
            func echo(_ type: String, _ argument: JSONValue) async throws -> String {
                try await fixture.text(
                    "select :v::\(type) as v", JSONObject(distinct: [("v", argument)]))
            }
            func number(_ text: String) -> JSONValue { .number(JSONNumber(validated: text)) }
            #expect(try await echo("int8", number("9007199254740993")) == "[[9007199254740993]]")
            #expect(try await echo("int8", number("5.0")) == "[[5]]")
            #expect(try await echo("int8", number("1e3")) == "[[1000]]")
            #expect(try await echo("numeric", number("1.10")) == "[[1.10]]")
            #expect(
                try await echo("numeric", number("1e-30")) == "[[0.000000000000000000000000000001]]"
            )
            #expect(
                try await echo("text", "x'; drop table y; --") == #"[["x'; drop table y; --"]]"#)
            #expect(try await echo("bool", true) == "[[true]]")
            #expect(try await echo("jsonb", ["a": 1]) == #"[[{"a": 1}]]"#)
            #expect(
                try await echo("text[]", ["a\"b", .null, "\\"]) == #"[[["a\"b",null,"\\"]]]"#)
            #expect(try await echo("mood", "hot") == #"[["hot"]]"#)
            #expect(try await echo("int8", .null) == "[[null]]")
        }

        @Test func anArgumentThatTheDatabaseCannotTakeIsTheCallersToCorrect() async throws {
            let fixture = try await PostgresFixture.make()
            for (type, argument) in [
                ("int8", "canary"), ("date", "2024-13-01"), ("uuid", "canary"),
            ] {
                let tool = try await fixture.tool("select :v::\(type) as v")
                let outcome = await fixture.run(
                    tool, JSONObject(distinct: [("v", .string(argument))]))
                #expect(outcome.reason == .argument, "\(type)")
                if case .failure(let error) = outcome { #expect(!error.detail.contains("canary")) }
            }
            let tool = try await fixture.tool("select :v::int8 as v")
            let huge = JSONValue.number(JSONNumber(validated: "9223372036854775808"))
            #expect(
                await fixture.run(tool, JSONObject(distinct: [("v", huge)])).reason == .argument)
            let broken = JSONValue.number(JSONNumber(validated: "1.5"))
            #expect(
                await fixture.run(tool, JSONObject(distinct: [("v", broken)])).reason == .argument)
        }
    }
}
