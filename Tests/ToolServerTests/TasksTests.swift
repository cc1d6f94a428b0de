import Enforcement
import EventLoop
import JSON
import TestSupport
import Testing

@testable import ToolServer

/// A gate with tools that may become tasks, and a desk over a store in memory.
private struct TasksFixture {
    static let tasks: JSONValue = ["extensions": ["io.modelcontextprotocol/tasks": [:]]]
    static let both: JSONValue = [
        "elicitation": [:], "extensions": ["io.modelcontextprotocol/tasks": [:]],
    ]

    let gate: GateFixture
    let desk: TaskDesk
    let serving: Serving

    init(
        policy: Policy = Policy(grants: GateFixture.grants),
        sinkFails: @escaping @Sendable (Int) -> Bool = { _ in false },
        backend: @escaping ScriptedBackend.Script = { _ in .texts(["1"]) }
    ) throws {
        gate = try GateFixture(
            tools: [
                .sample("report", taskUse: .allowed), .sample("export", taskUse: .required),
                .sample("plain"),
                .sample("change", effect: .write, taskUse: .allowed),
                .sample(
                    "asks", confirmation: Enforcement.Confirmation(question: "Sure?"),
                    taskUse: .allowed),
            ], policy: policy, sinkFails: sinkFails, backend: backend)
        let clock = gate.clock
        desk = TaskDesk(store: gate.state, now: { clock.now })
        serving = Serving(
            gate: gate.gate, description: ServerDescription(name: "shop"),
            resource: MCPFixture.resource, tasks: desk)
    }

    func request(
        _ method: String, _ params: JSONObject, _ capabilities: JSONValue = tasks
    ) -> Request {
        var meta = MCPFixture.meta.object ?? JSONObject()
        meta["io.modelcontextprotocol/clientCapabilities"] = capabilities
        var params = params
        params["_meta"] = .object(meta)
        return Request(id: .integer("1"), method: method, params: params)
    }

    func answer(
        _ request: Request, _ version: ProtocolVersion = .v20260728, as user: String = "ada",
        in serving: Serving? = nil
    ) async throws -> JSONValue {
        let peer = Peer(
            caller: try await gate.caller(user), via: Transport(kind: .http, address: "192.0.2.7"),
            version: version, traceparent: nil, channel: nil)
        let router = MethodRouter(
            serving: serving ?? self.serving, subscriptions: Subscriptions())
        return try JSONParser.parse(
            Array(try await router.answer(request, from: peer).joined()))
    }

    func call(
        _ tool: String, _ capabilities: JSONValue = tasks, _ more: JSONObject = JSONObject(),
        _ version: ProtocolVersion = .v20260728, as user: String = "ada"
    ) async throws -> JSONValue {
        var params = more
        params["name"] = .string(tool)
        return try await answer(request("tools/call", params, capabilities), version, as: user)
    }

    func get(_ id: JSONValue?, as user: String = "ada") async throws -> JSONValue {
        try await answer(request("tasks/get", JSONObject(("taskId", id ?? .null))), as: user)
    }

    /// The task once it has ended.
    func ended(_ id: JSONValue?) async throws -> JSONValue {
        while true {
            let task = try await get(id)
            if task["status"] != "working" { return task }
            await Task.yield()
        }
    }

    func error(_ body: () async throws -> JSONValue) async throws -> RPCError? {
        do {
            let answer = try await body()
            Issue.record("answered: \(answer.text)")
            return nil
        } catch let error as RPCError {
            return error
        }
    }
}

@Suite struct TasksTests {
    @Test func aTaskIsInTheStoreBeforeItsCallerHearsOfIt() async throws {
        let latch = Latch()
        let fixture = try TasksFixture(backend: { _ in
            await latch.wait()
            return .texts(["1"])
        })
        let made = try await fixture.call("report")
        #expect(made["resultType"] == "task")
        #expect(made["status"] == "working")
        #expect(made["ttlMs"] == 900_000 && made["pollIntervalMs"] == 1_000)
        #expect(made["createdAt"] == "2027-01-15T08:00:00Z")
        #expect(made["result"] == nil && made["content"] == nil)
        let id = try #require(made["taskId"]?.string)
        #expect(id.utf8.count == 32)
        #expect(try await fixture.gate.state.entry(.task, Name(id)) != nil)
        let working = try await fixture.get(made["taskId"])
        #expect(working["resultType"] == "complete" && working["status"] == "working")
        latch.open()
        let done = try await fixture.ended(made["taskId"])
        #expect(done["status"] == "completed")
        let direct = try await fixture.call("report", [:])
        #expect(done["result"] == direct)
        #expect(fixture.gate.sink.lines.contains { $0["task"] == .string(id) })
    }

