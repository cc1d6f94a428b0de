import Enforcement
import EventLoop
import JSON
import Synchronization

/// The token that a command writes, run again before that token ends.
///
/// Calls go on with the token of before while the command runs; only where there is none yet, or it
/// has ended, they wait. What the token says of its end decides about nothing but that.
final class CommandedToken: Sendable {
    struct Timing: Sendable {
        /// A token is renewed so long before its end, or in the last fifth of a shorter one.
        var ahead = 60
        /// One that does not say when it ends.
        var unsaid = 300
        /// After a failure.
        var retry = 5
    }

    private struct State {
        var credential: Credential?
        var ends = 0
        var renews = 0
        var running: Task<Credential, Never>?
    }

    private let timing: Timing
    private let now: @Sendable () -> Int
    private let run: @Sendable () async -> Credential
    private let state = Mutex(State())

    init(
        timing: Timing = Timing(), now: @escaping @Sendable () -> Int = WallClock.seconds,
        run: @escaping @Sendable () async -> Credential
    ) {
        self.timing = timing
        self.now = now
        self.run = run
    }

    /// On a thread of `workers`, since a command may take its time.
    convenience init(_ command: String, _ workers: WorkerPool) {
        self.init(run: {
            let output = try? await workers.run { _ in LocalCredential.output(of: command) }
            return output ?? .unreadable("no thread is free for the command that writes it")
        })
    }

    func credential() async -> Credential {
        let now = now()
        let (known, task) = state.withLock { state -> (Credential?, Task<Credential, Never>?) in
            let known = state.ends > now ? state.credential : nil
            if let known, state.renews > now { return (known, nil) }
            let task = state.running ?? Task { await self.renew() }
            state.running = task
            return (known, task)
        }
        if let known { return known }
        return await task?.value ?? .none
    }

    private func renew() async -> Credential {
        let fresh = await run()
        let now = now()
        return state.withLock { state in
            state.running = nil
            guard case .bearer(let token, _) = fresh else {
                // What there is serves until it ends; without any, callers are told why not.
                state.renews = now + timing.retry
                if state.ends <= now { (state.credential, state.ends) = (fresh, state.renews) }
                return fresh
            }
            let ends = Self.end(of: token) ?? now + timing.unsaid * 2
            state.credential = fresh
            state.ends = ends
            state.renews = max(now + 1, ends - min(timing.ahead, (ends - now) / 5))
            if Self.end(of: token) == nil { state.renews = now + timing.unsaid }
            return fresh
        }
    }

    /// As the token itself says; nil where it does not.
    private static func end(of token: String) -> Int? {
        let parts = token.utf8.split(separator: UInt8(ascii: "."))
        guard parts.count == 3, let payload = Base64URL.decode(String(Substring(parts[1]))),
            let end = (try? JSONParser.parse(payload))?["exp"]?.number?.double,
            end > 0, end < Double(1 << 40)
        else { return nil }
        return Int(end)
    }
}
