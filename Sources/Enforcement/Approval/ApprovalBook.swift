import JSON

/// Requests in the store: each change a compare-and-set, so that of two processes, or a person and
/// the clock, one is first and the other sees what came of it.
struct ApprovalBook: Sendable {
    let store: any StateStore
    let now: @Sendable () -> Int

    /// One request as it was read.
    struct Held: Sendable {
        var entry: StateEntry
        var request: ApprovalRequest
    }

    /// Of one caller, those that are over and still kept included.
    static let perCallerMax = 1_000
    /// What cannot be shown whole to a person is not held for one.
    static let bodyBytesMax = 256 << 10

    func find(_ id: Name) async throws(Refusal) -> Held? {
        for _ in 0..<8 {
            let entry = try await stored { () async throws(StateError) in
                try await store.entry(.approval, id)
            }
            guard let entry else { return nil }
            if let held = try await read(entry) { return held }
        }
        throw Self.raced
    }

    /// The request that a call like it meets; nil where it may make a new one.
    func find(about binding: Digest32) async throws(Refusal) -> Held? {
        for _ in 0..<8 {
            let entry = try await stored { () async throws(StateError) in
                try await store.entry(.approval, about: binding)
            }
            guard let entry else { return nil }
            guard let held = try await read(entry) else { continue }
            if held.entry.topic == nil { return nil }
            guard held.request.phase == .rejected, held.request.expires <= now() else {
                return held
            }
            // A no holds as long as a yes would have.
            if try await free(held) { return nil }
        }
        throw Self.raced
    }

    /// Calls like it may ask anew. False where somebody else changed it meanwhile.
    func free(_ held: Held) async throws(Refusal) -> Bool {
        var entry = held.entry
        entry.topic = nil
        let freed = entry
        return try await stored { () async throws(StateError) in try await store.replace(freed) }
    }

    static var raced: Refusal {
        Refusal(StateError(.busy, detail: "a request changes faster than it can be read"))
    }

    func stored<Value>(
        _ body: () async throws(StateError) -> Value
    ) async throws(Refusal) -> Value {
        do throws(StateError) { return try await body() } catch { throw Refusal(error) }
    }

    /// What time and ended processes have made of it is written down first. Nil where somebody
    /// else changed it meanwhile.
    private func read(_ entry: StateEntry) async throws(Refusal) -> Held? {
        guard var request = ApprovalRequest(entry) else { throw Self.unreadable }
        let isChanged = request.age(now: now()) || lost(&request, entry)
        guard isChanged else { return Held(entry: entry, request: request) }
        return try await replace(Held(entry: entry, request: request), with: request)
    }

    /// The same for who only looks: nothing is written.
    func seen(_ entry: StateEntry) throws(Refusal) -> ApprovalRequest {
        guard var request = ApprovalRequest(entry) else { throw Self.unreadable }
        _ = request.age(now: now()) || lost(&request, entry)
        return request
    }

    private static var unreadable: Refusal {
        Refusal(StateError(.unavailable, detail: "an approval cannot be read"))
    }

    /// Whose process is gone while it ran: nobody knows whether it was done, and so it is never
    /// done again by itself.
    private func lost(_ request: inout ApprovalRequest, _ entry: StateEntry) -> Bool {
        guard request.phase == .running, let holder = entry.holder, !store.isRunning(holder) else {
            return false
        }
        request.phase = .unknown
        request.end = ApprovalRequest.End(at: now())
        return true
    }

    /// Nil where somebody changed it since it was read.
    func replace(
        _ held: Held, with request: ApprovalRequest, holder: Name? = nil
    ) async throws(Refusal) -> Held? {
        var held = held
        held.request = request
        held.entry.phase = Name(request.phase.rawValue)
        held.entry.holder = holder
        held.entry.body = request.body
        if !request.phase.keepsTopic { held.entry.topic = nil }
        let entry = held.entry
        let isStored = try await stored { () async throws(StateError) in
            try await store.replace(entry)
        }
        held.entry.version += 1
        return isStored ? held : nil
    }

    /// The one request about exactly this call: the one that is there, or this one. Nil where the
    /// caller has as many as they may.
    func open(
        _ request: ApprovalRequest, for owner: Digest32
    ) async throws(Refusal) -> Held? {
        var entry = StateEntry(
            kind: .approval, id: request.id, owner: owner, phase: Name(request.phase.rawValue),
            expires: request.expires + ApprovalRequest.keptSeconds, body: request.body,
            topic: request.binding)
        let made = entry
        let isStored = try await stored { () async throws(StateError) in
            try await store.insert(made, most: Self.perCallerMax)
        }
        guard isStored else {
            return try await find(about: request.binding)
        }
        entry.version = 1
        return Held(entry: entry, request: request)
    }
}

extension ApprovalRequest.Phase {
    /// Whether the same call finds this request again, instead of making a new one. A no stays a no
    /// until the request would have expired; what nobody knows is told first.
    var keepsTopic: Bool { isOpen || self == .rejected || self == .unknown }
}
