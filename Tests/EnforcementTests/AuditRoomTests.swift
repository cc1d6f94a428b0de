import Foundation
import Synchronization
import Testing

@testable import Enforcement

/// The spaces behind a live segment's lines: seen by nobody, and never mistaken for lines.
@Suite struct AuditRoomTests {
    private func isRoom(_ bytes: ArraySlice<UInt8>) -> Bool { bytes.allSatisfy { $0 == 0x20 } }

    private func lineBytes(_ bytes: [UInt8]) -> Int {
        bytes.lastIndex { $0 != 0x20 }.map { $0 + 1 } ?? 0
    }

    /// What a kill leaves: the files as they are while the server runs.
    private func killed(_ directory: AuditDirectory) throws -> AuditDirectory {
        let copy = AuditDirectory()
        try directory.copy(to: copy)
        return copy
    }

    @Test func aLiveSegmentHasRoomThatReadersDoNotSee() async throws {
        let directory = AuditDirectory()
        let recorder = try directory.open()
        _ = try await recorder.append([intent(1), outcome(1)])
        let bytes = try directory.bytes()
        #expect(bytes.count - lineBytes(bytes) > 100_000)
        #expect(bytes[lineBytes(bytes) - 1] == 0x0A)
        let report = try directory.verify()
        #expect(report.tailBytes == 0)
        #expect(report.calls == 1)
        #expect(try AuditReader(directory: directory.log).last(100).count == report.size)
        recorder.close()
        #expect(try directory.bytes() == Array(bytes[..<lineBytes(bytes)]))
    }

    @Test func afterAKillTheRoomIsWrittenOverWithoutAWord() async throws {
        let directory = AuditDirectory()
        let recorder = try directory.open()
        _ = try await recorder.append([intent(1), outcome(1)])
        let copy = try killed(directory)
        let size = try copy.bytes().count
        let again = try copy.open()
        _ = try await again.append([intent(2), outcome(2)])
        #expect(try copy.bytes().count == size)
        again.close()
        let text = String(decoding: try copy.bytes(), as: UTF8.self)
        #expect(!text.contains(#""event":"recovered""#))
        let report = try copy.verify()
        #expect(report.segments == 1)
        #expect(report.calls == 2)
        #expect(text.last == "\n")
        recorder.close()
    }

    /// Sectors of the last batch reach the disk in any order and number.
    @Test func aBatchTornOverTheRoomIsATailWhateverSectorsLanded() async throws {
        let directory = AuditDirectory()
        let recorder = try directory.open()
        _ = try await recorder.append([intent(1, padding: 300), outcome(1)])
        let before = try killed(directory)
        _ = try await recorder.append((2..<5).map { intent($0, padding: 600) } + [outcome(2)])
        let old = try before.bytes()
        let new = try directory.bytes()
        recorder.close()
        let first = lineBytes(old) / 512
        let count = lineBytes(new) / 512 - first + 1
        #expect(old.count == new.count && (5...9).contains(count))
        for landed in 0..<(1 << count) {
            var torn = old
            for sector in 0..<count where landed & 1 << sector != 0 {
                let range = (first + sector) * 512..<(first + sector + 1) * 512
                torn.replaceSubrange(range, with: new[range])
            }
            let isWhole = torn == new
            let isEmpty = torn == old
            try before.write(torn)
            let report = try before.verify()
            #expect(report.calls == (isWhole ? 4 : 1), "sectors \(landed)")
            #expect((report.tailBytes == 0) == (isWhole || isEmpty), "sectors \(landed)")
            guard landed % 7 == 0 || isWhole else { continue }
            let copy = try killed(before)
            try copy.open().close()
            let after = try copy.verify()
            #expect(after.calls == report.calls && after.tailBytes == 0)
            #expect(after.segments == (isWhole || isEmpty ? 1 : 2), "sectors \(landed)")
        }
    }

