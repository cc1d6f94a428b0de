internal import Enforcement
internal import Synchronization

/// Keeps one caller's long statements from taking every worker.
///
/// Most statements end within microseconds and are never counted. One that turns out to be long
/// counts for its caller until it ends; a caller who holds half of the workers so is told to come
/// back, and the other half stays free for everybody else.
final class SQLiteLongCalls: Sendable {
    private let limit: Int
    private let total = Atomic<Int>(0)
    private let byCaller = Mutex<[CallerID: Int]>([:])

    init(workers: Int) { limit = max(1, workers / 2) }

    func admits(_ caller: CallerID) -> Bool {
        guard total.load(ordering: .relaxed) >= limit else { return true }
        return byCaller.withLock { $0[caller, default: 0] } < limit
    }

    func begin(_ caller: CallerID) {
        total.wrappingAdd(1, ordering: .relaxed)
        byCaller.withLock { $0[caller, default: 0] += 1 }
    }

    func end(_ caller: CallerID) {
        total.wrappingSubtract(1, ordering: .relaxed)
        byCaller.withLock { calls in
            if let count = calls[caller], count > 1 {
                calls[caller] = count - 1
            } else {
                calls[caller] = nil
            }
        }
    }
}
