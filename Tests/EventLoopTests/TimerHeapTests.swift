import Testing

@testable import EventLoop

@Suite struct TimerHeapTests {
    final class Log {
        var entries: [Int] = []
    }

    private func at(_ nanoseconds: UInt64) -> MonotonicTime {
        MonotonicTime(nanoseconds: nanoseconds)
    }

    private func runDue(_ heap: inout TimerHeap, _ now: UInt64) {
        while let action = heap.popDue(at(now)) { action() }
    }

    @Test func timersFireInOrderOfDeadlineAndThenOfSetting() {
        var heap = TimerHeap()
        let log = Log()
        let deadlines: [UInt64] = [50, 10, 30, 10, 20, 40, 10]
        for (index, deadline) in deadlines.enumerated() {
            _ = heap.set(at: at(deadline)) { log.entries.append(index) }
        }
        runDue(&heap, 9)
        #expect(log.entries.isEmpty)
        runDue(&heap, 30)
        #expect(log.entries == [1, 3, 6, 4, 2])
        #expect(heap.nextDeadline == at(40))
        runDue(&heap, 1000)
        #expect(log.entries == [1, 3, 6, 4, 2, 5, 0])
        #expect(heap.count == 0 && heap.nextDeadline == nil)
    }

    @Test func cancelledTimersNeverFireAndOthersKeepTheirOrder() {
        var heap = TimerHeap()
        let log = Log()
        var generator = SystemRandomNumberGenerator()
        let deadlines = (0..<500).map { _ in UInt64.random(in: 0..<200, using: &generator) }
        let timers = deadlines.enumerated().map { index, deadline in
            heap.set(at: at(deadline)) { log.entries.append(index) }
        }
        for index in stride(from: 0, to: 500, by: 3) {
            heap.cancel(timers[index])
            heap.cancel(timers[index])
            #expect(!timers[index].isPending)
        }
        runDue(&heap, 200)
        let expected = deadlines.indices.filter { $0 % 3 != 0 }
            .sorted { (deadlines[$0], $0) < (deadlines[$1], $1) }
        #expect(log.entries == expected)
        heap.cancel(timers[1])
        #expect(heap.count == 0)
    }

    @Test func deadlinesSaturateInsteadOfTrapping() {
        let end = MonotonicTime.never
        #expect(end.advanced(by: .seconds(1)) == .never)
        #expect(at(5).advanced(by: .seconds(Int64.max)) == .never)
        #expect(at(5).advanced(by: .seconds(-3)) == at(5))
        #expect(at(5).advanced(by: .milliseconds(2)) == at(2_000_005))
        #expect(at(5).nanoseconds(since: at(9)) == 0)
    }
}
