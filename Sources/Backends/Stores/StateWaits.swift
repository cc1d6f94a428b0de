internal import Enforcement
internal import EventLoop
internal import JSON
internal import Synchronization

/// Tasks that wait for a change of an entry, of whichever process.
///
/// They hold a place in a table and a timer: no thread, no connection. One look at the store after
/// a ring serves all of them.
final class StateWaits: Sendable {
    struct Key: Hashable {
        let kind: Name
        let id: Name
    }

    typealias Look = @Sendable (_ after: Int, _ most: Int) async -> (last: Int, keys: [Key]?)?

    /// How often those who wait look although no bell was heard.
    private static let lookInterval = Duration.seconds(2)
    /// Of more changes than that at once, all who wait look for themselves.
    private static let keysMax = 1_000

    let bell: StateBell
    private let state = Mutex(State())

    private struct State {
        var waiting: [Key?: [ObjectIdentifier: Waiter]] = [:]
        var count = 0
        var loop: EventLoop?
        var look: Look?
        /// Up to here changes have been seen.
        var seen = 0
        var isLooking = false
        var isRungMeanwhile = false

        /// Nil is all.
        func waiters(of keys: [Key?]?) -> [Waiter] {
            guard let keys else { return waiting.values.flatMap(\.values) }
            return keys.flatMap { waiting[$0].map { Array($0.values) } ?? [] }
        }
    }

    init(bell: StateBell) { self.bell = bell }

    var count: Int { state.withLock { $0.count } }

    func listen(on loop: EventLoop, _ look: @escaping Look) {
        state.withLock { state in
            state.loop = loop
            state.look = look
        }
        loop.execute {
            if let watch = self.bell.watched {
                try? loop.register(watch, .readable, Ear(self))
            }
            self.lookAgain(on: loop)
        }
    }

    private final class Ear: EventSource {
        let waits: StateWaits
        init(_ waits: StateWaits) { self.waits = waits }

        func ready(_ events: ReadyEvents) {
            waits.bell.hear()
            waits.rung()
        }
    }

    private func lookAgain(on loop: EventLoop) {
        _ = loop.schedule(at: loop.now.advanced(by: Self.lookInterval)) {
            self.rung()
            self.lookAgain(on: loop)
        }
    }

    /// Waits for a change of this entry, or of any. `isStill` is asked once, after which no change
    /// can be missed; where it says no, there is nothing to wait for.
    func wait(
        for key: Key?, within limit: Duration, while isStill: () async -> Bool
    ) async {
        let waiter = Waiter()
        let loop = state.withLock { state in
            state.waiting[key, default: [:]][ObjectIdentifier(waiter)] = waiter
            state.count += 1
            return state.loop
        }
        defer { leave(key, waiter) }
        guard let loop, limit > .zero, await isStill() else { return }
        let timer = Task(executorPreference: loop) {
            do { try await loop.sleep(for: limit) } catch { return }
            waiter.wake()
        }
        await waiter.wait()
        timer.cancel()
    }

    func wakeAll() { for waiter in state.withLock({ $0.waiters(of: nil) }) { waiter.wake() } }

    private func leave(_ key: Key?, _ waiter: Waiter) {
        state.withLock { state in
            state.count -= 1
            state.waiting[key]?[ObjectIdentifier(waiter)] = nil
            if state.waiting[key]?.isEmpty == true { state.waiting[key] = nil }
        }
    }

    /// On the loop.
    private func rung() {
        let work: (EventLoop, Look)? = state.withLock { state in
            guard state.count > 0, let loop = state.loop, let look = state.look else { return nil }
            if state.isLooking {
                state.isRungMeanwhile = true
                return nil
            }
            state.isLooking = true
            return (loop, look)
        }
        guard let (loop, look) = work else { return }
        Task(executorPreference: loop) { await self.look(look) }
    }

    private func look(_ look: Look) async {
        while true {
            let seen = state.withLock { $0.seen }
            let found = await look(seen, Self.keysMax)
            let (woken, isDone) = state.withLock { state in
                let isDone = !state.isRungMeanwhile
                state.isRungMeanwhile = false
                if isDone { state.isLooking = false }
                guard let found else { return ([Waiter](), isDone) }
                let isChanged = found.last != state.seen
                state.seen = found.last
                let keys = found.keys.map { $0.map { Optional($0) } + (isChanged ? [nil] : []) }
                return (state.waiters(of: keys), isDone)
            }
            for waiter in woken { waiter.wake() }
            if isDone { return }
        }
    }
}

/// One task that waits to be woken once.
private final class Waiter: Sendable {
    private enum State {
        case awake
        case parked(CheckedContinuation<Void, Never>)
        case over
    }

    private let state = Mutex(State.awake)

    func wake() {
        let parked: CheckedContinuation<Void, Never>? = state.withLock { state in
            defer { state = .over }
            if case .parked(let continuation) = state { return continuation }
            return nil
        }
        parked?.resume()
    }

    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if case .over = state { return true }
                    state = .parked(continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            wake()
        }
    }
}
