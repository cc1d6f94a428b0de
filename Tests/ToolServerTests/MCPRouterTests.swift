import Enforcement
import JSON
import TestSupport
import Testing

@testable import ToolServer

@Suite struct MCPRouterTests {
    // MARK: Which methods, in which era

    static let table: [(method: String, handshake: Bool, stateless: Bool)] = [
        ("tools/list", true, true), ("ping", true, false), ("server/discover", false, true),
        ("resources/list", true, true), ("prompts/list", true, true), ("", false, false),
        ("resources/templates/list", true, true), ("resources/unsubscribe", false, false),
        ("tools/List", false, false), ("tools/list ", false, false),
        ("logging/setLevel", false, false), ("tasks/list", false, false),
        ("tasks/result", false, false), ("resources/subscribe", false, false),
    ]

    @Test(arguments: table)
    func eachEraHasItsMethods(_ method: String, _ handshake: Bool, _ stateless: Bool) async throws {
        let fixture = MCPFixture(try GateFixture())
        for version in ProtocolVersion.served {
            let request =
                version.isStateless ? MCPFixture.stateless(method) : MCPFixture.request(method)
            let error = try await fixture.error(request, version)
            let isServed = version.isStateless ? stateless : handshake
            #expect(error?.code == (isServed ? nil : .methodNotFound), "\(version.text)")
        }
    }

    @Test func anUnknownMethodComesBackCut() async throws {
        let fixture = MCPFixture(try GateFixture())
        let long = String(repeating: "x", count: 100_000)
        let error = try await fixture.error(MCPFixture.request(long))
        #expect(error?.message.utf8.count ?? .max < 100)
        #expect(error?.id == .integer("1"))
    }

    // MARK: Versions

    static let wanted: [(wanted: String, given: String)] = [
        ("2025-11-25", "2025-11-25"), ("2025-06-18", "2025-06-18"), ("2025-03-26", "2025-03-26"),
        ("2024-11-05", "2025-11-25"), ("2026-07-28", "2025-11-25"), ("", "2025-11-25"),
        ("2099-01-01", "2025-11-25"), ("2025-11-25 ", "2025-11-25"), ("draft", "2025-11-25"),
    ]

    @Test(arguments: wanted)
    func initializeSettlesOnOurVersion(_ wanted: String, _ given: String) async throws {
        let answer = try await MCPFixture(try GateFixture()).answer(
            MCPFixture.request("initialize", ["protocolVersion": .string(wanted)]), .v20250326)
        #expect(answer["protocolVersion"] == .string(given))
        #expect(answer["capabilities"]?["tools"] != nil)
        #expect(answer["serverInfo"]?["name"] == "shop")
        #expect(answer["instructions"]?.string?.utf8.count ?? .max < 2_048)
    }

    @Test(arguments: [JSONValue.null, 1, [:], ["2025-11-25"]])
    func initializeNeedsAVersion(_ version: JSONValue) async throws {
        let error = try await MCPFixture(try GateFixture()).error(
            MCPFixture.request("initialize", ["protocolVersion": version]))
        #expect(error?.code == .invalidParams)
    }

    @Test func aStatelessRequestOfAnotherVersionIsToldWhatIsServed() async throws {
        let fixture = MCPFixture(try GateFixture())
        for version in ["2027-01-01", "2025-11-25", ""] {
            var request = MCPFixture.stateless("tools/list")
            var meta = MCPFixture.meta.object ?? JSONObject()
            meta[Envelope.versionKey] = .string(version)
            request = Request(
                id: request.id, method: request.method, params: JSONObject(("_meta", .object(meta)))
            )
            let error = try #require(try await fixture.error(request, .v20260728))
            #expect(error.code == .unsupportedVersion)
            #expect(error.data?["requested"] == .string(version.isEmpty ? "no version" : version))
            #expect(
                error.data?["supported"]
                    == ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"])
        }
    }

    @Test(arguments: [
        "ada@example.com", "4111111111111111", "tools/" + String(repeating: "x", count: 90),
    ])
    func whatTheClientMadeUpIsNotSaidAgain(_ word: String) async throws {
        let fixture = MCPFixture(try GateFixture())
        var meta = MCPFixture.meta.object ?? JSONObject()
        meta[Envelope.versionKey] = .string(word)
        let versioned = Request(
            id: .integer("1"), method: "tools/list", params: JSONObject(("_meta", .object(meta))))
        for (request, version) in [
            (MCPFixture.request(word), ProtocolVersion.v20251125),
            (MCPFixture.stateless(word), .v20260728), (versioned, .v20260728),
            (MCPFixture.request("tools/call", ["name": .string(word)]), .v20251125),
            (MCPFixture.request("resources/read", ["uri": .string(word)]), .v20251125),
            (MCPFixture.request("prompts/get", ["name": .string(word)]), .v20251125),
            (
                MCPFixture.request(
                    "prompts/get",
                    ["name": "how_to_use_these_tools", "arguments": ["tool": .string(word)]]),
                .v20251125
            ),
            (
                MCPFixture.request(
                    "completion/complete",
                    [
                        "ref": ["type": "ref/prompt", "name": .string(word)],
                        "argument": ["name": "tool", "value": ""],
                    ]), .v20251125
            ),
        ] {
            let error = try #require(try await fixture.error(request, version))
            let told = error.message + (error.data.map(\.text) ?? "")
            #expect(!told.contains(word), "\(told)")
        }
    }

    @Test func discoverTellsVersionsAndHowLongToKeepThem() async throws {
        let answer = try await MCPFixture(try GateFixture()).answer(
            MCPFixture.stateless("server/discover"), .v20260728)
        #expect(answer["supportedVersions"]?.array?.first == "2026-07-28")
        #expect(answer["resultType"] == "complete")
        #expect(answer["ttlMs"] == 60_000)
        #expect(answer["cacheScope"] == "private")
    }