    @Test func onlyClientsThatFollowTasksGetOne() async throws {
        let fixture = try TasksFixture()
        for capabilities in [
            [:], ["extensions": [:]], ["extensions": ["io.modelcontextprotocol/tasks": true]],
            ["tasks": [:]],
        ] as [JSONValue] {
            #expect(try await fixture.call("report", capabilities)["resultType"] == "complete")
            let error = try await fixture.error { try await fixture.call("export", capabilities) }
            #expect(error?.code == .missingCapability)
            #expect(error?.data?["requiredCapabilities"] == TasksFixture.tasks)
        }
        #expect(try await fixture.call("plain")["resultType"] == "complete")
        #expect(try await fixture.call("export")["resultType"] == "task")
        let old = try await fixture.call("export", [:], JSONObject(), .v20251125)
        #expect(old["isError"] == true)
        #expect(old["content"]?.array?.first?["text"]?.string?.contains("task.unsupported") == true)
    }

    @Test func whatIsRefusedAtOnceIsNoTask() async throws {
        let rule = Rule(
            id: "no", effect: .deny, when: .fact(.toolName, .oneOf(["report"])), reason: "closed")
        let fixture = try TasksFixture(
            policy: Policy(grants: GateFixture.grants, rules: [rule]))
        #expect(try await fixture.call("report")["isError"] == true)
        let unknown = try await fixture.error { try await fixture.call("export", as: "eve") }
        #expect(unknown?.code == .invalidParams)
        let hidden = try await fixture.error {
            try await fixture.call("export", [:], as: "eve")
        }
        #expect(hidden?.message == unknown?.message, "a tool that is not theirs demands nothing")
    }

    @Test func theCallerIsAskedBeforeThereIsATask() async throws {
        let fixture = try TasksFixture()
        let asked = try await fixture.call("asks", TasksFixture.both)
        #expect(asked["resultType"] == "input_required")
        let more = JSONObject(
            ("requestState", asked["requestState"] ?? .null),
            (
                "inputResponses",
                ["confirm": ["action": "accept", "content": ["confirm": true]]]
            ))
        let made = try await fixture.call("asks", TasksFixture.both, more)
        #expect(made["resultType"] == "task")
        #expect(try await fixture.ended(made["taskId"])["status"] == "completed")
    }

    // MARK: How it ends

    @Test func aRefusalOfTheBackendIsACompletedTask() async throws {
        let fixture = try TasksFixture(backend: { (_) throws(BackendError) in
            throw BackendError(.timedOut, detail: "")
        })
        let done = try await fixture.ended(try await fixture.call("report")["taskId"])
        #expect(done["status"] == "completed")
        #expect(done["result"]?["isError"] == true)
    }

    @Test func anErrorOfTheProtocolIsAFailedTask() async throws {
        let fixture = try TasksFixture(sinkFails: { _ in true })
        let done = try await fixture.ended(try await fixture.call("report")["taskId"])
        #expect(done["status"] == "failed")
        #expect(done["error"]?["code"] == -32603 && done["result"] == nil)
    }

    @Test func anAnswerThatCannotBeKeptIsToldSo() async throws {
        let fixture = try TasksFixture(backend: { _ in
            .texts([String(repeating: "x", count: 10_000)])
        })
        fixture.gate.state.shrink(to: 1_000)
        let done = try await fixture.ended(try await fixture.call("report")["taskId"])
        #expect(done["status"] == "failed")
        #expect(done["error"]?["message"]?.string?.contains("cannot be kept") == true)
    }

    @Test func aTaskIsCancelledOnRequestAndOnce() async throws {
        let started = Latch()
        let fixture = try TasksFixture(backend: { (_) throws(BackendError) in
            started.open()
            while !Task.isCancelled { await Task.yield() }
            throw BackendError(.cancelled, detail: "")
        })
        let made = try await fixture.call("change")
        let params = JSONObject(("taskId", made["taskId"] ?? .null))
        await started.wait()
        for _ in 0..<2 {
            let ack = try await fixture.answer(fixture.request("tasks/cancel", params))
            #expect(ack["resultType"] == "complete" && ack["status"] == nil)
            #expect(try await fixture.ended(made["taskId"])["status"] == "cancelled")
        }
    }

    @Test func answersThatNobodyWaitsForAreAcceptedAndDropped() async throws {
        let fixture = try TasksFixture()
        let id = try await fixture.call("report")["taskId"] ?? .null
        let update = JSONObject(("taskId", id), ("inputResponses", ["x": ["action": "accept"]]))
        let ack = try await fixture.answer(fixture.request("tasks/update", update))
        #expect(ack["resultType"] == "complete")
        let bad = JSONObject(("taskId", id))
        let error = try await fixture.error {
            try await fixture.answer(fixture.request("tasks/update", bad))
        }
        #expect(error?.code == .invalidParams)
    }

