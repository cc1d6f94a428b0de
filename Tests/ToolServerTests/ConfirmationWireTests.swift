import Enforcement
import EventLoop
import JSON
import Synchronization
import TestSupport
import Testing

@testable import ToolServer

/// Asking the caller, in the words of either era.
@Suite struct ConfirmationWireTests {
    private static func fixture(_ unasked: Enforcement.Confirmation.Unasked = .refuse) throws
        -> MCPFixture
    {
        MCPFixture(
            try GateFixture(
                tools: [
                    try Tool.sample(
                        "pay",
                        confirmation: Enforcement.Confirmation(question: "Pay?", unasked: unasked)),
                    try Tool.sample("orders"),
                ]))
    }

    /// A call of the stateless era by a client that declares `capabilities`.
    private static func call(
        _ tool: JSONValue = "pay", _ more: JSONObject = JSONObject(),
        capabilities: JSONValue = ["elicitation": [:]]
    ) -> Request {
        var params = more
        params["name"] = tool
        var request = MCPFixture.stateless("tools/call", .object(params))
        var meta = MCPFixture.meta.object ?? JSONObject()
        meta["io.modelcontextprotocol/clientCapabilities"] = capabilities
        var all = request.params
        all["_meta"] = .object(meta)
        request = Request(id: request.id, method: request.method, params: all)
        return request
    }

    private func answer(_ fixture: MCPFixture, _ request: Request) async throws -> JSONValue {
        try await fixture.answer(request, .v20260728)
    }

    // MARK: The stateless era

    @Test func aCallIsAnsweredWithAFormAndRunsWithItsAnswer() async throws {
        let fixture = try Self.fixture()
        let asked = try await answer(fixture, Self.call())
        #expect(asked["resultType"] == "input_required")
        let question = asked["inputRequests"]?["confirm"]
        #expect(question?["method"] == "elicitation/create")
        #expect(question?["params"]?["mode"] == "form")
        #expect(question?["params"]?["message"] == "Pay?\n\npay {}")
        #expect(question?["params"]?["requestedSchema"]?["type"] == "object")
        let state = try #require(asked["requestState"])
        let more = JSONObject(
            ("requestState", state),
            (
                "inputResponses",
                ["confirm": ["action": "accept", "content": ["confirm": true]], "other": 1]
            ))
        let done = try await answer(fixture, Self.call("pay", more))
        #expect(done["resultType"] == "complete" && done["isError"] == false)
        let again = try await fixture.error(Self.call("pay", more), .v20260728)
        #expect(again?.code == .invalidParams)
        #expect(again?.data?["code"] == "confirm.state")
    }

    @Test func onlyAClientThatDeclaresFormsIsAsked() async throws {
        let table: [(JSONValue, Bool)] = [
            ([:], false), (["elicitation": [:]], true), (["elicitation": ["form": [:]]], true),
            (["elicitation": ["form": [:], "url": [:]]], true),
            (["elicitation": ["url": [:]]], false), (["elicitation": true], false),
            (["elicitation": .null], false), (["elicitation": ["form": true]], false),
        ]
        for (capabilities, isAsked) in table {
            let result = try await answer(
                try Self.fixture(), Self.call(capabilities: capabilities))
            #expect((result["resultType"] == "input_required") == isAsked, "\(capabilities.text)")
            #expect((result["isError"] == true) == !isAsked, "\(capabilities.text)")
        }
    }

    @Test func aToolMayDemandTheCapability() async throws {
        let error = try await Self.fixture(.error).error(
            Self.call(capabilities: [:]), .v20260728)
        #expect(error?.code == .missingCapability)
        #expect(error?.statelessStatus == 400)
        #expect(error?.data?["requiredCapabilities"] == ["elicitation": [:]])
    }

