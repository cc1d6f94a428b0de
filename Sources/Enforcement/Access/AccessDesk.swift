// Who sees what was granted, and ends it?
//
// For commands and consoles: the same store as the calls that it lets pass. That it ends is on
// record before it does, and holds for every process at once.

import JSON

package struct AccessDesk: Sendable {
    private let store: any StateStore
    private let sink: any RecordSink
    private let now: @Sendable () -> Int

    package init(
        store: any StateStore, sink: any RecordSink,
        now: @escaping @Sendable () -> Int = WallClock.seconds
    ) {
        self.store = store
        self.sink = sink
        self.now = now
    }

    /// The latest changed first; those that were revoked, until they would have ended.
    package func list() async throws(ApprovalObjection) -> [AccessGrant] {
        try await entries().map(\.grant)
    }

    private func entries() async throws(ApprovalObjection) -> [(
        entry: StateEntry, grant: AccessGrant
    )] {
        let entries: [StateEntry]
        do throws(StateError) {
            entries = try await store.entries(.grant, in: nil, most: AccessBook.liveMax)
        } catch { throw .unusable(Refusal(error)) }
        let now = now()
        return entries.filter { $0.expires > now }.compactMap { entry in
            AccessGrant(entry).map { (entry, $0) }
        }
    }

    /// By its id, or by a beginning of it that only one has.
    package func revoke(
        _ id: String, by person: IdentifiedCaller
    ) async throws(ApprovalObjection) -> AccessGrant {
        // Somebody else may end it at the same moment.
        for _ in 0..<8 {
            let all = try await entries()
            let found = all.filter { $0.grant.id.text.isByteEqual(to: id) }
            let like =
                found.isEmpty && id.utf8.count >= Self.prefixMin
                ? all.filter { $0.grant.id.text.utf8.starts(with: id.utf8) } : found
            guard like.count < 2 else { throw .ambiguous }
            guard var (entry, grant) = like.first else { throw .unknownGrant }
            guard grant.mayEnd(person.caller) else {
                throw .notTheirGrant(grant.deciders.flatMap(\.groups))
            }
            guard grant.phase == .granted else { throw .grantOver }
            grant.phase = .revoked
            grant.revoked = AccessGrant.Revocation(at: now(), by: Person(person.caller))
            entry.phase = Name(grant.phase.rawValue)
            entry.body = grant.body
            try await record(grant, by: person)
            let ended = entry
            do throws(StateError) {
                if try await store.replace(ended) { return grant }
            } catch { throw .unusable(Refusal(error)) }
        }
        throw .raced
    }

    private static let prefixMin = 8

    private func record(
        _ grant: AccessGrant, by person: IdentifiedCaller
    ) async throws(ApprovalObjection) {
        var writer = JSONWriter()
        writer.member("event", "grant")
        writer.member("v", RecordForm.version)
        writer.member("grant", grant.id.text)
        writer.member("state", grant.phase.rawValue)
        writer.raw(person.recordMembers)
        writer.member("of", Person(grant.caller).json)
        do throws(RecordError) { _ = try await sink.append([writer.finish()]) } catch {
            throw .unusable(Refusal(error))
        }
    }
}
