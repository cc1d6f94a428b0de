import Dispatch
import EventLoop
import Glibc
import Synchronization

/// The life of a serving process: its one main task, and the signals that end or renew it.
final class Lifetime: Sendable {
    /// Blocked from the first moment, so that only the thread that awaits them sees them.
    static let signals = [SIGTERM, SIGINT, SIGHUP]

    private enum Event: Sendable { case stop, reload }

    private struct State {
        var pending: [Event] = []
        var waiting: CheckedContinuation<Event, Never>?
        var stops = 0
    }

    private let state = Mutex(State())

    /// Runs `body` on the loop and keeps the calling thread until it is done.
    func run(
        on loop: EventLoop, _ body: @escaping @Sendable () async throws -> ExitCode
    ) -> ExitCode {
        let done = Completion()
        Task(executorPreference: loop) {
            do {
                done.complete(try await body())
            } catch {
                let message = (error as? CommandFailure)?.message ?? "\(error)"
                StandardStream.error.line("toolserver: \(message)")
                done.complete(.failed)
            }
        }
        return done.wait()
    }

    func awaitSignals() throws { try ProcessHygiene.onSignals(Self.signals) { self.received($0) } }

    /// SIGHUP reloads; SIGTERM and SIGINT stop, and a second one of these stops at once.
    private func received(_ signal: Int32) {
        guard signal != SIGHUP else { return happened(.reload) }
        let isSecond = state.withLock { state in
            state.stops += 1
            return state.stops > 1
        }
        if isSecond { _exit(1) }
        happened(.stop)
    }

    /// There is nothing left to serve.
    func finish() { happened(.stop) }

    private func happened(_ event: Event) {
        let next: (CheckedContinuation<Event, Never>, Event)? = state.withLock { state in
            guard let waiting = state.waiting else {
                if state.pending.count < 16 { state.pending.append(event) }
                return nil
            }
            state.waiting = nil
            return (waiting, event)
        }
        if let (waiting, event) = next { waiting.resume(returning: event) }
    }

    func untilStopped(reload: () async -> Void) async {
        while await nextEvent() == .reload { await reload() }
    }

    private func nextEvent() async -> Event {
        await withCheckedContinuation { continuation in
            let ready: Event? = state.withLock { state in
                if !state.pending.isEmpty { return state.pending.removeFirst() }
                state.waiting = continuation
                return nil
            }
            if let ready { continuation.resume(returning: ready) }
        }
    }
}

/// A value that one thread waits for and another gives.
private final class Completion: Sendable {
    private let code = Mutex(ExitCode.failed)
    private let given = DispatchSemaphore(value: 0)

    func complete(_ code: ExitCode) {
        self.code.withLock { $0 = code }
        given.signal()
    }

    func wait() -> ExitCode {
        given.wait()
        return code.withLock { $0 }
    }
}
