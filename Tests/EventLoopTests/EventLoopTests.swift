import CLinux
import Glibc
import Synchronization
import Testing

@testable import EventLoop

@Suite struct EventLoopTests {
    private func withLoop<T>(_ body: (EventLoop) async throws -> T) async throws -> T {
        let loop = try EventLoop()
        try loop.start()
        defer { loop.stop() }
        return try await body(loop)
    }

    private func onLoop<T: Sendable>(
        _ loop: EventLoop, _ body: @escaping @Sendable () -> T
    ) async -> T {
        await withCheckedContinuation { continuation in
            loop.execute { continuation.resume(returning: body()) }
        }
    }

    @Test func tasksRunOnTheLoopThatWasPreferred() async throws {
        try await withLoop { loop in
            let stayed = await Task(executorPreference: loop) {
                let before = loop.isCurrent
                await Task.yield()
                return before && loop.isCurrent
            }.value
            #expect(stayed)
            #expect(!loop.isCurrent)
        }
    }

    /// No item may be lost between the check of the queue and the sleep, whoever adds it.
    @Test func workFromManyThreadsIsNeverLostOrReordered() async throws {
        try await withLoop { loop in
            let threads = 4
            let each = 5_000
            let seen = Mutex<[[Int]]>(Array(repeating: [], count: threads))
            let adders = try (0..<threads).map { thread in
                try SystemThread.spawn(name: "adder") {
                    for number in 0..<each {
                        loop.execute { seen.withLock { $0[thread].append(number) } }
                    }
                }
            }
            for adder in adders { adder.join() }
            await onLoop(loop) {}
            let result = seen.withLock { $0 }
            for thread in 0..<threads { #expect(result[thread] == Array(0..<each)) }
        }
    }

    /// Ping-pong meets the race at its worst: the loop is about to sleep at every step.
    @Test func aLoopThatIsJustFallingAsleepIsWoken() async throws {
        try await withLoop { loop in
            for round in 0..<2_000 {
                let answer = await onLoop(loop) { round }
                #expect(answer == round)
            }
        }
    }

    @Test func aBatchForASleepingLoopCostsFewWakes() async throws {
        try await withLoop { loop in
            await onLoop(loop) {}
            let before = loop.wakes
            let gate = Mutex(false)
            // The loop is held in its first job, so everything else arrives while it is awake.
            loop.execute { while !gate.withLock({ $0 }) {} }
            for _ in 0..<1_000 { loop.execute {} }
            gate.withLock { $0 = true }
            await onLoop(loop) {}
            #expect(loop.wakes - before <= 4)
        }
    }

    @Test func sleepEndsAtItsDeadline() async throws {
        try await withLoop { loop in
            let start = MonotonicTime.now()
            try await loop.sleep(for: .milliseconds(20))
            #expect(MonotonicTime.now().nanoseconds(since: start) >= 20_000_000)
        }
    }

    @Test func sleepEndsAtOnceWhenTheTaskIsCancelled() async throws {
        try await withLoop { loop in
            for cancelsLate in [false, true] {
                let task = Task(executorPreference: loop) {
                    try await loop.sleep(for: .seconds(3600))
                }
                if cancelsLate { await onLoop(loop) {} }
                task.cancel()
                await #expect(throws: CancellationError.self) { try await task.value }
            }
        }
    }

    @Test func timersFollowTheInjectedClock() async throws {
        let time = Mutex<UInt64>(0)
        let loop = try EventLoop(clock: { MonotonicTime(nanoseconds: time.withLock { $0 }) })
        try loop.start()
        defer { loop.stop() }
        let fired = Mutex(false)
        await onLoop(loop) {
            _ = loop.schedule(at: MonotonicTime(nanoseconds: 3_600_000_000_000)) {
                fired.withLock { $0 = true }
            }
        }
        await onLoop(loop) {}
        #expect(!fired.withLock { $0 })
        time.withLock { $0 = 3_600_000_000_000 }
        // One turn to see the time, one to be sure that its timers have run.
        await onLoop(loop) {}
        await onLoop(loop) {}
        #expect(fired.withLock { $0 })
    }

    private final class Source: EventSource {
        func ready(_ events: ReadyEvents) {}
    }

    @Test func eventsOfAClosedDescriptorDoNotReachItsNumbersNextOwner() throws {
        var poller = try Poller()
        let first = eventfd(1, 0)
        let second = eventfd(1, 0)
        defer { close(first) }
        try poller.add(first, .readable, Source())
        try poller.add(second, .readable, Source())
        #expect(poller.wait(milliseconds: 0) == 2)
        // Both events are in hand when one descriptor goes and its number comes back. In one step:
        // between two, another thread may be given the number.
        poller.remove(second)
        let reused = dup2(first, second)
        defer { close(reused) }
        #expect(reused == second)
        let owner = Source()
        try poller.add(reused, .readable, owner)
        #expect(poller.event(at: 0) != nil)
        #expect(poller.event(at: 1) == nil)
        #expect(poller.wait(milliseconds: 0) == 2)
        let sources = (0..<2).compactMap { poller.event(at: $0)?.source }
        #expect(sources.contains { $0 === owner })
    }
}
