import Glibc

/// What the process is told before anything else: how it must not die, and what it must not leave
/// behind when it does.
package enum ProcessHygiene {
    /// Call first thing in `main`, before any thread exists.
    package static func apply() {
        // A peer that hangs up must be an error number, not the end of the process.
        _ = signal(SIGPIPE, SIG_IGN)
        // Swift's backtracer prints registers and memory, hence secrets, on stderr.
        for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT, SIGFPE] {
            _ = signal(number, SIG_DFL)
        }
        // And a core file would hold the same secrets on disk.
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        unsafe _ = setrlimit(__rlimit_resource_t(bitPattern: RLIMIT_CORE.rawValue), &none)
    }

    /// Runs `handler` on a thread of its own, once for each arrival of one of `signals`.
    ///
    /// Call before other threads start: they inherit the mask, so that only `sigwait` sees the
    /// signals. A handler in the C sense would be allowed next to nothing; this one is plain code.
    package static func onSignals(
        _ signals: [Int32], _ handler: @escaping @Sendable (Int32) -> Void
    ) throws(SystemError) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for number in signals { unsafe sigaddset(&set, number) }
        let code = unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        guard code == 0 else { throw SystemError(call: "pthread_sigmask", code: code) }
        let awaited = set
        _ = try SystemThread.spawn(name: "signals") {
            var awaited = awaited
            var arrived: Int32 = 0
            while unsafe sigwait(&awaited, &arrived) == 0 { handler(arrived) }
        }
    }
}
