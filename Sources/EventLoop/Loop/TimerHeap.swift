// Deadlines in a binary heap: set and cancel in O(log n), the next one in O(1). It knows no clock;
// the loop tells it the time, so a test can tell it any.

/// One deadline. Belongs to one loop; not `Sendable`.
package final class LoopTimer {
    package let deadline: MonotonicTime
    fileprivate let sequence: UInt64
    fileprivate var index: Int
    fileprivate var action: (() -> Void)?

    fileprivate init(
        deadline: MonotonicTime, sequence: UInt64, index: Int, action: @escaping () -> Void
    ) {
        self.deadline = deadline
        self.sequence = sequence
        self.index = index
        self.action = action
    }

    package var isPending: Bool { index >= 0 }

    /// Equal deadlines fire in the order in which they were set.
    fileprivate func isBefore(_ other: LoopTimer) -> Bool {
        deadline == other.deadline ? sequence < other.sequence : deadline < other.deadline
    }
}

package struct TimerHeap {
    private var heap: [LoopTimer] = []
    private var nextSequence: UInt64 = 0

    package init() {}

    package var nextDeadline: MonotonicTime? { heap.first?.deadline }
    package var count: Int { heap.count }

    package mutating func set(
        at deadline: MonotonicTime, _ action: @escaping () -> Void
    ) -> LoopTimer {
        let timer = LoopTimer(
            deadline: deadline, sequence: nextSequence, index: heap.count, action: action)
        nextSequence &+= 1
        heap.append(timer)
        siftUp(timer.index)
        return timer
    }

    /// Nothing happens when it has fired or was cancelled before.
    package mutating func cancel(_ timer: LoopTimer) {
        guard timer.isPending else { return }
        timer.action = nil
        remove(at: timer.index)
    }

    /// Takes the earliest action that is due, or nil. The caller runs it after the heap is
    /// consistent again, since actions set and cancel timers.
    package mutating func popDue(_ now: MonotonicTime) -> (() -> Void)? {
        guard let first = heap.first, first.deadline <= now else { return nil }
        remove(at: 0)
        defer { first.action = nil }
        return first.action
    }

    private mutating func remove(at index: Int) {
        let last = heap.count - 1
        heap[index].index = -1
        if index != last {
            heap[index] = heap[last]
            heap[index].index = index
        }
        heap.removeLast()
        if index < heap.count {
            siftUp(index)
            siftDown(index)
        }
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard heap[index].isBefore(heap[parent]) else { return }
            swap(index, parent)
            index = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2]
            where child < heap.count && heap[child].isBefore(heap[least]) {
                least = child
            }
            if least == index { return }
            swap(index, least)
            index = least
        }
    }

    private mutating func swap(_ left: Int, _ right: Int) {
        heap.swapAt(left, right)
        heap[left].index = left
        heap[right].index = right
    }
}
