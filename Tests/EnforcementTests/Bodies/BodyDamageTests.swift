import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Enforcement

/// Answers that somebody took, changed or moved, and disks that do not take them.
@Suite struct BodyDamageTests {
    /// Three answers of one length.
    private static func written() async throws -> (BodyLog, [BodyNote]) {
        let log = BodyLog()
        let recorder = try log.open()
        for call in 1...3 { try await BodyLog.keep(call, "answer \(call)", in: recorder) }
        recorder.close()
        return (log, try log.notes.map(\.note))
    }

    private static func complaint(_ log: BodyLog, _ depth: BodyDepth = .files) -> String {
        do {
            _ = try log.verify(depth)
            return ""
        } catch { return "\(error)" }
    }

    @Test func everyChangedByteOfAnAnswerIsSeen() async throws {
        let (log, notes) = try await Self.written()
        let bytes = try log.bytes(notes[0])
        let range = notes[1].offset..<notes[1].offset + notes[1].length
        for index in range {
            var changed = bytes
            changed[index] ^= 1
            try log.write(changed, notes[0])
            #expect(Self.complaint(log).contains("it is not what its line says"))
        }
        try log.write(bytes, notes[0])
        #expect(try log.verify().bodies == 3)
    }

    @Test func swappedAndMovedAnswersAreSeen() async throws {
        let (log, notes) = try await Self.written()
        let bytes = try log.bytes(notes[0])
        #expect(notes[0].length == notes[1].length)
        let first = notes[0].offset..<notes[0].offset + notes[0].length
        let second = notes[1].offset..<notes[1].offset + notes[1].length
        var swapped = bytes
        swapped.replaceSubrange(first, with: bytes[second])
        swapped.replaceSubrange(second, with: bytes[first])
        try log.write(swapped, notes[0])
        #expect(Self.complaint(log).contains("not what its line says"))
        var moved = bytes
        moved.insert(0, at: notes[0].offset)
        try log.write(moved, notes[0])
        #expect(!Self.complaint(log).isEmpty)
    }

    @Test func aTornFileIsSeen() async throws {
        let (log, notes) = try await Self.written()
        let bytes = try log.bytes(notes[0])
        for cut in [1, notes[2].length, notes[2].length + 1, bytes.count] {
            try log.write(Array(bytes.dropLast(cut)), notes[0])
            let complaint = Self.complaint(log)
            #expect(complaint.contains("its file is cut"))
            #expect(complaint.contains("no line says that its key was destroyed"))
        }
    }

    @Test func aFileThatIsGoneIsSeenUnlessOnlyTheLinesWereAskedFor() async throws {
        let (log, _) = try await Self.written()
        try FileManager.default.removeItem(atPath: log.directory.log + "/bodies")
        #expect(Self.complaint(log).contains("its file is gone"))
        #expect(try log.verify(.none).lines > 0)
    }

    /// The files alone cannot show it; who may read the keys sees it.
    @Test func aKeyThatIsGoneOrAnotherWithoutAWordIsSeen() async throws {
        let (log, notes) = try await Self.written()
        let keys = log.directory.keys
        let path = BodyKey.path(notes[0].key, .key, in: keys)
        try Data([UInt8](repeating: 7, count: 32)).write(to: URL(fileURLWithPath: path))
        #expect(Self.complaint(log, .keys(keys)).contains("its key is not there"))
        try FileManager.default.removeItem(atPath: path)
        #expect(Self.complaint(log, .keys(keys)).contains("its key is not there"))
        #expect(try log.verify().bodies == 3)
    }

    /// A batch whose answers were written and whose lines were not.
    @Test func whatACrashLeavesInFrontOfTheLineIsNoObstacle() async throws {
        let (log, notes) = try await Self.written()
        try log.write(log.bytes(notes[0]) + [1, 2, 3], notes[0])
        let recorder = try log.open()
        try await BodyLog.keep(4, in: recorder)
        recorder.close()
        #expect(try log.notes.last?.note.file != notes[0].file)
        #expect(try log.verify(.keys(log.directory.keys)).bodies == 4)
    }

