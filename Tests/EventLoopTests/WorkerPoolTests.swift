import Synchronization
import Testing

@testable import EventLoop

@Suite struct WorkerPoolTests {
    /// Holds workers until it is opened.
    private final class Gate: Sendable {
        private let isOpen = Mutex(false)
        let waiting = Atomic<Int>(0)

        func open() { isOpen.withLock { $0 = true } }

        func pass() {
            waiting.wrappingAdd(1, ordering: .sequentiallyConsistent)
            while !isOpen.withLock({ $0 }) {}
        }
    }

    private final class Counter: Sendable {
        let value = Atomic<Int>(0)
    }

    @Test func everyCallRunsOnceAndOnAKnownWorker() async throws {
        let pool = WorkerPool(threads: 3, queueLimit: 10_000, name: "test")
        defer { pool.stop() }
        let counter = Counter()
        try await withThrowingTaskGroup(of: (Int, Int).self) { group in
            for number in 0..<2_000 {
                group.addTask {
                    let worker = try await pool.run { worker in
                        counter.value.wrappingAdd(1, ordering: .relaxed)
                        return worker
                    }
                    return (number, worker)
                }
            }
            var seen = Set<Int>()
            for try await (number, worker) in group {
                #expect((0..<3).contains(worker))
                seen.insert(number)
            }
            #expect(seen.count == 2_000)
        }
        #expect(counter.value.load(ordering: .relaxed) == 2_000)
    }

    @Test func aLongBodyThatSaysSoLetsTheNextOneRunElsewhere() async throws {
        let pool = WorkerPool(threads: 2, queueLimit: 10, name: "test")
        defer { pool.stop() }
        let gate = Gate()
        let begun = Counter()
        async let long: Int = pool.run { worker in
            begun.value.wrappingAdd(1, ordering: .sequentiallyConsistent)
            // Until the other body has run, which this thread cannot do.
            while gate.waiting.load(ordering: .sequentiallyConsistent) == 0 { pool.relieve() }
            return worker
        }
        while begun.value.load(ordering: .sequentiallyConsistent) == 0 { await Task.yield() }
        async let next: Int = pool.run { worker in
            gate.open()
            gate.pass()
            return worker
        }
        #expect(try await long != next)
    }

    @Test func callsBeyondTheLimitAreRefusedAtOnce() async throws {
        let pool = WorkerPool(threads: 1, queueLimit: 2, name: "test")
        defer { pool.stop() }
        let gate = Gate()
        async let held = pool.run { _ in gate.pass() }
        while gate.waiting.load(ordering: .sequentiallyConsistent) == 0 { await Task.yield() }
        let results = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<5 {
                group.addTask { (try? await pool.run { _ in true }) ?? false }
            }
            // The three refusals come while the worker is held; only then is it let go.
            var results: [Bool] = []
            for _ in 0..<3 { if let next = await group.next() { results.append(next) } }
            gate.open()
            for await next in group { results.append(next) }
            return results
        }
        #expect(results == [false, false, false, true, true])
        try await held
    }

    @Test func aStoppedPoolRefusesAndFinishesWhatItHad() async throws {
        let pool = WorkerPool(threads: 2, queueLimit: 100, name: "test")
        #expect(try await pool.run { _ in 7 } == 7)
        pool.stop()
        await #expect(throws: WorkerPoolFull.self) { try await pool.run { _ in 7 } }
    }

    @Test(.timeLimit(.minutes(5)))
    func aWorkerCanStopALoopAndAnotherPool() async throws {
        let pool = WorkerPool(threads: 1, queueLimit: 10, name: "test")
        defer { pool.stop() }
        for _ in 0..<50 {
            let loop = try EventLoop()
            try loop.start()
            try await pool.run { _ in
                let other = WorkerPool(threads: 2, queueLimit: 10, name: "other")
                other.stop()
                loop.stop()
            }
        }
    }

    @Test func aCallFromALoopComesBackToIt() async throws {
        let pool = WorkerPool(threads: 2, queueLimit: 100, name: "test")
        let loop = try EventLoop()
        try loop.start()
        let isBack = try await Task(executorPreference: loop) {
            let wasOnLoop = try await pool.run { _ in loop.isCurrent }
            return !wasOnLoop && loop.isCurrent
        }.value
        #expect(isBack)
        pool.stop()
        loop.stop()
    }
}
