import Enforcement
import EventLoop
import JSON
import TestSupport
import Testing

@testable import ToolServer

@Suite struct StreamLogTests {
    private let owner = StreamLog.Owner(.nobody, session: nil)

    private func log() -> StreamLog { StreamLog(name: "n", owner: owner) }

    /// All that a reader hears of a stream that is over.
    private func heard(_ log: StreamLog, after number: Int) async -> [Int]? {
        guard let reader = log.read(after: number) else { return nil }
        var numbers: [Int] = []
        while let event = await log.next(for: reader) { numbers.append(event.number) }
        return numbers
    }

    @Test func aReaderHearsWhatItMissedAndTheEnd() async {
        let log = log()
        for byte in 1...3 { #expect(log.append([UInt8(byte)])) }
        #expect(log.append([4], isLast: true))
        #expect(!log.append([5]))
        #expect(!log.append([5], isLast: true))
        #expect(await heard(log, after: 0) == [1, 2, 3, 4])
        #expect(await heard(log, after: 2) == [3, 4])
        #expect(log.read(after: 4) == nil)
        #expect(log.read(after: 5) == nil)
    }

    @Test func ofReportsOnlyTheLatestIsKeptAndNoneBesideTheAnswer() async {
        let log = log()
        for byte in 0..<200 { #expect(log.append([UInt8(byte)], isReport: true)) }
        #expect(log.append([0]))
        #expect(log.byteCount == 2)
        #expect(log.append([0], isReport: true))
        #expect(log.append([1], isLast: true))
        #expect(await heard(log, after: 0) == [201, 203])
    }

    @Test func whatNobodyReadsIsBounded() {
        let log = log()
        for _ in 0..<StreamLog.eventsMax { #expect(log.append([0])) }
        #expect(!log.append([0]))
        #expect(log.append([1], isLast: true))
    }

    @Test func whoComesBackTakesTheStreamOver() async throws {
        let log = log()
        let first = try #require(log.read(after: 0))
        async let before = log.next(for: first)
        let second = try #require(log.read(after: 0))
        #expect(await before == nil)
        _ = log.append([1], isLast: true)
        #expect(await log.next(for: first) == nil)
        #expect(await log.next(for: second)?.message == [1])
        #expect(await log.next(for: second) == nil)
    }

    @Test func whoWaitsIsWokenByEachEndOfIt() async throws {
        for end in [{ $0.abandon() }, { _ = $0.append([1], isLast: true) }]
            as [@Sendable (StreamLog) -> Void]
        {
            let log = log()
            let reader = try #require(log.read(after: 0))
            let heard = Task {
                var count = 0
                while await log.next(for: reader) != nil { count += 1 }
                return count
            }
            end(log)
            #expect(await heard.value <= 1)
        }
        let log = log()
        let reader = try #require(log.read(after: 0))
        let cancelled = Task { await log.next(for: reader) == nil }
        cancelled.cancel()
        #expect(await cancelled.value)
    }
}

@Suite struct ResumableStreamsTests {
    private static func owner(_ subject: Name, _ session: String? = nil) -> StreamLog.Owner {
        StreamLog.Owner(CallerID(issuer: "i", subject: subject, groups: []), session: session)
    }

    @Test func aStreamIsFoundByItsOwnerAndAnExactIDAlone() throws {
        let streams = ResumableStreams()
        let owner = Self.owner("ada", "s")
        let log = try #require(streams.begin(for: owner))
        let id = log.id(of: 7)
        #expect(streams.find(id, for: owner)?.number == 7)
        for other in [Self.owner("ada"), Self.owner("ada", "t"), Self.owner("eve", "s")] {
            #expect(streams.find(id, for: other) == nil)
        }
        let name = log.name.text
        for spoiled in [
            "", name, name + ".", name + ".x", name + ".-1", name + ".07", name + ".7 ", "." + id,
            name + ".+7", name + "x.7", name + ".99999999999999999999",
        ] {
            #expect(streams.find(spoiled, for: owner) == nil, "\(spoiled)")
        }
        streams.forget(session: owner)
        #expect(streams.find(id, for: owner) == nil)
    }

    @Test func answersWaitWithinASizeTheOldestGivingWay() async throws {
        let loop = try EventLoop()
        try loop.start()
        defer { loop.stop() }
        let streams = ResumableStreams()
        let owner = Self.owner("ada")
        let answer = [UInt8](repeating: 0, count: ResumableStreams.answerBytesMax / 4)
        var logs: [StreamLog] = []
        for _ in 0..<6 {
            let log = try #require(streams.begin(for: owner))
            _ = log.append(answer, isLast: true)
            logs.append(log)
            await Task(executorPreference: loop) { streams.ended(log, on: loop) }.value
        }
        let kept = logs.map { streams.find($0.id(of: 0), for: owner) != nil }
        #expect(kept == [false, false, true, true, true, true])
    }
}

@Suite struct SignalTests {
    @Test func whatIsGivenBeforeIsRememberedOnce() async {
        let signal = Signal()
        signal.give()
        signal.give()
        await signal.wait()
        let waiting = Task { await signal.wait() }
        signal.give()
        await waiting.value
    }

    @Test func aCancelledTaskWaitsForNothing() async {
        let signal = Signal()
        let waiting = Task { await signal.wait() }
        waiting.cancel()
        await waiting.value
    }
}
