import Enforcement
import EventLoop
import Foundation
import JSON
import TestSupport
import Testing

@testable import ToolServer

/// People who decide over HTTP, on a listener of their own.
@Suite struct ConsoleTests {
    private static let host = "console.test:1"
    private static let audience = "http://console.test:1/console"

    private let gate: GateFixture
    private let group: EventLoopGroup
    private let server: HTTPServer
    private let desk: ConsoleDesk

    init() throws {
        let rules = [
            Rule(
                id: "refunds", effect: .approve, when: .fact(.toolName, .oneOf(["refund"])),
                reason: "money leaves",
                approval: ApprovalDemand(groups: ["finance"], count: 2, hold: .zero))
        ]
        let policy = Policy(grants: GateFixture.grants, rules: rules)
        let gate = try GateFixture(
            tools: [
                try .sample(
                    "refund", effect: .write,
                    input: [
                        "type": "object", "additionalProperties": false,
                        "properties": ["id": ["type": "integer"], "note": ["type": "string"]],
                    ], columns: [])
            ], policy: policy,
            backend: { _ in RawResult(rows: Rows(columnCount: 0), changed: 1) })
        self.gate = gate
        var meant = gate.mint.rules
        meant.audience = Self.audience
        let identity = IdentityStage(
            issuers: TrustedIssuers([TokenVerifier(meant, keys: try gate.mint.keys())]),
            now: { gate.clock.now })
        let console = ConsoleServing(
            serving: Serving(
                gate: gate.gate.deciding(by: identity),
                description: ServerDescription(name: "shop"),
                resource: ProtectedResource(resource: Self.audience, issuers: [], scopes: [])),
            rules: MaskRules(masks: ValueMasks(policy: policy), policy: policy),
            groups: ["finance", "support"])
        desk = ConsoleDesk(
            store: gate.state, sink: gate.sink, now: { gate.clock.now },
            change: { limit in
                // The store of the test tells of changes of one entry; which, the list says.
                guard let open = try? await gate.desk.list(.pending).first,
                    let entry = try? await gate.state.entry(.approval, open.id)
                else { return }
                await gate.state.change(
                    of: .approval, open.id, after: entry.version, within: limit)
            })
        let serving = Serving(
            gate: gate.gate, description: ServerDescription(name: "shop"),
            resource: MCPFixture.resource, console: console)
        group = try EventLoopGroup(count: 1)
        try group.start()
        server = try HTTPServer(
            group: group, address: "127.0.0.1", port: 0,
            handler: ConsoleEndpoint(
                current: CurrentServing(serving),
                origins: OriginCheck(port: 1, resource: Self.audience), desk: desk))
    }

    private func done() async {
        await server.drain(deadline: .now())
        group.stop()
    }

    private func token(
        _ subject: String, _ groups: [String] = ["finance"], audience: String = audience,
        _ change: (inout JSONObject) -> Void = { _ in }
    ) throws -> String {
        try gate.mint.token { claims in
            claims["sub"] = .string(subject)
            claims["aud"] = .string(audience)
            claims["groups"] = .array(groups.map { .string($0) })
            change(&claims)
        }
    }

    private func send(
        _ method: String, _ path: String, _ body: String = "", as token: String,
        _ headers: [String] = []
    ) throws -> WireAnswer {
        var lines = [
            "\(method) /v1/approvals\(path) HTTP/1.1", "Authorization: Bearer \(token)",
            "Content-Length: \(body.utf8.count)", "Connection: close",
        ]
        lines += headers
        if !headers.contains(where: { $0.hasPrefix("Host:") }) {
            lines.append("Host: \(Self.host)")
        }
        if !headers.contains(where: { $0.hasPrefix("Content-Type:") }), method == "POST" {
            lines.append("Content-Type: application/json")
        }
        return try WireAnswer(
            exchange(lines.joined(separator: "\r\n") + "\r\n\r\n" + body, port: server.port))
    }

