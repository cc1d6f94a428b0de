import Synchronization

extension EventLoop {
    /// Suspends the task until `deadline`; throws at once when the task is cancelled.
    package func sleep(until deadline: MonotonicTime) async throws(CancellationError) {
        let sleeper = Sleeper()
        let woke = await withTaskCancellationHandler {
            unsafe await withUnsafeContinuation { continuation in
                guard unsafe sleeper.park(continuation) else { return }
                execute { sleeper.arm(on: self, at: deadline) }
            }
        } onCancel: {
            sleeper.finish(.cancelled)
            // The timer goes too: a long sleep must not hold its closure until its end.
            execute { sleeper.disarm(on: self) }
        }
        if woke == .cancelled { throw CancellationError() }
    }

    package func sleep(for duration: Duration) async throws(CancellationError) {
        try await sleep(until: clock().advanced(by: duration))
    }
}

/// Where timer and cancellation meet. `state` has a lock; `timer` is touched on the loop only.
private final class Sleeper: @unchecked Sendable {
    enum End: Sendable {
        case fired
        case cancelled
    }

    /// A continuation is resumed once because the state leaves `parked` under the lock.
    @safe
    private enum State {
        case fresh
        case parked(UnsafeContinuation<End, Never>)
        case over(End)
    }

    private let state = Mutex<State>(.fresh)
    private var timer: LoopTimer?

    /// False when the task was cancelled before it could park; it has been resumed then.
    func park(_ continuation: UnsafeContinuation<End, Never>) -> Bool {
        let end: End? = state.withLock { state in
            if case .over(let end) = state { return end }
            unsafe state = .parked(continuation)
            return nil
        }
        if let end { unsafe continuation.resume(returning: end) }
        return end == nil
    }

    func finish(_ end: End) {
        let parked: UnsafeContinuation<End, Never>? = unsafe state.withLock { state in
            switch state {
            case .fresh:
                state = .over(end)
                return nil
            case .parked(let continuation):
                state = .over(end)
                return unsafe continuation
            case .over: return nil
            }
        }
        unsafe parked?.resume(returning: end)
    }

    func arm(on loop: EventLoop, at deadline: MonotonicTime) {
        let isParked = state.withLock { state in
            if case .parked = state { true } else { false }
        }
        guard isParked else { return }
        timer = loop.schedule(at: deadline) { self.finish(.fired) }
    }

    func disarm(on loop: EventLoop) {
        if let timer { loop.cancel(timer) }
        timer = nil
    }
}
