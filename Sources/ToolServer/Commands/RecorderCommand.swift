import Enforcement
import EventLoop
import Glibc
import Synchronization

/// `toolserver recorder`: keeps the record for servers of another user until a signal says stop.
///
/// It owns files and keys, numbers, times and signs lines, and takes nothing but lines. It knows no
/// manifest but server.json and opens no socket but its own.
enum RecorderCommand {
    private static let look = Duration.seconds(1)

    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words, options: ["--manifests"], flags: ["--status", "--json"])
        let server = try Startup.settings(arguments)
        guard let settings = server.recorder else {
            throw CommandFailure(
                "server.json has no `record`: it says where the recorder listens, where it keeps the record, and which user may write through it"
            )
        }
        if arguments.has("--status") {
            return try RecorderStatus.tell(settings, asJSON: arguments.has("--json"))
        }
        let user = try user(settings)
        let stop = StopFlag()
        try ProcessHygiene.onSignals(Lifetime.signals) { signal in
            if signal != SIGHUP { stop.set() }
        }
        // The group reads, nobody else.
        umask(0o027)
        let recorder = try open(settings, retaining: server.retention != nil)
        let desk = RecorderDesk(
            recorder, directory: settings.log,
            retention: server.retention.map {
                RecorderRetention(
                    $0, streams: server.streams.map(\.name), recorder: recorder,
                    directory: settings.log)
            })
        let listener = try listen(settings)
        StandardStream.error.line("recording in \(settings.log) for \(settings.user)")
        while !stop.isSet {
            do throws(SystemError) {
                if let socket = try listener.accept(within: Self.look) {
                    admit(socket, only: user, to: desk)
                }
            } catch { StandardStream.error.line("recorder: \(error)") }
            desk.tidy()
        }
        desk.close()
        unsafe unlink(settings.socket)
        return .done
    }

    private static func admit(
        _ socket: consuming LocalSocket, only user: uid_t, to desk: RecorderDesk
    ) {
        // Root and its own user may ask how it does.
        guard let peer = socket.peerUser, [user, geteuid(), 0].contains(peer) else {
            StandardStream.error.line("recorder: somebody else than its user was turned away")
            return
        }
        desk.welcome(socket, mayWrite: peer == user)
    }

    /// Of the servers.
    private static func user(_ settings: RecorderSettings) throws(CommandFailure) -> uid_t {
        guard let user = settings.userNumber() else {
            throw CommandFailure("this machine knows no user `\(settings.user)`")
        }
        guard user != geteuid() else {
            throw CommandFailure(
                "the recorder runs as `\(settings.user)`, the servers' own user, from whom it is to keep the record. Start it as another user."
            )
        }
        return user
    }

    private static func open(
        _ settings: RecorderSettings, retaining: Bool
    ) throws(CommandFailure) -> Recorder {
        for (path, mode) in [
            (settings.directory, mode_t(0o750)), (settings.keys, 0o700),
            (settings.log, 0o750),
        ] {
            guard unsafe mkdir(path, mode) == 0 || errno == EEXIST else {
                throw CommandFailure("cannot make \(path): \(SystemText.error(errno))")
            }
        }
        var limits = RecorderLimits(
            segmentSeconds: retaining ? RetentionDesk.segmentSeconds : nil)
        limits.queuedBytes = 64 << 20
        do throws(RecordError) {
            return try Recorder.open(
                directory: settings.log, keys: settings.keys + "/" + Installation.firstLog,
                limits: limits, givesEvidence: true, isolation: .recorder,
                notice: { StandardStream.error.line("record: \($0)") })
        } catch { throw CommandFailure("the record cannot be opened: \(error)") }
    }

    private static func listen(
        _ settings: RecorderSettings
    ) throws(CommandFailure) -> LocalListener {
        do throws(SystemError) { return try LocalListener(at: settings.socket) } catch {
            throw CommandFailure("cannot listen at \(settings.socket): \(error)")
        }
    }
}

/// Set once, by a signal.
private final class StopFlag: Sendable {
    private let flag = Atomic<Bool>(false)

    func set() { flag.store(true, ordering: .relaxed) }

    var isSet: Bool { flag.load(ordering: .relaxed) }
}