    private func hold(_ id: Int = 7) async throws -> String {
        _ = try await gate.call("refund", JSONObject(("id", .number(JSONNumber(id)))))
        return try #require(try await gate.desk.list(.pending).first).id.text
    }

    @Test func whoTriesToDecideAndMayNotIsOnRecord() async throws {
        let handle = try await hold()
        for (who, code) in [("ada", "objection.own_call"), ("sam", "objection.group")] {
            let answer = try send(
                "POST", "/\(handle)/approve", "",
                as: token(who, who == "ada" ? ["finance"] : ["support"]))
            #expect(answer.status == 404)
            let line = try #require(gate.sink.lines.last)
            #expect(line["event"] == "objection" && line["decision"] == "approve")
            #expect(line["caller"]?["subject"] == .string(who) && line["code"] == .string(code))
            #expect(line["approval"] == .string(handle))
        }
        #expect(try await gate.desk.list(.pending).count == 1)
        let count = gate.sink.lines.count
        _ = try send("POST", "/nothing_there/approve", "", as: token("ada"))
        #expect(gate.sink.lines.count == count)
        await done()
    }

    @Test func twoPeopleApproveWhatTheySeeAndItRuns() async throws {
        let handle = try await hold()
        let list = try send("GET", "", as: token("fin"))
        #expect(list.status == 200 && list.headers.contains("cache-control: no-store"))
        let listed = try #require(list.json?["requests"]?.array?.first)
        #expect(listed["handle"] == .string(handle) && listed["arguments"] == ["id": 7])
        let shown = try send("GET", "/\(handle)", as: token("fin"))
        #expect(shown.json?["caller"]?["subject"] == "ada" && shown.json?["state"] == "pending")

        let first = try send("POST", "/\(handle)/approve", #"{"edit":0}"#, as: token("fin"))
        #expect(first.status == 200 && first.json?["state"] == "pending")
        let twice = try send("POST", "/\(handle)/approve", "", as: token("fin"))
        #expect(twice.status == 409 && twice.json?["detail"]?.string?.contains("already") == true)
        #expect(twice.headers.contains("application/problem+json"))
        let second = try send("POST", "/\(handle)/approve", "", as: token("fio"))
        #expect(second.json?["state"] == "approved")
        #expect(try await gate.call("refund", JSONObject(("id", 7))).result != nil)
        let decisions = gate.sink.lines.filter { $0["event"] == "decision" }
        #expect(decisions.compactMap { $0["caller"]?["subject"]?.string } == ["fin", "fio"])
        // The next one like it says what became of this one.
        let next = try await hold(8)
        let earlier = try send("GET", "/\(next)", as: token("fin")).json?["earlier"]?.array
        #expect(earlier?.count == 1 && earlier?.first?["handle"] == .string(handle))
        #expect(earlier?.first?["state"] == "done" && earlier?.first?["arguments"] == ["id": 7])
        await done()
    }

    @Test func aNoNeedsItsReason() async throws {
        let handle = try await hold()
        #expect(try send("POST", "/\(handle)/reject", "{}", as: token("fin")).status == 422)
        let no = try send("POST", "/\(handle)/reject", #"{"reason":"not now"}"#, as: token("fin"))
        #expect(no.json?["state"] == "rejected" && no.json?["told"] == "not now")
        let after = try send("POST", "/\(handle)/approve", "", as: token("fio"))
        #expect(after.status == 409)
        await done()
    }

    @Test func aChangeIsJudgedAndSeenBeforeItIsApproved() async throws {
        let handle = try await hold()
        let wrong = try send(
            "POST", "/\(handle)/modify", #"{"arguments":{"id":"x"}}"#, as: token("fin"))
        #expect(wrong.status == 422 && wrong.json?["code"] == "arguments.invalid")
        let changed = try send(
            "POST", "/\(handle)/modify", #"{"arguments":{"id":8}}"#, as: token("fin"))
        #expect(changed.json?["edit"] == 1 && changed.json?["arguments"] == ["id": 8])
        #expect(try send("POST", "/\(handle)/approve", "", as: token("fio")).status == 409)
        let own = try send("POST", "/\(handle)/approve", #"{"edit":1}"#, as: token("fin"))
        #expect(own.status == 409)
        let seen = try send("POST", "/\(handle)/approve", #"{"edit":1}"#, as: token("fio"))
        #expect(seen.status == 200)
        await done()
    }

    /// Nobody is told of what they could not decide, nor that it is there.
    @Test func whoMayNotDecideSeesNothing() async throws {
        let handle = try await hold()
        let others: [String] = [
            try token("sue", ["support"]), try token("ada", ["finance", "support"]),
            try token("bot") { $0["act"] = ["sub": "fin"] },
        ]
        for other in others {
            let list = try send("GET", "?state=all", as: other)
            #expect(list.status == 200 && list.json?["requests"] == [])
            for path in ["/\(handle)", "/apr_unknown"] {
                let answer = try send("GET", path, as: other)
                #expect(
                    answer.status == 404 && answer.json?["detail"] == "there is no such request")
            }
            #expect(try send("POST", "/\(handle)/approve", "", as: other).status == 404)
        }
        // Not by the beginning of a handle.
        #expect(try send("GET", "/\(handle.prefix(12))", as: token("fin")).status == 404)
        await done()
    }

    @Test func strangersTokensOfTheToolsAndLuredBrowsersAreTurnedAway() async throws {
        let handle = try await hold()
        let approve = "/\(handle)/approve"
        for (answer, status) in [
            (try send("GET", "", as: "x"), 401),
            (try send("GET", "", as: token("fin", audience: TokenMint.audience)), 401),
            (try send("GET", "", as: token("fin", ["other"])), 403),
            (try send("GET", "", as: token("fin"), ["Host: evil.test"]), 403),
            (try send("GET", "", as: token("fin"), ["Origin: https://evil.test"]), 403),
            (try send("POST", approve, as: token("fin"), ["Origin: null"]), 403),
            (try send("POST", approve, "{}", as: token("fin"), ["Content-Type: text/plain"]), 415),
            (try send("GET", approve, as: token("fin")), 405),
            (try send("POST", "/\(handle)/delete", as: token("fin")), 404),
            (try send("POST", approve, #"{"edti":1}"#, as: token("fin")), 400),
            (try send("POST", approve, "[1]", as: token("fin")), 400),
            (try send("GET", "?wait=99", as: token("fin")), 400),
            (try send("GET", "?limit=5", as: token("fin")), 400),
        ] {
            #expect(answer.status == status, "\(answer.body)")
            #expect(answer.headers.contains("application/problem+json"))
            #expect(!answer.body.contains("\"id\""))
        }
        #expect(try await gate.desk.list(.pending).first?.votes.isEmpty == true)
        await done()
    }

    @Test func whoWaitsIsToldOfTheNextChange() async throws {
        let handle = try await hold()
        let mark = try #require(try send("GET", "", as: token("fin")).json?["mark"]?.string)
        let other = try token("fio")
        // On a thread of its own: tasks wait for each other where many tests run.
        gate.state.onWait {
            _ = try? SystemThread.spawn(name: "approver") {
                _ = try? self.send("POST", "/\(handle)/approve", "", as: other)
            }
        }
        let answer = try send("GET", "?mark=\(mark)&wait=4", as: token("fin"))
        #expect(answer.status == 200 && answer.json?["mark"]?.string != mark)
        #expect(answer.json?["requests"]?.array?.first?["approvals"]?.array?.count == 1)
        // Another mark is answered at once.
        #expect(try send("GET", "?mark=\(mark)&wait=30", as: token("fin")).status == 200)
        await done()
    }

    @Test func onlySoManyWait() async throws {
        _ = try await hold()
        let mark = try #require(try send("GET", "", as: token("fin")).json?["mark"]?.string)
        for _ in 0..<ConsoleDesk.waitsMax { #expect(desk.enter()) }
        let answer = try send("GET", "?mark=\(mark)&wait=30", as: token("fin"))
        #expect(answer.status == 429 && answer.header("retry-after") == "5")
        await done()
    }
}