    @Test func spacesAnywhereElseAreDamage() async throws {
        let directory = AuditDirectory()
        let recorder = try directory.open(RecorderLimits(segmentBytes: 3000))
        for call in 0..<12 { _ = try await recorder.append([intent(call)]) }
        recorder.close()
        let last = try #require(directory.segments.last)
        let room = [UInt8](repeating: 0x20, count: 2048)
        for segment in 1..<last {
            let copy = try killed(directory)
            try copy.write(directory.bytes(segment) + room, segment)
            guard segment < last - 1 else {
                // A kill in front of the line that explains them: told, and explained by the next.
                #expect(try copy.verify().abandonedBytes == room.count)
                try copy.open().close()
                #expect(
                    String(decoding: try copy.bytes(last), as: UTF8.self)
                        .contains(#""event":"recovered","segment":\#(segment)"#))
                continue
            }
            #expect(throws: RecordError.self, "segment \(segment)") { try copy.verify() }
        }
        let lines = try directory.lines(last)
        for index in 0..<lines.count - 1 {
            let copy = try killed(directory)
            let changed = lines[...index].joined() + room + lines[(index + 1)...].joined()
            try copy.write(Array(changed), last)
            // Two checkpoints or none in front: not the one last batch.
            guard lines[(index + 1)...].count(where: { $0.starts(with: checkpoint($0)) }) > 1
            else { continue }
            #expect(throws: RecordError.self, "line \(index)") { try copy.verify() }
            #expect(throws: RecordError.self, "line \(index)") { try copy.open() }
        }
        let copy = try killed(directory)
        try copy.write(directory.bytes(last) + room + Array("\n".utf8) + room, last)
        #expect(try copy.verify().tailBytes == 2049)
    }

    /// The line itself when it is a checkpoint, else what no line begins with.
    private func checkpoint(_ line: [UInt8]) -> [UInt8] {
        SegmentLine(line.dropLast())?.isEvent("checkpoint") == true ? line : [0]
    }

    @Test func aBatchIsOneWriteAndOneSyncAlsoWhenItMakesRoom() async throws {
        let directory = AuditDirectory()
        let scripted = ScriptedDisk()
        let recorder = try directory.open(disk: scripted.disk)
        let before = scripted.script.withLock { ($0.writes, $0.syncs) }
        for call in 0..<30 { _ = try await recorder.append([intent(call, padding: 9000)]) }
        let after = scripted.script.withLock { ($0.writes, $0.syncs) }
        #expect(after.0 - before.0 == 30)
        #expect(after.1 - before.1 == 30)
        #expect(try directory.bytes().count > 280_000)
        recorder.close()
        #expect(try directory.verify().calls == 30)
    }

    @Test func theRoomEndsWithTheSegment() async throws {
        let directory = AuditDirectory()
        let recorder = try directory.open(RecorderLimits(segmentBytes: 20_000))
        _ = try await recorder.append([intent(1)])
        #expect(try directory.bytes().count == 20_000)
        recorder.close()
    }

    @Test(arguments: [0, 700, 100_000])
    func aBatchThatFailedToMakeRoomIsWrittenAgainWithoutIt(_ written: Int) async throws {
        let directory = AuditDirectory()
        let scripted = ScriptedDisk()
        let recorder = try directory.open(
            RecorderLimits(retry: .milliseconds(5)), disk: scripted.disk)
        scripted.set { $0.write = .short(written) }
        await #expect(throws: RecordError.self) { try await recorder.append([intent(1)]) }
        scripted.set { $0.write = .none }
        let end = ContinuousClock.now + .seconds(20)
        while !recorder.isWritable, ContinuousClock.now < end { await Task.yield() }
        _ = try await recorder.append([intent(2)])
        recorder.close()
        let report = try directory.verify()
        #expect(report.calls == 2 && report.segments == 2 && report.tailBytes == 0)
        #expect(!String(decoding: try directory.bytes(2), as: UTF8.self).contains("  "))
    }

    @Test func aSegmentThatCannotBeTrimmedIsLeftAndExplained() async throws {
        let directory = AuditDirectory()
        let first = try directory.open(RecorderLimits(segmentBytes: 100_000))
        _ = try await first.append([intent(1)])
        let copy = try killed(directory)
        first.close()
        let scripted = ScriptedDisk()
        scripted.set { $0.isTruncateRefused = true }
        // The room that the kill left ends behind this smaller limit.
        let limits = RecorderLimits(segmentBytes: 2000, retry: .milliseconds(5))
        let recorder = try copy.open(limits, disk: scripted.disk)
        await #expect(throws: RecordError.self) { try await recorder.append([intent(2)]) }
        let end = ContinuousClock.now + .seconds(20)
        while !recorder.isWritable, ContinuousClock.now < end { await Task.yield() }
        _ = try await recorder.append([intent(3)])
        recorder.close()
        let text = String(decoding: try copy.bytes(2), as: UTF8.self)
        #expect(text.contains(#""event":"recovered","segment":1"#))
        #expect(try copy.verify().calls == 3)
    }
}
