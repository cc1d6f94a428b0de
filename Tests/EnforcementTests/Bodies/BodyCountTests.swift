import Foundation
import Testing

@testable import Enforcement

/// How many answers are kept and destroyed, as the verifier counts them, and what it believes.
@Suite struct BodyCountTests {
    private static func complaint(_ log: BodyLog, _ depth: BodyDepth = .files) -> String {
        do {
            _ = try log.verify(depth)
            return ""
        } catch { return "\(error)" }
    }

    private static func remove(
        _ lines: Set<Int>, _ log: BodyLog, _ recorder: Recorder
    ) async throws {
        let rewrite = try #require(
            try SegmentRewrite(
                directory: log.directory.log, segment: 1, removing: { lines.contains($0) }))
        _ = try await recorder.append([rewrite.note.body])
        try rewrite.finish()
    }

    /// One batch, in which lines that go follow directly on lines that tell of an answer.
    @Test func anAnswerIsCountedOnceWhateverIsRemovedBehindItsLine() async throws {
        let log = BodyLog()
        let recorder = try log.open(RecorderLimits(segmentBytes: 3_000))
        let writer = BodyWriter(log: log.directory.log, keys: log.directory.keys, disk: .real)
        var answers: [AnswerBody?] = []
        for call in 1...10 { answers.append(try await BodyLog.answer("\(call)")) }
        let batch = try writer.write(answers).enumerated().flatMap { index, note in
            [outcome(index + 1) + (note?.member ?? []), intent(11), intent(12)]
        }
        _ = try await recorder.append(batch)
        while try log.directory.segments.count == 1 {
            _ = try await recorder.append([intent(11), outcome(11)])
        }
        let kept = try log.keptLines()
        #expect(kept.count == 10)
        let intents = kept.flatMap { [$0.sequence + 1, $0.sequence + 2] }
        try await Self.remove(Set(intents), log, recorder)
        #expect(try log.verify().bodies == 10)
        #expect(try log.verify().destroyedBodies == 0)

        var destruction = try log.destruction(holding: ["7", "9"])
        _ = try await recorder.append([try #require(try destruction.prepare())])
        try destruction.finish()
        recorder.close()
        #expect(try log.verify().bodies == 2)
        #expect(try log.verify().destroyedBodies == 8)
    }

    /// The hold ended, the line is removed by rule, and the next tombstone is not yet written.
    @Test func aHeldAnswerWhoseLineWasRemovedByRuleIsNoComplaint() async throws {
        let log = BodyLog()
        let recorder = try log.open(RecorderLimits(segmentBytes: 3_000))
        for call in 1...3 { try await BodyLog.keep(call, in: recorder) }
        var destruction = try log.destruction(holding: ["1"])
        _ = try await recorder.append([try #require(try destruction.prepare())])
        try destruction.finish()
        while try log.directory.segments.count == 1 {
            _ = try await recorder.append([intent(4), outcome(4)])
        }
        let held = try #require(try log.keptLines().first).sequence
        try await Self.remove([held], log, recorder)
        recorder.close()
        let report = try log.verify(.keys(log.directory.keys))
        #expect(report.bodies == 0)
        #expect(report.destroyedBodies == 2)
    }

    enum Named: CaseIterable { case noAnswer, answerOfAnotherKey, laterLine, nothing }

    @Test(arguments: Named.allCases, [true, false])
    func whatIsHeldMustBeALineWithAnAnswerOfThatKey(
        _ named: Named, _ isFilesLookedAt: Bool
    ) async throws {
        let log = BodyLog()
        let recorder = try log.open()
        try await BodyLog.keep(1, in: recorder)
        try await BodyLog.keep(2, days: 7, in: recorder)
        let kept = try log.keptLines()
        let line =
            switch named {
            case .noAnswer: kept[0].sequence - 1
            case .answerOfAnotherKey: kept[1].sequence
            // Of the answer that comes right behind: tombstone, checkpoint, intent, outcome.
            case .laterLine: kept[1].sequence + 5
            case .nothing: 1_000
            }
        let tombstone = BodyTombstone(key: kept[0].note.key, bodies: 1, held: [line])
        _ = try await recorder.append([tombstone.line])
        try await BodyLog.keep(3, in: recorder)
        #expect(try log.keptLines().last?.sequence == kept[1].sequence + 5)
        recorder.close()
        let complaint = Self.complaint(log, isFilesLookedAt ? .files : .none)
        #expect(complaint.contains("the answer of line \(line) is held and not there"))
    }

    /// What a line says is no reason to take memory, nor to end the verifier.
    @Test(arguments: [BodySeal.bytesMost + 1, 2 << 30, .max / 2])
    func anAnswerLongerThanAnyThatIsKeptIsNotRead(_ length: Int) async throws {
        let log = BodyLog()
        let recorder = try log.open()
        try await BodyLog.keep(1, in: recorder)
        recorder.close()
        let note = try #require(try log.notes.first?.note)
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: log.path(note)))
        try file.truncate(atOffset: 3 << 30)
        try file.close()
        let long = BodyNote(
            key: note.key, number: note.number, offset: note.offset, length: length,
            digest: note.digest)
        let files = BodyFiles(log: log.directory.log)
        #expect(throws: BodyFiles.Fault.changed) { try files.sealed(long) }
        #expect(try files.sealed(note).count == note.length)
    }

    @Test func theLongestAnswerThatIsKeptIsTheLongestThatIsRead() throws {
        let directory = AuditDirectory()
        try directory.open().close()
        let most = BodyTerm(days: 1, bytes: .max).bytes
        #expect(most == 4 << 20)
        let key = try BodyKey.current(day: 20_000, days: 1, in: directory.keys)
        let sealed = try BodySeal.seal(
            [UInt8](repeating: 0x20, count: most), of: "1", by: key, in: "f", at: 0)
        #expect(sealed.count == BodySeal.bytesMost)
    }
}