    @Test(arguments: [ScriptedDisk.Fault.enospc, .eio, .short(10)])
    func whatTheDiskDoesNotTakeIsRefused(_ fault: ScriptedDisk.Fault) async throws {
        let log = BodyLog()
        let scripted = ScriptedDisk()
        let recorder = try log.open(disk: scripted.disk)
        try await BodyLog.keep(1, in: recorder)
        scripted.set { $0.write = fault }
        await #expect(throws: RecordError.self) { try await BodyLog.keep(2, in: recorder) }
        #expect(!recorder.isWritable)
        scripted.set { $0.write = .none }
        try await Self.keepUntilTaken(3, in: recorder)
        recorder.close()
        let notes = try log.notes
        #expect(notes.map(\.call) == ["1", "3"])
        #expect(notes.first?.note.file != notes.last?.note.file)
        // The lines were never at fault: their file goes on.
        #expect(try log.directory.segments.count == 1)
        #expect(try log.verify(.keys(log.directory.keys)).bodies == 2)
    }

    @Test func aSyncThatFailsIsRefusedAndItsFileNeverTouchedAgain() async throws {
        let log = BodyLog()
        let scripted = ScriptedDisk()
        let recorder = try log.open(disk: scripted.disk)
        try await BodyLog.keep(1, in: recorder)
        scripted.set { $0.sync = .eio }
        await #expect(throws: RecordError.self) { try await BodyLog.keep(2, in: recorder) }
        scripted.set { $0.sync = .none }
        try await Self.keepUntilTaken(3, in: recorder)
        recorder.close()
        let notes = try log.notes
        #expect(notes.first?.note.file != notes.last?.note.file)
        #expect(try log.verify(.keys(log.directory.keys)).bodies == 2)
    }

    /// The answer is on disk and its line is not: the call is refused. Its line was signed, so it
    /// comes again in the next file, and says where the answer is.
    @Test func aLineThatFailsBehindItsAnswerLeavesAWholeRecord() async throws {
        let log = BodyLog()
        let left = Mutex(Int.max)
        var disk = RecorderDisk.real
        disk.write = { descriptor, bytes, offset in
            let isRefused = left.withLock { left in
                left -= 1
                return left == 0
            }
            return isRefused ? -Int(EIO) : RecorderDisk.real.write(descriptor, bytes, offset)
        }
        let recorder = try log.open(disk: disk)
        try await BodyLog.keep(1, in: recorder)
        left.withLock { $0 = 2 }
        await #expect(throws: RecordError.self) { try await BodyLog.keep(2, in: recorder) }
        try await Self.keepUntilTaken(3, in: recorder)
        recorder.close()
        #expect(try log.notes.map(\.call) == ["1", "2", "3"])
        #expect(try log.directory.segments.count == 2)
        #expect(try log.verify(.keys(log.directory.keys)).bodies == 3)
    }

    @Test func aLinkInPlaceOfTheFolderIsNotFollowed() async throws {
        let log = BodyLog()
        let recorder = try log.open()
        try FileManager.default.createSymbolicLink(
            atPath: log.directory.log + "/bodies", withDestinationPath: log.directory.root)
        await #expect(throws: RecordError.self) { try await BodyLog.keep(1, in: recorder) }
        recorder.close()
        #expect(try log.notes.isEmpty)
    }

    @Test func somebodyElseInTheFileIsSeenBeforeAnythingIsAdded() async throws {
        let log = BodyLog()
        let recorder = try log.open()
        try await BodyLog.keep(1, in: recorder)
        let first = try #require(try log.notes.first?.note)
        try log.write(log.bytes(first) + [0], first)
        await #expect(throws: RecordError.self) { try await BodyLog.keep(2, in: recorder) }
        try await Self.keepUntilTaken(3, in: recorder)
        recorder.close()
        #expect(try log.verify(.keys(log.directory.keys)).bodies == 2)
    }

    private static func keepUntilTaken(_ call: Int, in recorder: Recorder) async throws {
        let end = ContinuousClock.now + .seconds(150)
        let answer = try await BodyLog.answer("\(call)")
        while ContinuousClock.now < end {
            do {
                _ = try await recorder.append([intent(call), outcome(call)], keeping: answer)
                return
            } catch RecordError.unavailable { await Task.yield() }
        }
        Issue.record("the recorder does not come back")
    }
}
