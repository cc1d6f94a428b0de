import Glibc

/// Checks signatures on other cores while one thread reads and hashes: a signature costs as much
/// as fifty lines.
///
/// It says whether all were right, and not which was wrong: who must know that checks again, one
/// after the other.
// Sendable: `shared` is only touched inside `bell.withLock`, `gathered` only by the thread that
// adds.
final class SignatureCrew: @unchecked Sendable {
    struct Job: Sendable {
        let note: CheckpointNote
        let signature: [UInt8]
        let key: CheckpointKey

        var isRight: Bool { note.isSigned(signature[...], by: key) }
    }

    private struct Shared {
        var waiting: [[Job]] = []
        var working = 0
        var isEnding = false
        var isAllRight = true
    }

    private static let together = 32
    private static let waitingMax = 64
    private static let threadsMax = 8

    private let bell = RecorderBell()
    private var shared = Shared()
    private var gathered: [Job] = []

    /// nil where nothing is gained: on one core, or without a thread.
    static func start() -> SignatureCrew? {
        let cores = min(threadsMax, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        guard cores > 1 else { return nil }
        let crew = SignatureCrew()
        // As many as there are cores: the thread that adds waits for them most of the time.
        let started = (0..<cores).filter { _ in RecorderBell.startThread { crew.work() } }
        return started.isEmpty ? nil : crew
    }

    /// Waits while too many are to be checked.
    func add(_ job: Job) {
        gathered.append(job)
        guard gathered.count >= Self.together else { return }
        hand()
    }

    private func hand() {
        guard !gathered.isEmpty else { return }
        bell.withLock {
            while shared.waiting.count >= Self.waitingMax { bell.wait(.closer) }
            shared.waiting.append(gathered)
            bell.ring(.writer)
        }
        gathered.removeAll(keepingCapacity: true)
    }

    /// Ends the threads, once all has been checked.
    func finish() -> Bool {
        hand()
        return bell.withLock {
            while shared.working > 0 || !shared.waiting.isEmpty { bell.wait(.closer) }
            end()
            return shared.isAllRight
        }
    }

    /// Without waiting for what is left.
    func abandon() {
        bell.withLock {
            shared.waiting = []
            end()
        }
    }

    /// Only inside the lock.
    private func end() {
        shared.isEnding = true
        bell.ring(.writer)
    }

    private func work() {
        while let jobs = next() {
            let isRight = jobs.allSatisfy(\.isRight)
            bell.withLock {
                if !isRight { shared.isAllRight = false }
                shared.working -= 1
                bell.ring(.closer)
            }
        }
    }

    private func next() -> [Job]? {
        bell.withLock {
            while shared.waiting.isEmpty, !shared.isEnding { bell.wait(.writer) }
            // One ring wakes one: each hands it on.
            bell.ring(.writer)
            guard !shared.waiting.isEmpty else { return nil }
            shared.working += 1
            bell.ring(.closer)
            return shared.waiting.removeFirst()
        }
    }
}
