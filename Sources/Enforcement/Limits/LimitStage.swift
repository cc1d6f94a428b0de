// Does this caller already have too much under way?
//
// One caller must not starve the others. A place is taken before any rule is evaluated and given
// back when the call has its outcome, whatever that is.

import JSON
import Synchronization

package final class LimitStage: Sendable {
    /// A caller, whatever their groups.
    private struct Key: Hashable {
        let caller: CallerID

        static func == (left: Key, right: Key) -> Bool {
            left.caller.isSamePerson(as: right.caller)
        }

        func hash(into hasher: inout Hasher) { hasher.combine(caller) }
    }

    private let callsMax: Int
    private let underWay = Mutex<[Key: Int]>([:])

    package init(callsMax: Int = 100) { self.callsMax = callsMax }

    func enter(_ caller: CallerID) throws(Refusal) {
        let key = Key(caller: caller)
        let entered = underWay.withLock { calls in
            let count = calls[key, default: 0]
            if count < callsMax { calls[key] = count + 1 }
            return count < callsMax
        }
        guard entered else {
            throw Refusal(
                .limitConcurrency,
                "You have \(callsMax) calls under way, the most allowed. Wait for some to end, then try again.",
                retryAfterSeconds: 1)
        }
    }

    func leave(_ caller: CallerID) {
        let key = Key(caller: caller)
        underWay.withLock { calls in
            // Absent entries are not kept, so the table holds only callers with calls under way.
            if let count = calls[key], count > 1 {
                calls[key] = count - 1
            } else {
                calls[key] = nil
            }
        }
    }
}
