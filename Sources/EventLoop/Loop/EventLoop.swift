import CLinux
import Glibc
import Synchronization

// One thread that waits for descriptors, timers and work, and runs Swift tasks itself.
//
// It answers: who runs next on this core? A connection, its handler tasks and their continuations
// all live on one loop, so that a request costs no wake of another thread (about 20 us).
// It must never block outside `epoll_wait`, and nothing that blocks may be given to it: that is
// what `WorkerPool` is for.

/// Sendable although it has plain variables: those below the mark "loop only" are touched by the
/// loop's thread alone (`isCurrent` is asserted at the doors); the others are a Mutex and atomics.
package final class EventLoop: TaskExecutor, Wakeable, @unchecked Sendable {
    private enum Work {
        case job(UnownedJob)
        case closure(@Sendable () -> Void)
    }

    /// How many jobs run before descriptors are looked at again.
    private static let jobsPerTick = 512

    package let name: String
    let clock: @Sendable () -> MonotonicTime
    private let bell: Descriptor
    private let thread = Mutex<SystemThread?>(nil)
    private let threadID = Atomic<UInt>(0)
    private let remote = Mutex<[Work]>([])
    private let isAsleep = Atomic<Bool>(false)
    private let isStopping = Atomic<Bool>(false)
    private let wakeCount = Atomic<Int>(0)

    // Loop only.
    private var poller: Poller
    private var waiting: [Work] = []
    private var running: [Work] = []
    private var timers = TimerHeap()
    private let waker = Waker()
    private let owed = OwedWakes()
    /// The time at the start of this tick.
    package private(set) var now: MonotonicTime

    package init(
        name: String = "loop",
        clock: @escaping @Sendable () -> MonotonicTime = { MonotonicTime.now() }
    ) throws(SystemError) {
        self.name = name
        self.clock = clock
        now = clock()
        poller = try Poller()
        bell = Descriptor(
            owning: try Syscall.setup("eventfd") {
                eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
            })
        // Edge-triggered: every write is one event, and the counter need never be read back.
        try poller.add(bell.number, [.readable, .edgeTriggered], waker)
    }

    // MARK: Any thread

    /// True on the loop's own thread. Another thread may read a stale zero, never its own number.
    @inline(__always)
    package var isCurrent: Bool {
        threadID.load(ordering: .relaxed) == SystemThread.currentID
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        submit(.job(UnownedJob(job)))
    }

    package func execute(_ work: @escaping @Sendable () -> Void) {
        submit(.closure(work))
    }

    /// How often a sleeping loop had to be woken: the dear thing, watched by tests.
    package var wakes: Int { wakeCount.load(ordering: .relaxed) }

    private func submit(_ work: Work) {
        if isCurrent {
            waiting.append(work)
            return
        }
        remote.withLock { $0.append(work) }
        OwedWakes.wake(self)
    }

    /// The race: work is added just as the loop decides to sleep. The loop sets the flag and
    /// *then* looks into the queue under its lock; we add under that lock and *then* look at the
    /// flag. Whoever takes the lock second sees what the other did before taking it: either the
    /// loop finds the work and does not sleep, or we find the flag and write. The exchange lets one
    /// of many adders write, so a batch costs one wake. A wake that comes late (the loop is up
    /// again) costs an empty turn and nothing else.
    package func wake() {
        guard isAsleep.exchange(false, ordering: .sequentiallyConsistent) else { return }
        wakeCount.wrappingAdd(1, ordering: .relaxed)
        _ = eventfd_write(bell.number, 1)
    }

    package func start() throws(SystemError) {
        let started = try SystemThread.spawn(name: name) { self.run() }
        thread.withLock { $0 = started }
    }

    /// Ends the thread after the work that is ready; work that comes later is never run. Waits for
    /// the thread, so it must not be called on a loop.
    package func stop() {
        precondition(!isCurrent, "a loop cannot wait for its own end")
        isStopping.store(true, ordering: .sequentiallyConsistent)
        execute {}
        thread.withLock { $0.take() }?.join()
    }

    // MARK: The loop's thread only

    /// Level-triggered unless told otherwise.
    package func register(
        _ descriptor: Int32, _ events: ReadyEvents, _ source: any EventSource
    ) throws(SystemError) {
        assert(isCurrent)
        try poller.add(descriptor, events, source)
    }

    package func deregister(_ descriptor: Int32) {
        assert(isCurrent)
        poller.remove(descriptor)
    }

    package func schedule(
        at deadline: MonotonicTime, _ action: @escaping () -> Void
    ) -> LoopTimer {
        assert(isCurrent)
        return timers.set(at: deadline, action)
    }

    package func cancel(_ timer: LoopTimer) {
        assert(isCurrent)
        timers.cancel(timer)
    }

    private func run() {
        threadID.store(SystemThread.currentID, ordering: .relaxed)
        owed.adopt(for: self)
        while true {
            takeRemoteWork()
            runWaiting()
            runTimers()
            owed.pay()
            if waiting.isEmpty, isStopping.load(ordering: .sequentiallyConsistent) { break }
            poll()
        }
        threadID.store(0, ordering: .relaxed)
    }

    /// Bounded: an action may set a timer that is due at once.
    private func runTimers() {
        for _ in 0..<Self.jobsPerTick {
            guard let action = timers.popDue(now) else { return }
            action()
        }
    }

    private func takeRemoteWork() {
        if waiting.isEmpty {
            // The queues change places, so that both keep their storage.
            var empty = waiting
            waiting = []
            remote.withLock { swap(&$0, &empty) }
            waiting = empty
        } else {
            var taken: [Work] = []
            remote.withLock { swap(&$0, &taken) }
            waiting.append(contentsOf: taken)
        }
    }

    private func runWaiting() {
        var budget = Self.jobsPerTick
        while !waiting.isEmpty, budget > 0 {
            swap(&waiting, &running)
            budget -= running.count
            for index in running.indices {
                switch running[index] {
                case .job(let job): unsafe job.runSynchronously(on: asUnownedTaskExecutor())
                case .closure(let body): body()
                }
            }
            running.removeAll(keepingCapacity: true)
        }
    }

    private func poll() {
        var timeout = millisecondsToWait()
        if timeout != 0 {
            isAsleep.store(true, ordering: .sequentiallyConsistent)
            if remote.withLock({ !$0.isEmpty }) { timeout = 0 }
        }
        let count = poller.wait(milliseconds: timeout)
        isAsleep.store(false, ordering: .sequentiallyConsistent)
        now = clock()
        for index in 0..<count {
            guard let (source, events) = poller.event(at: index) else { continue }
            source.ready(events)
        }
    }

    private func millisecondsToWait() -> Int32 {
        guard waiting.isEmpty else { return 0 }
        guard let next = timers.nextDeadline else { return -1 }
        // Rounded up: a loop that wakes too early spins until the deadline.
        let wait = next.nanoseconds(since: now)
        return Int32(clamping: wait / 1_000_000 + (wait % 1_000_000 == 0 ? 0 : 1))
    }

    private final class Waker: EventSource {
        func ready(_ events: ReadyEvents) {}
    }
}
