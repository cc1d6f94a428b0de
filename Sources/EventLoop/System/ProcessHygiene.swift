import Glibc

/// What the process is told before anything else: how it must not die, and what it must not leave
/// behind when it does.
package enum ProcessHygiene {
    /// Call first thing in `main`, before any thread exists: threads inherit the mask, so that the
    /// signals in `awaited` reach nothing but `onSignals`.
    package static func apply(awaiting awaited: [Int32] = []) {
        var set = signalSet(awaited)
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        // A peer that hangs up must be an error number, not the end of the process.
        _ = signal(SIGPIPE, SIG_IGN)
        // Swift's backtracer prints registers and memory, hence secrets, on stderr.
        for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT, SIGFPE] {
            _ = signal(number, SIG_DFL)
        }
        // And a core file would hold the same secrets on disk.
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        unsafe _ = setrlimit(__rlimit_resource_t(bitPattern: RLIMIT_CORE.rawValue), &none)
        raiseDescriptorLimit()
    }

    /// Shells hand out 1,024, fewer than the connections that we serve; what we may have beyond
    /// that is ours to take.
    private static func raiseDescriptorLimit() {
        let resource = __rlimit_resource_t(bitPattern: RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard unsafe getrlimit(resource, &limit) == 0 else { return }
        limit.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, 65_536))
        unsafe _ = setrlimit(resource, &limit)
    }

    /// Runs `handler` on a thread of its own, once for each arrival of one of `signals`, all of
    /// which were given to `apply`. What arrived before this call is not lost.
    ///
    /// A handler in the C sense would be allowed next to nothing; this one is plain code.
    package static func onSignals(
        _ signals: [Int32], _ handler: @escaping @Sendable (Int32) -> Void
    ) throws(SystemError) {
        _ = try SystemThread.spawn(name: "signals") {
            var awaited = signalSet(signals)
            var arrived: Int32 = 0
            while unsafe sigwait(&awaited, &arrived) == 0 { handler(arrived) }
        }
    }

    private static func signalSet(_ signals: [Int32]) -> sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for number in signals { unsafe sigaddset(&set, number) }
        return set
    }
}
