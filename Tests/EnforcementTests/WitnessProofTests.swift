import Foundation
import TestSupport
import Testing

@testable import Enforcement

/// What witnesses are shown, and what they answer.
@Suite struct WitnessProofTests {
    private static func end(_ directory: AuditDirectory) throws -> LogEnd {
        try #require(try LogEnd.last(directory: directory.log))
    }

    private static func cosign(
        _ end: LogEnd, at time: UInt64 = 1_700_000_000, _ name: String, _ key: Ed25519PrivateKey
    ) throws -> String {
        let witness = WitnessKey(name: name, publicKey: key.publicKey)
        let digits = witness.text.split(separator: "+")[1]
        let hash = try #require(Hex.decode(String(digits)))
        let text = end.note.components(separatedBy: "\n\n")[0] + "\n"
        let message = "cosignature/v1\ntime \(time)\n" + text
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: time >> (56 - 8 * $0)) }
        return "— \(name) "
            + Base64.encode(hash + bytes + (try key.sign(Array(message.utf8))))
    }

    @Test func aWitnessFollowsTheLogFromEverySizeOverSegmentsAndKeys() async throws {
        let directory = AuditDirectory()
        var ends: [LogEnd] = []
        for start in 0..<3 {
            let recorder = try directory.open(RecorderLimits(segmentBytes: 1_500))
            for call in 0..<8 {
                _ = try await recorder.append([outcome(start * 10 + call)])
                ends.append(try Self.end(directory))
            }
            recorder.close()
        }
        #expect(try directory.segments.count > 3)
        var leaves: [[UInt8]] = []
        try AuditReader(directory: directory.log).forEach { line in
            leaves.append(GrowthProof.leaf(line.bytes))
            return true
        }
        for end in ends {
            let root = GrowthProof.root(leaves[..<end.size])
            for old in 1...end.size {
                let growth = try end.growth(since: old)
                let oldRoot = GrowthProof.root(leaves[..<old])
                #expect(growth.oldRoot == Base64.encode(oldRoot))
                #expect(
                    GrowthProof.holds(
                        old: old, oldRoot: oldRoot, new: end.size, newRoot: root,
                        proof: growth.proof.compactMap { Base64.decode($0) }),
                    "from \(old) to \(end.size)")
            }
            for old in [0, -1, end.size + 1] {
                #expect(throws: RecordError.self) { try end.growth(since: old) }
            }
        }
    }

    @Test func linesThatAreNotThoseOfTheCheckpointAreNotProved() async throws {
        let directory = AuditDirectory()
        let recorder = try directory.open()
        for call in 0..<3 { _ = try await recorder.append([outcome(call)]) }
        recorder.close()
        let end = try Self.end(directory)
        let text = String(decoding: try directory.bytes(), as: UTF8.self)
        try directory.write(
            Array(text.replacingOccurrences(of: #""call":"1""#, with: #""call":"7""#).utf8))
        #expect(throws: RecordError.self) { try end.growth(since: 2) }
    }

    @Test func onlyTheWitnessItselfVouchesForACheckpoint() async throws {
        let directory = AuditDirectory()
        let recorder = try directory.open()
        _ = try await recorder.append([outcome(1)])
        let end = try Self.end(directory)
        _ = try await recorder.append([outcome(2)])
        recorder.close()
        let other = try Self.end(directory)
        let (key, stranger) = (try Ed25519PrivateKey.generate(), try Ed25519PrivateKey.generate())
        let witness = try #require(
            WitnessKey(text: WitnessKey(name: "w.example", publicKey: key.publicKey).text))
        let good = try Self.cosign(end, "w.example", key)
        let foreign = try Self.cosign(end, "w.example", stranger)
        #expect(witness.cosignature(in: Array((good + "\n").utf8), over: end) == good)
        #expect(
            witness.cosignature(in: Array("\(foreign)\nnoise\n\(good)\n".utf8), over: end) == good)
        for answer in [
            "", "\n", foreign, try Self.cosign(other, "w.example", key),
            try Self.cosign(end, "v.example", key), try Self.cosign(end, at: 0, "w.example", key),
            String(good.dropLast(8)), good.replacingOccurrences(of: "— ", with: "- "),
        ] {
            #expect(witness.cosignature(in: Array(answer.utf8), over: end) == nil, "\(answer)")
        }
    }

    @Test func aVerifierKeyThatDoesNotAgreeWithItselfIsNone() throws {
        let key = try Ed25519PrivateKey.generate()
        let text = WitnessKey(name: "w.example/a", publicKey: key.publicKey).text
        #expect(WitnessKey(text: text)?.text == text)
        // A key of plain signatures is not one of cosignatures.
        let plain = CheckpointKey(origin: "w.example/a", publicKey: key.publicKey).text
        for spoiled in [
            "", "w", plain, "x" + text, text + "=", String(text.dropLast()),
            text.replacingOccurrences(of: "+", with: " "),
        ] {
            #expect(WitnessKey(text: spoiled) == nil, "\(spoiled)")
        }
    }

    @Test func aCosignedCheckpointBindsTheLog() async throws {
        let directory = AuditDirectory()
        var recorder = try directory.open()
        _ = try await recorder.append([outcome(1)])
        recorder.close()
        let (before, fork) = (AuditDirectory(), AuditDirectory())
        try directory.copy(to: before)
        try directory.copy(to: fork)
        for (log, call) in [(directory, 2), (fork, 3)] {
            recorder = try log.open()
            _ = try await recorder.append([outcome(call)])
            recorder.close()
        }
        let end = try Self.end(directory)
        let key = try Ed25519PrivateKey.generate()
        let logKey = WitnessedLogKey(try Ed25519PrivateKey.generate(), origin: end.origin)
        let cosigned = try logKey.note(of: end) + Self.cosign(end, "w", key) + "\n"
        let kept = try KeptCheckpoint.read(Array((cosigned + end.note).utf8))
        #expect(kept.map(\.size) == [end.size, end.size])
        let complaints = try [directory, before, fork].map { log in
            do {
                _ = try AuditVerifier.verify(
                    directory: log.log, publicKey: log.publicKey, kept: [kept[0]])
                return ""
            } catch let error as RecordError { return error.description }
        }
        #expect(complaints[0].isEmpty)
        #expect(complaints[1].contains("set back"))
        #expect(complaints[2].contains("two histories"))
    }

    @Test func theLogsOwnKeyForWitnessesSignsWhatTheRecordSigned() async throws {
        let directory = AuditDirectory()
        let recorder = try directory.open()
        _ = try await recorder.append([outcome(1)])
        recorder.close()
        let end = try Self.end(directory)
        let logKey = WitnessedLogKey(try Ed25519PrivateKey.generate(), origin: end.origin)
        let lines = try logKey.note(of: end).split(separator: "\n").map(String.init)
        #expect(lines.count == 5)
        let signer = try #require(CheckpointKey(text: logKey.text))
        let signature = Array(lines[4].dropFirst("— \(end.origin) ".count).utf8)
        let note = CheckpointNote(text: Array((lines[..<3].joined(separator: "\n") + "\n").utf8))
        #expect(note.isSigned(signature[...], by: signer))
    }
}
