import Enforcement
import JSON
import Testing

@testable import ToolServer

/// A fixture with one file replaced, and exactly what is said about it.
struct WrongManifest: Sendable, CustomTestStringConvertible {
    let file: String
    let text: String
    let problems: [String]

    init(_ file: String, _ text: String, _ problems: String...) {
        self.file = file
        self.text = text
        self.problems = problems.map { "\(file):\($0)" }
    }

    /// A tool file in which one thing is written differently.
    static func tool(_ right: String, _ wrong: String, _ problem: String) -> WrongManifest {
        let text = ManifestFixture.tool.replacing(right, with: wrong)
        return WrongManifest("tools/one.json", text, problem)
    }

    static func rule(_ rule: String, _ problem: String) -> WrongManifest {
        WrongManifest("policy/rules.json", #"{"rules": ["# + "\n" + rule + "\n]}", problem)
    }

    /// A rule that denies `when`.
    static func when(_ when: String, _ problem: String) -> WrongManifest {
        .rule(
            #"{"rule": "r", "effect": "deny", "reason": "no", "when": "# + "\n" + when + "}",
            problem)
    }

    var testDescription: String { problems.first ?? file }
}

@Test(arguments: [
    .tool(
        #""effect": "read","#, #""effect": "read", "next": {},"#,
        "2:50: next: names no argument; leave it out"),
    WrongManifest("server.json", "{", "1:2: the text ends before the value is complete"),
    WrongManifest("server.json", "[]", "1:1: must be an object, not an array"),
    WrongManifest(
        "server.json", #"{"server": "a", "server": "b"}"#,
        "1:17: a member name must not occur twice in one object"),
    WrongManifest(
        "server.json", #"{"server": "shop", "htpp": {}}"#,
        "1:20: htpp: unknown key `htpp`; did you mean `http`?"),
    WrongManifest(
        "server.json", #"{"server": "shop", "http": {"listen": "localhost:7070"}}"#,
        "1:39: http.listen: must be ADDRESS:PORT with a numeric address, such as \"127.0.0.1:7070\""
    ),
    WrongManifest(
        "server.json", #"{"server": "shop", "http": {"listen": "0.0.0.0:7070"}}"#,
        "1:28: http: missing key `resource`: the URL that clients reach"),
    WrongManifest(
        "server.json", #"{"server": "shop", "http": {"resource": "ftp://a/mcp"}}"#,
        "1:41: http.resource: must be an https:// or http:// URL"),
    WrongManifest(
        "server.json", #"{"server": "shop", "http": {"resource": "https://u:p@a/mcp"}}"#,
        "1:41: http.resource: must have a host and no user, query or fragment"),
    WrongManifest(
        "server.json", #"{"server": "shop", "http": {"scopes": ["a b"]}}"#,
        "1:40: http.scopes[0]: must be one OAuth scope, without spaces and quotes"),
    WrongManifest(
        "server.json",
        #"{"server": "shop", "issuers": [{"issuer": "https://login.example.com", "jwks": {}}]}"#,
        "1:80: issuers[0].jwks: must have one of `file` and `url`"
    ),
    WrongManifest(
        "server.json",
        #"{"server": "shop", "notices": [{"notice": "m", "sendmail": "/s", "from": "-oQ@x", "to": ["a@b"]}]}"#,
        "1:74: notices[0].from: must be one mail address such as \"finance@example.com\""),
    WrongManifest(
        "server.json",
        #"{"server": "shop", "notices": [{"notice": "m", "sendmail": "/s", "from": "a@b", "to": ["a@b, c@d"]}]}"#,
        "1:88: notices[0].to[0]: must be one mail address such as \"finance@example.com\""),
    WrongManifest(
        "server.json", #"{"server": "shop", "console": {"listen": "127.0.0.1:7070"}}"#,
        "1:42: console.listen: is where the tools are; the console needs its own"),
    WrongManifest(
        "server.json",
        #"{"server": "shop", "console": {"listen": "0.0.0.0:7071", "resource": "https://c.example"}}"#,
        "1:42: console.listen: would send approvers' tokens in clear; add `http.tls`, or listen on 127.0.0.1"
    ),
    WrongManifest(
        "server.json",
        #"{"server": "shop", "issuers": [{"issuer": "local", "audience": "x"}], "console": {"audience": "x"}}"#,
        "1:82: console: has the audience of the tools' tokens, so that whoever holds one could decide; give it another `audience`"
    ),
    WrongManifest(
        "server.json", #"{"server": "shop", "localUsers": [{"user": "ann"}]}"#,
        "1:35: localUsers[0]: missing key `subject`"),
    WrongManifest(
        "server.json", #"{"server": "shop", "limits": {"callsPerCaller": 0}}"#,
        "1:49: limits.callsPerCaller: must be an integer from 1 to 1000"),
    WrongManifest(
        "server.json", #"{"server": "shop", "limits": {"callsPerCaller": 1e2}}"#,
        "1:49: limits.callsPerCaller: must be an integer from 1 to 1000"),
])
func aWrongServerManifestIsNamedExactly(_ wrong: WrongManifest) throws {
    #expect(try ManifestFixture([wrong.file: wrong.text]).problems() == wrong.problems)
}

@Test(arguments: [
    WrongManifest(
        "backends/shop.json", #"{"backend": "shop", "kind": "sqllite", "file": "x"}"#,
        "1:29: kind: unknown `sqllite`; did you mean `sqlite`?"),
    WrongManifest(
        "backends/shop.json", #"{"backend": "shop", "kind": "postgres", "password": {"env": "P"}}"#,
        "1:1: missing key `database`, or `service`", "1:1: missing key `host`, or `service`",
        "1:1: missing key `user`, or `service`"),
    WrongManifest(
        "backends/shop.json",
        #"{"backend": "shop", "kind": "postgres", "service": "s", "password": "hunter2"}"#,
        "1:69: password: a secret must be a reference: {\"env\": …}, {\"file\": …} or {\"exec\": […]}"
    ),
    WrongManifest(
        "backends/shop.json",
        #"{"backend": "shop", "kind": "postgres", "service": "s", "tls": "verify-ful"}"#,
        "1:64: tls: unknown `verify-ful`; did you mean `verify-full`?"),
    WrongManifest(
        "backends/shop.json",
        #"{"backend": "shop", "kind": "postgres", "service": "s", "hots": "x"}"#,
        "1:57: hots: unknown key `hots`; did you mean `host`?"),
    WrongManifest(
        "backends/shop.json",
        #"{"backend": "shop", "kind": "postgres", "service": "s", "pool": {"min": 9, "max": 4}}"#,
        "1:73: pool.min: is more than `max`, which is 4"),
    WrongManifest(
        "backends/shop.json",
        #"{"backend": "shop", "kind": "postgres", "service": "s", "asCaller": {"role": "a_{groups}"}}"#,
        "1:78: asCaller.role: has a placeholder that does not exist; use {caller.subject}, {caller.person}, {caller.issuer}, {caller.kind}, {caller.claims.NAME}, {client.id} or {group}"
    ),
    WrongManifest(
        "backends/shop.json",
        #"{"backend": "shop", "kind": "postgres", "service": "s", "asCaller": {"settings": {"transaction_read_only": "off"}}}"#,
        "1:83: asCaller.settings.transaction_read_only: must be a setting of your own, such as \"app.subject\""
    ),
    WrongManifest(
        "backends/shop.json",
        #"{"backend": "shop", "kind": "postgres", "user": "u", "database": "d", "host": ["a:0", "b,c"]}"#,
        "1:80: host[0]: must have a port from 1 to 65535 behind `:`",
        "1:87: host[1]: must be a host name, an address or the directory of a Unix socket"),
    WrongManifest(
        "backends/shop.json",
        #"{"backend": "shop", "kind": "http", "auth": {"bearer": "hunter2"}}"#,
        "1:1: must have either `baseURL` or `hosts`",
        "1:56: auth.bearer: a secret must be a reference: {\"env\": …}, {\"file\": …} or {\"exec\": […]}"
    ),
    WrongManifest(
        "backends/shop.json", #"{"backend": "shop", "kind": "sqlite"}"#,
        "1:1: missing key `file`"),
    WrongManifest(
        "backends/shop.json", #"{"backend": "shop", "kind": "sqlite", "file": "none.db"}"#,
        "1:47: file: does not exist; name a script with `create` to make it"),
    WrongManifest(
        "backends/shop.json",
        #"{"backend": "shop", "kind": "sqlite", "file": "x", "create": "shp.sql"}"#,
        "1:62: create: `shp.sql` is no .sql file of the manifests directory; did you mean `shop.sql`?"
    ),
    WrongManifest(
        "backends/shop.json",
        #"{"backend": "shop", "kind": "sqlite", "file": "x", "create": "shop.sql", "timeout": 5}"#,
        "1:85: timeout: must be a string, not an integer"),
    WrongManifest(
        "backends/shop.json",
        #"{"backend": "shop", "kind": "sqlite", "file": "x", "create": "shop.sql", "timeout": "99999999999999999999h"}"#,
        "1:85: timeout: must be a duration such as \"500ms\", \"5s\", \"2m\""),
    WrongManifest(
        "backends/shop.json",
        #"{"backend": "shop", "kind": "sqlite", "file": "x", "create": "shop.sql", "timeout": "2h"}"#,
        "1:85: timeout: must be from 1ms to 30s"),
])
func aWrongBackendManifestIsNamedExactly(_ wrong: WrongManifest) throws {
    #expect(try ManifestFixture([wrong.file: wrong.text]).problems() == wrong.problems)
}

@Test(arguments: [
    WrongManifest.tool(
        #""tool": "one""#, #""tool": "one two""#,
        "1:11: tool: must be 1 to 64 letters, digits, `_`, `-`"),
    .tool(#""title": "One","#, "", "1:1: missing key `title`"),
    .tool(
        #""title": "One""#, #""tilte": "One", "title": "x""#,
        "1:18: tilte: unknown key `tilte`; did you mean `title`?"),
    .tool(#""title": "One""#, #""title": " ""#, "1:27: title: must not be empty"),
    .tool(
        #""title": "One""#, #""title": "a\u001b[2J""#,
        "1:27: title: must not hold control or invisible characters"),
    .tool(
        #""backend": "shop""#, #""backend": "shpo""#,
        "1:77: backend: no backend `shpo`; did you mean `shop`?"),
    .tool(
        #""effect": "read""#, #""effect": "raed""#,
        "2:34: effect: unknown `raed`; did you mean `read`?"),
    .tool(
        #""scope": "crm.read""#, #""scope": "crm.*""#,
        "2:12: scope: must be 1 to 128 letters, digits, `_`, `-`, `.`, `:`"),
    .tool(
        "integer", "interger",
        "3:28: input.id.type: unknown `interger`; did you mean `integer`?"),
    .tool(
        #"{"type": "integer"}"#, #"{"type": "integer", "minimun": 1}"#,
        "3:39: input.id.minimun: unknown key `minimun`; did you mean `minimum`?"),
    .tool(
        #"{"type": "integer"}"#, #"{"type": "integer", "default": 1}"#,
        "3:39: input.id.default: `default` is not served by this build; "
            + "make it `optional` and use coalesce(:NAME, …) in the statement"),
    .tool(
        #""input": {"id": {"type": "integer"}}"#,
        #""inputSchema": {"type": "object", "properties": {"id": {"type": "integer", "default": 1}}}"#,
        "3:78: inputSchema.properties.id.default: `default` is not served by this build; "
            + "make it `optional` and use coalesce(:NAME, …) in the statement"),
    .tool(
        #"{"id":"#, #"{"i-d":"#,
        "3:13: input.i-d: must be a letter or `_`, then letters, digits, `_`, at most 64"),
    .tool(":id", ":idd", "3:13: input.id: is never used: the statement has no `:id`"),
    .tool(
        #""sql": "select name from customers where id = :id""#, #""http": {}"#,
        "4:11: http: missing key `method`"),
    .tool(
        "select name", "delete name", "2:34: effect: is `read`, but the statement changes something"
    ),
    .tool("select name", "select syntax error", "4:10: sql: near \"error\": syntax error"),
    .tool(
        #""sql""#, #""confirm": false, "sql""#,
        "4:14: confirm: is a question or `true`; leave it out for a tool that asks nothing"),
    .tool(#""sql""#, #""confirm": "", "sql""#, "4:14: confirm: must not be empty"),
    .tool(#""sql""#, #""confirm": 1, "sql""#, "4:14: confirm: must be an object, not an integer"),
    .tool(#""sql""#, #""confirm": {}, "sql""#, "4:14: confirm: missing key `question`"),
    .tool(
        #""sql""#, #""confirm": {"question": "Sure?", "otherwise": "allow"}, "sql""#,
        "4:49: confirm.otherwise: unknown `allow`; use one of `refuse`, `error`"),
    .tool(
        #""sql""#, #""confirm": {"question": "Sure?", "expires": "1h"}, "sql""#,
        "4:47: confirm.expires: must be from 1s to 15m"),
    .tool(
        #""sql""#, #""task": true, "sql""#, "4:11: task: must be a string, not a boolean"),
    .tool(
        #""sql""#, #""task": "allowed", "limits": {"bytes": "2MB"}, "sql""#,
        "4:11: task: goes with `limits.bytes` of at most 1MB, since the answer is kept until it is fetched"
    ),
    .tool(
        #""sql""#, #""limits": {"rows": 0}, "sql""#,
        "4:22: limits.rows: must be an integer from 1 to 100000"),
    .tool(
        #""sql""#, #""limits": {"bytes": "1 MB"}, "sql""#,
        "4:23: limits.bytes: must be a size such as \"64KB\", \"1MB\""),
    .tool(#""sql""#, #""tags": [], "sql""#, "4:11: tags: must not be empty"),
    .tool(
        #""input": {"id": {"type": "integer"}}"#, #""inputSchema": {"type": "array"}"#,
        "3:18: inputSchema: must have \"type\": \"object\""),
    .tool(
        #""input": {"id": {"type": "integer"}}"#,
        #""inputSchema": {"type": "object", "properties": {"id": {"type": "integer"}}, "anyOf": []}"#,
        "3:80: inputSchema.anyOf: not allowed at the root of a tool's schema"),
    .tool(
        #""input": {"id": {"type": "integer"}}"#,
        #""inputSchema": {"type": "object", "properties": {"id": {"type": "object"}}}"#,
        "3:58: inputSchema.properties.id: must have a \"type\" that one parameter can hold: `string`, `integer`, `number`, `boolean`"
    ),
    .tool(
        #""input": {"id": {"type": "integer"}}"#,
        #""inputSchema": {"type": "object", "properties": {"id": {"type": "integer"}}, "additionalProperties": true}"#,
        "3:104: inputSchema.additionalProperties: must be false: arguments that no one declared are refused"
    ),
])
func aWrongToolManifestIsNamedExactly(_ wrong: WrongManifest) throws {
    let problems = try ManifestFixture([wrong.file: wrong.text]).problems()
    #expect(
        problems.filter { !$0.contains(":idd` is neither an input nor bound") } == wrong.problems)
}

@Test func aParameterThatIsNoInputIsNamedAtItsStatement() throws {
    let tool = ManifestFixture.tool.replacing(":id", with: ":id and name = :nmae")
    #expect(
        try ManifestFixture(["tools/one.json": tool]).problems() == [
            "tools/one.json:4:10: sql: `:nmae` is neither an input nor bound"
        ])
}

@Test(arguments: [
    WrongManifest.rule(
        #"{"rule": "r", "effect": "denny", "when": {}, "reason": "no"}"#,
        "2:25: rules[0].effect: unknown `denny`; did you mean `deny`?"),
    .rule(
        #"{"rule": "r", "effect": "limit", "when": {}, "reason": "no"}"#,
        "2:1: rules[0]: missing key `limit`"
    ),
    .rule(
        #"{"rule": "r", "effect": "deny", "when": {"tool.name": "*"}}"#,
        "2:1: rules[0]: missing key `reason`"),
    .rule(
        #"{"rule": "r", "effect": "approve", "when": {"tool.name": "*"}, "reason": "x"}"#,
        "2:1: rules[0]: missing key `approvers`"),
    .rule(
        #"{"rule": "r", "effect": "approve", "when": {"tool.name": "*"}, "reason": "x", "approvers": {"groups": ["f"], "count": 0}}"#,
        "2:119: rules[0].approvers.count: must be an integer from 1 to 10"),
    .rule(
        #"{"rule": "r", "effect": "approve", "when": {"tool.name": "*"}, "reason": "x", "approvers": {"groups": ["f"]}, "preview": "cells"}"#,
        "2:122: rules[0].preview: unknown `cells`; use one of `rows`"),
    .rule(
        #"{"rule": "r", "effect": "approve", "when": {"tool.effect": "read"}, "reason": "x", "approvers": {"groups": ["f"]}, "preview": "rows"}"#,
        "2:1: rules[0]: `preview` has no rows to show: the rule holds no tool that changes them by a statement"
    ),
    .rule(
        #"{"rule": "r", "effect": "mask", "field": "x", "with": "pseudonim"}"#,
        "2:55: rules[0].with: unknown `pseudonim`; did you mean `pseudonym`?"),
    .rule(
        #"{"rule": "r", "effect": "mask", "value": ["emails"], "with": "keep"}"#,
        "2:43: rules[0].value[0]: no kind of value and no detector `emails`; did you mean `email`?"),
    .rule(
        #"{"rule": "r", "effect": "mask", "value": ["jwt"], "with": "partial"}"#,
        "2:43: rules[0].value[0]: is a secret: it is masked with \"redact\", or left with \"keep\""),
    .rule(
        #"{"rule": "r", "effect": "mask", "value": ["email"], "with": "null"}"#,
        "2:61: rules[0].with: is for a `column` or `field`: a part of a text is masked with `keep`, `partial`, `pseudonym`, `redact`"
    ),
    .rule(
        #"{"rule": "r", "effect": "mask", "value": ["email"], "field": "x", "with": "keep"}"#,
        "2:62: rules[0].field: stands beside `value`; declare one of them"),
    .rule(
        #"{"rule": "r", "effect": "mask", "value": ["email", "email"], "with": "keep"}"#,
        "2:52: rules[0].value[1]: is already masked by `r`"),
    .rule(
        #"{"rule": "r", "effect": "mask", "column": "customers.email", "with": "redact"}"#,
        "2:43: rules[0].column: must be BACKEND.SCHEMA.TABLE.COLUMN, such as \"shop.main.customers.email\""
    ),
    .rule(
        #"{"rule": "r", "effect": "mask", "column": "shpo.main.t.c", "with": "redact"}"#,
        "2:43: rules[0].column: no backend `shpo`; did you mean `shop`?"),
    .rule(
        #"{"rule": "r", "effect": "mask", "with": "redact"}"#,
        "2:1: rules[0]: must name a `column`, a `field`, a `path` or kinds of `value`"),
    .rule(
        #"{"rule": "r", "effect": "mask", "path": "customer.code", "with": "redact"}"#,
        "2:41: rules[0].path: must be a path like \"$.customer.name\", \"$.items[0]\" or \"$.items[*].id\""
    ),
    .rule(
        #"{"rule": "r", "effect": "mask", "path": "$[*]", "with": "redact"}"#,
        "2:41: rules[0].path: must end in the name of a member, or below one"),
    .rule(
        #"{"rule": "r", "effect": "mask", "path": "$.a", "field": "x", "with": "redact"}"#,
        "2:57: rules[0].field: stands beside `column` or `path`; declare one of them"),
    .rule(
        #"{"rule": "r", "effect": "reveal", "field": "x", "to": {"groups": []}}"#,
        "2:66: rules[0].to.groups: must not be empty"),
    .rule(
        #"{"rule": "r r", "effect": "mask", "field": "x", "with": "redact"}"#,
        "2:10: rules[0].rule: must be 1 to 64 letters, digits, `_`, `-`, `.`"),
    .when("{}", "3:1: rules[0].when: must hold a fact; `{\"tool.name\": \"*\"}` is every call"),
    .when(
        #"{"tool.nam": "x"}"#,
        "3:2: rules[0].when.tool.nam: unknown fact `tool.nam`; did you mean `tool.name`?"),
    .when(
        #"{"usage.calls": "1"}"#,
        "3:2: rules[0].when.usage.calls: unknown fact `usage.calls`; did you mean `usage.calls.1m`?"
    ),
    .when(
        #"{"sql.kind": "dorp"}"#,
        "3:14: rules[0].when.sql.kind: unknown `dorp`; did you mean `drop`?"),
    .when(
        #"{"sql.rows": "many"}"#,
        "3:14: rules[0].when.sql.rows: must be tested with `over`, `under` or `present`: "
            + "this fact is a number"),
    .when(
        #"{"any": [{"caller.kind": "agnet"}]}"#,
        "3:26: rules[0].when.any[0].caller.kind: unknown `agnet`; did you mean `agent`?"),
    .when(
        #"{"not": {"tool.name": 5}}"#,
        "3:23: rules[0].when.not.tool.name: must be a string: this fact is text"),
    .when(#"{"all": []}"#, "3:9: rules[0].when.all: must not be empty"),
    .when(#"{"tool.name": []}"#, "3:15: rules[0].when.tool.name: must not be empty"),
    .when(
        #"{"tool.name": {"globb": "x"}}"#,
        "3:16: rules[0].when.tool.name.globb: unknown key `globb`; did you mean `glob`?"),
    .when(
        #"{"argument.id": {"over": "5"}}"#,
        "3:26: rules[0].when.argument.id.over: must be a number"),
])
func aWrongPolicyIsNamedExactly(_ wrong: WrongManifest) throws {
    let problems = try ManifestFixture([wrong.file: wrong.text]).problems()
    #expect(problems.prefix(1) == wrong.problems[...])
}

@Test func grantsNameScopesAndSomeone() throws {
    let policy = """
        { "grants": [
          {"grant": ["crm read"], "to": {"groups": ["support"]}},
          {"grant": ["crm.read"], "to": {}},
          {"grant": ["crm.read"], "to": {"groups": ["a"]}, "where": {}} ] }
        """
    let problems = try ManifestFixture(["policy/shop.json": policy]).problems()
    #expect(
        problems == [
            "policy/shop.json:2:14: grants[0].grant[0]: must be 1 to 128 letters, digits, `_`, `-`, `.`, `:`, `*`",
            "policy/shop.json:3:33: grants[1].to: must name `groups` or `subjects`",
            "policy/shop.json:4:61: grants[2].where: must hold a fact; `{\"tool.name\": \"*\"}` is every call",
        ])
}

@Test func everyFileReportsInOneSortedList() throws {
    let fixture = ManifestFixture([
        "server.json": "{", "backends/shop.json": #"{"backend": "shop", "kind": "http"}"#,
        "tools/two.json": #"{"tool": "two", "scpoe": "x"}"#, "policy/shop.json": #"{"rulez": []}"#,
    ])
    #expect(
        try fixture.problems() == [
            "backends/shop.json:1:1: must have either `baseURL` or `hosts`",
            "policy/shop.json:1:2: rulez: the first key must be one of `server`, `backend`, `tool`, "
                + "`grants`, `access`, `rules`; did you mean `rules`?",
            "server.json:1:2: the text ends before the value is complete",
            "tools/two.json:1:1: missing key `backend`",
            "tools/two.json:1:1: missing key `description`",
            "tools/two.json:1:1: missing key `effect`",
            "tools/two.json:1:1: missing key `scope`",
            "tools/two.json:1:1: missing key `sql`, and no `two.sql` beside",
            "tools/two.json:1:1: missing key `title`",
            "tools/two.json:1:17: scpoe: unknown key `scpoe`; did you mean `scope`?",
        ])
}

@Test func aHundredProblemsAreShownAndTheRestAreCounted() throws {
    let keys = (100..<350).map { #""zzzz\#($0)": 1"# }.joined(separator: ",")
    let problems = try ManifestFixture(["server.json": #"{"server": "s", \#(keys)}"#]).problems()
    #expect(problems.count == 101)
    #expect(problems.last?.contains("150 more problems are not shown") == true)
}

@Test func textThatHidesFromPeopleIsRefused() throws {
    for hidden in ["\u{202E}", "\u{E0041}", "\u{9B}"] {
        let tool = ManifestFixture.tool.replacing("One customer.", with: "One\(hidden) customer.")
        #expect(
            try ManifestFixture(["tools/one.json": tool]).problems() == [
                "tools/one.json:1:49: description: must not hold control or invisible characters"
            ])
    }
}

@Test func aToolHasAtMostAHundredArguments() throws {
    let inputs = (0...100).map { #""a\#($0)": {"type": "integer"}"# }.joined(separator: ",")
    let tool = ManifestFixture.tool.replacing(#""id": {"type": "integer"}"#, with: inputs)
    #expect(
        try ManifestFixture(["tools/one.json": tool]).problems() == [
            "tools/one.json:3:12: input: more than 100 arguments"
        ])
}

@Test func aMessageNeverHoldsTerminalControls() throws {
    let problems = try ManifestFixture(["server.json": #"{"server": "s", "\u001b[2J\u202e": 1}"#])
        .problems()
    #expect(problems.count == 1)
    #expect(problems.allSatisfy { !$0.unicodeScalars.contains("\u{1B}") })
    #expect(problems.allSatisfy { !$0.unicodeScalars.contains("\u{202E}") })
}

@Test func whatANextNamesMustExist() throws {
    let next = #""effect": "read", "next": {"idd": "nam"},"#
    var fixture = ManifestFixture([
        "tools/one.json": ManifestFixture.tool.replacing(#""effect": "read","#, with: next)
    ])
    fixture.examinations = [
        "select name from customers where id = :id": Examination(
            columns: [Column(name: "name", origin: nil, kind: .string)], reads: nil,
            parameters: ["id"], isReadOnly: true)
    ]
    #expect(
        try fixture.problems() == [
            "tools/one.json:2:51: next.idd: no input `idd`; did you mean `id`?",
            "tools/one.json:2:58: next.idd: no column of the answer `nam`; did you mean `name`?",
        ])
}