    @Test func malformedRetriesAreErrorsOfTheProtocol() async throws {
        let fixture = try Self.fixture()
        let state = try #require(try await answer(fixture, Self.call())["requestState"])
        let accept: JSONValue = ["action": "accept", "content": ["confirm": true]]
        for more in [
            JSONObject(("requestState", 1)), JSONObject(("requestState", .null)),
            JSONObject(("inputResponses", [])), JSONObject(("requestState", "")),
            JSONObject(("requestState", state), ("inputResponses", "accept")),
            JSONObject(("requestState", state), ("inputResponses", ["confirm": "accept"])),
            JSONObject(("requestState", state), ("inputResponses", ["confirm": ["action": "yes"]])),
        ] {
            let error = try await fixture.error(Self.call("pay", more), .v20260728)
            #expect(error?.code == .invalidParams, "\(JSONValue.object(more).text)")
        }
        let stray = JSONObject(("requestState", state), ("inputResponses", ["confirm": accept]))
        #expect(
            try await fixture.error(Self.call("orders", stray), .v20260728)?.code == .invalidParams)
        #expect(!fixture.gate.journal.entries.contains("run pay"))
        #expect(try await answer(fixture, Self.call("pay", stray))["isError"] == false)
    }

    @Test func theListSaysWhichToolsAsk() async throws {
        let fixture = try Self.fixture()
        for version in ProtocolVersion.served {
            let request =
                version.isStateless
                ? MCPFixture.stateless("tools/list") : MCPFixture.request("tools/list")
            let tools = try await fixture.answer(request, version)["tools"]?.array ?? []
            let asking = tools.filter {
                $0["_meta"]?["anthropic/requiresUserInteraction"] == true
            }
            let isKnown = version != .v20250326
            #expect(asking.compactMap { $0["name"]?.string } == (isKnown ? ["pay"] : []))
        }
    }

    // MARK: The handshake era

    @Test func withoutAWayToAskACallIsRefused() async throws {
        for unasked in Enforcement.Confirmation.Unasked.allCases {
            let result = try await Self.fixture(unasked).answer(
                MCPFixture.request("tools/call", ["name": "pay"]))
            #expect(result["isError"] == true)
            let text = result["content"]?.array?.first?["text"]?.string
            #expect(text?.contains("confirm.unreachable") == true)
        }
    }
}

/// Questions on a stream, and the answers that come back by other ways.
@Suite struct QuestionsTests {
    /// Hands over what is sent to it.
    private final class Channel: ClientChannel {
        let loop: EventLoop
        private let respond: @Sendable (JSONValue) -> Void
        private let isHeard: Bool
        let sent = Mutex<[JSONValue]>([])

        init(
            _ loop: EventLoop, isHeard: Bool = true,
            _ respond: @escaping @Sendable (JSONValue) -> Void = { _ in }
        ) {
            self.loop = loop
            self.isHeard = isHeard
            self.respond = respond
        }

        func send(_ message: [UInt8]) async -> Bool {
            guard isHeard, let value = try? JSONParser.parse(message) else { return false }
            sent.withLock { $0.append(value) }
            respond(value)
            return true
        }
    }

    private let gate: GateFixture
    private let group: EventLoopGroup
    private let questions = Questions(most: 2)

    init() throws {
        gate = try GateFixture()
        group = try EventLoopGroup(count: 1)
        try group.start()
    }

    private func addressee(
        _ session: String = "s", _ user: String = "ada"
    ) async throws -> Questions.Addressee {
        Questions.Addressee(session: session, caller: try await gate.caller(user))
    }

    private func question() async throws -> Question {
        let gate = try GateFixture(tools: [
            .sample(confirmation: Enforcement.Confirmation(question: "Sure?"))
        ])
        let reach = CallerReach.retry(CallerReach.Retry(showsForms: true))
        return try #require(try await gate.call(reach: reach).refusal?.question)
    }

    private static func response(_ id: JSONValue?, _ result: JSONValue?) -> Response {
        Response(id: id.flatMap { RequestID($0) }, result: result)
    }

