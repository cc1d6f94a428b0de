import JSON
import Synchronization
import TestSupport
import Testing

@testable import Enforcement

/// What would hold up others is done on other threads.
@Suite struct AsideTests {
    private final class Counting: Aside {
        let count = Atomic<Int>(0)

        func run<T: Sendable>(_ work: @escaping @Sendable () -> T) async -> T {
            count.wrappingAdd(1, ordering: .relaxed)
            return work()
        }
    }

    private static let long = String(repeating: "ada@example.com ", count: 5_000)
    private static let input: JSONValue = [
        "type": "object", "properties": ["text": ["type": "string"]],
    ]

    @Test func longArgumentsAreMaskedAsideAndShortOnesOnTheSpot() async throws {
        let aside = Counting()
        let fixture = try GateFixture(
            tools: [.sample(input: Self.input, columns: [Column("x")])], aside: aside)
        _ = try await fixture.call("orders", JSONObject(("text", "ada@example.com")))
        #expect(aside.count.load(ordering: .relaxed) == 0)
        _ = try await fixture.call("orders", JSONObject(("text", .string(Self.long))))
        #expect(aside.count.load(ordering: .relaxed) == 1)
        #expect(!fixture.sink.text.contains("ada@example"))
    }

    @Test func longArgumentsOfARefusedCallAreMaskedAsideToo() async throws {
        let aside = Counting()
        let fixture = try GateFixture(tools: [.sample(input: Self.input)], aside: aside)
        _ = try await fixture.call("orders", JSONObject(("text", [.string(Self.long)])))
        #expect(aside.count.load(ordering: .relaxed) == 1)
    }

    @Test func longAnswersAreMaskedAside() async throws {
        let aside = Counting()
        let fixture = try GateFixture(
            tools: [.sample(columns: [Column("x")])], aside: aside,
            backend: { _ in .texts([Self.long]) })
        let outcome = try await fixture.call()
        #expect(aside.count.load(ordering: .relaxed) == 1)
        #expect(outcome.text?.contains("ada@example") == false)
    }
}
