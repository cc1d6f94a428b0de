import Enforcement
import EventLoop
import Synchronization
import Testing

@testable import Backends

/// Answers each request with the next of some statuses, and keeps what came.
private final class ScriptedHook: HTTPHandler {
    struct Answer: Sendable {
        var status: Int
        var headers: [(name: String, value: String)] = []
    }

    private let state: Mutex<(answers: [Answer], batches: [String])>

    init(_ answers: [Answer]) { state = Mutex((answers, [])) }

    var batches: [String] { state.withLock { $0.batches } }

    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) async {
        let answer = state.withLock { state in
            state.batches.append(request.headers["toolserver-batch"] ?? "")
            return state.answers.isEmpty ? Answer(status: 200) : state.answers.removeFirst()
        }
        exchange.respond(
            HTTPResponse(
                status: answer.status, headers: answer.headers,
                body: answer.status == 204 ? [] : Array("{}".utf8)))
    }
}

@Suite struct WebhookDeliveryTests {
    /// What each of some deliveries of one batch came to.
    private static func failures(
        _ answers: [ScriptedHook.Answer]
    ) async throws -> (failures: [DeliveryFailure?], batches: [String]) {
        let group = try EventLoopGroup(count: 1)
        try group.start()
        let task = Task(executorPreference: group.loops[0]) {
            let hook = ScriptedHook(answers)
            let server = try HTTPServer(
                group: group, address: "127.0.0.1", port: 0, limits: HTTPLimits(), handler: hook)
            let url = try HTTPURL("http://127.0.0.1:\(server.port)/siem")
            let delivery = WebhookDelivery(
                DeliveryPlace(
                    url: url, networks: [NetworkRange("127.0.0.0/8")].compactMap(\.self),
                    security: nil), names: SystemNameLookup(threads: 1))
            var failures: [DeliveryFailure?] = []
            for _ in answers {
                do throws(DeliveryFailure) {
                    try await delivery.deliver(
                        Array("{}\n".utf8), batch: "log#1-2", at: 1, key: [1])
                    failures.append(nil)
                } catch { failures.append(error) }
            }
            await server.drain(deadline: .now())
            return (failures, hook.batches)
        }
        let value = try await task.value
        group.stop()
        return value
    }

    @Test func everyAnswerSaysWhatIsToBeDone() async throws {
        let (failures, batches) = try await Self.failures([
            .init(status: 200), .init(status: 413),
            .init(status: 503, headers: [("retry-after", "7")]),
            .init(status: 429, headers: [("retry-after", "99999")]),
            .init(status: 500, headers: [("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]),
            .init(status: 503, headers: [("retry-after", "-5")]), .init(status: 302),
            .init(status: 204),
        ])
        #expect(
            failures.map { $0?.reason } == [
                nil, "status 413", "status 503", "status 429", "status 500", "status 503",
                "status 302", nil,
            ])
        #expect(failures.map { $0?.isTooLarge ?? false }.firstIndex(of: true) == 1)
        #expect(failures.filter { $0?.isTooLarge == true }.count == 1)
        #expect(
            failures.map { $0?.retryAfter } == [
                nil, nil, .seconds(7), .seconds(300), .seconds(1), nil, nil, nil,
            ])
        #expect(batches == Array(repeating: "log#1-2", count: 8))
    }
}
