import Enforcement
import EventLoop
import JSON
import Synchronization
import Testing

@testable import Backends

/// Names that stand for what the test says, one answer after the other.
private final class ScriptedNames: NameLookup {
    private let state: Mutex<(answers: [[String]], asked: [String])>

    init(_ answers: [String]...) { state = Mutex((answers, [])) }

    var asked: [String] { state.withLock { $0.asked } }

    func addresses(
        of name: String, on loop: EventLoop, deadline: MonotonicTime
    ) async throws(NameLookupError) -> [[UInt8]] {
        let answer = state.withLock { state in
            state.asked.append(name)
            return state.answers.isEmpty ? [] : state.answers.removeFirst()
        }
        if answer.isEmpty { throw .unknown }
        return answer.compactMap { SocketAddress(ip: $0, port: 0)?.bytes }
    }
}

/// Answers every request with the number of its connection's peer port and what it was sent.
private struct Echo: HTTPHandler {
    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) async {
        let body: JSONValue = [
            "host": .string(request.headers["host"] ?? ""), "path": .string(request.path),
        ]
        exchange.respond(
            HTTPResponse(
                status: 200, headers: [("content-type", "application/json")], body: body.bytes))
    }
}

@Suite struct HTTPBackendTests {
    private static func onLoop<Value: Sendable>(
        _ body: @escaping @Sendable (UInt16) async throws -> Value
    ) async throws -> Value {
        let group = try EventLoopGroup(count: 1)
        try group.start()
        let task = Task(executorPreference: group.loops[0]) {
            let server = try HTTPServer(
                group: group, address: "127.0.0.1", port: 0, limits: HTTPLimits(), handler: Echo())
            let value = try await body(server.port)
            await server.drain(deadline: .now())
            return value
        }
        let value = try await task.value
        group.stop()
        return value
    }

    private static func backend(
        _ names: ScriptedNames, hosts: [EgressRules.Host], port: UInt16,
        networks: [String] = []
    ) -> HTTPBackend {
        HTTPBackend(
            HTTPOptions(
                name: "api", base: nil,
                egress: EgressRules(
                    hosts: hosts, isSecureAllowed: false, isPlainAllowed: true, ports: [port],
                    networks: networks.compactMap { NetworkRange($0) })),
            client: HTTPClient(security: nil), names: names)
    }

    private static func job(_ url: String) throws -> Job {
        let schema: JSONValue = ["type": "object"]
        let operation = Operation.http(HTTPOperation(method: "GET", target: .given("url")))
        return Job(
            tool: Tool(
                name: "fetch", title: "Fetch", description: "Fetch.", backend: "api", scope: "s",
                effect: .read, inputSchema: schema,
                input: InputCheck(schema: try JSONSchema(schema)), operation: operation,
                examination: Examination(
                    columns: [], reads: [], parameters: ["url"], isReadOnly: true)),
            arguments: JSONObject(distinct: [("url", .string(url))]), deadline: .now + .seconds(5))
    }

    /// As the gate does it.
    private static func call(
        _ url: String, on backend: HTTPBackend
    ) async throws(BackendError) -> JSONValue {
        guard let job = try? job(url) else { throw BackendError(.failed, detail: "no job") }
        let examined = try await backend.examine(job)
        let judged = Job(
            tool: job.tool, arguments: job.arguments, deadline: job.deadline,
            request: examined.request)
        guard case .document(let document) = try await backend.perform(judged).content else {
            throw BackendError(.failed, detail: "no document")
        }
        return document
    }

    @Test func aNameIsLookedUpOnceAndItsFirstAnswerHolds() async throws {
        let names = ScriptedNames(["93.184.215.14"], ["127.0.0.1"])
        let addresses = try await Self.onLoop { port in
            let backend = Self.backend(names, hosts: [.anyPublic], port: 80)
            let examined = try await backend.examine(try Self.job("http://rebind.example/"))
            guard case .http(let request) = examined.request else { return [[UInt8]]() }
            return request.addresses
        }
        #expect(addresses == [[93, 184, 215, 14]])
        #expect(names.asked == ["rebind.example"])
    }

    @Test(arguments: [
        ["10.1.2.3"], ["93.184.215.14", "10.1.2.3"], ["::1"], ["::ffff:93.184.215.14"],
        ["169.254.169.254"], ["2606:4700:4700::1111", "fe80::1"],
    ])
    func anyAddressThatIsNotPublicRefusesAPublicName(_ addresses: [String]) async throws {
        let names = ScriptedNames(addresses)
        let reason = try await Self.onLoop { port -> BackendError.Reason? in
            let backend = Self.backend(names, hosts: [.anyPublic], port: 80)
            do throws(BackendError) {
                _ = try await Self.call("http://inside.example/", on: backend)
                return nil
            } catch { return error.reason }
        }
        #expect(reason == .argument)
    }

    @Test func aNamedHostConnectsToTheVettedAddressUnderItsName() async throws {
        let names = ScriptedNames(["127.0.0.1"], ["10.0.0.1"])
        let answers = try await Self.onLoop { port in
            let backend = Self.backend(
                names, hosts: [.exact("api.example")], port: port, networks: ["127.0.0.0/8"])
            let url = "http://API.example:\(port)/a%20b?x"
            return [
                try await Self.call(url, on: backend), try await Self.call(url, on: backend),
            ].map { [$0["host"]?.string?.prefix(12), $0["path"]?.string?[...]] }
        }
        #expect(answers == [["api.example:", "/a%20b"], ["api.example:", "/a%20b"]])
        // The second call went over the same connection, so nobody was asked.
        #expect(names.asked == ["api.example"])
    }

    @Test func aNamedHostInsideIsNotConnectedToUnlessItsNetworkIsNamed() async throws {
        let names = ScriptedNames(["127.0.0.1"], [])
        let reasons = try await Self.onLoop { port in
            let backend = Self.backend(names, hosts: [.exact("api.example")], port: port)
            var reasons: [BackendError.Reason?] = []
            for _ in 0..<2 {
                do throws(BackendError) {
                    _ = try await Self.call("http://api.example:\(port)/", on: backend)
                } catch { reasons.append(error.reason) }
            }
            return reasons
        }
        #expect(reasons == [.unavailable, .unavailable])
    }
}
