import Enforcement
import JSON
import Synchronization

/// Which processes write through the recorder, and which of their calls are open.
///
/// A process that is gone leaves calls of which nobody knows what became: they end as `unknown`.
/// One that only lost its connection comes back within the grace and ends them itself.
final class RecorderGuests: Sendable {
    typealias Moment = ContinuousClock.Instant

    private struct Guest {
        /// nil while it is here.
        var leftAt: Moment?
        var underway = CallsUnderway()
    }

    private struct State {
        var guests: [Name: Guest] = [:]
        /// Of processes that have not been heard of since the recorder's start.
        var orphans: [[UInt8]]
        /// Calls that were given up, the oldest first.
        var ended: [[UInt8]] = []
        var isEnded: Set<[UInt8]> = []
    }

    /// Longer than a server takes to look again for a recorder that is back.
    static let grace = Duration.seconds(10)
    private static let guestsMax = 256
    private static let endedMax = 4_096

    private let began: Moment
    private let state: Mutex<State>

    /// `orphans` are the calls that were open when the recorder was started.
    init(orphans: [[UInt8]], now: Moment = .now) {
        began = now
        state = Mutex(State(orphans: orphans))
    }

    /// False where another connection is the same process, or there are too many.
    func enter(_ run: String) -> Bool {
        state.withLock { state in
            var guest = Guest()
            if let known = state.guests[Name(run)] {
                guard known.leftAt != nil else { return false }
                guest.underway = known.underway
            } else if state.guests.count >= Self.guestsMax {
                return false
            }
            let start = Array("\(run)-".utf8)
            for call in state.orphans where call.starts(with: start) {
                guest.underway.insert(call)
            }
            state.orphans.removeAll { $0.starts(with: start) }
            state.guests[Name(run)] = guest
            return true
        }
    }

    /// Processes that are here, and calls that are open.
    var count: (processes: Int, openCalls: Int) {
        state.withLock { state in
            let guests = state.guests.values
            return (
                guests.count { $0.leftAt == nil },
                guests.reduce(state.orphans.count) { $0 + $1.underway.sorted.count }
            )
        }
    }

    /// These lines of it are durable.
    func took(_ groups: [[[UInt8]]], of run: String) {
        state.withLock { state in
            for body in groups.joined() { state.guests[Name(run)]?.underway.note(body[...]) }
        }
    }

    /// Who says goodbye does not come back.
    func left(_ run: String, saidGoodbye: Bool, now: Moment = .now) {
        state.withLock {
            $0.guests[Name(run)]?.leftAt = saidGoodbye ? now - Self.grace : now
        }
    }

    /// Calls whose process is gone. They are given up with this: what comes of them from now on
    /// is late.
    func giveUp(now: Moment = .now) -> [[UInt8]] {
        state.withLock { state in
            var calls: [[UInt8]] = []
            if now - began >= Self.grace {
                calls = state.orphans
                state.orphans = []
            }
            for (run, guest) in state.guests {
                guard let leftAt = guest.leftAt, now - leftAt >= Self.grace else { continue }
                calls += guest.underway.sorted
                state.guests[run] = nil
            }
            for call in calls where state.isEnded.insert(call).inserted {
                state.ended.append(call)
            }
            while state.ended.count > Self.endedMax {
                state.isEnded.remove(state.ended.removeFirst())
            }
            return calls
        }
    }

    /// They could not be recorded as given up; the next look gives them up again.
    func takeBack(_ calls: [[UInt8]]) {
        state.withLock { state in
            state.orphans += calls
        }
    }

    /// The line as it may be recorded: a call that was given up has its one outcome.
    func settled(_ body: [UInt8]) -> [UInt8] {
        guard let call = ForeignLines.concluded(body) else { return body }
        return state.withLock { $0.isEnded.contains(call) } ? ForeignLines.late(body) : body
    }
}
