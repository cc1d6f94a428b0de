import Enforcement
import EventLoop
import Foundation
import JSON
import Synchronization
import Testing

@testable import Backends

/// What becomes of calls when the server, the network or the caller fails in the middle. Nothing
/// hangs, nothing is done twice, and memory stays bounded.
extension PostgresTests {
    @Suite struct PostgresFaultTests {
        private static func seconds(_ body: () async throws -> Void) async rethrows -> Double {
            let start = ContinuousClock.now
            try await body()
            let (seconds, attoseconds) = (ContinuousClock.now - start).components
            return Double(seconds) + Double(attoseconds) / 1e18
        }

        /// At once, on a machine that does nothing else.
        private static func answers(_ fixture: PostgresFixture, _ tool: Tool) async -> Bool {
            let end = ContinuousClock.now + .seconds(20)
            while ContinuousClock.now < end {
                if await fixture.run(tool).reason == nil { return true }
            }
            return false
        }

        /// Of this process, in KiB.
        private static func residentKB() throws -> Int {
            let text = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
            return try #require(Int(line.filter(\.isNumber)))
        }

        private static let running =
            "select count(*) from pg_stat_activity where datname = current_database() and state = 'active' and query like '%' || 'sleep' || '(3%'"

        // MARK: Time

        @Test func aDeadlineEndsTheCallAndItsStatement() async throws {
            let fixture = try await PostgresFixture.make()
            let tool = try await fixture.tool(
                "select pg_sleep(30)::text as v", limits: ToolLimits(time: .milliseconds(300)))
            let took = await Self.seconds { #expect(await fixture.run(tool).reason == .timedOut) }
            // The suite shares the machine; what counts is that nobody waits for the statement.
            #expect(took < 25)
            #expect(try await fixture.until(Self.running, is: "0"))
            #expect(try await fixture.text("select 1 as v") == "[[1]]")
        }

        @Test func aCancelledCallerStopsTheStatement() async throws {
            let fixture = try await PostgresFixture.make()
            let tool = try await fixture.tool("select pg_sleep(30)::text as v")
            let call = Task { await fixture.run(tool) }
            #expect(try await fixture.until(Self.running, is: "1"))
            call.cancel()
            #expect(await call.value.reason == .cancelled)
            #expect(try await fixture.until(Self.running, is: "0"))
        }

        @Test func aCancelledChangeIsTakenBack() async throws {
            let fixture = try await PostgresFixture.make("create table t (v int8)")
            let tool = try await fixture.tool(
                "insert into t select 1 from (select pg_sleep(30)) s", .write)
            let call = Task { await fixture.run(tool) }
            #expect(
                try await fixture.until(
                    "select count(*) from pg_stat_activity where query like 'insert into t%' and state = 'active'",
                    is: "1"))
            call.cancel()
            #expect(await call.value.reason == .cancelled)
            #expect(try await fixture.ask("select count(*) from t") == "0")
            #expect(try await fixture.text("select 1 as v") == "[[1]]")
        }

        /// A cancel that comes late must not hit the call that follows on the same connection.
        @Test func cancelsNeverHitAnotherCall() async throws {
            let fixture = try await PostgresFixture.make { $0.pool.max = 2 }
            let slow = try await fixture.tool("select pg_sleep(0.002)::text as v")
            let plain = try await fixture.tool("select 1 as v, pg_sleep(0.001)::text as w")
            for round in 0..<150 {
                let call = Task { await fixture.run(slow) }
                let other = Task { await fixture.run(plain) }
                try await Task.sleep(for: .microseconds(round * 37 % 3_000))
                call.cancel()
                let ended = await call.value
                #expect(ended.reason == nil || ended.reason == .cancelled)
                #expect(try await other.value.get().rows.rowCount == 1)
                #expect(try await fixture.run(plain).get().rows.rowCount == 1)
            }
        }

        // MARK: The pool

