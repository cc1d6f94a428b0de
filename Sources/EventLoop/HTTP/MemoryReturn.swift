import Glibc
import Synchronization

/// Gives memory back to the system after a peak.
///
/// The allocator keeps what was freed below something still in use, so that a flood of large
/// messages, long over, would stand in the process's size for ever (measured: 350 of 500 MB).
final class MemoryReturn: Sendable {
    private static let peakBytes = 16 << 20
    private static let restBytes = 1 << 20
    /// A trim walks the whole heap: some milliseconds after a peak of hundreds of megabytes.
    private static let pause = Duration.seconds(10)

    private typealias Trim = @convention(c) (Int) -> Int32
    /// nil where the C library has no such function.
    private static let trim: Trim? = {
        guard let symbol = unsafe dlsym(nil, "malloc_trim") else { return nil }
        return unsafe unsafeBitCast(symbol, to: Trim.self)
    }()

    private let peaked = Atomic<Bool>(false)
    private let notBefore = Mutex(MonotonicTime.now())

    /// A peak has been, and its memory has not been given back.
    var isOwed: Bool { peaked.load(ordering: .relaxed) }

    func note(_ queuedBytes: Int) {
        if queuedBytes > Self.peakBytes, !isOwed { peaked.store(true, ordering: .relaxed) }
    }

    /// True when memory was given back. To be called now and then, on any thread.
    @discardableResult
    func settle(queuedBytes: Int, now: MonotonicTime) -> Bool {
        guard isOwed, queuedBytes < Self.restBytes else { return false }
        let isMine = notBefore.withLock { time in
            guard time <= now else { return false }
            time = now.advanced(by: Self.pause)
            return true
        }
        guard isMine else { return false }
        peaked.store(false, ordering: .relaxed)
        _ = Self.trim?(0)
        return true
    }
}
