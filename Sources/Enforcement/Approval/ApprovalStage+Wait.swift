import JSON

extension ApprovalStage {
    /// As it stands when somebody decided, or when the call may not wait any longer; nil where it
    /// does not wait at all.
    func waited(
        for held: ApprovalBook.Held, _ call: ScreenedCall, _ means: ApprovalMeans
    ) async throws(Refusal) -> ApprovalBook.Held? {
        let arrived = call.examined.scoped.arrived
        let demanded = call.holding.compactMap(\.approval?.hold).min() ?? .zero
        // A task has its handle already and waits as long as its request is open.
        var hold = arrived.isDetached ? .seconds(held.request.expires - now()) : demanded
        if let wish = arrived.resumption?.wait { hold = min(wish, ApprovalDemand.holdStandard) }
        guard hold > .zero, means.waits.enter(arrived.via.kind) else { return nil }
        defer { means.waits.leave(arrived.via.kind) }
        arrived.notice?.waits(held.request.waitingLine)
        defer { arrived.notice?.goesOn() }
        return try await wait(for: held, until: .now + hold, means)
    }

    private func wait(
        for held: ApprovalBook.Held, until deadline: ContinuousClock.Instant,
        _ means: ApprovalMeans
    ) async throws(Refusal) -> ApprovalBook.Held {
        var held = held
        let (id, binding) = (held.request.id, held.request.binding)
        // Of another call than the one that waits, nothing is waited for.
        while held.request.phase == .pending, held.request.binding == binding,
            !means.waits.isEnding
        {
            if Task.isCancelled { throw try await cancelled(held, means) }
            // The second that a request ends in is not over when it begins.
            let left = min(deadline - .now, .seconds(max(1, held.request.expires - now())))
            guard left > .zero else { break }
            await means.store.change(of: .approval, id, after: held.entry.version, within: left)
            guard let found = try await book(means).find(id) else { throw .approvalExpired(id) }
            held = found
        }
        return held
    }

    /// Its caller does not want it any more, so that nobody has to decide. Said only where it is
    /// so: somebody else may decide, or run it, at the same moment.
    func cancelled(
        _ held: ApprovalBook.Held, _ means: ApprovalMeans
    ) async throws(Refusal) -> Refusal {
        var held = held
        for _ in 0..<8 {
            var request = held.request
            guard request.phase == .pending || request.phase == .approved else {
                return .approval(request, of: scope.guarded(request.tool))
            }
            request.phase = .cancelled
            request.end = ApprovalRequest.End(at: now())
            if try await book(means).replace(held, with: request) != nil {
                return .approvalCancelled(request.id)
            }
            guard let found = try await book(means).find(request.id) else {
                return .approvalExpired(request.id)
            }
            held = found
        }
        throw ApprovalBook.raced
    }
}