    @Test func theAnswerOfTheOneWhoWasAskedCounts() async throws {
        let (addressee, question) = (try await addressee(), try await question())
        let foreign = [
            try await self.addressee("t"), try await self.addressee("s", "fay"),
            try await self.addressee("", "ada"),
        ]
        let questions = self.questions
        let channel = Channel(group.next()) { message in
            let id = message["id"]
            for other in foreign {
                #expect(!questions.receive(Self.response(id, ["action": "cancel"]), from: other))
            }
            for wrong in [nil, "x", 1] as [JSONValue?] {
                #expect(!questions.receive(Self.response(wrong, [:]), from: addressee))
            }
            #expect(questions.receive(Self.response(id, ["action": "decline"]), from: addressee))
            #expect(!questions.receive(Self.response(id, ["action": "accept"]), from: addressee))
        }
        let outcome = await questions.ask(
            question, of: addressee, over: channel, within: .seconds(60))
        guard case .result(let result) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(result == ["action": "decline"])
        let sent = channel.sent.withLock { $0 }
        #expect(sent.count == 1)
        #expect(sent[0]["method"] == "elicitation/create" && sent[0]["jsonrpc"] == "2.0")
        #expect(sent[0]["params"]?["mode"] == nil)
        #expect(questions.count == 0)
        group.stop()
    }

    @Test func anErrorIsNoAnswer() async throws {
        let (addressee, question) = (try await addressee(), try await question())
        let questions = self.questions
        let channel = Channel(group.next()) { message in
            questions.receive(Self.response(message["id"], nil), from: addressee)
        }
        let outcome = await questions.ask(
            question, of: addressee, over: channel, within: .seconds(60))
        guard case .failed = outcome else {
            Issue.record("\(outcome)")
            return
        }
        group.stop()
    }

    @Test func whoIsNotAnsweredInTimeTakesTheQuestionBack() async throws {
        let (addressee, question) = (try await addressee(), try await question())
        let channel = Channel(group.next())
        let outcome = await questions.ask(
            question, of: addressee, over: channel, within: .milliseconds(20))
        guard case .timedOut = outcome else {
            Issue.record("\(outcome)")
            return
        }
        let sent = channel.sent.withLock { $0 }
        #expect(sent.last?["method"] == "notifications/cancelled")
        #expect(sent.last?["params"]?["requestId"] == sent.first?["id"])
        #expect(questions.count == 0)
        group.stop()
    }

    @Test func aCallThatIsCancelledOrUnheardWaitsForNothing() async throws {
        let (addressee, question) = (try await addressee(), try await question())
        let asked = Latch()
        let channel = Channel(group.next()) { _ in asked.open() }
        let questions = self.questions
        let call = Task {
            await questions.ask(question, of: addressee, over: channel, within: .seconds(60))
        }
        await asked.wait()
        call.cancel()
        guard case .gone = await call.value else {
            Issue.record("a cancelled call goes on")
            return
        }
        let deaf = Channel(group.next(), isHeard: false)
        let outcome = await questions.ask(
            question, of: addressee, over: deaf, within: .seconds(60))
        guard case .gone = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(questions.count == 0)
        group.stop()
    }

    @Test func noMoreQuestionsAreOpenThanAllowedAndAllEndTogether() async throws {
        let addressee = try await addressee()
        let open = [try await question(), try await question()]
        let questions = self.questions
        await withTaskGroup(of: Bool.self) { calls in
            for question in open {
                let asked = Latch()
                let channel = Channel(group.next()) { _ in asked.open() }
                calls.addTask {
                    let outcome = await questions.ask(
                        question, of: addressee, over: channel, within: .seconds(60))
                    if case .gone = outcome { return true }
                    return false
                }
                await asked.wait()
            }
            if let third = try? await question() {
                let outcome = await questions.ask(
                    third, of: addressee, over: Channel(group.next()), within: .seconds(60))
                guard case .failed = outcome else {
                    Issue.record("\(outcome)")
                    return
                }
            }
            questions.endAll()
            for await isGone in calls { #expect(isGone) }
        }
        group.stop()
    }
}
