import Testing

@testable import Enforcement

/// Whatever order calls, people, crashes and the clock come in: what runs was approved, once.
@Suite struct ApprovalModelTests {
    private static let seed: UInt64 = 20_26_11_27

    /// What a store of this flaw does in `count` worlds, and the first seed that shows a fault.
    private func play(
        _ count: UInt64, flaw: ModelStore.Flaw = .none
    ) async throws -> (broken: [String], endings: [String: Int]) {
        var endings: [String: Int] = [:]
        for number in 0..<count {
            let seed = Self.seed + number
            let model = ApprovalModel(seed: seed, flaw: flaw)
            try await model.play(steps: 60)
            endings.merge(await model.endings, uniquingKeysWith: +)
            let broken = await model.broken
            if !broken.isEmpty { return (broken.map { "seed \(seed): \($0)" }, endings) }
        }
        return ([], endings)
    }

    @Test func nothingRunsButOnceAndAsApproved() async throws {
        let (broken, endings) = try await play(40)
        #expect(broken.isEmpty, "\(broken)")
        // It means something only where every way was gone.
        for ending in [
            "ok", "approval.pending", "approval.rejected", "approval.expired", "approval.running",
            "approval.over", "approval.outcome_unknown", "approval.unknown_handle",
            "call.cancelled",
            "approval.modified", "modified", "objection chang", "objection ownEd",
            "objection force",
            "objection ownCa", "objection again", "objection group", "objection agent",
        ] {
            #expect(endings[ending, default: 0] > 0, "\(ending): \(endings)")
        }
    }

    @Test func aStoreThatComparesNothingIsCaught() async throws {
        let (broken, _) = try await play(400, flaw: .comparesNothing)
        #expect(!broken.isEmpty)
    }
}
