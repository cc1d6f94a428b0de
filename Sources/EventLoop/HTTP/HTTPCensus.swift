import Synchronization

// What all connections of a server hold together. It answers: may another one come, may this body
// grow, must a reader who does not read be cut off?
//
// Shared by all loops. A request that arrives in one read and an answer that the kernel takes in
// one write never come here: the limits must cost nothing where they do not bite.

final class HTTPCensus: Sendable {
    private struct Share {
        var connections = 0
        var unfinishedBytes = 0

        var isEmpty: Bool { connections == 0 && unfinishedBytes == 0 }
    }

    private struct Counts {
        var connections = 0
        var unfinishedBytes = 0
        var shares: [HTTPSource: Share] = [:]
    }

    private let limits: HTTPLimits
    private let counts = Mutex(Counts())
    private let unsentBytes = Atomic<Int>(0)
    let memory = MemoryReturn()

    init(_ limits: HTTPLimits) {
        self.limits = limits
    }

    var count: Int { counts.withLock { $0.connections } }

    // MARK: Connections

    func admit(_ source: HTTPSource) -> Bool {
        let limit = limits.connectionShare(of: source)
        return counts.withLock { counts in
            let share = counts.shares[source, default: Share()].connections
            guard counts.connections < limits.connections, share < limit else { return false }
            counts.connections += 1
            counts.shares[source, default: Share()].connections += 1
            return true
        }
    }

    func leave(_ source: HTTPSource) {
        counts.withLock { counts in
            counts.connections -= 1
            counts.shares[source]?.connections -= 1
            if counts.shares[source]?.isEmpty == true { counts.shares[source] = nil }
        }
    }

    // MARK: Unfinished requests

    /// False when all together, or this source alone, hold too much; the change is counted
    /// nevertheless.
    func hold(_ change: Int, _ source: HTTPSource) -> Bool {
        let limit = limits.unfinishedShare(of: source)
        let (all, share) = counts.withLock { counts in
            counts.unfinishedBytes += change
            var share = counts.shares[source, default: Share()]
            share.unfinishedBytes += change
            counts.shares[source] = share.isEmpty ? nil : share
            return (counts.unfinishedBytes, share.unfinishedBytes)
        }
        memory.note(all)
        return all <= limits.unfinishedBytes && share <= limit
    }

    // MARK: Answers nobody has read

    func owe(_ change: Int) {
        memory.note(unsentBytes.wrappingAdd(change, ordering: .relaxed).newValue)
    }

    var owesTooMuch: Bool { unsentBytes.load(ordering: .relaxed) > limits.unsentBytes }

    /// What queues hold now: small when a peak is over.
    var queuedBytes: Int {
        unsentBytes.load(ordering: .relaxed) + counts.withLock { $0.unfinishedBytes }
    }
}
