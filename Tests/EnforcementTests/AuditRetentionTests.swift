import Foundation
import Testing

@testable import Enforcement

/// Lines are taken out of files that are written no more, and what is left must prove itself.
@Suite struct AuditRetentionTests {
    /// Twelve calls in several files, the last of which is still open.
    private static func written() async throws -> (AuditDirectory, Recorder) {
        let directory = AuditDirectory()
        let recorder = try directory.open(RecorderLimits(segmentBytes: 3_000))
        for call in 1...12 { _ = try await recorder.append([intent(call), outcome(call)]) }
        return (directory, recorder)
    }

    /// The lines of a call that stand in this file, by number.
    private static func lines(
        of call: Int, _ directory: AuditDirectory, _ segment: Int = 1
    ) throws -> Set<Int> {
        let found = try directory.lines(segment).compactMap { SegmentLine($0.dropLast()[...]) }
            .filter { line in
                String(decoding: line.body, as: UTF8.self).contains(#""call":"\#(call)""#)
            }
        return Set(found.map(\.sequence))
    }

    private static func remove(
        _ lines: Set<Int>, _ directory: AuditDirectory, _ recorder: Recorder, segment: Int = 1
    ) async throws {
        let rewrite = try #require(
            try SegmentRewrite(
                directory: directory.log, segment: segment, removing: { lines.contains($0) }))
        _ = try await recorder.append([rewrite.note.body])
        try rewrite.finish()
    }

    @Test func whatIsRemovedIsGoneAndTheRestProvesItselfAsBefore() async throws {
        let (directory, recorder) = try await Self.written()
        let kept = try KeptCheckpoint.read(
            Array(AuditProof.lastNote(directory: directory.log).utf8))
        let lines = try Self.lines(of: 1, directory)
        #expect(lines.count == 2)
        try await Self.remove(lines, directory, recorder)
        recorder.close()

        let text = String(decoding: try directory.bytes(), as: UTF8.self)
        #expect(!text.contains(#""call":"1""#) && text.contains(#""call":"2""#))
        let report = try AuditVerifier.verify(
            directory: directory.log, publicKey: directory.publicKey, kept: kept)
        #expect(report.removedLines == 2)
        #expect(report.removedFiles == ["000001.jsonl"])
        #expect(report.calls == 11)
        let reader = AuditReader(directory: directory.log)
        #expect(try reader.line(sequence: lines.min() ?? 0) == nil)
        #expect(try reader.line(sequence: (lines.max() ?? 0) + 1) != nil)
    }

