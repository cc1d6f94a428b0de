import Enforcement
import EventLoop
import Glibc
import JSON
import Synchronization
import Testing

@testable import Backends

/// Changes that are noted before they are made, so that the server can be asked about them.
extension PostgresTests {
    @Suite struct PostgresTransactionTests {
        private final class Witness: RunWitness {
            let marks = Mutex<[TransactionMark]>([])
            let answer: @Sendable () async -> Bool

            init(_ answer: @escaping @Sendable () async -> Bool = { true }) {
                self.answer = answer
            }

            func note(_ trace: RunTrace) async -> Bool {
                if case .transaction(let mark) = trace { marks.withLock { $0.append(mark) } }
                return await answer()
            }

            var mark: TransactionMark? { marks.withLock { $0.last } }
        }

        private static let schema = """
            create table t (v int8);
            create function slow() returns trigger language plpgsql as $$
                begin perform pg_sleep(1.5); return null; end $$;
            create constraint trigger at_end after insert on t deferrable initially deferred
                for each row when (new.v > 100) execute function slow()
            """
        private static let committing =
            "select count(*) from pg_stat_activity where datname = current_database() and query = 'COMMIT' and state = 'active'"

        private func run(
            _ fixture: PostgresFixture, _ tool: Tool, _ value: Int, _ witness: Witness
        ) async -> Result<RawResult, BackendError> {
            let job = Job(
                tool: tool, arguments: JSONObject(distinct: [("v", .number(JSONNumber(value)))]),
                deadline: .now + tool.limits.time, witness: witness)
            return await Task(executorPreference: fixture.group.loops[0]) {
                [backend = fixture.backend] in
                do throws(BackendError) {
                    return Result<RawResult, BackendError>.success(try await backend.perform(job))
                } catch { return .failure(error) }
            }.value
        }

        private func insert(_ fixture: PostgresFixture) async throws -> Tool {
            try await fixture.tool("insert into t values (:v) returning v", .write)
        }

        @Test func aChangeIsMadeAfterItsTransactionWasNoted() async throws {
            let fixture = try await PostgresFixture.make(Self.schema)
            let seen = Mutex<String?>(nil)
            let witness = Witness {
                let count = (try? await fixture.ask("select count(*) from t")) ?? nil
                seen.withLock { $0 = count }
                return true
            }
            let result = try await run(fixture, insert(fixture), 1, witness).get()
            #expect(result.changed == 1 && result.rows.rowCount == 1)
            #expect(seen.withLock { $0 } == "0")
            let mark = try #require(witness.mark)
            #expect(await fixture.backend.fate(of: mark, on: "test") == .made)
        }

        @Test func aChangeWithoutRowsSaysHowManyItChanged() async throws {
            let fixture = try await PostgresFixture.make(Self.schema)
            let tool = try await fixture.tool("insert into t values (:v)", .write)
            let witness = Witness()
            #expect(try await run(fixture, tool, 1, witness).get().changed == 1)
            #expect(try await run(fixture, tool, 2, witness).get().changed == 1)
            #expect(witness.marks.withLock { Set($0.map(\.number)).count } == 2)
        }

        @Test func aChangeThatCannotBeNotedIsNotMade() async throws {
            let fixture = try await PostgresFixture.make(Self.schema)
            let witness = Witness { false }
            #expect(await run(fixture, try await insert(fixture), 1, witness).reason == .busy)
            #expect(try await fixture.ask("select count(*) from t") == "0")
            let mark = try #require(witness.mark)
            #expect(await fixture.backend.fate(of: mark, on: "test") == .notMade)
            // The connection is as good as before.
            #expect(try await run(fixture, insert(fixture), 2, Witness()).get().changed == 1)
        }

        @Test func aChangeThatFailsIsToldAsItWas() async throws {
            let fixture = try await PostgresFixture.make("create table t (v int8 primary key)")
            let tool = try await insert(fixture)
            #expect(try await run(fixture, tool, 1, Witness()).get().changed == 1)
            #expect(await run(fixture, tool, 1, Witness()).reason == .constraint)
            #expect(try await run(fixture, tool, 2, Witness()).get().changed == 1)
        }

        @Test func aConnectionThatIsEndedAtCommitIsKnownNotToHaveMadeTheChange() async throws {
            let fixture = try await PostgresFixture.make(Self.schema)
            let tool = try await insert(fixture)
            let witness = Witness()
            let call = Task { await run(fixture, tool, 500, witness) }
            #expect(try await fixture.until(Self.committing, is: "1"))
            try await fixture.ask(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query = 'COMMIT' and state = 'active'"
            )
            #expect(await call.value.reason == .unavailable)
            #expect(try await fixture.ask("select count(*) from t") == "0")
        }

        @Test func aServerThatIsKilledAtCommitIsAskedWhenItIsBack() async throws {
            let fixture = try await PostgresFixture.make(
                Self.schema, server: try await PostgresServer.make())
            let tool = try await insert(fixture)
            let lost = Witness()
            _ = try await run(fixture, tool, 1, Witness()).get()
            let call = Task { await run(fixture, tool, 500, lost) }
            #expect(try await fixture.until(Self.committing, is: "1"))
            try await fixture.elsewhere { try fixture.server.restart("immediate") }
            let reason = await call.value.reason
            #expect(reason == .unavailable || reason == .unknown)
            #expect(await fixture.backend.fate(of: try #require(lost.mark), on: "test") == .notMade)
        }

        /// Its number may be given to another transaction then.
        @Test func afterACrashOfTheServerACommitIsNotTakenForOurs() async throws {
            let fixture = try await PostgresFixture.make(
                Self.schema, server: try await PostgresServer.make())
            let witness = Witness()
            _ = try await run(fixture, insert(fixture), 1, witness).get()
            let mark = try #require(witness.mark)
            let pid = try #require(try await fixture.ask("select pg_backend_pid()"))
            #expect(kill(try #require(pid_t(pid)), SIGKILL) == 0)
            var fate = RunFate.unreachable
            let end = ContinuousClock.now + .seconds(20)
            // The server takes a moment to notice.
            while fate != .unknowable, ContinuousClock.now < end {
                fate = await fixture.backend.fate(of: mark, on: "test")
            }
            #expect(fate == .unknowable)
        }

        @Test func anotherClustersOrFailoversTransactionIsNotTakenForOurs() async throws {
            let fixture = try await PostgresFixture.make(Self.schema)
            let witness = Witness()
            _ = try await run(fixture, insert(fixture), 1, witness).get()
            let mark = try #require(witness.mark)
            func other(
                number: String? = nil, timeline: String? = nil, run: String? = nil,
                cluster: String? = nil
            ) -> TransactionMark {
                TransactionMark(
                    number: number ?? mark.number, timeline: timeline ?? mark.timeline,
                    run: run ?? mark.run, cluster: cluster ?? mark.cluster)
            }
            for other in [
                other(cluster: "1"), other(timeline: "0000000F"), other(run: "1/1"),
                other(number: "x"),
            ] {
                #expect(await fixture.backend.fate(of: other, on: "test") == .unknowable)
            }
        }
    }
}
