import Foundation
import Testing

@testable import Enforcement

/// A start over a long segment looks at its end alone, and believes no more for that.
@Suite struct AuditResumeTests {
    /// One segment of some 7 MB whose first call has no outcome.
    private func written() async throws -> AuditDirectory {
        let directory = AuditDirectory()
        let recorder = try directory.open()
        _ = try await recorder.append([intent(1000)])
        for call in 0..<35 {
            _ = try await recorder.append([intent(call, padding: 200_000), outcome(call)])
        }
        recorder.close()
        return directory
    }

    private func point(_ directory: AuditDirectory) throws -> SegmentResume.Point? {
        let line = try #require(directory.lines().first).dropLast()
        let header = try #require(SegmentHeader(line[...], SHA256Hasher()))
        return try SegmentResume.last(
            directory: directory.log, name: SegmentDirectory.name(1), header)
    }

    @Test func aLongSegmentIsCheckedFromItsLastResumeLineOn() async throws {
        let directory = try await written()
        let size = try directory.bytes().count
        let point = try #require(try point(directory))
        #expect(point.offset > size - 5 << 20 && point.offset > 3 << 20)
        let lines = try directory.lines()
        #expect(lines[..<point.linesBefore].reduce(0) { $0 + $1.count } == point.offset)
        // What is in front of it is the verifier's to find.
        var bytes = try directory.bytes()
        bytes[1 << 20] ^= 1
        let copy = AuditDirectory()
        try directory.copy(to: copy)
        try copy.write(bytes)
        try copy.open().close()
        #expect(throws: RecordError.self) { try copy.verify() }
        #expect(try directory.verify().calls == 36)
        try directory.open().close()
        #expect(try directory.verify().segments == 1)
        let text = String(decoding: try directory.bytes().suffix(3000), as: UTF8.self)
        #expect(text.contains(#""event":"outcome","call":"1000","code":"unknown""#))
        #expect(!text.contains(#""event":"outcome","call":"1","code":"unknown""#))
    }

    @Test func damageBehindTheResumeLineKeepsTheServerDown() async throws {
        let directory = try await written()
        let bytes = try directory.bytes()
        let point = try #require(try point(directory))
        let size = bytes.count - point.offset
        // The resume line itself: its number, its edge, its key.
        for distance in [8, 100, 150, 300, 5000, size / 2, size - 210_000] {
            var changed = bytes
            changed[point.offset + distance] ^= 1
            let copy = AuditDirectory()
            try directory.copy(to: copy)
            try copy.write(changed)
            #expect(throws: RecordError.self, "\(distance)") { try copy.open() }
            #expect(throws: RecordError.self, "\(distance)") { try copy.verify() }
        }
    }

    @Test func aTornEndIsCutAndAResumeLineInItIsNotBelieved() async throws {
        let directory = try await written()
        let bytes = try directory.bytes()
        let point = try #require(try point(directory))
        let publicKey = try directory.publicKey
        for end in [bytes.count - 100, point.offset + 2000, point.offset + 100] {
            let copy = AuditDirectory()
            try directory.copy(to: copy)
            try copy.write(Array(bytes[..<end]))
            let torn = try AuditVerifier.verify(directory: copy.log, publicKey: publicKey)
            #expect(torn.tailBytes > 0)
            try copy.open().close()
            let report = try copy.verify()
            #expect(report.calls == torn.calls && report.tailBytes == 0)
        }
    }

    @Test func aCallerCannotWriteAResumeLine() async throws {
        let directory = AuditDirectory()
        let recorder = try directory.open()
        for event in ["resume", "underway"] {
            await #expect(throws: RecordError.self) {
                try await recorder.append([Array("\"event\":\"\(event)\",\"size\":1".utf8)])
            }
        }
        recorder.close()
    }
}