    @Test func theEnvelopeNeedsVersionAndCapabilities() {
        for key in [Envelope.versionKey, Envelope.capabilitiesKey] {
            for value: JSONValue? in [nil, .null, 1, []] {
                var meta = MCPFixture.meta.object ?? JSONObject()
                meta[key] = value
                let request = Request(
                    id: .integer("1"), method: "m", params: JSONObject(("_meta", .object(meta))))
                #expect {
                    try Envelope.checkPresence(in: request)
                } throws: {
                    ($0 as? RPCError)?.code == .invalidParams
                }
            }
        }
    }

    @Test(arguments: [("debug", true), ("emergency", true), ("loud", false), ("", false)])
    func aLogLevelIsOneOfTheProtocols(_ level: String, _ isFine: Bool) async throws {
        var meta = MCPFixture.meta.object ?? JSONObject()
        meta["io.modelcontextprotocol/logLevel"] = .string(level)
        let fixture = MCPFixture(try GateFixture())
        for (method, code) in [
            ("tools/list", RPCError.Code.invalidParams), ("no", .methodNotFound),
        ] {
            let request = Request(
                id: .integer("1"), method: method, params: JSONObject(("_meta", .object(meta))))
            let error = try await fixture.error(request, .v20260728)
            #expect(error?.code == (isFine && method != "no" ? nil : code))
        }
    }

    @Test func capabilitiesAreWhatIsServed() {
        #expect(
            ServerDescription.capabilities
                == [
                    "tools": ["listChanged": true], "resources": [:], "prompts": [:],
                    "completions": [:],
                ])
    }

    // MARK: tools/call

    @Test func aResultIsTextAndStructuredWhereTheVersionHasIt() async throws {
        let fixture = MCPFixture(try GateFixture())
        for version in ProtocolVersion.served {
            let request =
                version.isStateless
                ? MCPFixture.stateless("tools/call", ["name": "orders"])
                : MCPFixture.request("tools/call", ["name": "orders"])
            let answer = try await fixture.answer(request, version)
            #expect(answer["isError"] == false)
            #expect(
                answer["content"] == [["type": "text", "text": #"{"rows":[{"id":"1"}]}"#]])
            #expect(
                answer["structuredContent"]
                    == (version.hasStructuredContent ? ["rows": [["id": "1"]]] : nil))
            #expect(answer["resultType"] == (version.isStateless ? "complete" : nil))
        }
    }

    @Test func aRefusalIsATextWithItsCodeForTheModel() async throws {
        let rule = Rule(
            id: "no", effect: .deny, when: .all([]), reason: "because", instead: "ask")
        let fixture = MCPFixture(
            try GateFixture(policy: Policy(grants: GateFixture.grants, rules: [rule])))
        let answer = try await fixture.answer(
            MCPFixture.request("tools/call", ["name": "orders"]))
        #expect(answer["isError"] == true)
        #expect(answer["structuredContent"] == nil)
        #expect(
            answer["content"]?.array?.first?["text"]
                == "Refused by rule `no`: because. Instead: ask.\ncode: deny.rule")
    }

    @Test func aToolThatIsNotThereAndOneOutOfScopeAnswerAlike() async throws {
        let hidden = MCPFixture(
            try GateFixture(tools: [try .sample("salaries", scope: "hr.read")]))
        let absent = MCPFixture(try GateFixture(tools: []))
        let request = MCPFixture.request("tools/call", ["name": "salaries"])
        let one = try #require(try await hidden.error(request))
        let other = try #require(try await absent.error(request))
        #expect(one.code == .invalidParams)
        #expect(Reply.error(one) == Reply.error(other))
    }

    @Test(
        arguments: [
            [:], ["name": 1], ["name": .null], ["name": "orders", "arguments": []],
            ["name": "orders", "arguments": "{}"], ["name": "orders", "arguments": .null],
        ] as [JSONValue])
    func aCallOfTheWrongFormNeverReachesTheGate(_ params: JSONValue) async throws {
        let fixture = MCPFixture(try GateFixture())
        let error = try await fixture.error(MCPFixture.request("tools/call", params))
        #expect(error?.code == .invalidParams)
        #expect(fixture.gate.journal.entries.isEmpty)
    }

    @Test func whatCannotBeRecordedMayBeTriedAgainOnlyIfNothingWasDone() async throws {
        let read = MCPFixture(try GateFixture(sinkFails: { _ in true }))
        let request = MCPFixture.request("tools/call", ["name": "orders"])
        let error = try #require(try await read.error(request))
        #expect(error.code == .internal)
        #expect(error.retryAfterSeconds == 10)
        #expect(error.data?["code"] == "record.unavailable")
        let write = MCPFixture(
            try GateFixture(tools: [try .sample(effect: .write)], sinkFails: { $0 == 1 }))
        let done = try #require(try await write.error(request))
        #expect(done.code == .internal)
        #expect(done.retryAfterSeconds == nil)
    }

    @Test func theClientsNameAndTraceAreOnRecord() async throws {
        let fixture = MCPFixture(try GateFixture())
        var params: JSONObject = JSONObject(("name", "orders"))
        var meta = MCPFixture.meta.object ?? JSONObject()
        meta["traceparent"] = "00-a-b-01"
        params["_meta"] = .object(meta)
        _ = try await fixture.answer(
            Request(id: .integer("1"), method: "tools/call", params: params), .v20260728)
        #expect(fixture.gate.sink.lines.first?["clientName"] == "claude")
        #expect(fixture.gate.sink.lines.first?["traceparent"] == "00-a-b-01")
    }
}
