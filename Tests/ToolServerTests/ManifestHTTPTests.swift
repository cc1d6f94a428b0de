import Backends
import Enforcement
import EventLoop
import Foundation
import JSON
import Testing

@testable import ToolServer

/// HTTP backends and tools, as their files declare them.
@Suite struct ManifestHTTPTests {
    static let base = #""baseURL": "https://api.example/v1""#
    static let get = #""method": "GET", "path": "/c/{id}""#

    static func fixture(
        backend: String = base, input: String = #""id": {"type": "string"}"#, http: String = get,
        effect: String = "read", more: String = ""
    ) -> ManifestFixture {
        ManifestFixture([
            "backends/shop.json": "{\"backend\": \"shop\", \"kind\": \"http\",\n\(backend)}",
            "tools/one.json": """
            {"tool": "one", "title": "One", "description": "One.", "backend": "shop",
            "scope": "crm.read", "effect": "\(effect)", "input": {\(input)},
            "http": {\(http)}\(more)}
            """,
            "shop.sql": nil,
        ])
    }

    static func load(_ fixture: ManifestFixture) throws -> Catalog {
        let pool = WorkerPool(threads: 1, queueLimit: 1, name: "http")
        defer { pool.stop() }
        return try fixture.inDirectory { directory in
            try Startup.catalogMaker(pool).load(directory: directory)
        }
    }

    static func problems(_ fixture: ManifestFixture) throws -> [String] {
        do {
            _ = try load(fixture)
            return []
        } catch let error as ManifestError {
            return error.problems.map(\.text)
        }
    }

    @Test(arguments: [
        #""method": "GET", "path": "/c/{id}?fields=name""#,
        #""method": "GET", "path": "/files/{+id}", "query": {"v": "1"}"#,
        #""method": "GET", "path": "/c", "query": {"q": "id:{id}"}, "headers": {"X-Tag": "a"}"#,
        #""method": "GET", "path": "/c/{{x}}/", "query": {"q": "{id}"}"#,
    ])
    func aReadToolLoads(_ http: String) throws {
        #expect(try Self.load(Self.fixture(http: http)).warnings.isEmpty)
    }

    @Test(arguments: [
        #""method": "POST", "path": "/c", "body": {"id": "{id}", "n": 1, "l": ["{id}"]}"#,
        #""method": "PUT", "path": "/c/{id}", "form": {"a": "b"}, "idempotencyKey": true"#,
        #""method": "DELETE", "path": "/c/{id}""#,
    ])
    func aWriteToolLoads(_ http: String) throws {
        #expect(try Self.problems(Self.fixture(http: http, effect: "write")) == [])
    }

