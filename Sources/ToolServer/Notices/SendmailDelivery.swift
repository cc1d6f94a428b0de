import Backends
import EventLoop
import Glibc

/// One message to the mail program of this machine: always the same arguments, the message on its
/// standard input, no shell and nothing of our environment. Blocks: for workers.
struct SendmailDelivery: Sendable {
    static let limit = Duration.seconds(20)

    let mail: NoticeSettings.Mail
    var limit = Self.limit

    /// `--` ends what could be taken for options; recipients are never read from the message.
    var words: [String] { [mail.program, "-i", "-f", mail.from, "--"] + mail.to }

    func deliver(_ message: [UInt8]) throws(DeliveryFailure) {
        let deadline = MonotonicTime.now().advanced(by: limit)
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else {
            throw DeliveryFailure(reason: "no pipe: \(SystemText.error(errno))")
        }
        // What another thread starts at this moment must not hold our end open.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let child: pid_t
        do throws(DeliveryFailure) { child = try start(reading: ends[0]) } catch {
            for end in ends { close(end) }
            throw error
        }
        close(ends[0])
        let wasTaken = Self.write(message, to: ends[1], until: deadline)
        close(ends[1])
        guard let status = Self.status(of: child, until: deadline) else {
            throw DeliveryFailure(reason: "the mail program took longer than \(limit)")
        }
        guard status == 0 else {
            let code = (status >> 8) & 0xFF
            throw DeliveryFailure(reason: "the mail program ended with \(code)")
        }
        if !wasTaken { throw DeliveryFailure(reason: "the mail program read no whole message") }
    }

    private func start(reading end: Int32) throws(DeliveryFailure) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, end, 0)
        for output: Int32 in [1, 2] {
            unsafe posix_spawn_file_actions_addopen(&actions, output, "/dev/null", O_WRONLY, 0)
        }
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        // Our signals are not its: those that we block or ignore would be so for it too.
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        var ignored = sigset_t()
        unsafe sigemptyset(&ignored)
        unsafe sigaddset(&ignored, SIGPIPE)
        unsafe posix_spawnattr_setsigdefault(&attributes, &ignored)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
        var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        var environment = unsafe [unsafe strdup("PATH=/usr/sbin:/usr/bin:/sbin:/bin"), nil]
        defer { unsafe (arguments + environment).forEach { unsafe free($0) } }
        var child = pid_t()
        let code = unsafe posix_spawn(
            &child, mail.program, &actions, &attributes, &arguments, &environment)
        guard code == 0 else {
            throw DeliveryFailure(
                reason: "the mail program cannot be started: \(SystemText.error(code))")
        }
        return child
    }

    /// False where it does not take all of it in time.
    private static func write(
        _ message: [UInt8], to end: Int32, until deadline: MonotonicTime
    ) -> Bool {
        _ = fcntl(end, F_SETFL, O_NONBLOCK)
        var sent = 0
        while sent < message.count {
            let left = deadline.nanoseconds(since: .now()) / 1_000_000
            var waited = pollfd(fd: end, events: Int16(POLLOUT), revents: 0)
            let ready = unsafe poll(&waited, 1, Int32(clamping: max(0, left)))
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else { return false }
            let count = unsafe message[sent...].withUnsafeBytes {
                unsafe Glibc.write(end, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// As waitpid has it; nil where it had to be killed. It is never left behind.
    private static func status(of child: pid_t, until deadline: MonotonicTime) -> Int32? {
        var status: Int32 = 0
        while true {
            let ended = unsafe waitpid(child, &status, WNOHANG)
            if ended == child { return status }
            if ended < 0, errno != EINTR { return nil }
            if deadline <= MonotonicTime.now() { break }
            var pause = timespec(tv_sec: 0, tv_nsec: 5_000_000)
            unsafe nanosleep(&pause, nil)
        }
        kill(child, SIGKILL)
        while unsafe waitpid(child, &status, 0) < 0, errno == EINTR {}
        return nil
    }
}
