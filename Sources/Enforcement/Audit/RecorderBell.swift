import Glibc

/// A mutex with three conditions, on the monotonic clock.
///
/// `Synchronization.Mutex` cannot be waited on, and the recorder's threads must sleep when there is
/// nothing to write.
// Sendable: the pthread objects are made for use by several threads and never move.
@safe final class RecorderBell: @unchecked Sendable {
    enum Sleeper: Int, CaseIterable { case writer, watchdog, closer }

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let conditions: UnsafeMutablePointer<pthread_cond_t>

    init() {
        unsafe mutex = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        unsafe conditions = .allocate(capacity: Sleeper.allCases.count)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        for index in 0..<Sleeper.allCases.count {
            unsafe pthread_cond_init(conditions + index, &attributes)
        }
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        for index in 0..<Sleeper.allCases.count { unsafe pthread_cond_destroy(conditions + index) }
        unsafe pthread_mutex_destroy(mutex)
        unsafe conditions.deallocate()
        unsafe mutex.deallocate()
    }

    func withLock<Result>(_ body: () -> Result) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return body()
    }

    /// Only inside `withLock`.
    func wait(_ sleeper: Sleeper) {
        unsafe pthread_cond_wait(conditions + sleeper.rawValue, mutex)
    }

    /// Only inside `withLock`; returns also at `time` of the monotonic clock, in nanoseconds.
    func wait(_ sleeper: Sleeper, until time: UInt64) {
        var limit = timespec(
            tv_sec: Int(time / 1_000_000_000), tv_nsec: Int(time % 1_000_000_000))
        unsafe pthread_cond_timedwait(conditions + sleeper.rawValue, mutex, &limit)
    }

    func ring(_ sleeper: Sleeper) {
        unsafe pthread_cond_signal(conditions + sleeper.rawValue)
    }

    static func now(_ clock: clockid_t = CLOCK_MONOTONIC) -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        // A wall clock may stand before 1970.
        return UInt64(clamping: time.tv_sec) &* 1_000_000_000 &+ UInt64(clamping: time.tv_nsec)
    }

    /// Starts a thread that nobody joins. False when the system has none to give.
    static func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
        let box = unsafe Unmanaged.passRetained(ThreadBody(body))
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        defer { unsafe pthread_attr_destroy(&attributes) }
        var thread = pthread_t()
        let result = unsafe pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, box.toOpaque())
        if result != 0 { unsafe box.release() }
        return result == 0
    }
}

private final class ThreadBody: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}
