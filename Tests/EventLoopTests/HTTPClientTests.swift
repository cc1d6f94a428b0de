import Synchronization
import Testing

@testable import EventLoop

/// A client against our own server; wrong servers are the business of the integration checks.
@Suite struct HTTPClientTests {
    private final class Server: HTTPHandler {
        private let gate = Mutex<[CheckedContinuation<Void, Never>]>([])
        private let isOpen = Mutex(true)

        func hold() { isOpen.withLock { $0 = false } }

        var waiting: Int { gate.withLock { $0.count } }

        func open() {
            isOpen.withLock { $0 = true }
            for waiting in gate.withLock({ gate in
                defer { gate = [] }
                return gate
            }) { waiting.resume() }
        }

        func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) async {
            if !isOpen.withLock({ $0 }) {
                await withCheckedContinuation { continuation in
                    gate.withLock { $0.append(continuation) }
                }
            }
            exchange.respond(HTTPResponse(status: 200, body: Array(request.path.utf8)))
        }
    }

    private struct World: Sendable {
        let loop: EventLoop
        let port: UInt16
        let server: Server

        func send(
            _ path: String, by client: HTTPClient, bodyBytes: Int = 1_000
        ) async -> Result<String, HTTPClientError> {
            let exchange = HTTPClient.Exchange(
                request: HTTPClientRequest(method: "GET", target: path, host: "x"),
                origin: .init(isSecure: false, host: "x", port: port), isRepeatable: true,
                bodyBytes: bodyBytes, deadline: loop.now.advanced(by: .seconds(5)))
            do throws(HTTPClientError) {
                let response = try await client.send(exchange, on: loop) {
                    [SocketAddress(ip: "127.0.0.1", port: port)].compactMap { $0 }
                }
                return .success(String(decoding: response.body, as: UTF8.self))
            } catch {
                return .failure(error)
            }
        }
    }

    private static func run<Value: Sendable>(
        _ body: @escaping @Sendable (World) async throws -> Value
    ) async throws -> Value {
        let group = try EventLoopGroup(count: 1)
        try group.start()
        let task = Task(executorPreference: group.loops[0]) {
            let handler = Server()
            let server = try HTTPServer(
                group: group, address: "127.0.0.1", port: 0, limits: HTTPLimits(), handler: handler)
            let world = World(loop: group.loops[0], port: server.port, server: handler)
            let value = try await body(world)
            handler.open()
            await server.drain(deadline: .now())
            return value
        }
        let value = try await task.value
        group.stop()
        return value
    }

    @Test func requestsAreAnsweredOverAndOver() async throws {
        let answers = try await Self.run { world in
            let client = HTTPClient(security: nil)
            var answers: [String] = []
            for number in 0..<20 {
                answers.append(try await world.send("/\(number)", by: client).get())
            }
            return answers
        }
        #expect(answers == (0..<20).map { "/\($0)" })
    }

    @Test func nobodyWaitsForAConnectionLongerThanAllowed() async throws {
        let (second, first) = try await Self.run { world in
            var limits = HTTPClient.Limits()
            limits.connections = 1
            limits.wait = .milliseconds(50)
            let client = HTTPClient(limits, security: nil)
            world.server.hold()
            async let first = world.send("/a", by: client)
            while world.server.waiting == 0 { await Task.yield() }
            let second = await world.send("/b", by: client)
            world.server.open()
            return (second, await first)
        }
        #expect(second == .failure(.busy))
        #expect(first == .success("/a"))
    }

    @Test func aPlacePassesToWhoWaitedFirst() async throws {
        let answers = try await Self.run { world in
            var limits = HTTPClient.Limits()
            limits.connections = 1
            let client = HTTPClient(limits, security: nil)
            world.server.hold()
            async let first = world.send("/a", by: client)
            while world.server.waiting == 0 { await Task.yield() }
            async let second = world.send("/b", by: client)
            async let third = world.send("/c", by: client)
            for _ in 0..<20 { await Task.yield() }
            world.server.open()
            return [await first, await second, await third]
        }
        #expect(answers == [.success("/a"), .success("/b"), .success("/c")])
    }

    @Test func aResponseOverTheLimitIsRefused() async throws {
        let answer = try await Self.run { world in
            await world.send("/longer", by: HTTPClient(security: nil), bodyBytes: 3)
        }
        #expect(answer == .failure(.malformed(.bodyTooLarge)))
    }

    @Test func whoIsAwayIsFoundOutAndWhatCannotBeWrittenIsNotSent() async throws {
        let (away, unwritable) = try await Self.run { world in
            let client = HTTPClient(security: nil)
            let gone = World(loop: world.loop, port: 1, server: world.server)
            return (await gone.send("/", by: client), await world.send("/a\r\nb", by: client))
        }
        if case .failure(.connect(.unreachable)) = away {} else { Issue.record("\(away)") }
        #expect(unwritable == .failure(.unwritable))
    }

    @Test func aCancelledRequestEndsAtOnce() async throws {
        let answer = try await Self.run { world in
            world.server.hold()
            let task = Task(executorPreference: world.loop) {
                await world.send("/a", by: HTTPClient(security: nil))
            }
            while world.server.waiting == 0 { await Task.yield() }
            task.cancel()
            return await task.value
        }
        #expect(answer == .failure(.cancelled))
    }
}
