import Synchronization

/// One approval taken for one run. Its entry's version is the fence: who holds an older one can
/// write nothing any more.
final class ApprovalClaim: RunWitness {
    private let book: ApprovalBook
    private let latest: Mutex<ApprovalBook.Held>
    private let mayHaveActed = Atomic<Bool>(false)

    init(_ held: ApprovalBook.Held, in book: ApprovalBook) {
        self.book = book
        latest = Mutex(held)
    }

    var held: ApprovalBook.Held { latest.withLock { $0 } }

    /// The intent is on disk; from here on the backend may do something.
    func begin() { mayHaveActed.store(true, ordering: .relaxed) }

    var hasBegun: Bool { mayHaveActed.load(ordering: .relaxed) }

    func note(_ trace: RunTrace) async -> Bool {
        var request = held.request
        request.trace = trace
        return await replace(with: request, isOver: false)
    }

    /// Written down before anybody learns of it. Where that fails, the next who asks finds a run
    /// whose process is gone, which is never run again.
    func settle(_ phase: ApprovalRequest.Phase, _ end: ApprovalRequest.End) async {
        for _ in 0..<3 {
            var request = held.request
            request.phase = phase
            request.end = end
            if await replace(with: request, isOver: true) { return }
            // A note may just have been written.
            guard let found = try? await book.find(request.id), found.request.phase == .running,
                found.entry.holder == book.store.holder
            else { continue }
            latest.withLock { $0 = found }
        }
    }

    private func replace(with request: ApprovalRequest, isOver: Bool) async -> Bool {
        let holder = isOver ? nil : book.store.holder
        let replaced = try? await book.replace(held, with: request, holder: holder)
        guard let replaced else { return false }
        latest.withLock { $0 = replaced }
        return true
    }
}
