import Foundation
import Synchronization
import Testing

@testable import Enforcement

/// Somebody else's hands on the files of a running server.
@Suite struct AuditChangeTests {
    enum Hand: CaseIterable {
        case removed, renamed, restored, replaced, linked, emptied, halved, appended

        var word: String {
            switch self {
            case .removed, .renamed: "removed"
            case .restored, .replaced, .linked: "replaced"
            case .emptied, .halved: "truncated"
            case .appended: "extended"
            }
        }

        func change(_ directory: AuditDirectory) throws {
            let manager = FileManager.default
            let path = directory.path(1)
            switch self {
            case .removed: try manager.removeItem(atPath: path)
            case .renamed: try manager.moveItem(atPath: path, toPath: path + ".1")
            case .restored:
                try manager.copyItem(atPath: path, toPath: path + ".1")
                #expect(unsafe rename(path + ".1", path) == 0)
            case .replaced:
                try manager.removeItem(atPath: path)
                try directory.write(Array("another\n".utf8))
            case .linked:
                try manager.moveItem(atPath: path, toPath: path + ".1")
                try manager.createSymbolicLink(
                    atPath: path, withDestinationPath: path + ".1")
            case .emptied: #expect(unsafe truncate(path, 0) == 0)
            case .halved:
                // Behind the lines there is room, which nobody would miss.
                let lines = try #require(directory.bytes().lastIndex(of: 0x0A))
                #expect(unsafe truncate(path, lines / 2) == 0)
            case .appended: try append(Array("garbage\n".utf8), to: path)
            }
        }

        private func append(_ bytes: [UInt8], to path: String) throws {
            let file = try #require(FileHandle(forWritingAtPath: path))
            try file.seekToEnd()
            try file.write(contentsOf: Data(bytes))
            try file.close()
        }
    }

    private let limits = RecorderLimits(deadline: .seconds(30), retry: .milliseconds(10))

    private func open(
        _ directory: AuditDirectory, _ limits: RecorderLimits, _ told: Told = Told()
    ) throws -> Recorder {
        try Recorder.open(
            directory: directory.log, keys: directory.keys, limits: limits,
            notice: { error in told.texts.withLock { $0.append("\(error)") } })
    }

    private final class Told: Sendable { let texts = Mutex<[String]>([]) }

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

    /// The text of the error that `body` throws.
    private func refusal(_ body: () async throws -> Void) async -> String {
        do {
            try await body()
            return "no error"
        } catch { return "\(error)" }
    }