    @Test func proofsOfOtherLinesHoldAndOneOfAGoneLineIsRefused() async throws {
        let (directory, recorder) = try await Self.written()
        let before = try AuditProof.inclusion(of: 8, directory: directory.log).text
        let old = try AuditProof.lastNote(directory: directory.log)
        let size = try #require(Int(old.split(separator: "\n")[1]))
        let lines = try Self.lines(of: 1, directory)
        try await Self.remove(lines, directory, recorder)
        recorder.close()
        let proof = try AuditProof.inclusion(of: 8, directory: directory.log).text
        #expect(proof.split(separator: "\n")[1] == before.split(separator: "\n")[1])
        #expect(try AuditProofTests.check(proof, directory))
        let grown = try AuditProof.consistency(from: size, directory: directory.log).text
        #expect(try AuditProofTests.check(grown, directory, old: old))
        #expect(throws: RecordError.self) {
            try AuditProof.inclusion(of: lines.min() ?? 0, directory: directory.log)
        }
    }

    @Test func linesThatAreGoneWithoutAWordAreDamage() async throws {
        let (directory, recorder) = try await Self.written()
        let lines = try Self.lines(of: 1, directory)
        let rewrite = try #require(
            try SegmentRewrite(
                directory: directory.log, segment: 1, removing: { lines.contains($0) }))
        try rewrite.finish()
        recorder.close()
        #expect(throws: RecordError.self) { try directory.verify() }
    }

    @Test func moreThanWasToldCannotBeTaken() async throws {
        let (directory, recorder) = try await Self.written()
        try await Self.remove(Self.lines(of: 1, directory), directory, recorder)
        let more = try Self.lines(of: 2, directory)
        #expect(!more.isEmpty)
        let rewrite = try #require(
            try SegmentRewrite(
                directory: directory.log, segment: 1, removing: { more.contains($0) }))
        _ = try directory.verify()
        try rewrite.finish()
        recorder.close()
        #expect(throws: RecordError.self) { try directory.verify() }
    }

    @Test func aSecondTimeCountsAllThatIsGone() async throws {
        let (directory, recorder) = try await Self.written()
        try await Self.remove(Self.lines(of: 1, directory), directory, recorder)
        try await Self.remove(Self.lines(of: 2, directory), directory, recorder)
        recorder.close()
        #expect(try directory.verify().removedLines == 4)
    }

    @Test func aCrashBetweenTheWordAndTheDeedLeavesAWholeRecord() async throws {
        let (directory, recorder) = try await Self.written()
        let lines = try Self.lines(of: 1, directory)
        let rewrite = try #require(
            try SegmentRewrite(
                directory: directory.log, segment: 1, removing: { lines.contains($0) }))
        _ = try await recorder.append([rewrite.note.body])
        recorder.close()
        #expect(try directory.verify().removedLines == 0)
        let again = try directory.open(RecorderLimits(segmentBytes: 3_000))
        try await Self.remove(lines, directory, again)
        again.close()
        #expect(try directory.verify().removedLines == 2)
    }

    @Test func theFileThatIsWrittenOnNeverLacksALine() async throws {
        let (directory, recorder) = try await Self.written()
        recorder.close()
        let last = try #require(try directory.segments.last)
        var lines = try directory.lines(last)
        let place = try #require(
            lines.firstIndex { SegmentLine($0.dropLast()[...])?.isEvent("outcome") == true })
        let line = lines[place].dropLast()
        let parsed = try #require(SegmentLine(line[...]))
        lines[place] =
            RemovedLine(sequence: parsed.sequence, leaf: SHA256.leaf(Array(line))).bytes + [0x0A]
        try directory.write(lines.flatMap(\.self), last)
        #expect(throws: RecordError.self) { try directory.verify() }
        #expect(throws: RecordError.self) { try directory.open() }
    }

    @Test func aFileIntoWhichSomebodyWroteStaysAsItIs() async throws {
        let (directory, recorder) = try await Self.written()
        recorder.close()
        try directory.write(directory.bytes() + Array("foreign\n".utf8))
        #expect(
            try SegmentRewrite(directory: directory.log, segment: 1, removing: { _ in true })?
                .note == nil)
    }

    @Test func readersGoOnBehindAPlaceThatIsThereNoMore() async throws {
        let (directory, recorder) = try await Self.written()
        var tail = RecordTail(directory: directory.log)
        try tail.read { _ in false }
        try tail.read { _ in false }
        let place = tail.place
        try await Self.remove(Self.lines(of: 1, directory), directory, recorder)
        recorder.close()
        var moved = RecordTail(
            directory: directory.log,
            from: RecordTail.Place(
                segment: place.segment, offset: place.offset - 3, sequence: place.sequence))
        var numbers: [Int] = []
        try moved.read { batch in
            numbers += batch.map(\.line.sequence)
            return true
        }
        let size = try directory.verify().size
        #expect(numbers == Array(place.sequence..<size))
    }

    @Test func aFileThatIsOldIsFollowedByANewOne() async throws {
        for (seconds, count) in [(0, 4), (1_000_000, 1)] {
            let directory = AuditDirectory()
            let recorder = try directory.open(RecorderLimits(segmentSeconds: seconds))
            for call in 1...3 { _ = try await recorder.append([outcome(call)]) }
            recorder.close()
            #expect(try directory.segments.count == count)
            _ = try directory.verify()
        }
    }

    @Test func aStubIsOneExactly() {
        let stub = RemovedLine(sequence: 7, leaf: SHA256.leaf([1]))
        #expect(RemovedLine(stub.bytes[...])?.sequence == 7)
        #expect(SegmentLine(stub.bytes[...]) == nil)
        for change: [UInt8] in [[0x20], [0x7D]] {
            #expect(RemovedLine((stub.bytes + change)[...]) == nil)
        }
        let note = RemovalNote(
            segment: 3, lines: 9, digest: String(repeating: "a", count: 64))
        #expect(RemovalNote(note.body[...]) == note)
        #expect(RemovalNote((note.body + [0x2C])[...]) == nil)
    }
}
