// What became of an approved run whose process was killed?
//
// Its transaction was noted before it could become final, so the database can be asked. What it
// says is on record before the request says it. What nobody can say stays unknown: nothing here
// runs anything again.

import JSON

struct LostRuns: Sendable {
    /// In one round; the next takes the rest.
    private static let most = 100
    static let made = "committed"
    static let notMade = "aborted"
    private static let unknowable = "unknowable"

    let book: ApprovalBook
    let backend: any CallRunner
    let sink: any RecordSink

    /// Answers how many are still to be asked about.
    func settle() async -> Int {
        var left = 0
        for phase in [ApprovalRequest.Phase.running, .unknown] {
            let entries = try? await book.store.entries(
                .approval, in: Name(phase.rawValue), most: Self.most)
            for entry in entries ?? [] {
                guard let request = try? book.seen(entry), request.phase == .unknown,
                    request.end?.code == nil, case .transaction(let mark)? = request.trace
                else { continue }
                let isSettled = (try? await settle(entry, request, mark)) ?? false
                if !isSettled { left += 1 }
            }
        }
        return left
    }

    private func settle(
        _ entry: StateEntry, _ request: ApprovalRequest, _ mark: TransactionMark
    ) async throws(Refusal) -> Bool {
        var request = request
        var end = ApprovalRequest.End(at: book.now())
        switch await backend.fate(of: mark, on: request.backend) {
        case .underway, .unreachable: return false
        case .made: (request.phase, end.code) = (.done, Self.made)
        case .notMade: (request.phase, end.code) = (.failed, Self.notMade)
        case .unknowable: end.code = Self.unknowable
        }
        request.end = end
        try await record(request, mark)
        _ = try await book.replace(ApprovalBook.Held(entry: entry, request: request), with: request)
        return true
    }

    private func record(
        _ request: ApprovalRequest, _ mark: TransactionMark
    ) async throws(Refusal) {
        var writer = request.line("settled")
        writer.member("transaction", mark.number)
        writer.member("result", request.end?.code ?? "")
        writer.member("phase", request.phase.rawValue)
        do throws(RecordError) { _ = try await sink.append([writer.finish()]) } catch {
            throw Refusal(error)
        }
    }
}
