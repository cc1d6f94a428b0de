import Enforcement
import EventLoop
import JSON
import Testing

@testable import Backends

extension PostgresTests {
    /// Quick reads of one caller stand one behind the other on a connection. Nobody must notice.
    @Suite struct PostgresTogetherTests {
        private typealias Outcome = Result<RawResult, BackendError>

        private static func argument(_ value: Int) -> JSONObject {
            JSONObject(distinct: [("n", .number(JSONNumber(value)))])
        }

        /// All in one turn of the loop, so that they go out together.
        private static func together(
            _ fixture: PostgresFixture, _ tool: Tool, _ values: [Int]
        ) async -> [Outcome] {
            let loop = fixture.group.loops[0]
            return await Task(executorPreference: loop) {
                await withTaskGroup(of: (Int, Outcome).self) { group in
                    for (index, value) in values.enumerated() {
                        group.addTask(executorPreference: loop) {
                            (index, await fixture.run(tool, argument(value)))
                        }
                    }
                    var outcomes: [Int: Outcome] = [:]
                    for await (index, outcome) in group { outcomes[index] = outcome }
                    return values.indices.compactMap { outcomes[$0] }
                }
            }.value
        }

        /// Known to be quick from then on, on every connection that there may be.
        private static func warm(
            _ fixture: PostgresFixture, _ tool: Tool, _ value: Int
        ) async -> Bool {
            for _ in 0..<200 {
                let outcomes = await together(fixture, tool, [value, value, value, value])
                guard outcomes.allSatisfy({ $0.reason == nil }) else { return false }
                let pids = await Set(
                    together(fixture, tool, [value, value]).map { text($0, tool) })
                if pids.count == 1 { return true }
            }
            return false
        }

        private static func text(_ outcome: Outcome, _ tool: Tool) -> String {
            guard case .success(let result) = outcome else { return "\(outcome)" }
            return PostgresFixture.text(result, tool)
        }

        @Test func quickReadsShareAConnectionAndEachGetsItsOwnAnswer() async throws {
            let fixture = try await PostgresFixture.make { $0.pool.max = 4 }
            let pid = try await fixture.tool("select pg_backend_pid() as p, :n::int8 * 0 as n")
            #expect(await Self.warm(fixture, pid, 0))
            let tool = try await fixture.tool("select :n::int8 as v")
            for round in 0..<50 {
                let values = Array(round * 100..<round * 100 + 20)
                let outcomes = await Self.together(fixture, tool, values)
                #expect(outcomes.map { Self.text($0, tool) } == values.map { "[[\($0)]]" })
            }
        }

        @Test func whatFailsAmongThemFailsAlone() async throws {
            let fixture = try await PostgresFixture.make { $0.pool.max = 4 }
            let tool = try await fixture.tool(
                "select pg_backend_pid() as p where 1 / :n::int8 > 0")
            #expect(await Self.warm(fixture, tool, 1))
            for place in 0..<12 {
                var values = Array(repeating: 1, count: 12)
                values[place] = 0
                let outcomes = await Self.together(fixture, tool, values)
                for (index, outcome) in outcomes.enumerated() {
                    #expect((outcome.reason != nil) == (index == place))
                }
            }
            #expect(await fixture.run(tool, Self.argument(1)).reason == nil)
        }

        @Test func nobodyWaitsForOneThatTakesLongForOnce() async throws {
            let fixture = try await PostgresFixture.make { $0.pool.max = 4 }
            let tool = try await fixture.tool(
                "select pg_backend_pid() as p from pg_sleep(:n::int8)",
                limits: ToolLimits(time: .seconds(60)))
            #expect(await Self.warm(fixture, tool, 0))
            let slow = Task { await fixture.run(tool, Self.argument(30)) }
            #expect(
                try await fixture.until(
                    "select count(*) from pg_stat_activity where wait_event = 'PgSleep'", is: "1"))
            let outcomes = await Self.together(fixture, tool, [0, 0, 0, 0])
            #expect(outcomes.allSatisfy { $0.reason == nil })
            slow.cancel()
            #expect(await slow.value.reason == .cancelled)

            // The slow one is the first of those that went out together.
            #expect(await Self.warm(fixture, tool, 0))
            let start = ContinuousClock.now
            let mixed = await Self.together(fixture, tool, [2, 0, 0, 0])
            #expect(mixed.allSatisfy { $0.reason == nil })
            #expect(ContinuousClock.now - start < .seconds(30))
        }

        @Test func noCallWaitsWhereAnotherLoopHasAConnectionToSpare() async throws {
            let fixture = try await PostgresFixture.make(loops: 2) {
                $0.pool.max = 2
                $0.pool.wait = .milliseconds(50)
            }
            let tool = try await fixture.tool(
                "select pg_backend_pid() as p from pg_sleep(:n::int8)",
                limits: ToolLimits(time: .seconds(60)))
            let calls = (0..<2).map { _ in Task { await fixture.run(tool, Self.argument(30)) } }
            #expect(
                try await fixture.until(
                    "select count(*) from pg_stat_activity where wait_event = 'PgSleep'", is: "2"))
            // There are never more than the backend may have.
            #expect(await fixture.run(tool, Self.argument(0)).reason == .busy)
            for call in calls {
                call.cancel()
                #expect(await call.value.reason == .cancelled)
            }
        }

        @Test func whoIsStoppedStopsAlone() async throws {
            let fixture = try await PostgresFixture.make { $0.pool.max = 4 }
            let tool = try await fixture.tool(
                "select pg_backend_pid() as p from pg_sleep(:n::int8)",
                limits: ToolLimits(time: .milliseconds(400)))
            #expect(await Self.warm(fixture, tool, 0))
            for values in [[30, 0, 0, 0], [0, 30, 0, 0], [0, 0, 0, 30], [30, 0, 30, 0]] {
                let outcomes = await Self.together(fixture, tool, values)
                for (value, outcome) in zip(values, outcomes) {
                    #expect(outcome.reason == (value == 0 ? nil : .timedOut))
                }
            }
            #expect(
                try await fixture.until(
                    "select count(*) from pg_stat_activity where wait_event = 'PgSleep'", is: "0"))
            #expect(await fixture.run(tool, Self.argument(0)).reason == nil)
        }

        @Test func aConnectionThatBreaksLosesNoneOfThem() async throws {
            let fixture = try await PostgresFixture.make { $0.pool.max = 4 }
            let tool = try await fixture.tool(
                "select pg_backend_pid() as p, pg_sleep(0.001 * :n::int8)::text as s")
            #expect(await Self.warm(fixture, tool, 0))
            let end =
                "select count(pg_terminate_backend(pid)) >= 0 from pg_stat_activity "
                + "where pid <> pg_backend_pid() and backend_type = 'client backend' "
                + "and application_name <> 'aside' and datname = current_database()"
            for _ in 0..<20 {
                async let calls = Self.together(fixture, tool, Array(repeating: 1, count: 12))
                try await fixture.ask(end)
                // What the server had begun with is said to be broken; nothing is answered wrongly.
                for outcome in await calls {
                    #expect([nil, .unavailable].contains(outcome.reason))
                }
            }
            #expect(await Self.warm(fixture, tool, 0))
        }
    }
}