        @Test func aFullPoolMakesCallsWaitAndThenRefusesThem() async throws {
            let fixture = try await PostgresFixture.make { options in
                options.pool = .init(min: 0, max: 4, wait: .milliseconds(300))
            }
            let slow = try await fixture.tool("select pg_sleep(1)::text as v")
            let most = Held(0)
            await withTaskGroup(of: BackendError.Reason?.self) { group in
                for index in 0..<60 {
                    group.addTask {
                        await fixture.run(slow, as: Caller(issuer: "", subject: "c\(index)")).reason
                    }
                }
                var busy = 0
                var answered = 0
                group.addTask {
                    for _ in 0..<20 {
                        let count =
                            (try? await fixture.ask(
                                "select count(*) from pg_stat_activity where datname = current_database() and state = 'active' and pid <> pg_backend_pid()"
                            )) ?? nil
                        most.change { $0 = max($0, Int(count ?? "0") ?? 0) }
                        _ = try? await fixture.ask("select pg_sleep(0.05)")
                    }
                    return .invalid
                }
                for await reason in group {
                    if reason == .busy { busy += 1 }
                    if reason == nil { answered += 1 }
                }
                #expect(busy + answered == 60)
                #expect(answered >= 4)
            }
            #expect(most.change { $0 } <= 4)
        }

        @Test func twoLoopsShareTheMaximum() async throws {
            let fixture = try await PostgresFixture.make(loops: 2) { $0.pool.max = 3 }
            let tool = try await fixture.tool("select pg_sleep(0.02)::text as v")
            await withTaskGroup(of: Void.self) { group in
                for index in 0..<40 {
                    group.addTask {
                        let caller = Caller(issuer: "", subject: "c\(index)")
                        #expect(await fixture.run(tool, as: caller, on: index % 2).reason == nil)
                    }
                }
            }
            // Beside them: the examiner's, the analyst's and this test's own.
            let count = try await fixture.ask(
                "select count(*) from pg_stat_activity where datname = current_database()")
            #expect((Int(count ?? "") ?? 99) <= 6)
        }

        // MARK: The server

        @Test func aTerminatedReadSaysSoAndTheNextCallIsAnswered() async throws {
            let fixture = try await PostgresFixture.make()
            let tool = try await fixture.tool(
                "select pg_sleep(3)::text as v, g from generate_series(1, 2) g")
            let call = Task { await fixture.run(tool) }
            #expect(try await fixture.until(Self.running, is: "1"))
            try await fixture.ask(
                "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(3)%' and pid <> pg_backend_pid()"
            )
            #expect(await call.value.reason == .unavailable)
            #expect(try await fixture.text("select 1 as v") == "[[1]]")
        }

        @Test func anIdleConnectionThatIsClosedIsReplacedUnseen() async throws {
            let fixture = try await PostgresFixture.make("create table t (v int8)") {
                $0.pool.max = 1
            }
            let read = try await fixture.tool("select 1 as v")
            let write = try await fixture.tool("insert into t values (1)", .write)
            for _ in 0..<20 {
                #expect(await fixture.run(read).reason == nil)
                try await fixture.ask(
                    "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
                )
                let gone = try await fixture.until(
                    "select count(*) from pg_stat_activity where datname = current_database()",
                    is: "1")
                #expect(gone)
                #expect(await fixture.run(write).reason == nil)
            }
            #expect(try await fixture.ask("select count(*) from t") == "20")
        }

