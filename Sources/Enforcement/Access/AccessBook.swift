// What was granted to whom, for now?
//
// The store has it, for all processes; each process knows what it read last and whether somebody
// has changed it since, which costs a look at memory. What cannot be read counts as not granted.
// Only callers whom no standing grant gives their tool are looked up at all.

package import JSON
import Synchronization

package final class AccessBook: Sendable {
    private struct Known {
        var mark: UInt64?
        var byCaller: [Digest32: [AccessGrant]] = [:]
    }

    let store: any StateStore
    private let known = Mutex(Known())

    /// Of one caller, those that were revoked and have not ended included.
    static let perCallerMax = 100
    /// Over all callers; of more, the latest count.
    static let liveMax = 2_000

    package init(_ store: any StateStore) { self.store = store }

    /// Nil: somebody has changed them since they were read.
    func grants(of caller: Caller, at now: Int) -> [AccessGrant]? {
        let mark = store.grantMark
        let theirs: [AccessGrant]? = known.withLock { known in
            guard known.mark == mark else { return nil }
            return known.byCaller.isEmpty ? [] : known.byCaller[caller.principal] ?? []
        }
        return theirs?.filter { $0.isLive(at: now) }
    }

    /// Reads them anew where somebody has changed them.
    package func refresh() async {
        // Somebody may grant while they are read; then they are read once more.
        for _ in 0..<5 {
            let mark = store.grantMark
            guard known.withLock({ $0.mark != mark }) else { return }
            do throws(StateError) {
                let entries = try await store.entries(
                    .grant, in: Name(AccessGrant.Phase.granted.rawValue), most: Self.liveMax)
                // One that cannot be read gives nothing.
                let grants = entries.compactMap { AccessGrant($0) }
                let byCaller = Dictionary(grouping: grants) { $0.caller.principal }
                known.withLock { $0 = Known(mark: mark, byCaller: byCaller) }
            } catch { return }
        }
    }

    /// What holds at this moment, by whose it is; nil as above.
    package func live(at now: Int) -> [Digest32: Set<Name>]? {
        let mark = store.grantMark
        return known.withLock { known in
            guard known.mark == mark else { return nil }
            return known.byCaller.compactMapValues { grants in
                let tools = Set(grants.filter { $0.isLive(at: now) }.flatMap(\.tools))
                return tools.isEmpty ? nil : tools
            }
        }
    }

    /// When the next of them ends.
    package func nextEnd(after now: Int) -> Int? {
        known.withLock { known in
            known.byCaller.values.joined().map(\.until).filter { $0 > now }.min()
        }
    }
}
