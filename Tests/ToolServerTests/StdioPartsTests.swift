import JSON
import Synchronization
import TestSupport
import Testing

@testable import ToolServer

@Suite struct LineSplitterTests {
    private func split(_ pieces: [[UInt8]]) -> [LineSplitter.Line] {
        var splitter = LineSplitter()
        var lines = pieces.flatMap { splitter.split($0) }
        if let last = splitter.end() { lines.append(.whole(last)) }
        return lines
    }

    @Test func everySplitGivesTheSameLines() {
        let text = Array("{\"a\":1}\n\n\r\n\u{E4}\u{1F600}\nlast".utf8)
        let wanted = split([text])
        #expect(wanted.count == 4)
        for first in 0...text.count {
            for second in first...text.count {
                let pieces = [
                    Array(text[..<first]), Array(text[first..<second]), Array(text[second...]),
                ]
                #expect(split(pieces) == wanted)
            }
        }
        #expect(split(text.map { [$0] }) == wanted)
    }

    @Test func emptyLinesAreNoMessages() {
        #expect(split([Array("\n\n\n".utf8)]) == [])
        #expect(split([]) == [])
    }

    @Test func aLineOfTheLimitIsWholeAndALongerOneIsToldOnce() {
        let most = [UInt8](repeating: 0x61, count: LineSplitter.lineBytesMax)
        #expect(split([most + [10]]) == [.whole(most)])
        let after: LineSplitter.Line = .whole([0x62])
        #expect(split([most + [0x61, 10, 0x62, 10]]) == [.tooLong, after])
        #expect(split([most, [0x61], most, most, [10, 0x62]]) == [.tooLong, after])
        #expect(split([most, [0x61]]) == [.tooLong])
    }
}

@Suite struct SlotsTests {
    @Test func noMoreAreUnderWayThanThereAreSlots() async {
        let slots = Slots(count: 3)
        let census = Census()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    await slots.take()
                    census.enter()
                    await Task.yield()
                    census.leave()
                    slots.giveBack()
                }
            }
        }
        #expect(census.most <= 3)
        await slots.takeAll()
    }

    @Test func whoHasGivenUpWaitsForNobody() async {
        let slots = Slots(count: 2)
        await slots.take()
        async let all: Void = slots.takeAll()
        for _ in 0..<100 { await Task.yield() }
        slots.giveUp()
        await all
        await slots.take()
    }

    @Test func allAreTakenWhenTheLastIsGivenBack() async {
        let slots = Slots(count: 2)
        await slots.take()
        let journal = Journal()
        async let all: Void = {
            await slots.takeAll()
            journal.note("all taken")
        }()
        for _ in 0..<100 { await Task.yield() }
        journal.note("given back")
        slots.giveBack()
        await all
        #expect(journal.entries == ["given back", "all taken"])
    }
}

/// How many are there at once, at most.
private final class Census: Sendable {
    private let counts = Mutex((now: 0, most: 0))

    var most: Int { counts.withLock { $0.most } }

    func enter() {
        counts.withLock { counts in
            counts.now += 1
            counts.most = max(counts.most, counts.now)
        }
    }

    func leave() { counts.withLock { $0.now -= 1 } }
}
