import Foundation
import Testing

@testable import Enforcement

/// Where a log begins, and where one was begun and is gone.
@Suite struct AuditBeginTests {
    private let manager = FileManager.default

    private func refusal(_ directory: AuditDirectory) -> String {
        do {
            try directory.open().close()
            return "no error"
        } catch { return "\(error)" }
    }

    private func begun() async throws -> AuditDirectory {
        let directory = AuditDirectory()
        let recorder = try directory.open()
        _ = try await recorder.append([intent(1)])
        recorder.close()
        return directory
    }

    private func expectWayOut(_ text: String, _ directory: AuditDirectory) {
        #expect(text.contains("restore it, or move \(directory.log) and \(directory.keys) aside"))
    }

    /// Else a crash may take a folder away again, and all that was synced in it.
    @Test func theEntryOfANewFolderIsMadeDurableAndThatOfAnOldOneIsLeft() throws {
        let path = AuditDirectory().root
        try manager.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? manager.removeItem(atPath: path) }
        var synced: [String] = []
        for _ in 1...2 {
            try RecorderDisk.makeDirectory(path + "/new", mode: 0o700) { parent in
                synced.append(URL(fileURLWithPath: parent).standardizedFileURL.path)
            }
        }
        #expect(synced == [URL(fileURLWithPath: path).standardizedFileURL.path])
        #expect(throws: RecordError.self) {
            try RecorderDisk.makeDirectory(path + "/none/new", mode: 0o700)
        }
        #expect(throws: RecordError.self) {
            try RecorderDisk.makeDirectory(path + "/other", mode: 0o700) { _ throws(RecordError) in
                throw .unavailable("sync")
            }
        }
    }

    enum Loss: CaseIterable { case directory, content, segments }

    @Test(arguments: Loss.allCases)
    func aLogThatIsGoneIsNotBegunAgainUntilItsKeysAreMovedToo(_ loss: Loss) async throws {
        let directory = try await begun()
        switch loss {
        case .directory: try manager.removeItem(atPath: directory.log)
        case .content:
            try manager.removeItem(atPath: directory.log)
            try manager.createDirectory(
                atPath: directory.log, withIntermediateDirectories: true)
        case .segments: try manager.removeItem(atPath: directory.path(1))
        }
        for _ in 0..<2 {
            let text = refusal(directory)
            #expect(text.contains("000001.jsonl: the segment is missing"))
            expectWayOut(text, directory)
        }
        #expect(try directory.segments.isEmpty)
        #expect(manager.fileExists(atPath: directory.keys + "/epoch-1.pem"))
        // The way out.
        try manager.moveItem(atPath: directory.log, toPath: directory.root + "/log-old")
        try manager.moveItem(atPath: directory.keys, toPath: directory.root + "/keys-old")
        try directory.open().close()
        #expect(try directory.verify().epochs.count == 1)
    }

    @Test func aDamagedLogIsRefusedByFileLineAndWayOut() async throws {
        let directory = try await begun()
        var lines = try directory.lines()
        lines[2][lines[2].count / 2] ^= 1
        try directory.write(Array(lines.joined()))
        let text = refusal(directory)
        #expect(text.hasPrefix("000001.jsonl:"))
        expectWayOut(text, directory)
        try directory.write([])
        #expect(refusal(directory).hasPrefix("000001.jsonl:1: "))
    }

    /// What kill -9 leaves of the first start, in the order in which it happens. No window before
    /// the mark may keep the next start down, and none behind it may forget the log.
    enum Window: CaseIterable {
        case directories, tornKey, key, unnamedSegment, segment, mark, everything
    }

    @Test(arguments: Window.allCases)
    func aKillInAnyWindowOfTheFirstStartIsNoObstacle(_ window: Window) throws {
        let directory = AuditDirectory()
        try directory.open().close()
        let key = directory.keys + "/epoch-1.pem"
        let isBegun: Bool
        switch window {
        case .directories, .tornKey, .key, .unnamedSegment:
            isBegun = false
            try manager.removeItem(atPath: directory.log + "/record.pub")
            try manager.removeItem(atPath: directory.keys + "/begun")
            try manager.moveItem(atPath: directory.path(1), toPath: directory.path(1) + ".new")
            if window == .unnamedSegment { break }
            try manager.removeItem(atPath: directory.path(1) + ".new")
            if window == .key { break }
            try manager.removeItem(atPath: key)
            if window == .tornKey { try Data("-----BEG".utf8).write(to: URL(fileURLWithPath: key)) }
        case .segment:
            isBegun = true
            try manager.removeItem(atPath: directory.log + "/record.pub")
            try manager.removeItem(atPath: directory.keys + "/begun")
        case .mark:
            isBegun = true
            try manager.removeItem(atPath: directory.log + "/record.pub")
        case .everything: isBegun = true
        }
        let old = try? directory.lines().first
        try directory.open().close()
        let report = try directory.verify()
        #expect(report.epochs.count == (isBegun ? 2 : 1))
        if isBegun { #expect(try directory.lines().first == old) }
        #expect(manager.fileExists(atPath: directory.keys + "/begun"))
        try manager.removeItem(atPath: directory.log)
        #expect(refusal(directory).contains("a record was begun here and is gone"))
    }

    @Test func aFirstStartThatTheDiskRefusesLeavesNoMark() throws {
        let directory = AuditDirectory()
        for fault in [ScriptedDisk.Fault.enospc, .short(100), .eio] {
            let scripted = ScriptedDisk()
            scripted.set { $0.write = fault }
            #expect(throws: RecordError.self) { try directory.open(disk: scripted.disk) }
            scripted.set { script in
                script.write = .none
                script.sync = .eio
            }
            #expect(throws: RecordError.self) { try directory.open(disk: scripted.disk) }
            #expect(!manager.fileExists(atPath: directory.keys + "/begun"))
        }
        try directory.open().close()
        #expect(try directory.verify().epochs.count == 1)
    }

    @Test(arguments: ["", "/", "//"])
    func aDirectoryBehindASymbolicLinkIsRefused(_ end: String) async throws {
        let directory = try await begun()
        let moved = directory.root + "/elsewhere"
        try manager.moveItem(atPath: directory.log, toPath: moved)
        try manager.createSymbolicLink(atPath: directory.log, withDestinationPath: moved)
        let before = try manager.contentsOfDirectory(atPath: moved).sorted()
        do {
            try Recorder.open(directory: directory.log + end, keys: directory.keys).close()
            Issue.record("the link was followed")
        } catch {
            #expect("\(error)".contains("\(directory.log) is a symbolic link"))
        }
        #expect(try manager.contentsOfDirectory(atPath: moved).sorted() == before)
        try manager.removeItem(atPath: directory.log)
        try manager.moveItem(atPath: moved, toPath: directory.log)
        try Recorder.open(directory: directory.log + end, keys: directory.keys).close()
    }
}
