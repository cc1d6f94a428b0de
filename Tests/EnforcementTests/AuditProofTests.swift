import Foundation
import TestSupport
import Testing

@testable import Enforcement

/// A stranger's means check what we print: `scripts/check-proof` has sha256sum and openssl alone.
@Suite struct AuditProofTests {
    private static func grown(_ starts: Int = 3) async throws -> AuditDirectory {
        let directory = AuditDirectory()
        for start in 0..<starts {
            let recorder = try directory.open(RecorderLimits(segmentBytes: 900))
            for call in 0..<3 { _ = try await recorder.append([outcome(start * 10 + call)]) }
            recorder.close()
        }
        return directory
    }

    static func check(
        _ proof: String, _ directory: AuditDirectory, old: String? = nil
    ) throws -> Bool {
        let script = RecordSchema.file.deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("scripts/check-proof").path
        try proof.write(toFile: directory.root + "/proof", atomically: true, encoding: .utf8)
        var words = [script, directory.root + "/proof", directory.log + "/record.pub"]
        if let old {
            try old.write(toFile: directory.root + "/old", atomically: true, encoding: .utf8)
            words.append(directory.root + "/old")
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = words
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    @Test func aStrangerFindsALineInTheLogAndNoOther() async throws {
        let directory = try await Self.grown()
        let size = try directory.verify().size
        for sequence in [0, 1, 4, size / 2, size - 2] {
            let proof = try AuditProof.inclusion(of: sequence, directory: directory.log).text
            #expect(try Self.check(proof, directory))
            let changed = proof.replacingOccurrences(of: #""at":"2"#, with: #""at":"3"#)
            #expect(try !Self.check(changed, directory))
        }
        #expect(throws: RecordError.self) {
            try AuditProof.inclusion(of: size, directory: directory.log)
        }
    }

    @Test func whatACallerWasGivenProvesTheirLine() async throws {
        let directory = AuditDirectory()
        let recorder = try Recorder.open(
            directory: directory.log, keys: directory.keys, givesEvidence: true)
        let receipt = try await recorder.append([intent(1), outcome(1)])
        recorder.close()
        let evidence = try #require(receipt.evidence)
        #expect(evidence.sequence == receipt.lastSequence)
        let line = try #require(
            try AuditReader(directory: directory.log).line(sequence: evidence.sequence))
        #expect(Base64.encode(SHA256.leaf(line.bytes).bytes) == evidence.leaf)
        let kept = try KeptCheckpoint.read(Array(evidence.checkpoint.utf8))
        let report = try AuditVerifier.verify(
            directory: directory.log, publicKey: directory.publicKey, kept: kept)
        #expect(report.tailBytes == 0)
        #expect(kept.map(\.size) == [evidence.sequence + 1])

        // Whoever takes the line back writes another log, and the receipt says so.
        let other = AuditDirectory()
        try directory.copy(to: other)
        try other.write(other.lines().dropLast(3).flatMap(\.self))
        #expect(throws: RecordError.self) {
            try AuditVerifier.verify(
                directory: other.log, publicKey: directory.publicKey, kept: kept)
        }
    }

    @Test func aStrangerSeesThatTheLogOnlyGrew() async throws {
        let directory = try await Self.grown(1)
        let old = try AuditProof.lastNote(directory: directory.log)
        let size = try #require(Int(old.split(separator: "\n")[1]))
        let recorder = try directory.open()
        for call in 0..<5 { _ = try await recorder.append([outcome(100 + call)]) }
        recorder.close()
        let proof = try AuditProof.consistency(from: size, directory: directory.log).text
        #expect(try Self.check(proof, directory, old: old))
        let other = try AuditProof.consistency(from: size - 1, directory: directory.log).text
        #expect(try Self.check(other, directory))
        #expect(try !Self.check(other, directory, old: old))
        let forged = proof.replacingOccurrences(of: "old \(size) ", with: "old \(size) 00")
        #expect(try !Self.check(forged, directory))
    }

    // MARK: Kept checkpoints

    private func complaint(
        _ directory: AuditDirectory, _ kept: [KeptCheckpoint]
    ) throws -> String? {
        do {
            _ = try AuditVerifier.verify(
                directory: directory.log, publicKey: directory.publicKey, kept: kept)
            return nil
        } catch let error as RecordError { return error.description }
    }

    @Test func aLogThatWasSetBackIsSeen() async throws {
        let directory = try await Self.grown(1)
        let before = AuditDirectory()
        try directory.copy(to: before)
        let recorder = try directory.open()
        _ = try await recorder.append([outcome(50)])
        recorder.close()
        let kept = try KeptCheckpoint.read(
            Array(try AuditProof.lastNote(directory: directory.log).utf8))
        #expect(try complaint(directory, kept) == nil)
        #expect(try complaint(before, kept)?.contains("set back") == true)
    }

    @Test func twoHistoriesAreSeen() async throws {
        let directory = try await Self.grown(1)
        let fork = AuditDirectory()
        try directory.copy(to: fork)
        for (log, call) in [(directory, 1), (fork, 2)] {
            let recorder = try log.open()
            _ = try await recorder.append([outcome(call)])
            recorder.close()
        }
        let note = try AuditProof.lastNote(directory: fork.log)
        let kept = try KeptCheckpoint.read(Array(note.utf8))
        #expect(try complaint(directory, kept)?.contains("two histories") == true)
        #expect(try complaint(fork, kept) == nil)
    }

    @Test func keptCheckpointsAreReadAsNotesAndAsLines() async throws {
        let directory = try await Self.grown(1)
        let note = try AuditProof.lastNote(directory: directory.log)
        let lines = try directory.lines().filter {
            String(decoding: $0, as: UTF8.self).contains(#""event":"checkpoint""#)
        }
        let kept = try KeptCheckpoint.read(Array((note + note).utf8) + lines.flatMap { $0 })
        #expect(kept.count == 2 + lines.count)
        #expect(try complaint(directory, kept) == nil)
        for text in ["", "x", "a\nb\nc\n", #"{"note":"a"}"#] {
            #expect(throws: RecordError.self) { try KeptCheckpoint.read(Array(text.utf8)) }
        }
    }
}