    @Test(arguments: Hand.allCases)
    func theNextBatchIsRefusedAndTheLogGoesOnInANewSegment(_ hand: Hand) async throws {
        let directory = AuditDirectory()
        let told = Told()
        let recorder = try open(directory, limits, told)
        _ = try await recorder.append([intent(1)])
        let file = try directory.bytes().count
        let from = try #require(directory.bytes().lastIndex(of: 0x0A)) + 1
        try hand.change(directory)
        let text = await refusal { _ = try await recorder.append([intent(2)]) }
        #expect(text.contains("\(directory.path(1)) was \(hand.word) by somebody else"))
        #expect(text.hasPrefix("the record cannot be written: "))
        #expect(told.texts.withLock { $0 } == [text])
        let left = try? directory.bytes(1)
        try await appendUntilTaken(recorder, intent(3))
        #expect(recorder.isWritable)
        recorder.close()
        let next = String(decoding: try directory.bytes(2), as: UTF8.self)
        #expect(
            next.contains(
                #""event":"recovered","segment":1,"from":\#(from),"changed":"\#(hand.word)","#
                    + #""expected":\#(file),"found":"#))
        #expect(next.contains(#""call":"3""#))
        #expect(!next.contains(#""call":"2""#))
        // Evidence: neither cut nor filled up.
        let kept = try? directory.bytes(1)
        #expect(kept == left)
        #expect(told.texts.withLock { $0.count } == 1)
    }

    @Test(arguments: Hand.allCases)
    func theVerifierNamesTheFileUntilItsLinesAreBack(_ hand: Hand) async throws {
        let directory = AuditDirectory()
        let recorder = try open(directory, limits)
        _ = try await recorder.append([intent(1)])
        let lines = try directory.bytes()
        try hand.change(directory)
        await #expect(throws: RecordError.self) { try await recorder.append([intent(2)]) }
        try await appendUntilTaken(recorder, intent(3))
        recorder.close()
        // An exact copy holds all that was acknowledged.
        if hand != .restored {
            let text = await refusal { _ = try directory.verify() }
            #expect(text.contains(SegmentDirectory.name(1)))
        }
        try? FileManager.default.removeItem(atPath: directory.path(1))
        try directory.write(lines)
        let report = try directory.verify()
        #expect(report.calls == 2 && report.segments == 2)
        #expect(report.changedFiles == [SegmentDirectory.name(1)])
        try directory.open().close()
        #expect(try directory.verify().epochs.count == 2)
    }

    @Test func aCopyWithoutTheLastBatchIsNotTheFile() async throws {
        let directory = AuditDirectory()
        let recorder = try open(directory, limits)
        _ = try await recorder.append([intent(1)])
        let copy = try directory.bytes()
        _ = try await recorder.append([intent(2)])
        try FileManager.default.removeItem(atPath: directory.path(1))
        try directory.write(copy)
        await #expect(throws: RecordError.self) { try await recorder.append([intent(3)]) }
        try await appendUntilTaken(recorder, intent(4))
        recorder.close()
        let text = await refusal { _ = try directory.verify() }
        #expect(text.contains(SegmentDirectory.name(1)))
    }

    @Test func aChangeInFrontOfARotationIsSeen() async throws {
        let directory = AuditDirectory()
        let recorder = try open(
            directory, RecorderLimits(segmentBytes: 100, retry: .milliseconds(10)))
        _ = try await recorder.append([intent(1)])
        try FileManager.default.removeItem(atPath: directory.path(2))
        let text = await refusal { _ = try await recorder.append([intent(2)]) }
        #expect(text.contains("\(directory.path(2)) was removed"))
        recorder.close()
    }

    @Test func aBackupsHardLinkIsNoChange() async throws {
        let directory = AuditDirectory()
        let recorder = try open(directory, limits)
        _ = try await recorder.append([intent(1)])
        #expect(unsafe link(directory.path(1), directory.root + "/backup") == 0)
        _ = try await recorder.append([intent(2)])
        recorder.close()
        #expect(try directory.verify().segments == 1)
    }

    @Test func aChangeJustBeforeTheStopIsToldAndKeepsNoStartDown() async throws {
        let directory = AuditDirectory()
        let told = Told()
        let recorder = try open(directory, limits, told)
        _ = try await recorder.append([intent(1)])
        try Hand.appended.change(directory)
        recorder.close()
        #expect(told.texts.withLock { $0.first }?.contains("was extended") == true)
        try directory.open().close()
        let text = String(decoding: try directory.bytes(2), as: UTF8.self)
        #expect(text.contains(#""changed":"extended""#))
        #expect(throws: RecordError.self) { try directory.verify() }
    }

    /// The disk refuses, and before it takes lines again somebody has had the file.
    @Test(arguments: [Hand.removed, .replaced, .emptied])
    func afterADiskFailureAFileThatIsNotOursAnyMoreIsLeftAlone(_ hand: Hand) async throws {
        let directory = AuditDirectory()
        let scripted = ScriptedDisk()
        let recorder = try directory.open(limits, disk: scripted.disk)
        _ = try await recorder.append([intent(1)])
        scripted.set { script in
            script.sync = .eio
            script.isCreateRefused = true
        }
        await #expect(throws: RecordError.self) { try await recorder.append([intent(2)]) }
        try hand.change(directory)
        let left = try? directory.bytes(1)
        scripted.set { script in
            script.sync = .none
            script.isCreateRefused = false
        }
        try await appendUntilTaken(recorder, intent(3))
        recorder.close()
        let kept = try? directory.bytes(1)
        #expect(kept == left)
        let text = await refusal { _ = try directory.verify() }
        #expect(text.contains(SegmentDirectory.name(1)))
    }

    @Test func aRemovedDirectoryIsNeverWrittenAgain() async throws {
        let directory = AuditDirectory()
        let recorder = try open(directory, limits)
        _ = try await recorder.append([intent(1)])
        try FileManager.default.removeItem(atPath: directory.log)
        let first = await refusal { _ = try await recorder.append([intent(2)]) }
        #expect(first.contains("\(directory.path(1)) was removed"))
        try FileManager.default.createDirectory(
            atPath: directory.log, withIntermediateDirectories: true)
        try await untilRefused(recorder, for: "/log/lock was removed or replaced")
        recorder.close()
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.log).isEmpty)
        #expect(throws: RecordError.self) { try directory.open() }
    }

    @Test func withoutItsLockTheRecorderDoesNotGoOn() async throws {
        let directory = AuditDirectory()
        let recorder = try open(directory, limits)
        try FileManager.default.removeItem(atPath: directory.log + "/lock")
        // Another process takes the log over.
        try directory.open().close()
        await #expect(throws: RecordError.self) { try await recorder.append([intent(2)]) }
        try await untilRefused(recorder, for: "/log/lock was removed or replaced")
        recorder.close()
        let report = try directory.verify()
        #expect(report.segments == 1 && report.epochs.count == 2)
    }

    private func untilRefused(_ recorder: Recorder, for reason: String) async throws {
        let end = ContinuousClock.now + .seconds(150)
        while ContinuousClock.now < end {
            let text = await refusal { _ = try await recorder.append([intent(9)]) }
            if text.contains(reason) { return }
            await Task.yield()
        }
        Issue.record("never refused for: \(reason)")
    }

    @Test func onlyARunningServersLogIsBeingWritten() throws {
        let directory = AuditDirectory()
        #expect(!AuditVerifier.isBeingWritten(directory: directory.log))
        let recorder = try directory.open()
        #expect(AuditVerifier.isBeingWritten(directory: directory.log))
        recorder.close()
        #expect(!AuditVerifier.isBeingWritten(directory: directory.log))
        // The look leaves no lock behind.
        try directory.open().close()
    }
}
