import Foundation
import Testing

@testable import Enforcement

/// Every edit that we could think of is refused, and the place is named.
@Suite struct AuditTamperTests {
    private static func written() async throws -> AuditDirectory {
        let directory = AuditDirectory()
        for start in 0..<2 {
            let recorder = try directory.open()
            for call in 0..<5 {
                _ = try await recorder.append([intent(start * 10 + call), outcome(call)])
            }
            recorder.close()
        }
        return directory
    }

    private static func place(_ directory: AuditDirectory, key: String? = nil) -> (
        file: String, line: Int
    )? {
        do {
            let report = try AuditVerifier.verify(
                directory: directory.log, publicKey: key ?? directory.publicKey)
            // What looks like the end of a killed server is told, not refused.
            return report.tailBytes > 0 ? ("tail", 0) : nil
        } catch RecordError.damaged(let file, let line, _) {
            return (file, line)
        } catch { return ("\(error)", -1) }
    }

    @Test func everyChangedByteIsSeen() async throws {
        let directory = try await Self.written()
        let bytes = try directory.bytes()
        #expect(Self.place(directory) == nil)
        for index in stride(from: 0, to: bytes.count, by: 7) {
            var changed = bytes
            changed[index] ^= 1
            try directory.write(changed)
            #expect(Self.place(directory) != nil, "byte \(index)")
        }
        for index in bytes.count - 500..<bytes.count {
            var changed = bytes
            changed[index] ^= 1
            try directory.write(changed)
            #expect(Self.place(directory) != nil, "byte \(index)")
        }
    }

    @Test func deletedSwappedAndDoubledLinesAreNamed() async throws {
        let directory = try await Self.written()
        let lines = try directory.lines()
        for index in 1..<lines.count {
            var deleted = lines
            deleted.remove(at: index)
            try directory.write(Array(deleted.joined()))
            let place = Self.place(directory)
            if index < lines.count - 1 { #expect(place?.line == index + 1) }
            #expect(place != nil)

            var doubled = lines
            doubled.insert(lines[index], at: index)
            try directory.write(Array(doubled.joined()))
            #expect(Self.place(directory)?.line == index + 2)

            guard index + 1 < lines.count else { continue }
            var swapped = lines
            swapped.swapAt(index, index + 1)
            try directory.write(Array(swapped.joined()))
            #expect(Self.place(directory)?.line == index + 1)
        }
    }

    @Test func otherWritingsOfTheSameJSONAreRefused() async throws {
        let directory = try await Self.written()
        let text = String(decoding: try directory.bytes(), as: UTF8.self)
        let edits: [(String) -> String] = [
            { $0.replacingOccurrences(of: "\n", with: "\r\n") },
            { $0.replacingOccurrences(of: #""call":"12""#, with: #""call": "12""#) },
            { $0.replacingOccurrences(of: #"{"seq":5,"#, with: #"{"seq":05,"#) },
            { $0.replacingOccurrences(of: #"{"seq":5,"#, with: #"{"seq":5, "#) },
            { $0.replacingOccurrences(of: "intent", with: "inten\u{74}\u{301}") },
            { "\n" + $0 },
            { $0 + "\n" },
            { $0.replacingOccurrences(of: "\n{\"seq\":4", with: "\n\n{\"seq\":4") },
        ]
        for (index, edit) in edits.enumerated() {
            try directory.write(Array(edit(text).utf8))
            #expect(Self.place(directory) != nil, "edit \(index)")
        }
    }

    @Test func anotherKeyVerifiesNothing() async throws {
        let directory = try await Self.written()
        let other = try await Self.written()
        #expect(Self.place(directory, key: try other.publicKey)?.line == 1)
        let key = CheckpointKey(
            origin: try #require(CheckpointKey(text: String(directory.publicKey.dropLast())))
                .origin,
            publicKey: try Ed25519PrivateKey.generate().publicKey)
        #expect(Self.place(directory, key: key.text)?.line == 1)
        #expect(Self.place(directory, key: "rubbish")?.line == -1)
    }

    /// The forger has the whole log, rewrites one line and all that follows, but has another key.
    @Test func aLogSignedAnewByAnotherKeyIsRefused() async throws {
        let directory = try await Self.written()
        let forged = try await Self.written()
        try FileManager.default.removeItem(atPath: directory.path(1))
        try FileManager.default.copyItem(atPath: forged.path(1), toPath: directory.path(1))
        #expect(Self.place(directory)?.line == 1)
        #expect(throws: RecordError.self) { try directory.open() }
    }

    @Test func segmentsCannotBeDroppedOrTakenFromElsewhere() async throws {
        let directory = AuditDirectory()
        let recorder = try directory.open(RecorderLimits(segmentBytes: 1000))
        for call in 0..<12 { _ = try await recorder.append([intent(call)]) }
        recorder.close()
        let count = try directory.segments.count
        #expect(count > 3)
        let copy = AuditDirectory()
        for dropped in 1..<count {
            try directory.copy(to: copy)
            try FileManager.default.removeItem(atPath: copy.path(dropped))
            #expect(Self.place(copy)?.file == SegmentDirectory.name(dropped))
            #expect(throws: RecordError.self) { try copy.open() }
            for later in dropped + 1...count {
                try FileManager.default.moveItem(
                    atPath: copy.path(later), toPath: copy.path(later - 1))
            }
            #expect(Self.place(copy) != nil)
        }
    }

    @Test func bytesBehindAnEarlierSegmentNeedALineThatExplainsThem() async throws {
        let directory = AuditDirectory()
        let recorder = try directory.open(RecorderLimits(segmentBytes: 1000))
        for call in 0..<12 { _ = try await recorder.append([intent(call)]) }
        recorder.close()
        try directory.write(directory.bytes(1) + Array("junk\n".utf8), 1)
        #expect(Self.place(directory)?.file == SegmentDirectory.name(1))
    }
}
