internal import Enforcement
internal import Synchronization

/// Lets no caller hold more than a share of something that all callers need.
///
/// A call beyond its caller's share waits, without a thread, until one of the same caller's ends;
/// calls of others pass it by. How many may wait is bounded by the gate's limit on calls.
final class FairTurns: Sendable {
    private struct Standing {
        var running = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let share: Int
    private let standings = Mutex<[CallerID: Standing]>([:])

    init(share: Int) { self.share = max(1, share) }

    func take(_ caller: CallerID) async {
        if takeNow(caller) { return }
        await withCheckedContinuation { continuation in
            let isFree = standings.withLock { standings in
                if standings[caller, default: Standing()].running < share {
                    standings[caller, default: Standing()].running += 1
                    return true
                }
                standings[caller, default: Standing()].waiting.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    func giveBack(_ caller: CallerID) {
        let next: CheckedContinuation<Void, Never>? = standings.withLock { standings in
            guard var standing = standings.removeValue(forKey: caller) else { return nil }
            // A turn passes on as it is; only one that nobody wants is given up.
            let next = standing.waiting.isEmpty ? nil : standing.waiting.removeFirst()
            if next == nil { standing.running -= 1 }
            if standing.running > 0 { standings[caller] = standing }
            return next
        }
        next?.resume()
    }

    private func takeNow(_ caller: CallerID) -> Bool {
        standings.withLock { standings in
            guard standings[caller]?.running ?? 0 < share else { return false }
            standings[caller, default: Standing()].running += 1
            return true
        }
    }
}
