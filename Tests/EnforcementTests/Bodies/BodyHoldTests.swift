import Foundation
import Testing

@testable import Enforcement

/// What is held outlives the key of its day, whatever the disk does.
@Suite final class BodyHoldTests {
    private let log = BodyLog()
    private let recorder: Recorder
    private var keys: String { log.directory.keys }

    init() throws { recorder = try log.open() }

    deinit { recorder.close() }

    /// Three answers, of which the first is held and the others destroyed.
    private func destroyed() async throws -> BodyKey.ID {
        for call in 1...3 { try await BodyLog.keep(call, "answer \(call)", in: recorder) }
        try await destroy(holding: ["1"])
        return try #require(try log.notes.first?.note.key)
    }

    private func destroy(holding calls: Set<String>) async throws {
        var destruction = try log.destruction(holding: calls)
        if let line = try destruction.prepare() { _ = try await recorder.append([line]) }
        try destruction.finish()
    }

    /// What can be read.
    private func readable() throws -> [String] {
        try log.notes.filter { (try? log.text($0.note, of: $0.call)) != nil }.map(\.call)
    }

    private func complaint(holding calls: Set<String> = ["1"]) async -> String {
        do {
            try await destroy(holding: calls)
            return ""
        } catch { return "\(error)" }
    }

    private func write(_ bytes: [UInt8], _ path: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    enum Spoiled: CaseIterable { case unreadable, damaged, gone }

    private static func spoil(_ path: String, _ how: Spoiled) throws {
        let manager = FileManager.default
        try manager.copyItem(atPath: path, toPath: path + "-aside")
        switch how {
        case .unreadable:
            try manager.removeItem(atPath: path)
            try manager.createDirectory(atPath: path, withIntermediateDirectories: false)
        case .damaged:
            var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            bytes += Data("x\n".utf8)
            try bytes.write(to: URL(fileURLWithPath: path))
        case .gone: try manager.removeItem(atPath: path)
        }
    }

    private static func restore(_ path: String) throws {
        let manager = FileManager.default
        try? manager.removeItem(atPath: path)
        try manager.moveItem(atPath: path + "-aside", toPath: path)
    }

    @Test(arguments: Spoiled.allCases)
    func nothingHeldIsDestroyedForLackOfItsKey(_ how: Spoiled) async throws {
        let key = try await destroyed()
        let path = BodyKey.path(key, .held, in: keys)
        let lines = try log.verify().lines
        try Self.spoil(path, how)
        #expect(try !log.destruction(holding: ["1"]).isSettled)
        let complaint = await complaint()
        #expect(complaint.contains("the answer of line 3 is held and cannot be kept"))
        #expect(complaint.contains("restore them, or end the hold"))
        #expect(try log.verify().lines == lines)
        try Self.restore(path)
        #expect(try readable() == ["1"])
        #expect(try log.destruction(holding: ["1"]).isSettled)
    }

    @Test(arguments: [Spoiled.unreadable, .damaged])
    func aDayKeyThatCannotBeReadBehindItsLineIsNotTakenForDestroyed(_ how: Spoiled) async throws {
        for call in 1...3 { try await BodyLog.keep(call, in: recorder) }
        var destruction = try log.destruction(holding: ["1"])
        _ = try await recorder.append([try #require(try destruction.prepare())])
        let path = BodyKey.path(destruction.key, .end, in: keys)
        try Self.spoil(path, how)
        let complaint = await complaint()
        #expect(complaint.contains("is held and cannot be kept"))
        #expect(complaint.contains("restore them, or end the hold"))
        try Self.restore(path)
        #expect(await self.complaint() == "")
        #expect(try readable() == ["1"])
        #expect(try log.verify(.keys(keys)).bodies == 1)
    }

    @Test func aHoldThatEndsNeedsNoKeysToDestroyWhatWasHeld() async throws {
        let key = try await destroyed()
        let path = BodyKey.path(key, .held, in: keys)
        try write([UInt8]("x\n".utf8), path)
        #expect(await complaint(holding: []) == "")
        #expect(!FileManager.default.fileExists(atPath: path))
        #expect(try log.verify().destroyedBodies == 3)
    }

    /// The old keys are overwritten first, when the new ones are durable.
    @Test(arguments: [1, 40, .max])
    func aCrashAmidTheErasureOfWhatWasHeldLosesNothing(_ erased: Int) async throws {
        for call in 1...3 { try await BodyLog.keep(call, in: recorder) }
        try await destroy(holding: ["1", "2"])
        var destruction = try log.destruction(holding: ["1"])
        _ = try await recorder.append([try #require(try destruction.prepare())])
        let path = BodyKey.path(destruction.key, .held, in: keys)
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        for index in bytes.indices.prefix(erased) { bytes[index] = 0 }
        try write(bytes, path)
        #expect(await complaint() == "")
        #expect(try readable() == ["1"])
        #expect(try log.verify(.keys(keys)).destroyedBodies == 2)
    }

    @Test func whoIsHeldTooLateTakesNothingFromWhoWasHeldInTime() async throws {
        _ = try await destroyed()
        #expect(await complaint(holding: ["1", "2"]) == "")
        #expect(try readable() == ["1"])
    }
}