        @Test(arguments: ["fast", "immediate"])
        func aRestartUnderLoadLosesAndDoublesNothing(_ mode: String) async throws {
            let server = try await PostgresServer.make()
            let fixture = try await PostgresFixture.make(
                "create table t (id int8 primary key)", server: server, loops: 2)
            let write = try await fixture.tool("insert into t values (:id)", .write)
            let read = try await fixture.tool("select count(*) as n from t")
            let isOver = Held(false)
            let made = Held<[Int]>([])
            let unknown = Held<[Int]>([])
            let twice = Held(0)
            await withTaskGroup(of: Void.self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        let caller = Caller(issuer: "", subject: "c\(worker)")
                        for step in 0..<100_000 where !isOver.change({ $0 }) {
                            let id = worker * 100_000 + step
                            let arguments = JSONObject(distinct: [("id", .number(JSONNumber(id)))])
                            let outcome = await fixture.run(
                                write, arguments, as: caller, on: worker % 2)
                            switch outcome.reason {
                            case nil: made.change { $0.append(id) }
                            case .unknown: unknown.change { $0.append(id) }
                            // The same row again: a change was repeated that had been made.
                            case .constraint: twice.change { $0 += 1 }
                            default: break
                            }
                            _ = await fixture.run(read, as: caller, on: worker % 2)
                        }
                    }
                }
                group.addTask {
                    for _ in 0..<3 {
                        try? await Task.sleep(for: .milliseconds(300))
                        try? await fixture.elsewhere { try server.restart(mode) }
                    }
                    try? await Task.sleep(for: .milliseconds(300))
                    isOver.change { $0 = true }
                }
            }
            let aside = try PostgresLink(fixture.options)
            let ids = Set(
                try aside.rows("select id from t").compactMap { $0[0].flatMap { Int($0) } })
            let known = made.change { $0 }
            #expect(!known.isEmpty)
            #expect(twice.change { $0 } == 0)
            #expect(ids.isSuperset(of: known))
            // All that is there is known to be made, or said to be unknown.
            #expect(ids.subtracting(known).isSubset(of: unknown.change { $0 }))
            #expect(await Self.answers(fixture, read))
            try await fixture.elsewhere { try server.stop("immediate") }
        }

        @Test func aChangeWhoseEndIsCutOffIsSaidToBeUnknown() async throws {
            let fixture = try await PostgresFixture.make(
                """
                create table t (v int8);
                create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(3); return null; end $$;
                create constraint trigger slow after insert on t deferrable initially deferred
                    for each row execute function slow();
                """)
            let tool = try await fixture.tool("insert into t values (1)", .write)
            let call = Task { await fixture.run(tool) }
            #expect(
                try await fixture.until(
                    "select count(*) from pg_stat_activity where state = 'active' and wait_event = 'PgSleep' and datname = current_database()",
                    is: "1"))
            try await fixture.ask(
                "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"
            )
            #expect(await call.value.reason == .unknown)
        }

        // MARK: Memory

        @Test func aHugeResultAndAHugeValueCostNoMemory() async throws {
            let fixture = try await PostgresFixture.make()
            let many = try await fixture.tool(
                "select repeat('x', 1000) as v from generate_series(1, 1000000)",
                limits: ToolLimits(rows: 100_000, time: .seconds(300)))
            let one = try await fixture.tool(
                "select repeat('x', 1000000000) as v", limits: ToolLimits(time: .seconds(300)))
            let wide = try await fixture.tool(
                "select repeat('x', 900000) as v from generate_series(1, 1000)",
                limits: ToolLimits(time: .seconds(300)))
            _ = try await fixture.run(many).get()
            let before = try Self.residentKB()
            let most = Held(before)
            let isOver = Held(false)
            let watch = Task.detached {
                while !isOver.change({ $0 }) {
                    let now = try Self.residentKB()
                    most.change { $0 = max($0, now) }
                    try await Task.sleep(for: .milliseconds(2))
                }
            }
            for tool in [many, one, wide] {
                let rows = try await fixture.run(tool).get().rows
                #expect(rows.isTruncated)
                #expect(rows.cells.reduce(0) { $0 + Int($1.count) } <= 4 << 20)
            }
            isOver.change { $0 = true }
            _ = await watch.result
            // A gigabyte was sent; what other tests of this process hold comes and goes beside it.
            #expect(most.change { $0 } - before < 256 << 10)
            #expect(try await fixture.text("select 1 as v") == "[[1]]")
        }

        // MARK: The network

        @Test func aServerThatIsNotThereIsSaidToBeUnavailable() async throws {
            let server = try await PostgresServer.make()
            let fixture = try await PostgresFixture.make(server: server) {
                $0.pool.wait = .seconds(1)
            }
            let tool = try await fixture.tool("select 1 as v")
            #expect(await fixture.run(tool).reason == nil)
            try await fixture.elsewhere { try server.stop("immediate") }
            for _ in 0..<10 {
                let took = await Self.seconds {
                    #expect(await fixture.run(tool).reason == .unavailable)
                }
                #expect(took < 20)
            }
            try await fixture.elsewhere { try server.start() }
            #expect(await Self.answers(fixture, tool))
            try await fixture.elsewhere { try server.stop("immediate") }
        }
    }
}

/// What several tasks of a test write down.
private final class Held<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    init(_ value: Value) { self.value = Mutex(value) }

    @discardableResult
    func change<Result>(_ body: (inout Value) -> Result) -> Result where Result: Sendable {
        value.withLock { value in body(&value) }
    }
}
