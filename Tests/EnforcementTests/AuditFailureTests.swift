import Dispatch
import Foundation
import Synchronization
import Testing

@testable import Enforcement

/// The disk refuses, lies short, or hangs.
@Suite struct AuditFailureTests {
    private let limits = RecorderLimits(
        deadline: .milliseconds(200), retry: .milliseconds(20))

    /// Appends until the recorder takes lines again; it must do so without help.
    private func appendUntilTaken(_ recorder: Recorder, _ body: [UInt8]) async throws {
        let end = ContinuousClock.now + .seconds(150)
        while ContinuousClock.now < end {
            do {
                _ = try await recorder.append([body])
                return
            } catch RecordError.unavailable { await Task.yield() }
        }
        Issue.record("the recorder did not recover")
    }

    enum Kind: CaseIterable { case enospc, short, shortOfAll, syncError, everything }

    @Test(arguments: Kind.allCases)
    func aRefusedBatchIsRefusedAndTheLogGoesOnInANewSegment(_ kind: Kind) async throws {
        let directory = AuditDirectory()
        let scripted = ScriptedDisk()
        let recorder = try directory.open(limits, disk: scripted.disk)
        _ = try await recorder.append([intent(1)])
        scripted.set { script in
            switch kind {
            case .enospc: script.write = .enospc
            case .short: script.write = .short(100)
            case .shortOfAll: script.write = .short(.max)
            case .syncError: script.sync = .eio
            case .everything:
                script.sync = .eio
                script.isCreateRefused = true
            }
        }
        let start = ContinuousClock.now
        await #expect(throws: RecordError.self) { try await recorder.append([intent(2)]) }
        #expect(ContinuousClock.now - start < .seconds(150))
        #expect(!recorder.isWritable)
        await #expect(throws: RecordError.self) { try await recorder.append([intent(3)]) }
        scripted.set { script in
            script.write = .none
            script.sync = .none
            script.isCreateRefused = false
        }
        try await appendUntilTaken(recorder, intent(4))
        #expect(recorder.isWritable)
        recorder.close()
        let report = try directory.verify()
        #expect(report.segments == 2)
        #expect(report.calls >= 2)
        let text = String(decoding: try directory.bytes(2), as: UTF8.self)
        #expect(text.contains(#""event":"recovered","segment":1"#))
        #expect(text.contains(#""call":"4""#))
        #expect(!text.contains(#""call":"3""#))
        try directory.open().close()
        #expect(try directory.verify().epochs.count == 2)
    }

    @Test func aDescriptorThatFailedIsNeverUsedAgain() async throws {
        let directory = AuditDirectory()
        let scripted = ScriptedDisk()
        var limits = limits
        limits.retry = .seconds(3600)
        let recorder = try directory.open(limits, disk: scripted.disk)
        scripted.set { $0.sync = .eio }
        for call in 0..<5 {
            await #expect(throws: RecordError.self) { try await recorder.append([intent(call)]) }
        }
        #expect(!scripted.script.withLock { $0.usedAfterFailure })
        recorder.close()
    }

    @Test func aHungDiskIsToldWithinTheDeadlineAndTheLateBatchCounts() async throws {
        let directory = AuditDirectory()
        let scripted = ScriptedDisk()
        let recorder = try directory.open(limits, disk: scripted.disk)
        let gate = DispatchSemaphore(value: 0)
        scripted.set { $0.holdSync = gate }
        let first = Task { try await recorder.append([intent(1)]) }
        let second = Task { try await recorder.append([intent(2)]) }
        await #expect(throws: RecordError.self) { try await first.value }
        await #expect(throws: RecordError.self) { try await second.value }
        #expect(!recorder.isWritable)
        scripted.set { $0.holdSync = nil }
        for _ in 0..<4 { gate.signal() }
        try await appendUntilTaken(recorder, intent(3))
        recorder.close()
        let report = try directory.verify()
        #expect(report.segments == 1)
        #expect(report.calls >= 2)
    }

    @Test func aWakeThatIsOwedAndNeverComesDelaysLinesAndLosesNone() async throws {
        let directory = AuditDirectory()
        let recorder = try Recorder.open(
            directory: directory.log, keys: directory.keys, limits: limits, wakeLater: { _ in })
        for call in 0..<3 {
            let start = ContinuousClock.now
            _ = try await recorder.append([intent(call)])
            #expect(ContinuousClock.now - start < .seconds(150))
        }
        #expect(recorder.isWritable)
        recorder.close()
        #expect(try directory.verify().calls == 3)
    }

    @Test func theDeadlineHoldsOverAHungDiskWithoutTheOwedWake() async throws {
        let directory = AuditDirectory()
        let scripted = ScriptedDisk()
        let recorder = try Recorder.open(
            directory: directory.log, keys: directory.keys, limits: limits, disk: scripted.disk,
            wakeLater: { _ in })
        let gate = DispatchSemaphore(value: 0)
        scripted.set { $0.holdSync = gate }
        await #expect(throws: RecordError.self) { try await recorder.append([intent(1)]) }
        #expect(!recorder.isWritable)
        scripted.set { $0.holdSync = nil }
        for _ in 0..<4 { gate.signal() }
        try await appendUntilTaken(recorder, intent(2))
        recorder.close()
        #expect(try directory.verify().calls == 2)
    }

