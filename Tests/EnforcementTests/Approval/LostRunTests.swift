import JSON
import TestSupport
import Testing

@testable import Enforcement

/// What a backend says of runs whose process was killed.
@Suite struct LostRunTests {
    private struct Knowing: CallRunner {
        let answer: RunFate
        let isAnother: Bool

        func examine(_ job: Job) async throws(BackendError) -> CallExamination {
            throw BackendError(.failed, detail: "")
        }

        func run(_ call: consuming ClearedCall) async throws(BackendError) -> RawResult {
            throw BackendError(.failed, detail: "")
        }

        func fate(of mark: TransactionMark, on backend: Name) async -> RunFate {
            mark.number == "7421" && !isAnother ? answer : .unknowable
        }
    }

    let fixture: GateFixture
    private static let mark = TransactionMark(
        number: "7421", timeline: "00000001", run: "1/1", cluster: "5")

    init() throws { fixture = try ApprovalTests.made() }

    private var book: ApprovalBook { ApprovalBook(store: fixture.state, now: { 1_000 }) }

    /// A run of a process that is gone, which had noted this much.
    private func lose(_ trace: RunTrace?) async throws -> Name {
        _ = try await fixture.refund()
        let handle = try await fixture.handle()
        _ = try await fixture.decide(.approve)
        var held = try #require(try await book.find(handle))
        held.request.phase = .running
        let claim = ApprovalClaim(
            try #require(try await book.replace(held, with: held.request, holder: "gone")),
            in: ApprovalBook(store: fixture.state.process("gone"), now: { 1_000 }))
        if let trace { #expect(await claim.note(trace)) }
        fixture.state.kill("gone")
        return handle
    }

    private func settle(_ answer: RunFate, isAnother: Bool = false) async throws -> Int {
        await LostRuns(
            book: book, backend: Knowing(answer: answer, isAnother: isAnother), sink: fixture.sink
        ).settle()
    }

    private func phase(_ handle: Name) async throws -> ApprovalRequest.Phase? {
        try await book.find(handle)?.request.phase
    }

    @Test func aRunThatWasCommittedIsDoneAndSaysSo() async throws {
        let handle = try await lose(.transaction(Self.mark))
        #expect(try await settle(.made) == 0)
        #expect(try await phase(handle) == .done)
        let refusal = try #require(try await fixture.resume(handle).refusal)
        #expect(refusal.code == .approvalOver)
        #expect(refusal.told.contains("the database says that the change was made"))
        let line = try #require(fixture.sink.lines.first { $0["event"] == "settled" })
        #expect(line["transaction"] == "7421" && line["result"] == "committed")
        #expect(!fixture.journal.entries.contains("run refund"))
        // The same call is another run now, which asks anew.
        #expect(try await fixture.refund().refusal?.code == .approvalPending)
    }

    @Test func aRunThatWasAbortedHasFailedAndSaysThatNothingWasChanged() async throws {
        let handle = try await lose(.transaction(Self.mark))
        #expect(try await settle(.notMade) == 0)
        #expect(try await phase(handle) == .failed)
        let refusal = try #require(try await fixture.resume(handle).refusal)
        #expect(refusal.code == .approvalOver)
        #expect(refusal.told.contains("nothing was changed"))
    }

    @Test func whatTheBackendCannotSayYetIsAskedAgain() async throws {
        let handle = try await lose(.transaction(Self.mark))
        #expect(try await settle(.underway) == 1)
        #expect(try await settle(.unreachable) == 1)
        #expect(try await phase(handle) == .unknown)
        let refusal = try #require(try await fixture.resume(handle).refusal)
        #expect(refusal.code == .approvalUnknown)
        #expect(refusal.told.contains("select pg_xact_status('7421')"))
    }

    @Test func whatNobodyKnowsStaysUnknownAndIsNotAskedForever() async throws {
        let handle = try await lose(.transaction(Self.mark))
        #expect(try await settle(.made, isAnother: true) == 0)
        #expect(try await phase(handle) == .unknown)
        #expect(try await settle(.made) == 0)
        #expect(try await phase(handle) == .unknown)
    }

    @Test func aRunWithoutATransactionStaysUnknown() async throws {
        let handle = try await lose(nil)
        #expect(try await settle(.made) == 0)
        #expect(try await phase(handle) == .unknown)
    }

    @Test func anUnknownRequestOfHTTPNamesItsIdempotencyKey() async throws {
        let handle = try await lose(.idempotencyKey("0a1b2c"))
        #expect(try await settle(.made) == 0)
        let refusal = try #require(try await fixture.resume(handle).refusal)
        #expect(refusal.code == .approvalUnknown)
        #expect(refusal.told.contains("Idempotency-Key 0a1b2c"))
    }

    /// A decision that cannot be recorded is none.
    @Test func whatIsNotOnRecordIsNotSettled() async throws {
        let broken = try ApprovalTests.made(sinkFails: { $0 > 2 })
        let other = LostRunTests(broken)
        let handle = try await other.lose(.transaction(Self.mark))
        #expect(try await other.settle(.made) == 1)
        #expect(try await other.phase(handle) == .unknown)
    }

    private init(_ fixture: GateFixture) { self.fixture = fixture }

    @Test func aRunThatEndsAfterItsNoteIsWrittenDownAllTheSame() async throws {
        _ = try await fixture.refund()
        let handle = try await fixture.handle()
        _ = try await fixture.decide(.approve)
        var held = try #require(try await book.find(handle))
        held.request.phase = .running
        let stored = try #require(
            try await book.replace(held, with: held.request, holder: fixture.state.holder))
        let (first, late) = (ApprovalClaim(stored, in: book), ApprovalClaim(stored, in: book))
        #expect(await late.note(.transaction(Self.mark)))
        #expect(await !first.note(.transaction(Self.mark)))
        await first.settle(.failed, ApprovalRequest.End(at: 1_000, code: "backend.failed"))
        #expect(try await phase(handle) == .failed)
    }
}