    /// What another process left behind when it died.
    @Test func aTaskWhoseProcessIsGoneSaysWhatIsKnown() async throws {
        for (tool, isWrite) in [("report", false), ("change", true)] {
            let latch = Latch()
            let fixture = try TasksFixture(backend: { _ in
                await latch.wait()
                return .texts(["1"])
            })
            let id = Name(try #require(try await fixture.call(tool)["taskId"]?.string))
            var entry = try #require(try await fixture.gate.state.entry(.task, id))
            entry.holder = "another process"
            #expect(try await fixture.gate.state.replace(entry))
            #expect(try await fixture.get(.string(id.text))["status"] == "working")
            fixture.gate.state.kill("another process")
            let task = try await fixture.get(.string(id.text))
            #expect(task["status"] == "failed")
            let message = task["error"]?["message"]?.string ?? ""
            #expect(message.contains("may have been made or not") == isWrite)
            #expect(message.contains("Nothing was changed") == !isWrite)
            // The process was not dead after all: what was told stands.
            latch.open()
            await fixture.desk.drain(until: .never, on: nil)
            #expect(try await fixture.get(.string(id.text)) == task)
        }
    }

    // MARK: Whose it is

    @Test func othersTasksAreUnknownTasks() async throws {
        let fixture = try TasksFixture()
        let id = try #require(try await fixture.call("report")["taskId"])
        _ = try await fixture.ended(id)
        var told: Set<String> = []
        for method in TasksMethod.allCases {
            for (id, user) in [
                (id, "fay"), (id, "eve"), ("x", "ada"), ("", "ada"),
                (.string(String(repeating: "x", count: 100_000)), "ada"),
            ] as [(JSONValue, String)] {
                let params = JSONObject(("taskId", id), ("inputResponses", [:]))
                let error = try await fixture.error {
                    try await fixture.answer(fixture.request(method.rawValue, params), as: user)
                }
                #expect(error?.code == .invalidParams)
                told.insert(error?.message ?? "")
            }
        }
        #expect(told.count == 1)
        #expect(try await fixture.get(id)["status"] == "completed")
    }

    @Test func aTaskGoesWithTheGrantOfItsTool() async throws {
        let fixture = try TasksFixture()
        let id = try await fixture.call("report")["taskId"]
        _ = try await fixture.ended(id)
        let stripped = try GateFixture(tools: [.sample("plain")])
        let serving = Serving(
            gate: stripped.gate, description: ServerDescription(name: "shop"),
            resource: MCPFixture.resource, tasks: fixture.desk)
        let request = fixture.request("tasks/get", JSONObject(("taskId", id ?? .null)))
        let error = try await fixture.error {
            try await fixture.answer(request, in: serving)
        }
        #expect(error?.code == .invalidParams)
    }

    @Test func theMethodsNeedTheCapabilityInTheirOwnRequest() async throws {
        let fixture = try TasksFixture()
        let id = try await fixture.call("report")["taskId"] ?? .null
        for method in TasksMethod.allCases {
            let params = JSONObject(("taskId", id), ("inputResponses", [:]))
            let error = try await fixture.error {
                try await fixture.answer(fixture.request(method.rawValue, params, [:]))
            }
            #expect(error?.code == .missingCapability)
            #expect(error?.data?["requiredCapabilities"] == TasksFixture.tasks)
            for taskID in [nil, .null, 1, ["a"]] as [JSONValue?] {
                var params = JSONObject(("inputResponses", [:]))
                params["taskId"] = taskID
                let error = try await fixture.error {
                    try await fixture.answer(fixture.request(method.rawValue, params))
                }
                #expect(error?.code == .invalidParams)
            }
        }
    }

    @Test func aCallerHasSoManyTasksAndNoMore() async throws {
        let fixture = try TasksFixture()
        for _ in 0..<TaskDesk.perCallerMax {
            #expect(try await fixture.call("report")["resultType"] == "task")
        }
        let refused = try await fixture.call("report")
        #expect(refused["isError"] == true && refused["resultType"] == "complete")
        #expect(try await fixture.call("report", as: "fay")["resultType"] == "task")
        #expect(try await fixture.call("report", [:])["isError"] == false)
    }

    @Test func aStoreThatFailsMakesNoTask() async throws {
        let fixture = try TasksFixture()
        fixture.gate.state.fail(StateError(.unavailable, detail: "d"))
        let refused = try await fixture.call("report")
        #expect(refused["isError"] == true)
        #expect(!fixture.gate.journal.entries.contains("run report"))
        let error = try await fixture.error { try await fixture.get("x") }
        #expect(error?.code == .internal && error?.retryAfterSeconds == 2)
    }

    // MARK: The end of the server

    @Test func aServerThatEndsWaitsForItsTasksAndBeginsNone() async throws {
        let latch = Latch()
        let fixture = try TasksFixture(backend: { _ in
            await latch.wait()
            return .texts(["1"])
        })
        let id = try await fixture.call("report")["taskId"]
        async let drained: Void = fixture.desk.drain(until: .never, on: nil)
        while !fixture.desk.isStopping { await Task.yield() }
        let error = try await fixture.error { try await fixture.call("report") }
        #expect(error?.retryAfterSeconds != nil)
        latch.open()
        await drained
        #expect(try await fixture.get(id)["status"] == "completed")
    }

    @Test func discoveryNamesTheExtensionInItsEraAlone() async throws {
        let fixture = try TasksFixture()
        let found = try await fixture.answer(fixture.request("server/discover", JSONObject()))
        #expect(found["capabilities"]?["extensions"] == TasksFixture.tasks["extensions"])
        let old = try await fixture.answer(
            MCPFixture.request("initialize", ["protocolVersion": "2025-11-25"]), .v20251125)
        #expect(old["capabilities"]?["extensions"] == nil)
    }
}