    @Test func aFullQueueRefusesAtOnce() async throws {
        let directory = AuditDirectory()
        let recorder = try directory.open(RecorderLimits(queuedBytes: 1000))
        do {
            _ = try await recorder.append([intent(1, padding: 2000)])
            Issue.record("more than the queue was taken")
        } catch RecordError.overloaded {}
        #expect(recorder.isWritable)
        _ = try await recorder.append([intent(2)])
        recorder.close()
        #expect(try directory.verify().calls == 1)
    }
}

/// What a crash leaves, and what only a hand leaves.
@Suite struct AuditRecoveryTests {
    private func written(_ calls: Int) async throws -> AuditDirectory {
        let directory = AuditDirectory()
        let recorder = try directory.open()
        for call in 0..<calls { _ = try await recorder.append([intent(call), outcome(call)]) }
        recorder.close()
        return directory
    }

    @Test func aTailTornAtAnyByteIsCutAndTheCutIsRecorded() async throws {
        let original = try await written(2)
        let bytes = try original.bytes()
        let last = try original.lines().suffix(3).reduce(0) { $0 + $1.count }
        let publicKey = try original.publicKey
        for cut in stride(from: 1, through: last, by: 1) {
            let copy = AuditDirectory()
            try original.copy(to: copy)
            try copy.write(Array(bytes.dropLast(cut)))
            let torn = try AuditVerifier.verify(directory: copy.log, publicKey: publicKey)
            // A space in a line that the tail ends with cannot be told from room.
            let room = bytes.dropLast(cut).reversed().prefix { $0 == 0x20 }.count
            #expect(torn.tailBytes == last - cut - room)
            #expect(torn.calls == 1)
            try copy.open().close()
            let report = try copy.verify()
            #expect(report.calls == 1)
            #expect(report.tailBytes == 0)
            guard cut < last else { continue }
            let text = String(decoding: try copy.bytes(2), as: UTF8.self)
            let tail = last - cut - room
            let digest = SHA256.digest(Array(bytes.dropLast(cut + room).suffix(tail))).hex
            #expect(text.contains(#""bytes":\#(tail),"sha256":"\#(digest)""#))
        }
    }

    @Test func sectorsThatNeverReachedTheDiskAreATornBatch() async throws {
        let directory = AuditDirectory()
        let recorder = try directory.open()
        _ = try await recorder.append([intent(1)])
        _ = try await recorder.append((2..<8).map { intent($0, padding: 400) })
        recorder.close()
        var bytes = try directory.bytes()
        let hole = (bytes.count / 512 - 2) * 512
        for index in hole..<hole + 512 { bytes[index] = 0 }
        try directory.write(bytes)
        try directory.open().close()
        #expect(try directory.verify().calls == 1)
    }

    @Test func zerosBehindTheRecordAreCut() async throws {
        let directory = try await written(2)
        try directory.write(directory.bytes() + [UInt8](repeating: 0, count: 512))
        #expect(try directory.verify().tailBytes == 512)
        try directory.open().close()
        #expect(try directory.verify().tailBytes == 0)
    }

    @Test func damageAnywhereElseKeepsTheServerDown() async throws {
        let original = try await written(4)
        let lines = try original.lines()
        for line in lines.indices.dropLast() {
            var changed = lines
            changed[line][changed[line].count / 2] ^= 1
            let copy = AuditDirectory()
            try original.copy(to: copy)
            try copy.write(Array(changed.joined()))
            #expect(throws: RecordError.self, "line \(line + 1)") { try copy.open() }
        }
    }

    /// A key that the log does not know, and a key that the log has left: both as after kill -9.
    @Test func withTwoKeysTheLogDecides() async throws {
        let directory = try await written(1)
        let old = try String(contentsOfFile: directory.keys + "/epoch-1.pem", encoding: .utf8)
        try Ed25519PrivateKey.generate().pem().write(
            toFile: directory.keys + "/epoch-2.pem", atomically: true, encoding: .utf8)
        try directory.open().close()
        try old.write(
            toFile: directory.keys + "/epoch-1.pem", atomically: true, encoding: .utf8)
        try directory.open().close()
        #expect(try directory.verify().epochs.map(\.number) == [1, 2, 3])
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: directory.keys).sorted()
                == ["begun", "epoch-3.pem"])
    }

    @Test func aTornKeyOrAnUnnamedSegmentIsNoObstacle() async throws {
        let directory = try await written(1)
        try Data("-----BEGIN".utf8).write(
            to: URL(fileURLWithPath: directory.keys + "/epoch-2.pem"))
        try Data("half".utf8).write(to: URL(fileURLWithPath: directory.path(2) + ".new"))
        let recorder = try directory.open(RecorderLimits(segmentBytes: 100))
        _ = try await recorder.append([intent(7)])
        recorder.close()
        #expect(try directory.verify().calls == 2)
    }

    @Test func aMissingPublicKeyFileIsWrittenAgain() async throws {
        let directory = try await written(1)
        let key = try directory.publicKey
        try FileManager.default.removeItem(atPath: directory.log + "/record.pub")
        try directory.open().close()
        #expect(try directory.publicKey == key)
    }
}
