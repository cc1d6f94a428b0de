import Backends
import Enforcement
import JSON

/// Tells one place of each request that waits, until it has taken it or nobody can decide any more.
///
/// The request is in the store whatever becomes of its notices, and so is how far each is: a place
/// that is away, or a process that is killed, delays them and loses none. A place may hear of one
/// twice, never of none.
struct NoticeTeller: Sendable {
    typealias Deliver =
        @Sendable (_ body: [UInt8], _ id: Name, _ now: Int) async throws(DeliveryFailure) -> Void

    /// Of one place, those that ended in the last day included.
    static let deliveriesMax = 50_000

    let name: Name
    let form: @Sendable (_ message: NoticeMessage, _ id: Name) -> [UInt8]
    let store: any StateStore
    /// nil where there is nothing to mask by, and so nothing is told.
    let rules: @Sendable () -> MaskRules?
    let now: @Sendable () -> Int
    let deliver: Deliver

    /// What a round found.
    struct Round {
        /// When to look again, in seconds.
        var next = 30
        var failure: String?
    }

    /// Tells what is to be told now. `told` are those of which nothing is to be done any more.
    func round(_ told: inout Set<Name>, most: Int = 10_000) async -> Round {
        var round = Round()
        let desk = ApprovalDesk(store: store, sink: NoRecord(), now: now)
        guard let rules = self.rules(), let requests = try? await desk.list(.pending, most: most)
        else {
            round.next = 5
            return round
        }
        // Those that are over need not be known any more; which they are is known of a whole list.
        if requests.count < most {
            told.formIntersection(requests.map { NoticeMessage.id(name, $0) })
        }
        for request in requests {
            let id = NoticeMessage.id(name, request)
            if told.contains(id) { continue }
            if Task.isCancelled { break }
            do throws(StateError) {
                let delivery = try await tell(request, id, rules)
                if delivery.phase == .delivered {
                    told.insert(id)
                } else {
                    round.next = min(round.next, max(1, delivery.next - now()))
                    round.failure = delivery.failure ?? round.failure
                }
            } catch {
                round.next = 5
                round.failure = "the store cannot be used"
                break
            }
        }
        return round
    }

    private func tell(
        _ request: ApprovalRequest, _ id: Name, _ rules: MaskRules
    ) async throws(StateError) -> NoticeDelivery {
        var entry = try await kept(id, request)
        guard var delivery = NoticeDelivery(entry) else {
            throw StateError(.unavailable, detail: "a notice cannot be read")
        }
        guard delivery.phase == .waiting, delivery.next <= now() else { return delivery }
        delivery.begin(now: now())
        entry = delivery.stored(in: entry)
        // Another process tells it at this moment.
        guard try await store.replace(entry) else { return delivery }
        entry.version += 1
        do throws(DeliveryFailure) {
            try await deliver(form(NoticeMessage(request, rules), id), id, now())
            delivery.phase = .delivered
            delivery.failure = nil
        } catch {
            let seconds = error.retryAfter.map { Int($0.components.seconds) }
            delivery.fail(error.reason, now: now(), after: seconds)
        }
        _ = try await store.replace(delivery.stored(in: entry))
        return delivery
    }

    private func kept(
        _ id: Name, _ request: ApprovalRequest
    ) async throws(StateError) -> StateEntry {
        if let known = try await store.entry(.notice, id) { return known }
        var entry = StateEntry(
            kind: .notice, id: id, owner: SHA256.digest("notice \(name)"), phase: "waiting",
            expires: request.expires + 86_400,
            body: NoticeDelivery(handle: request.id, now: now()).body)
        guard try await store.insert(entry, most: Self.deliveriesMax) else {
            if let known = try await store.entry(.notice, id) { return known }
            throw StateError(.full, detail: "as many notices as are kept")
        }
        entry.version = 1
        return entry
    }
}