    @Test(arguments: [
        (
            #""method": "GET", "path": "/c/{idd}""#,
            "`{idd}` is neither an input nor bound; did you mean `{id}`?"
        ),
        (#""method": "GET", "path": "/c""#, "is never used: the request has no `{id}`"),
        (#""method": "GET", "path": "c/{id}""#, "must begin with /"),
        (#""method": "GET", "path": "/../{id}""#, "must not hold empty parts, `.` or `..`"),
        (#""method": "GET", "path": "//{id}""#, "must not hold empty parts, `.` or `..`"),
        (#""method": "GET", "path": "/a%2fb/{id}""#, "a path is written with letters"),
        (#""method": "GET", "path": "/c/{id""#, "has a single brace"),
        (#""method": "GET", "path": "/c/id}""#, "has a single brace"),
        (#""method": "GET", "path": "/c/{i d}""#, "does not hold the name of an input"),
        (#""method": "GET", "path": "/c", "url": "{id}""#, "must have either `path` or `url`"),
        (#""method": "GET""#, "must have either `path` or `url`"),
        (#""method": "GET", "url": "{id}""#, "has a `url`, but its backend has a `baseURL`"),
        (#""method": "get", "path": "/{id}""#, "unknown `get`; did you mean `GET`?"),
        (#""method": "TRACE", "path": "/{id}""#, "unknown `TRACE`"),
        (#""method": "GET", "path": "/{id}", "body": {}"#, "a GET request has no body"),
        (#""method": "POST", "path": "/{id}", "body": {}, "form": {}"#, "stands beside `form`"),
        (#""method": "DELETE", "path": "/{id}""#, "is `read`, but DELETE changes something"),
        (#""method": "GET", "path": "/{id}", "headers": {"Host": "x"}"#, "is set by the server"),
        (
            #""method": "GET", "path": "/{id}", "headers": {"authorization": "x"}"#,
            "is set by the server"
        ),
        (
            #""method": "GET", "path": "/{id}", "headers": {"X Y": "x"}"#,
            "must be letters, digits and `-`"
        ),
        (
            #""method": "GET", "path": "/{id}", "headers": {"X": "a\r\nb"}"#,
            "must be visible ASCII"
        ),
        (#""method": "GET", "path": "/{id}", "query": {"a": 1}"#, "must be a string"),
        (#""method": "GET", "path": "/{id}", "qery": {}"#, "did you mean `query`?"),
    ])
    func aRequestThatCannotBeMadeDoesNotLoad(_ http: String, _ message: String) throws {
        let problems = try Self.problems(Self.fixture(http: http))
        #expect(problems.contains { $0.contains(message) }, "\(problems)")
        #expect(problems.allSatisfy { $0.contains("tools/one.json:") })
    }

    @Test(arguments: [
        (#""hosts": ["a.example"], "baseURL": "https://b.example""#, "either `baseURL` or `hosts`"),
        (#""baseURL": "api.example""#, "must begin with https:// or http://"),
        (#""baseURL": "https://u:p@api.example""#, "must not hold a user name"),
        (#""baseURL": "https://api.example/?a=b""#, "must have a fixed path and no query"),
        (#""baseURL": "https://x{id}.api.example""#, "a placeholder stands for a whole label"),
        (#""baseURL": "https://api.{id}""#, "must end its host with a fixed name"),
        (#""baseURL": "https://api.example", "ports": [443]"#, "`baseURL` says it already"),
        (#""baseURL": "https://api.example", "networks": ["10.0.0.1/8"]"#, "must be a network"),
        (#""hosts": []"#, "must not be empty"), (#""hosts": ["a b"]"#, "must be a host"),
        (#""hosts": ["*.com"]"#, "must be a host"), (#""hosts": ["https://a"]"#, "must be a host"),
        (#""hosts": ["*"], "auth": {"bearer": {"env": "T"}}"#, "would be sent to any host"),
        (#""hosts": ["a.example"], "ports": [0]"#, "must be an integer from 1 to 65535"),
        (#""hosts": ["a.example"], "schemes": ["ftp"]"#, "unknown `ftp`"),
        (base + #", "auth": {"bearer": "hunter2"}"#, "a secret must be a reference"),
        (base + #", "auth": {}"#, "must have exactly one of"),
        (base + #", "tls": {"cert": "a.pem"}"#, "`cert` and `key` belong together"),
        (base + #", "tls": {"ca": "none.pem"}"#, "tls: "),
    ])
    func aBackendThatCannotBeReachedSafelyDoesNotLoad(
        _ backend: String, _ message: String
    ) throws {
        let problems = try Self.problems(Self.fixture(backend: backend))
        #expect(problems.contains { $0.contains(message) }, "\(problems)")
        #expect(problems.allSatisfy { !$0.contains("hunter2") })
    }

    @Test func aFixedHostMustBeOneThatTheBackendNames() throws {
        let hosts = #""hosts": ["api.example", "*.cdn.example"]"#
        func problems(_ url: String) throws -> [String] {
            try Self.problems(
                Self.fixture(backend: hosts, http: #""method": "GET", "url": "\#(url)""#))
        }
        for url in ["https://api.example/{id}", "https://a.cdn.example/?q={id}", "{id}"] {
            #expect(try problems(url) == [], "\(url)")
        }
        #expect(try problems("https://evil.example/{id}").contains { $0.contains("does not name") })
        #expect(try problems("http://api.example/{id}").contains { $0.contains("does not name") })
        #expect(try problems("/c/{id}") != [])
    }

    @Test func aListStandsInABodyAlone() throws {
        func problems(_ http: String) throws -> [String] {
            var fixture = Self.fixture(http: http, effect: "write")
            fixture.files["tools/one.json"] = fixture.files["tools/one.json"]?.replacingOccurrences(
                of: #""input": {"id": {"type": "string"}}"#,
                with: """
                    "inputSchema": {"type": "object",
                    "properties": {"id": {"type": "array", "items": {"type": "string"}}}}
                    """)
            return try Self.problems(fixture)
        }
        #expect(try problems(#""method": "POST", "path": "/c", "body": {"ids": "{id}"}"#) == [])
        for http in [
            #""method": "POST", "path": "/c/{id}""#,
            #""method": "POST", "path": "/c", "query": {"id": "{id}"}"#,
            #""method": "POST", "path": "/c", "body": {"a": "{id}", "b": "x{id}"}"#,
        ] {
            #expect(try problems(http).contains { $0.contains("stand in `body` alone") }, "\(http)")
        }
    }

    @Test(arguments: [
        (#", "result": {"pick": {"a": "$.b[0]['c d'].e[*].f"}}"#, ""),
        (#", "result": {"as": "text"}"#, ""),
        (#", "outputSchema": {"type": "object", "required": ["a"]}"#, ""),
        (#", "result": {"pick": {"a": "b"}}"#, "must be a path like"),
        (#", "result": {"pick": {"a": "$..b"}}"#, "must be a path like"),
        (#", "result": {"pick": {"a": "$[?(@.x)]"}}"#, "must be a path like"),
        (#", "result": {"pick": {}}"#, "must not be empty"),
        (#", "result": {"as": "binary", "pick": {"a": "$.b"}}"#, "needs an answer in JSON"),
        (#", "result": {"errors": "text"}"#, ""),
        (#", "result": {"errors": "raw"}"#, "unknown `raw`"),
        (#", "outputSchema": {"type": "array"}"#, "must be an object with"),
        (#", "sql": "select 1""#, "stands beside `http`"),
    ])
    func aResultIsReadExactly(_ more: String, _ message: String) throws {
        let problems = try Self.problems(Self.fixture(more: more))
        #expect(message.isEmpty ? problems.isEmpty : problems.contains { $0.contains(message) })
    }

    @Test func whatTheIdentityGivesIsNoInput() throws {
        let http = #""method": "GET", "path": "/{tenant}/{id}""#
        let bind = #", "bind": {"tenant": "{caller.claims.tenant}"}"#
        #expect(try Self.problems(Self.fixture(http: http, more: bind)) == [])
        let both = #""id": {"type": "string"}, "tenant": {"type": "string"}"#
        let problems = try Self.problems(Self.fixture(input: both, http: http, more: bind))
        #expect(problems.contains { $0.contains("is an input too") })
    }

    @Test func postToReadIsWarnedOf() throws {
        let warnings = try Self.load(
            Self.fixture(http: #""method": "POST", "path": "/search", "body": {"q": "{id}"}"#)
        ).warnings
        #expect(warnings.contains { $0.text.contains("POST changes something on most servers") })
    }

    @Test func rulesCompareInTheSpellingOfTheFact() throws {
        func problems(_ when: String) throws -> [String] {
            var fixture = Self.fixture()
            fixture.files["policy/rules.json"] =
                #"{"rules": [{"rule": "r", "effect": "deny", "when": \#(when), "reason": "r"}]}"#
            return try Self.problems(fixture)
        }
        #expect(try problems(#"{"http.path": ["/v1/Admin/**"], "http.method": "get"}"#) == [])
        #expect(try problems(#"{"http.path": {"matches": "^/v1/[a-z]+\\D"}}"#) == [])
        let never = try problems(#"{"http.path": {"matches": "^/v1/Admin"}}"#)
        #expect(never.contains { $0.contains("would never match") })
    }
}
